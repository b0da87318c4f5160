//! Reading the mappings of `connector.yaml`.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::playbook::{Entry, Node};

/// A mapping whose keys are known; the others are noted as mistakes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'n> {
    node: &'n Node,
    what: &'static str,
}

impl<'n> Fields<'n> {
    /// The mapping `node`, which is `what` ("a setting") and may have the keys `known`.
    pub(super) fn read(
        node: &'n Node,
        what: &'static str,
        known: &[&str],
        found: &mut Diagnostics,
    ) -> Option<Self> {
        for entry in entries(node, &format!("{what}: a mapping"), found)? {
            let key = entry.key.text.as_str();
            if !known.contains(&key) {
                let unknown =
                    Diagnostic::error("unknown_key", &entry.key.span, format!("{what} has no `{key}`"));
                found.push(unknown.suggest(key, known.iter().copied()));
            }
        }
        Some(Self { node, what })
    }

    /// The mapping itself.
    pub(super) fn node(&self) -> &'n Node {
        self.node
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key)
    }

    /// The value of `key`, which must be there.
    pub(super) fn required(&self, key: &str, found: &mut Diagnostics) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() {
            found.push(self.missing(key));
        }
        value
    }

    /// The text under `key`; a mistake where it is none.
    pub(super) fn text(&self, key: &str, found: &mut Diagnostics) -> Option<&'n str> {
        self.get(key).and_then(|node| text(node, found))
    }

    /// The text under `key`, which must be there.
    pub(super) fn required_text(&self, key: &str, found: &mut Diagnostics) -> Option<&'n str> {
        self.required(key, found).and_then(|node| text(node, found))
    }

    /// The truth value under `key`; `otherwise` where there is none.
    pub(super) fn flag(&self, key: &str, otherwise: bool, found: &mut Diagnostics) -> bool {
        let given = self.get(key).and_then(|node| note(node.expect_bool(), found));
        given.unwrap_or(otherwise)
    }

    fn missing(&self, key: &str) -> Diagnostic {
        Diagnostic::error("missing_key", &self.node.span, format!("{} needs `{key}`", self.what))
    }
}

/// The entries of a mapping; a mistake where it is none.
pub(super) fn entries<'n>(node: &'n Node, expected: &str, found: &mut Diagnostics) -> Option<&'n [Entry]> {
    note(node.expect_map(expected), found)
}

/// The items of a list; a mistake where it is none.
pub(super) fn items<'n>(node: &'n Node, expected: &str, found: &mut Diagnostics) -> Option<&'n [Node]> {
    note(node.expect_list(expected), found)
}

/// The text of a node; a mistake where it has none, or an empty one.
pub(super) fn text<'n>(node: &'n Node, found: &mut Diagnostics) -> Option<&'n str> {
    let text = note(node.expect_text("text"), found)?;
    if text.trim().is_empty() {
        found.error("empty", &node.span, "an empty text");
        return None;
    }
    Some(text)
}

/// Notes names that templates could not say: `{{ account.first-name }}` would be a subtraction.
pub(super) fn check_name(entry: &Entry, what: &str, found: &mut Diagnostics) {
    let name = &entry.key.text;
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !first || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        let bad =
            Diagnostic::error("bad_name", &entry.key.span, format!("`{name}` cannot be the name of {what}"));
        found.push(bad.help("a name is small letters, digits and `_`, a letter first"));
    }
}

fn note<T>(result: Result<T, Diagnostic>, found: &mut Diagnostics) -> Option<T> {
    result.map_err(|diagnostic| found.push(diagnostic)).ok()
}
