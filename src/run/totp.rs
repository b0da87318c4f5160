//! One-time codes of the service account (RFC 6238), made when they are typed.

use std::fmt;
use std::sync::Arc;

use totp_rs::{Builder, Secret, Totp};

use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::playbook::ScopeValue;
use crate::secret::{ExposeSecret, SecretString};
use crate::step::Failure;

/// A value that is the code of the moment in which it is used. `secret` is the shared secret in base32, spaces and case
/// as apps show it.
///
/// # Errors
/// `mfa_unexpected` where the secret is not base32: no code can be made of it.
pub(super) fn code(secret: &SecretString, clock: SharedClock) -> Result<ScopeValue, Failure> {
    let plain: String = secret.expose_secret().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let key =
        Secret::try_from_base32(plain.to_uppercase().trim_end_matches('=')).map_err(|_| unreadable())?;
    // Apps give out secrets shorter than RFC 4226 asks for; the code is the app's own to choose.
    let totp = Builder::new().with_secret(key).build_noncompliant();
    let maker = Maker { totp, clock };
    Ok(ScopeValue::Computed(Arc::new(move || maker.now())))
}

struct Maker {
    totp: Totp,
    clock: SharedClock,
}

impl Maker {
    fn now(&self) -> SecretString {
        let seconds = u64::try_from(self.clock.now().as_secs()).unwrap_or(0);
        SecretString::from(self.totp.generate(seconds).to_string())
    }
}

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maker")
    }
}

fn unreadable() -> Failure {
    let message =
        "the TOTP secret is not base32; enter the one that the app shows when two-factor login is set up";
    Failure::new(FailureClass::MfaUnexpected, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, its secret "12345678901234567890"; the last six of its eight digits.
        let secret = SecretString::from("gezd gnbv gy3t qojq gezd gnbv gy3t qojq");
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let clock = ManualClock::at(Timestamp::from_ms(seconds * 1000));
            let Ok(ScopeValue::Computed(code)) = code(&secret, clock) else { panic!("a computed value") };
            assert_eq!(code().expose_secret(), expected);
        }
    }

    #[test]
    fn a_secret_that_is_none_is_said_and_not_repeated() {
        let secret = SecretString::from("not-base32!");
        let failure = code(&secret, ManualClock::at(Timestamp::from_ms(0))).err().unwrap();
        assert!(!failure.message.contains("not-base32!"), "{failure}");
    }
}
