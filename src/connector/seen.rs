//! From what a flow read off the app to an account in the connector's own terms.

use std::collections::{BTreeMap, BTreeSet};

use super::Connector;
use super::entitlement::{Entitlement, Holds};
use crate::step::GROUP;

/// An account as the app showed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The app's own id, where the connector names one and the flow read it.
    pub id: Option<String>,
    /// `active`, `invited`, `suspended`, or what the flow made of it; `None` where it read none.
    pub status: Option<String>,
    /// Attributes by name, those that were read.
    pub attributes: BTreeMap<String, String>,
    /// Keys by type of entitlement, those that were read. A label that the connector does not know stands for itself,
    /// so that it shows up as drift instead of disappearing.
    pub entitlements: BTreeMap<String, BTreeSet<String>>,
    /// The names of the groups that it is in; `None` where they were not read.
    pub groups: Option<BTreeSet<String>>,
}

impl Connector {
    /// The account in a row of `list_accounts`, or in what `read_account` read.
    pub fn seen(&self, row: &BTreeMap<String, String>) -> Seen {
        let mut seen = Seen { status: row.get("status").cloned(), ..Seen::default() };
        for (name, value) in row {
            if let Some(entitlement) = self.entitlement(name) {
                seen.entitlements.insert(name.clone(), keys(entitlement, value));
            } else if name == GROUP {
                seen.groups = Some(labels(Holds::Many, value).map(str::to_owned).collect());
            } else if self.account.attribute(name).is_some() {
                seen.attributes.insert(name.clone(), value.clone());
            }
        }
        let id = self.account.id.as_ref().and_then(|id| row.get(id)).or_else(|| row.get("id"));
        seen.id = id.filter(|id| !id.is_empty()).cloned();
        seen
    }
}

/// The keys of what the app shows: one label, or several between commas or each on a line.
fn keys(entitlement: &Entitlement, shown: &str) -> BTreeSet<String> {
    let key = |label: &str| {
        let shows = entitlement.pairs().find(|(_, shown)| *shown == label);
        shows.or_else(|| entitlement.value_of(label)).map_or(label, |(key, _)| key).to_owned()
    };
    let none = entitlement.none.as_deref();
    labels(entitlement.holds, shown).filter(|label| none != Some(*label)).map(key).collect()
}

/// What the app shows, one by one.
fn labels(holds: Holds, shown: &str) -> impl Iterator<Item = &str> {
    let labels: Vec<&str> = match holds {
        Holds::One => vec![shown],
        Holds::Many if shown.contains('\n') => shown.lines().collect(),
        Holds::Many => shown.split(',').collect(),
    };
    labels.into_iter().map(str::trim).filter(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Values;

    #[test]
    fn labels_become_keys() {
        let entitlement = |holds, values| Entitlement {
            name: "x".into(),
            holds,
            values,
            default: None,
            admins: Vec::new(),
            none: Some("No role".into()),
            is_ordered: false,
            parent: None,
            listed: Vec::new(),
        };
        // The label of one value is the key of another.
        let fixed = || Values::Fixed(vec![("a".into(), "b".into()), ("b".into(), "Boss".into())]);
        for (holds, values, shown, expected) in [
            (Holds::One, fixed(), " b ", vec!["a"]),
            (Holds::One, fixed(), "BOSS", vec!["b"]),
            (Holds::One, fixed(), "Guest", vec!["Guest"]),
            (Holds::One, fixed(), "", vec![]),
            (Holds::One, fixed(), " No role", vec![]),
            (Holds::Many, fixed(), "b, Boss", vec!["a", "b"]),
            (Holds::Many, Values::Listed, "North, South,", vec!["North", "South"]),
            (Holds::Many, Values::Listed, "", vec![]),
            (Holds::Many, Values::Listed, "Sales, EMEA\n", vec!["Sales, EMEA"]),
        ] {
            let found: Vec<String> = keys(&entitlement(holds, values), shown).into_iter().collect();
            assert_eq!(found, expected, "{shown}");
        }
    }
}
