//! The closed list of reasons for which a job can fail.
//!
//! The store, the API, the connector files and the documentation all name a failure by these words. One row of
//! [`CLASSES`] holds everything that is said of a class; adding one is adding a variant and its row.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! classes {
    ($($variant:ident $word:literal $retry:ident $stops:ident $who:literal $says:literal;)*) => {
        /// Why a job failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FailureClass { $(#[doc = $says] $variant,)* }

        /// Every class, in the order of the documentation.
        pub const CLASSES: &[ClassInfo] = &[$(ClassInfo {
            class: FailureClass::$variant, word: $word, retry: Retry::$retry, stops: Stops::$stops, who_acts: $who, says: $says,
        }),*];
    };
}

/// Whether a job that failed so is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not by itself.
    Never,
    /// Once, and only when nothing was committed.
    Once,
    /// With growing pauses until the attempts run out.
    Backoff,
    /// Only a reading of the app may follow.
    ReadFirst,
}

/// What a failure keeps from running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// This job alone.
    Job,
    /// All jobs of this account.
    Account,
    /// All jobs that need the same operation of the connector.
    Operation,
    /// All jobs of the integration.
    Integration,
}

/// What is known of a failure class.
#[derive(Clone, Copy, Debug)]
pub struct ClassInfo {
    /// The class.
    pub class: FailureClass,
    /// Its word, as it is stored and written in connector files.
    pub word: &'static str,
    /// Whether it is tried again.
    pub retry: Retry,
    /// What it keeps from running.
    pub stops: Stops,
    /// Who has to do something.
    pub who_acts: &'static str,
    /// What it means, in one sentence.
    pub says: &'static str,
}

classes! {
    AuthFailed "auth_failed" Never Integration "admin" "The app refused the service account's password or code.";
    MfaUnexpected "mfa_unexpected" Never Integration "admin" "The app asked for a second factor that is not configured.";
    Captcha "captcha" Never Integration "admin" "The app asked for a CAPTCHA; they are never solved.";
    PermissionDenied "permission_denied" Never Operation "admin" "The service account may not do this in the app.";
    AmbiguousMatch "ambiguous_match" Never Job "admin" "Several elements or accounts match where one must.";
    IdentityMismatch "identity_mismatch" Never Job "admin" "What is on the page is not the account that was meant.";
    WrongTenant "wrong_tenant" Never Job "admin" "The page belongs to another organisation of the app.";
    SeatLimit "seat_limit" Never Job "admin" "The app has no free seat.";
    InvalidValue "invalid_value" Never Job "admin" "The app refused a value.";
    Unsupported "unsupported" Never Job "admin" "The connector has no flow for this.";
    Protected "protected" Never Job "admin" "The account is protected from changes.";
    LastAdmin "last_admin" Never Job "admin" "The account is the last administrator of the app.";
    Safeguard "safeguard" Never Job "admin" "A person has to look before this is done.";
    UiDrift "ui_drift" Once Operation "author" "The page is not as the connector describes it.";
    UnexpectedDialog "unexpected_dialog" Once Operation "author" "The page opened a dialog that the connector does not know.";
    RateLimited "rate_limited" Backoff Job "nobody" "The app asked for fewer requests.";
    AppUnavailable "app_unavailable" Backoff Job "nobody" "The app did not answer, or answered with an error.";
    SessionLost "session_lost" Backoff Job "nobody" "The app ended the session in the middle of the work.";
    Timeout "timeout" Backoff Job "nobody" "The app took too long.";
    OutcomeUnknown "outcome_unknown" ReadFirst Account "nobody" "It is not known whether the last change was made.";
    VerifyMismatch "verify_mismatch" Once Job "admin" "The app said yes, but a reading shows something else.";
    BrowserCrashed "browser_crashed" Once Job "operator" "Chromium ended unexpectedly.";
    Internal "internal" Once Job "operator" "A fault in Usher itself.";
}

impl FailureClass {
    /// What is known of this class.
    pub fn info(self) -> &'static ClassInfo {
        // The table is made from the same list as the variants, in the same order.
        CLASSES.get(self as usize).unwrap_or(&CLASSES[0])
    }

    /// Its word, as it is stored.
    pub fn as_str(self) -> &'static str {
        self.info().word
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no failure class.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no failure class")]
pub struct UnknownClass(pub String);

impl FromStr for FailureClass {
    type Err = UnknownClass;

    fn from_str(word: &str) -> Result<Self, UnknownClass> {
        CLASSES
            .iter()
            .find(|info| info.word == word)
            .map(|info| info.class)
            .ok_or_else(|| UnknownClass(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_back_from_its_word_and_from_json() {
        for info in CLASSES {
            assert_eq!(info.word.parse::<FailureClass>().unwrap(), info.class);
            assert_eq!(serde_json::to_string(&info.class).unwrap(), format!("\"{}\"", info.word));
            assert_eq!(info.class.info().word, info.word);
        }
        assert!("sunspots".parse::<FailureClass>().is_err());
    }
}
