//! Entitlements: what an account can hold, such as a role or teams.

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::STRINGS;
use super::fields::{Fields, check_name, entries, items, text};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::playbook::{Node, Value};

/// A type of entitlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Its name, such as `role`.
    pub name: String,
    /// How many of its values an account holds.
    pub holds: Holds,
    /// What can be held.
    pub values: Values,
    /// The key that a new account gets where nothing is said.
    pub default: Option<String>,
    /// The keys whose holders count as administrators.
    pub admins: Vec<String>,
    /// What the app shows where an account holds none of it, where that is not nothing.
    pub none: Option<String>,
    /// Whether the values are written from the highest to the lowest, so that of several the highest counts.
    pub is_ordered: bool,
    /// The type of entitlement that its values belong to, such as the project of a board: whoever holds one of them holds that too.
    pub parent: Option<String>,
    /// Where values are listed: those that the app was last seen to have. Nothing as long as nobody has looked; then any may be held.
    pub listed: Vec<Listed>,
}

/// A value that the app lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The app's own id of it, or else what it shows.
    pub key: String,
    /// What the app shows now.
    pub label: String,
    /// What it showed before, as long as no other value shows that.
    pub former: Vec<String>,
    /// The key of the value that it belongs to, of the type that is the parent.
    pub parent: Option<String>,
}

/// How many values of a type an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Exactly one.
    One,
    /// Any number.
    Many,
}

/// What can be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// These alone: key and what the app shows, in the order of the file.
    Fixed(Vec<(String, String)>),
    /// What the flow `list_<name>s` finds in the app.
    Listed,
}

impl Entitlement {
    /// The keys that are known; none where they are listed and nobody has looked.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.pairs().map(|(key, _)| key)
    }

    /// Whether it is known what can be held.
    pub fn is_closed(&self) -> bool {
        self.values != Values::Listed || !self.listed.is_empty()
    }

    /// Whether that key may be held.
    pub fn may_be(&self, key: &str) -> bool {
        !self.is_closed() || self.keys().any(|known| known == key)
    }

    /// Key and label of the value that `said` means: a key, a label, or a label that it had before, regardless of case. `None` where it is no
    /// value of this type; whatever is said where it is not known what can be held.
    pub fn value_of<'a>(&'a self, said: &'a str) -> Option<(&'a str, &'a str)> {
        if !self.is_closed() {
            return Some((said, said));
        }
        let same = |text: &str| text.to_lowercase() == said.trim().to_lowercase();
        let is_former = |one: &&Listed| one.former.iter().any(|label| same(label));
        // A key goes before a label that reads the same, and a label before one that was.
        self.pairs()
            .find(|(key, _)| same(key))
            .or_else(|| self.pairs().find(|(_, label)| same(label)))
            .or_else(|| self.listed.iter().find(is_former).map(|one| (one.key.as_str(), one.label.as_str())))
    }

    /// The text that says one value of one type by itself: `team:Field`.
    pub fn string_value(&self, key: &str) -> String {
        format!("{}:{key}", self.name)
    }

    /// What the app shows for a key.
    pub fn label_of<'a>(&'a self, key: &'a str) -> &'a str {
        self.value_of(key).map_or(key, |(_, label)| label)
    }

    /// What templates see of a value: its key, its label in the app, and the key of what it belongs to. What there is not is empty.
    pub fn fields(&self, key: &str) -> BTreeMap<String, String> {
        let label = if key.is_empty() { "" } else { self.label_of(key) };
        let parent = self.listed.iter().find(|one| one.key == key).and_then(|one| one.parent.as_deref());
        let fields = [("key", key), ("label", label), ("parent", parent.unwrap_or_default())];
        BTreeMap::from(fields.map(|(name, text)| (name.to_owned(), text.to_owned())))
    }

    /// Which of these keys counts where an account holds one: the highest, where the values have an order; else none of several does.
    pub fn highest<'k>(&self, keys: &'k BTreeSet<String>) -> Option<&'k String> {
        if !self.is_ordered {
            return keys.first().filter(|_| keys.len() == 1);
        }
        self.keys().find_map(|key| keys.get(key))
    }

    /// Key and label of each value that is known.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let fixed = match &self.values {
            Values::Fixed(values) => values.as_slice(),
            Values::Listed => &[],
        };
        let fixed = fixed.iter().map(|(key, label)| (key.as_str(), label.as_str()));
        fixed.chain(self.listed.iter().map(|one| (one.key.as_str(), one.label.as_str())))
    }
}

/// Reads `entitlements:`.
pub(super) fn read(node: &Node, found: &mut Diagnostics) -> Vec<Entitlement> {
    let mut entitlements = Vec::new();
    for entry in entries(node, "entitlements: a mapping from name to entitlement", found).unwrap_or_default()
    {
        check_name(entry, "an entitlement", found);
        if [STRINGS, "entitlement"].contains(&entry.key.text.as_str()) {
            found.error(
                "bad_name",
                &entry.key.span,
                "an entitlement cannot be called so: a list of all of them is",
            );
        }
        let known = ["holds", "values", "default", "admins", "none", "order", "parent"];
        let Some(fields) = Fields::read(&entry.value, "an entitlement", &known, found) else { continue };
        let holds = fields.required("holds", found).and_then(|node| read_holds(node, found));
        let values = fields.required("values", found).and_then(|node| read_values(node, found));
        let (Some(holds), Some(values)) = (holds, values) else { continue };
        let mut entitlement = Entitlement {
            name: entry.key.text.clone(),
            holds,
            values,
            default: None,
            admins: Vec::new(),
            none: fields.get("none").and_then(|node| text(node, found)).map(str::to_owned),
            is_ordered: fields.get("order").is_some_and(|node| read_order(node, holds, found)),
            parent: None,
            listed: Vec::new(),
        };
        entitlement.parent =
            fields.get("parent").and_then(|node| read_parent(node, &entitlement, &entitlements, found));
        entitlement.default = fields.get("default").and_then(|node| key(node, &entitlement, found));
        let admins =
            fields.get("admins").and_then(|node| items(node, "a list of keys", found)).unwrap_or_default();
        entitlement.admins = admins.iter().filter_map(|node| key(node, &entitlement, found)).collect();
        if let (Some(node), Holds::Many) = (fields.get("default"), holds) {
            found.error(
                "contradiction",
                &node.span,
                "a default is for entitlements of which an account holds one",
            );
        }
        entitlements.push(entitlement);
    }
    entitlements
}

/// The type that the values belong to: one that is held many times and stands before this one, so that there is no end without a begin.
fn read_parent(
    node: &Node,
    entitlement: &Entitlement,
    before: &[Entitlement],
    found: &mut Diagnostics,
) -> Option<String> {
    let name = text(node, found)?;
    let many = || before.iter().filter(|one| one.holds == Holds::Many).map(|one| one.name.as_str());
    if !many().any(|known| known == name) {
        let message = format!("no entitlement `{name}` that is held many times stands before this one");
        found.push(Diagnostic::error("undeclared", &node.span, message).suggest(name, many()));
        return None;
    }
    if entitlement.values != Values::Listed || entitlement.holds != Holds::Many {
        let message = "a parent is for values that are `listed` and held many times: the list says what each belongs to";
        found.error("contradiction", &node.span, message);
        return None;
    }
    Some(name.to_owned())
}

fn read_order(node: &Node, holds: Holds, found: &mut Diagnostics) -> bool {
    if holds == Holds::Many {
        found.error(
            "contradiction",
            &node.span,
            "an order is for entitlements of which an account holds one",
        );
    }
    match text(node, found) {
        Some("highest_first") => true,
        Some(word) => {
            let unknown =
                Diagnostic::error("unknown_value", &node.span, format!("there is no order `{word}`"));
            found.push(unknown.suggest(word, ["highest_first"]));
            false
        }
        None => false,
    }
}

fn read_holds(node: &Node, found: &mut Diagnostics) -> Option<Holds> {
    match text(node, found)? {
        "one" => Some(Holds::One),
        "many" => Some(Holds::Many),
        word => {
            let unknown =
                Diagnostic::error("unknown_value", &node.span, format!("an account cannot hold `{word}`"));
            found.push(unknown.suggest(word, ["one", "many"]));
            None
        }
    }
}

fn read_values(node: &Node, found: &mut Diagnostics) -> Option<Values> {
    match &node.value {
        Value::Text(scalar) if scalar.text == "listed" => Some(Values::Listed),
        Value::Map(values) => {
            if values.is_empty() {
                found.error("empty", &node.span, "an entitlement without values");
            }
            let pairs = values
                .iter()
                .filter_map(|entry| Some((entry.key.text.clone(), text(&entry.value, found)?.to_owned())));
            let pairs: Vec<(String, String)> = pairs.collect();
            Some(Values::Fixed(pairs))
        }
        _ => {
            found.push(node.unexpected("`listed`, or a mapping from key to what the app shows"));
            None
        }
    }
}

/// A key of the entitlement, exactly.
fn key(node: &Node, entitlement: &Entitlement, found: &mut Diagnostics) -> Option<String> {
    let key = text(node, found)?;
    if matches!(entitlement.values, Values::Fixed(_)) && !entitlement.keys().any(|known| known == key) {
        let unknown = Diagnostic::error(
            "undeclared",
            &node.span,
            format!("`{key}` is no value of `{}`", entitlement.name),
        );
        found.push(unknown.suggest(key, entitlement.keys()));
    }
    Some(key.to_owned())
}
