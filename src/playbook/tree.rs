//! A YAML file as a tree that knows its places.
//!
//! Plain scalars keep the text they were written with (`1.10` stays `1.10`, `yes` stays `yes`); only `true`, `false`,
//! `null`, `~` and nothing at all mean something else than text, as in YAML 1.2.

use crate::diagnostic::{Diagnostic, Span};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its place; of a text, one that also knows the places inside it.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A plain scalar that looks like a number, as it was written.
    Number(String),
    /// Any other scalar.
    Text(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file; no key occurs twice.
    Map(Vec<Entry>),
}

/// A text of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, quotes and escapes taken away.
    pub text: String,
    /// Whether it was written between quotes or as a block.
    pub quoted: bool,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Its value.
    pub value: Node,
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key, whatever it was written as.
    pub text: String,
    /// Its place.
    pub span: Span,
}

impl Node {
    /// The entries, where it is a mapping.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, where it is one; numbers count as the text they were written with.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(scalar) => Some(&scalar.text),
            Value::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, where it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The same as JSON, as other readers of YAML 1.2 see it. Places and the ways in which numbers are written are lost.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone())),
            Value::Text(scalar) => Json::String(scalar.text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                let fields = entries.iter().map(|entry| (entry.key.text.clone(), entry.value.to_json()));
                Json::Object(fields.collect())
            }
        }
    }

    /// The value of `key`, where it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }

    /// What it is, in words for a message: "a list", "text".
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// "expected …, found …", pointing at this node.
    pub fn unexpected(&self, expected: &str) -> Diagnostic {
        let message = format!("expected {expected}, found {}", self.describe());
        Diagnostic::error("wrong_type", &self.span, message)
    }

    /// The entries.
    ///
    /// # Errors
    /// A diagnostic that names `expected` where it is no mapping.
    pub fn expect_map(&self, expected: &str) -> Result<&[Entry], Diagnostic> {
        self.as_map().ok_or_else(|| self.unexpected(expected))
    }

    /// The items.
    ///
    /// # Errors
    /// A diagnostic that names `expected` where it is no list.
    pub fn expect_list(&self, expected: &str) -> Result<&[Node], Diagnostic> {
        self.as_list().ok_or_else(|| self.unexpected(expected))
    }

    /// The text.
    ///
    /// # Errors
    /// A diagnostic that names `expected` where it is no text.
    pub fn expect_text(&self, expected: &str) -> Result<&str, Diagnostic> {
        self.as_text().ok_or_else(|| self.unexpected(expected))
    }

    /// The truth value.
    ///
    /// # Errors
    /// A diagnostic where it is none.
    pub fn expect_bool(&self) -> Result<bool, Diagnostic> {
        self.as_bool().ok_or_else(|| self.unexpected("`true` or `false`"))
    }
}
