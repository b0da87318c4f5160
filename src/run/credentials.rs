//! The service account's credentials, as the templates of `login` see them.

use std::collections::BTreeMap;

use super::totp;
use crate::clock::SharedClock;
use crate::playbook::ScopeValue;
use crate::secret::{ExposeSecret, Redactor, SecretString};
use crate::step::Failure;

/// The one credential that is no secret.
pub const USERNAME: &str = "username";

/// What `credentials.…` is: `totp` becomes the code of the moment in which it is typed.
///
/// # Errors
/// `mfa_unexpected` where no code can be made of the TOTP secret.
pub fn credentials(
    values: &BTreeMap<String, SecretString>,
    clock: &SharedClock,
) -> Result<ScopeValue, Failure> {
    let mut fields = BTreeMap::new();
    for (name, secret) in values {
        let value = match name.as_str() {
            USERNAME => ScopeValue::Text(secret.expose_secret().to_owned()),
            "totp" => totp::code(secret, clock.clone())?,
            _ => ScopeValue::Secret(secret.clone()),
        };
        fields.insert(name.clone(), value);
    }
    Ok(ScopeValue::Map(fields))
}

/// Knows what an app must not get to echo into a log.
pub fn redactor(values: &BTreeMap<String, SecretString>) -> Redactor {
    let mut redactor = Redactor::default();
    values.iter().filter(|(name, _)| *name != USERNAME).for_each(|(_, secret)| redactor.add(secret));
    redactor
}
