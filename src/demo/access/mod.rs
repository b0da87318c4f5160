//! Who may come in: the service account's password and code, its lockout, and sessions.

mod session;
mod sign_in;
mod totp;

pub(super) use session::{Sessions, Stage, random_token};
pub(super) use sign_in::{Answer, SignIn};
pub(super) use totp::Totp;
