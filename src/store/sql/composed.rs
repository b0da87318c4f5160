//! Statements that are put together.

use serde_json::Value as Json;

use super::Value;
use crate::store::engine::Kind;

/// A statement that is put together from fragments of this program's own text and from parameters; of what a client sends,
/// only parameters can be made.
#[derive(Clone, Debug)]
pub(in crate::store) struct Composed<'a> {
    kind: Kind,
    text: String,
    values: Vec<Value<'a>>,
}

impl<'a> Composed<'a> {
    /// An empty one, for this engine.
    pub(in crate::store) fn new(kind: Kind) -> Self {
        Self { kind, text: String::new(), values: Vec::new() }
    }

    /// The engine that it is for.
    pub(in crate::store) fn kind(&self) -> Kind {
        self.kind
    }

    /// Adds a fragment.
    pub(in crate::store) fn push(&mut self, fragment: &'static str) -> &mut Self {
        self.text.push_str(fragment);
        self
    }

    /// Adds a parameter. For SQLite it has no number: it looks for a number among all those before it. For PostgreSQL it has a type:
    /// what a statement's parameters are is found out once for a text.
    pub(in crate::store) fn bind(&mut self, value: impl Into<Value<'a>>) -> &mut Self {
        let value = value.into();
        match self.kind {
            Kind::Sqlite => self.text.push('?'),
            Kind::Postgres => {
                let number = self.values.len() + 1;
                let cast = match value {
                    Value::Null => "",
                    Value::Int(_) => "::bigint",
                    Value::Real(_) => "::double precision",
                    Value::Text(_) => "::text",
                    Value::Bytes(_) => "::bytea",
                };
                self.text.push_str(&format!("${number}{cast}"));
            }
        }
        self.values.push(value);
        self
    }

    /// Adds a parameter that is a plain value of JSON, as [`Row::any`](super::Row::any) gives it.
    pub(in crate::store) fn bind_json(&mut self, value: &'a Json) -> &mut Self {
        self.bind(match value {
            Json::String(text) => Value::from(text),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Value::Int(int),
                (None, Some(real)) => Value::Real(real),
                (None, None) => Value::Null,
            },
            Json::Bool(flag) => Value::from(*flag),
            Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
        })
    }

    /// The text and the parameters.
    pub(super) fn into_parts(self) -> (String, Vec<Value<'a>>) {
        (self.text, self.values)
    }
}

#[cfg(test)]
impl Composed<'_> {
    /// The statement that says how SQLite would go about this one.
    pub(in crate::store) fn explained(mut self) -> Self {
        self.text.insert_str(0, "EXPLAIN QUERY PLAN ");
        self
    }
}
