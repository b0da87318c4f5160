//! What a connector can do and how its app behaves, as the planner needs to know it.

use std::collections::{BTreeMap, BTreeSet};

/// What a connector can do.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// The names of its flows.
    pub flows: BTreeSet<String>,
    /// What locking a person out means in this app (R11).
    pub deactivation: Deactivation,
    /// The account attributes, by name.
    pub attributes: BTreeMap<String, AttributeRule>,
    /// The entitlement types, by name.
    pub entitlements: BTreeMap<String, EntitlementRule>,
}

/// What locking a person out means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deactivation {
    /// The account is suspended by the flow `deactivate` and can be brought back.
    #[default]
    Suspend,
    /// The account is removed by the flow `remove`.
    Remove,
    /// The account keeps existing with the least role.
    Downgrade {
        /// The one-valued entitlement type.
        entitlement: String,
        /// The key that stands for no access.
        key: String,
    },
}

/// How an attribute behaves.
#[derive(Clone, Debug, Default)]
pub struct AttributeRule {
    /// The app sets it; it is never changed.
    pub read_only: bool,
    /// Its values are compared regardless of case, as e-mail addresses are.
    pub ignore_case: bool,
}

/// How an entitlement type behaves.
#[derive(Clone, Debug)]
pub struct EntitlementRule {
    /// How many keys one account holds.
    pub holds: Holds,
    /// The keys that make an account an administrator (R15).
    pub admins: BTreeSet<String>,
    /// The keys that there are; `None` where it is not known.
    pub keys: Option<BTreeSet<String>>,
    /// What its keys belong to, where they belong to something.
    pub parents: Option<Parents>,
}

/// What the keys of an entitlement type belong to: whoever holds one of them holds that too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parents {
    /// The type, of which an account holds many.
    pub entitlement: String,
    /// The key of that type, by the key that belongs to it.
    pub keys: BTreeMap<String, String>,
}

/// How many keys of one type an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Exactly one.
    One,
    /// Any number.
    Many,
}

impl Capabilities {
    /// Whether the connector has that flow.
    pub fn has(&self, flow: &str) -> bool {
        self.flows.contains(flow)
    }

    /// How many types stand above this one, each belonging to the next.
    pub(super) fn depth(&self, entitlement: &str) -> usize {
        let parent = |name: &&str| Some(self.entitlements.get(*name)?.parents.as_ref()?.entitlement.as_str());
        let above = std::iter::successors(Some(entitlement), parent);
        // Each is declared before those that belong to it, so that there is an end; a circle would have none.
        above.take(self.entitlements.len() + 1).count() - 1
    }

    /// Whether two values of an attribute are the same to the app.
    pub fn same(&self, attribute: &str, one: &str, other: &str) -> bool {
        one == other || self.folded(attribute, one) == self.folded(attribute, other)
    }

    /// A value of an attribute as the app compares it.
    pub fn folded(&self, attribute: &str, value: &str) -> String {
        match self.attributes.get(attribute) {
            Some(rule) if rule.ignore_case => value.to_lowercase(),
            _ => value.to_owned(),
        }
    }
}
