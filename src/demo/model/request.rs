//! What the forms ask for, as typed, and what may be typed.

use super::Refusal;

const LONGEST: usize = 200;

/// Who does something, and when.
#[derive(Clone, Debug)]
pub(in crate::demo) struct By {
    pub(in crate::demo) actor: String,
    pub(in crate::demo) at_ms: i64,
}

/// The invite form, as typed.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Invitation {
    pub(in crate::demo) email: String,
    pub(in crate::demo) name: String,
    pub(in crate::demo) role: String,
    /// What the link in the mail carries.
    pub(in crate::demo) token: String,
}

/// The edit form, as typed.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Edit {
    pub(in crate::demo) name: String,
    pub(in crate::demo) email: String,
    pub(in crate::demo) role: String,
    pub(in crate::demo) teams: Vec<String>,
}

/// The name with its white space folded.
pub(super) fn checked_name(typed: &str) -> Result<String, Refusal> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(Refusal::NoName);
    }
    if name.chars().count() > LONGEST { Err(Refusal::TooLong) } else { Ok(name) }
}

/// The address, trimmed; what mail really accepts is not for a form to judge.
pub(super) fn checked_email(typed: &str) -> Result<String, Refusal> {
    let email = typed.trim();
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"".contains(c);
    let valid = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty())
    });
    if !valid || !email.chars().all(plain) {
        return Err(Refusal::InvalidEmail);
    }
    if email.chars().count() > LONGEST { Err(Refusal::TooLong) } else { Ok(email.to_owned()) }
}
