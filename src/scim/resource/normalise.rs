//! Values as clients send them, made into values as the schema has them.
//!
//! Tolerated, because identity providers send it: booleans and numbers as text, one value where a list is due, plain text
//! where an object with `value` is due (`roles: "admin"`, `manager: "id"`), a role as JSON inside text (Entra ID), and empty text for
//! "cleared". Anything else of the wrong type is refused. Other texts are kept as they came.

use serde_json::{Map, Value};

use super::{Error, check_json, quote};
use crate::scim::schema::{Attribute, Mutability, Type};

/// The value for `attribute`; `None` where it is unassigned (RFC 7643 section 2.5).
///
/// # Errors
/// `invalidValue`: of the wrong type; `invalidSyntax`: a sub-attribute twice.
pub(in crate::scim) fn value(attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        return element(attribute, value);
    }
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values,
        single => vec![single],
    };
    let values: Vec<Value> = values
        .into_iter()
        .filter_map(|value| element(attribute, value).transpose())
        .collect::<Result<_, _>>()?;
    if values.iter().filter(|value| is_primary(value)).count() > 1 {
        return Err(Error::invalid_value(format!("more than one of {} is primary", quote(&attribute.name))));
    }
    Ok((!values.is_empty()).then_some(Value::Array(values)))
}

/// The same for one value of a list.
///
/// # Errors
/// As [`value`].
pub(in crate::scim) fn element(attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
    let wrong =
        |expected: &str| Err(Error::invalid_value(format!("{} must be {expected}", quote(&attribute.name))));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Type::Complex, Value::Object(parts)) => complex(attribute, parts),
        (Type::Complex, Value::String(text)) if attribute.has_value() => bare(attribute, text),
        (Type::Complex, _) => wrong("an object"),
        (_, Value::String(text)) if text.is_empty() => Ok(None),
        (Type::String | Type::Reference | Type::Binary, text @ Value::String(_)) => Ok(Some(text)),
        (Type::String | Type::Reference | Type::Binary, _) => wrong("text"),
        (Type::Boolean, truth @ Value::Bool(_)) => Ok(Some(truth)),
        (Type::Boolean, Value::String(text)) => match text.to_ascii_lowercase().parse() {
            Ok(truth) => Ok(Some(Value::Bool(truth))),
            Err(_) => wrong("true or false"),
        },
        (Type::Boolean, _) => wrong("true or false"),
        (Type::Integer, Value::Number(number)) if number.is_i64() => Ok(Some(Value::Number(number))),
        (Type::Integer, Value::String(text)) => match text.parse::<i64>() {
            Ok(number) => Ok(Some(number.into())),
            Err(_) => wrong("a whole number"),
        },
        (Type::Integer, _) => wrong("a whole number"),
        (Type::Decimal, number @ Value::Number(_)) => Ok(Some(number)),
        (Type::Decimal, Value::String(text)) => match serde_json::from_str(&text) {
            Ok(number) => Ok(Some(Value::Number(number))),
            Err(_) => wrong("a number"),
        },
        (Type::Decimal, _) => wrong("a number"),
        (Type::DateTime, Value::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {
            Ok(Some(text.into()))
        }
        (Type::DateTime, _) => wrong("a moment such as \"2026-01-31T08:00:00Z\""),
    }
}

/// Whether it is the primary one of its list.
pub(in crate::scim) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

fn complex(attribute: &Attribute, parts: Map<String, Value>) -> Result<Option<Value>, Error> {
    let mut element_parts = Map::new();
    let mut cleared = false;
    for (name, part) in parts {
        let Some(sub) = attribute.sub(&name) else { continue };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        let part = element(sub, part).map_err(|error| error.within(&quote(&attribute.name)))?;
        match part {
            None => cleared |= sub.name == "value",
            Some(part) => {
                if element_parts.insert(sub.name.to_string(), part).is_some() {
                    let name = format!("{}.{}", attribute.name, sub.name);
                    return Err(Error::invalid_syntax(format!("{} is given twice", quote(&name))));
                }
            }
        }
    }
    if attribute.multi_valued {
        unwrap_json(attribute, &mut element_parts);
    }
    let missing =
        attribute.sub_attributes.iter().find(|sub| sub.required && !element_parts.contains_key(&*sub.name));
    if let Some(missing) = missing {
        let detail = format!("each of {} needs a {}", quote(&attribute.name), quote(&missing.name));
        return Err(Error::invalid_value(detail));
    }
    // An e-mail without an address that still has its type says nothing.
    Ok((!element_parts.is_empty() && !cleared).then_some(Value::Object(element_parts)))
}

/// Text where an object is due.
fn bare(attribute: &Attribute, text: String) -> Result<Option<Value>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let parts = Map::from_iter([("value".to_owned(), Value::String(text))]);
    complex(attribute, parts)
}

/// Entra ID's role: `{"value": "{\"id\":…,\"value\":\"25\",\"displayName\":\"Admin\"}"}`. What stands inside replaces the text; what stands
/// beside it is kept.
pub(in crate::scim) fn unwrap_json(attribute: &Attribute, parts: &mut Map<String, Value>) {
    let Some(Value::String(text)) = parts.get("value") else { return };
    if !text.starts_with('{') || !matches!(attribute.name.as_ref(), "roles" | "entitlements") {
        return;
    }
    let Ok(Value::Object(mut inner)) = serde_json::from_str(text) else { return };
    // Text in text: what may not stand in a body is not let in by unpacking it either.
    if inner.values().any(|part| check_json(part).is_err()) {
        return;
    }
    let Some(Value::String(value)) = inner.remove("value") else { return };
    if let (false, Some(Value::String(display))) =
        (parts.contains_key("display"), inner.remove("displayName"))
    {
        parts.insert("display".to_owned(), display.into());
    }
    parts.insert("value".to_owned(), value.into());
}
