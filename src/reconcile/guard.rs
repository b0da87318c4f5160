//! Who must not be changed (R14), and who might be the last administrator (R15).

use crate::account::{Attributes, Entitlements};

use super::{Capabilities, Operation};

/// The accounts that are never changed: the service account itself, and a list of the administrator's.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    patterns: Vec<String>,
}

impl Protection {
    /// Protects accounts of which an attribute equals one of `patterns`, regardless of case; `*` in a pattern stands for
    /// any text, as in `*@vendor.example`.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        Self { patterns: patterns.into_iter().map(|pattern| pattern.to_lowercase()).collect() }
    }

    /// The pattern that protects an account with these attributes.
    pub fn covers(&self, attributes: &Attributes) -> Option<&str> {
        self.patterns
            .iter()
            .find(|pattern| attributes.values().any(|value| matches(pattern, &value.to_lowercase())))
            .map(String::as_str)
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    let mut rest = rest;
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Whether `operation` takes a key away that makes an account with these entitlements an administrator. Before it runs,
/// somebody must have seen another administrator.
pub fn may_lose_an_admin(operation: &Operation, held: &Entitlements, can: &Capabilities) -> bool {
    let is_admin = |entitlement: &str, key: &str| {
        can.entitlements.get(entitlement).is_some_and(|rule| rule.admins.contains(key))
    };
    let holds_any =
        || held.iter().any(|(entitlement, keys)| keys.iter().any(|key| is_admin(entitlement, key)));
    match operation {
        Operation::Deactivate | Operation::Remove => holds_any(),
        Operation::Change { entitlement, key } => {
            !is_admin(entitlement, key)
                && held.get(entitlement).is_some_and(|keys| keys.iter().any(|key| is_admin(entitlement, key)))
        }
        Operation::Revoke { entitlement, key } => is_admin(entitlement, key),
        Operation::Invite
        | Operation::Reactivate
        | Operation::Update { .. }
        | Operation::Grant { .. }
        | Operation::Join { .. }
        | Operation::Leave { .. }
        | Operation::CancelInvite => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_values_regardless_of_case() {
        let check = |pattern: &str, value: &str, expected: bool| {
            let attributes = Attributes::from([("email".to_owned(), value.to_owned())]);
            let covered = Protection::new([pattern.to_owned()]).covers(&attributes).is_some();
            assert_eq!(covered, expected, "{pattern} {value}");
        };
        check("owner@acme.example", "Owner@Acme.example", true);
        check("owner@acme.example", "co-owner@acme.example", false);
        check("*@vendor.example", "ada@vendor.example", true);
        check("*@vendor.example", "ada@vendor.example.org", false);
        check("svc-*@*.example", "svc-usher@acme.example", true);
        check("svc-*@*.example", "svc@acme.example", false);
        check("*", "anything", true);
        check("a*a", "a", false);
    }
}
