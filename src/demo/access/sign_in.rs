//! The service account's way in: password, then a code where one is asked for; five wrong ones lock it.

use subtle::ConstantTimeEq;

use super::Totp;

/// How many wrong passwords or codes in a row lock the account.
const ALLOWED_FAILURES: u32 = 5;
/// How long it stays locked.
const LOCKED_MS: i64 = 15 * 60 * 1000;

/// The one account that can sign in, and how often it was tried in vain.
pub(in crate::demo) struct SignIn {
    /// The member who signs in.
    pub(in crate::demo) member_id: u64,
    password: String,
    totp: Option<Totp>,
    failures: u32,
    locked_until_ms: Option<i64>,
}

/// What a password or a code got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Answer {
    /// Come in.
    SignedIn,
    /// Right; the code comes next.
    CodeNeeded,
    /// Wrong.
    Refused,
    /// Not even looked at.
    Locked,
}

impl SignIn {
    pub(in crate::demo) fn new(member_id: u64, password: &str, totp: Option<Totp>) -> Self {
        Self { member_id, password: password.to_owned(), totp, failures: 0, locked_until_ms: None }
    }

    /// Tries a password.
    pub(in crate::demo) fn password(&mut self, typed: &str, now_ms: i64) -> Answer {
        if self.is_locked(now_ms) {
            return Answer::Locked;
        }
        if !bool::from(self.password.as_bytes().ct_eq(typed.as_bytes())) {
            return if self.fail(now_ms) { Answer::Locked } else { Answer::Refused };
        }
        if self.totp.is_some() {
            return Answer::CodeNeeded;
        }
        self.failures = 0;
        Answer::SignedIn
    }

    /// Tries a code, after the password was right.
    pub(in crate::demo) fn code(&mut self, typed: &str, now_ms: i64) -> Answer {
        if self.is_locked(now_ms) {
            return Answer::Locked;
        }
        if self.totp.as_mut().is_some_and(|totp| totp.accept(typed, now_ms)) {
            self.failures = 0;
            return Answer::SignedIn;
        }
        if self.fail(now_ms) { Answer::Locked } else { Answer::Refused }
    }

    /// Counts a failure; whether it was the one that locks.
    fn fail(&mut self, now_ms: i64) -> bool {
        self.failures += 1;
        let locks = self.failures >= ALLOWED_FAILURES;
        if locks {
            self.failures = 0;
            self.locked_until_ms = Some(now_ms.saturating_add(LOCKED_MS));
        }
        locks
    }

    fn is_locked(&self, now_ms: i64) -> bool {
        self.locked_until_ms.is_some_and(|until| now_ms < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_wrong_password_locks_for_a_quarter_of_an_hour() {
        let mut sign_in = SignIn::new(1, "right", None);
        for _ in 0..4 {
            assert_eq!(sign_in.password("wrong", 0), Answer::Refused);
        }
        assert_eq!(sign_in.password("wrong", 0), Answer::Locked);
        assert_eq!(sign_in.password("right", LOCKED_MS - 1), Answer::Locked);
        assert_eq!(sign_in.password("wrong", LOCKED_MS), Answer::Refused, "the count starts anew");
        assert_eq!(sign_in.password("right", LOCKED_MS), Answer::SignedIn);
    }

    #[test]
    fn only_a_whole_sign_in_forgets_failures() {
        let totp = Totp::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let mut sign_in = SignIn::new(1, "right", totp);
        for _ in 0..4 {
            assert_eq!(sign_in.password("right", 0), Answer::CodeNeeded);
            assert_eq!(sign_in.code("000000", 0), Answer::Refused);
        }
        assert_eq!(sign_in.password("right", 0), Answer::CodeNeeded);
        assert_eq!(sign_in.code("000000", 0), Answer::Locked);
    }
}
