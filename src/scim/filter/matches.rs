//! Whether a filter holds for a resource in memory.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Comparison, Filter, Literal};
use crate::scim::path::Scope;
use crate::scim::schema::{Attribute, Type, fold};

impl Filter {
    pub(in crate::scim) fn matches_in(&self, attributes: &Map<String, Value>, scope: Scope<'_>) -> bool {
        match self {
            Self::And(terms) => terms.iter().all(|term| term.matches_in(attributes, scope)),
            Self::Or(terms) => terms.iter().any(|term| term.matches_in(attributes, scope)),
            Self::Not(inner) => !inner.matches_in(attributes, scope),
            Self::Present(path) => path.select_in(attributes, scope).into_iter().any(is_present),
            Self::Compare(path, comparison, literal) => {
                let mut values = path.select_in(attributes, scope);
                values.retain(|value| is_present(value));
                match (comparison, literal) {
                    (Comparison::Eq, Literal::Null) => values.is_empty(),
                    (Comparison::Ne, Literal::Null) => !values.is_empty(),
                    (Comparison::Ne, _) if values.is_empty() => true,
                    _ => scope.leaf(path).is_some_and(|leaf| {
                        values.iter().any(|value| holds(leaf, *comparison, value, literal))
                    }),
                }
            }
        }
    }
}

/// Null, empty text and empty lists are no value (RFC 7643 section 2.5).
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(parts) => !parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn holds(leaf: &Attribute, comparison: Comparison, value: &Value, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Bool(value), Literal::Boolean(literal)) => ordered(comparison, Some(value.cmp(literal))),
        (Value::Number(value), Literal::Number(literal)) => {
            let order = match (value.as_i64(), literal.as_i64()) {
                (Some(value), Some(literal)) => Some(value.cmp(&literal)),
                _ => value.as_f64().partial_cmp(&literal.as_f64()),
            };
            ordered(comparison, order)
        }
        (Value::String(value), Literal::Text(literal)) => {
            if leaf.kind == Type::DateTime
                && let (Ok(value), Ok(literal)) = (value.parse::<jiff::Timestamp>(), literal.parse())
            {
                return ordered(comparison, Some(value.cmp(&literal)));
            }
            if leaf.case_exact {
                text(comparison, value, literal)
            } else {
                text(comparison, &fold(value), &fold(literal))
            }
        }
        _ => comparison == Comparison::Ne,
    }
}

fn text(comparison: Comparison, value: &str, literal: &str) -> bool {
    match comparison {
        Comparison::Co => value.contains(literal),
        Comparison::Sw => value.starts_with(literal),
        Comparison::Ew => value.ends_with(literal),
        _ => ordered(comparison, Some(value.cmp(literal))),
    }
}

fn ordered(comparison: Comparison, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return comparison == Comparison::Ne };
    match comparison {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Co | Comparison::Sw | Comparison::Ew => false,
    }
}
