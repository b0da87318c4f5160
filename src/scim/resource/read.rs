//! The body of a request, read against the schema.

use serde_json::{Map, Value};

use super::{Error, MAX_DEPTH, normalised, quote};
use crate::scim::path::names;
use crate::scim::schema::{Attribute, Mutability, ResourceSchema, Returned, Schema, USHER_USER};

/// The attributes of a POST or PUT, without `schemas`, which is checked and then derived.
///
/// # Errors
/// As [`Resource::parse`](super::Resource::parse), but for what is missing.
pub(super) fn attributes(body: Value, schema: &ResourceSchema) -> Result<Map<String, Value>, Error> {
    check_json(&body)?;
    let Value::Object(body) = body else {
        return Err(Error::invalid_syntax(format!("the body must be a JSON object with a {}", schema.name)));
    };
    let mut given = Given::default();
    for (name, value) in body {
        given.take(&name, value, schema)?;
    }
    check_schemas(given.schemas.as_ref(), schema)?;
    Ok(given.attributes)
}

/// Reads JSON, with an error that says where it is malformed.
pub(in crate::scim) fn json(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_eof() { "ends too early" } else { "is not valid JSON, or nests too deep" };
        Error::invalid_syntax(format!("the body {what} (line {}, column {})", error.line(), error.column()))
    })
}

/// Refuses what nests deeper than [`MAX_DEPTH`] (`invalidSyntax`), and text that holds U+0000 (`invalidValue`): not every database
/// can keep it, and no name or address has it.
pub(in crate::scim) fn check_json(body: &Value) -> Result<(), Error> {
    fn check(name: &str, value: &Value, left: usize) -> Result<(), Error> {
        match value {
            Value::Array(_) | Value::Object(_) if left == 0 => {
                Err(Error::invalid_syntax(format!("the body nests deeper than {MAX_DEPTH} levels")))
            }
            Value::Array(values) => values.iter().try_for_each(|value| check(name, value, left - 1)),
            Value::Object(parts) => parts.iter().try_for_each(|(name, value)| {
                clean("a name", name)?;
                check(name, value, left - 1)
            }),
            Value::String(text) => clean(name, text),
            _ => Ok(()),
        }
    }
    fn clean(name: &str, text: &str) -> Result<(), Error> {
        match text.contains('\0') {
            true => {
                Err(Error::invalid_value(format!("{} holds U+0000; leave that character out", quote(name))))
            }
            false => Ok(()),
        }
    }
    check("the body", body, MAX_DEPTH)
}

/// A body while it is read.
#[derive(Default)]
struct Given {
    attributes: Map<String, Value>,
    schemas: Option<Value>,
    seen: Vec<String>,
}

impl Given {
    fn take(&mut self, name: &str, value: Value, schema: &ResourceSchema) -> Result<(), Error> {
        if let Some(extension) = schema.extension(name) {
            self.once(extension.id)?;
            return match extension_value(extension, value)? {
                Some(attributes) => {
                    self.attributes.insert(extension.id.to_owned(), attributes);
                    Ok(())
                }
                None => Ok(()),
            };
        }
        let value = match value {
            // Some clients put the core attributes under their URN, as if it were an extension.
            Value::Object(parts) if schema.core.id.eq_ignore_ascii_case(name) => {
                return parts.into_iter().try_for_each(|(name, value)| self.take(&name, value, schema));
            }
            value => value,
        };
        let Some(attribute) = schema.attribute(name) else {
            return if name.contains(':') { Err(unknown_schema(name, schema)) } else { Ok(()) };
        };
        self.once(&attribute.name)?;
        if attribute.name == "schemas" {
            self.schemas = Some(value);
            return Ok(());
        }
        if attribute.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        let value = normalised(attribute, value)?;
        if let (Some(value), true) = (value, attribute.returned != Returned::Never) {
            self.attributes.insert(attribute.name.to_string(), value);
        }
        Ok(())
    }

    fn once(&mut self, name: &str) -> Result<(), Error> {
        if self.seen.iter().any(|seen| seen == name) {
            return Err(Error::invalid_syntax(format!(
                "{} is given twice, in different spelling",
                quote(name)
            )));
        }
        self.seen.push(name.to_owned());
        Ok(())
    }
}

/// An extension's attributes, read; `None` where nothing of it is assigned.
fn extension_value(extension: &Schema, value: Value) -> Result<Option<Value>, Error> {
    let given = match value {
        Value::Null => return Ok(None),
        Value::Object(given) => given,
        _ => return Err(Error::invalid_value(format!("{} must be an object", extension.id))),
    };
    let mut attributes = Map::new();
    for (name, value) in given {
        let Some(attribute) = extension.attribute(&name) else {
            // Some libraries write `schemas` into every object.
            if extension.id == USHER_USER && !name.eq_ignore_ascii_case("schemas") {
                let known = names(&extension.attributes);
                return Err(Error::invalid_value(format!(
                    "{} has no attribute {}; it has {known}",
                    extension.id,
                    quote(&name)
                )));
            }
            continue;
        };
        if attribute.mutability == Mutability::ReadOnly || attribute.returned == Returned::Never {
            continue;
        }
        let none = holds_none(extension, attribute, &value);
        if let Some(value) = normalised(attribute, value)?.or(none)
            && attributes.insert(attribute.name.to_string(), value).is_some()
        {
            return Err(Error::invalid_syntax(format!("{} is given twice", quote(&attribute.name))));
        }
    }
    Ok((!attributes.is_empty()).then_some(Value::Object(attributes)))
}

/// What is kept of an empty list of Usher's own extension: that nothing of the kind is to be held is a wish, which the absence of the
/// list is not.
fn holds_none(extension: &Schema, attribute: &Attribute, value: &Value) -> Option<Value> {
    let is_emptied = matches!(value, Value::Array(values) if values.is_empty());
    (extension.id == USHER_USER && attribute.multi_valued && is_emptied).then(|| Value::Array(Vec::new()))
}

fn check_schemas(schemas: Option<&Value>, schema: &ResourceSchema) -> Result<(), Error> {
    let Some(Value::Array(urns)) = schemas else {
        let expected = schema.core.id;
        return Err(Error::invalid_syntax(format!(
            "`schemas` is missing; it must be a list with \"{expected}\""
        )));
    };
    for urn in urns {
        let Some(urn) = urn.as_str() else {
            return Err(Error::invalid_syntax("`schemas` must be a list of URNs"));
        };
        if !schema.may_name(urn) {
            return Err(unknown_schema(urn, schema));
        }
    }
    if urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(schema.core.id)) {
        Ok(())
    } else {
        Err(Error::invalid_syntax(format!("`schemas` must contain \"{}\"", schema.core.id)))
    }
}

/// The client names a schema that the resource type does not have.
pub(in crate::scim) fn unknown_schema(urn: &str, schema: &ResourceSchema) -> Error {
    let known: Vec<_> = schema.schemas().map(|part| part.id).collect();
    Error::invalid_syntax(format!(
        "the schema {} is unknown here; known are {}",
        quote(urn),
        known.join(", ")
    ))
}
