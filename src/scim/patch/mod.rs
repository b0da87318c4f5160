//! Partial changes (PATCH, RFC 7644 section 3.5.2).
//!
//! A request is read against the schema first: paths are resolved, values put into the schema's types, passwords
//! forgotten. Invariant: what is read holds neither unknown attributes nor read-only ones. Applying it is atomic: all
//! operations in order, or an error and no change.
//!
//! Beyond the RFC, because identity providers send it: operations in any case; a path-less value with dotted and URN keys
//! (Entra ID), or with an `id` that repeats the resource's own (Okta); an element that a filter describes is created where
//! there is none; `remove` with a value takes away those values and no others; null or empty text clears.

mod apply;

use serde_json::{Map, Value};

use super::Error;
use super::error::quote;
use super::path::{Path, Scope};
use super::resource::{check_depth, element, json, normalised, unknown_schema};
use super::schema::{Attribute, Found, Mutability, ResourceSchema, Returned, Schema};

pub use apply::apply;

/// The schema of a PATCH request.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The most operations of one request.
pub const MAX_OPERATIONS: usize = 2_000;

/// Changes to be made in order, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    changes: Vec<Change>,
}

/// One change of one attribute.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    /// Which operation of the request it came from, counted from 1.
    operation: usize,
    action: Action,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// The value is joined to what is there.
    Add(Path, Value),
    /// The value takes the place of what is there.
    Replace(Path, Value),
    /// What the path names goes.
    Remove(Path),
    /// Those elements of the list go.
    RemoveValues(Path, Vec<Value>),
    /// A path-less value repeated the resource's id, which must be this.
    SameId(Value),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

impl PatchRequest {
    /// Reads the body of a PATCH. The caller bounds its size.
    ///
    /// # Errors
    /// `invalidSyntax`: no JSON, too deep, not a PATCH request. `invalidPath`: malformed, or no such attribute. `mutability`:
    /// a read-only attribute, or the removal of a required one. `noTarget`: `remove` without a path. `invalidValue`: a value of
    /// the wrong type.
    pub fn from_slice(body: &[u8], schema: &ResourceSchema) -> Result<Self, Error> {
        Self::parse(json(body)?, schema)
    }

    /// Reads a PATCH request.
    ///
    /// # Errors
    /// As [`PatchRequest::from_slice`].
    pub fn parse(body: Value, schema: &ResourceSchema) -> Result<Self, Error> {
        check_depth(&body)?;
        let Value::Object(mut body) = body else {
            return Err(Error::invalid_syntax("the body must be a JSON object with `Operations`"));
        };
        let names_patch = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP));
        match take(&mut body, "schemas") {
            Some(Value::Array(urns)) if urns.iter().any(names_patch) => {}
            _ => return Err(Error::invalid_syntax(format!("`schemas` must be [\"{PATCH_OP}\"]"))),
        }
        let operations = match take(&mut body, "Operations") {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            _ => {
                return Err(Error::invalid_syntax("`Operations` must be a list with at least one operation"));
            }
        };
        if operations.len() > MAX_OPERATIONS {
            let detail =
                format!("more than {MAX_OPERATIONS} operations in one request; send them in several");
            return Err(Error::invalid_syntax(detail));
        }
        let mut changes = Vec::new();
        for (n, operation) in operations.into_iter().enumerate() {
            let read = read_operation(operation, schema).map_err(|error| error.within(&place(n + 1)))?;
            changes.extend(read.into_iter().map(|action| Change { operation: n + 1, action }));
        }
        Ok(Self { changes })
    }
}

fn place(operation: usize) -> String {
    format!("operation {operation}")
}

fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = map.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    map.shift_remove(&key)
}

fn read_operation(operation: Value, schema: &ResourceSchema) -> Result<Vec<Action>, Error> {
    let Value::Object(mut operation) = operation else {
        return Err(Error::invalid_syntax("it must be an object with `op`"));
    };
    let word = take(&mut operation, "op");
    let op = match word.as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Op::Add,
        Some("replace") => Op::Replace,
        Some("remove") => Op::Remove,
        _ => return Err(Error::invalid_syntax("`op` must be add, replace or remove")),
    };
    let value = take(&mut operation, "value");
    let path = match take(&mut operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() => None,
        Some(Value::String(path)) => Some(path),
        Some(_) => return Err(Error::invalid_path("`path` must be text")),
    };
    match (op, path, value) {
        (Op::Remove, None, _) => Err(Error::no_target("`remove` needs a `path`")),
        (_, None, Some(Value::Object(parts))) => without_path(op, parts, schema),
        (_, None, _) => {
            Err(Error::invalid_value("without a `path`, `value` must be an object of attributes"))
        }
        (Op::Add | Op::Replace, Some(_), None) => Err(Error::invalid_value("`value` is missing")),
        (_, Some(path), value) => {
            with_path(op, Path::parse(&path, schema)?, value.unwrap_or_default(), schema)
        }
    }
}

/// Each member of a path-less value is a change of its own. Unknown and read-only ones are ignored, as in a PUT.
fn without_path(op: Op, parts: Map<String, Value>, schema: &ResourceSchema) -> Result<Vec<Action>, Error> {
    let mut actions = Vec::new();
    for (name, value) in parts {
        let value = match value {
            Value::Object(parts) if schema.core.id.eq_ignore_ascii_case(&name) => {
                actions.extend(without_path(op, parts, schema)?);
                continue;
            }
            value => value,
        };
        let path = match Path::parse(&name, schema) {
            Ok(path) => path,
            Err(error) => {
                // A name of an unknown namespace, or of Usher's own: somebody's mapping is mistyped.
                match name.rsplit_once(':').map(|(urn, _)| schema.schema(urn)) {
                    Some(None) => return Err(unknown_schema(&name, schema)),
                    Some(Some(known)) if known.id == super::schema::USHER_USER => return Err(error),
                    _ => continue,
                }
            }
        };
        if path.schema.is_none() && path.name == "id" {
            actions.push(Action::SameId(value));
        } else if is_read_only(&path, schema) {
            continue;
        } else {
            actions.extend(with_path(op, path, value, schema)?);
        }
    }
    Ok(actions)
}

fn with_path(op: Op, path: Path, value: Value, schema: &ResourceSchema) -> Result<Vec<Action>, Error> {
    let name = quote(&path.to_string());
    if path.schema.is_none() && path.name == "schemas" && path.sub.is_none() && op != Op::Remove {
        // Which schemas a resource carries follows from its attributes.
        return known_schemas(&value, schema).map(|()| Vec::new());
    }
    if is_read_only(&path, schema) {
        return Err(Error::mutability(format!("{name} is read only")));
    }
    let scope = Scope::Resource(schema);
    match scope.find(&path) {
        Some(Found::Extension(extension)) => whole_extension(op, path, extension, value, schema),
        Some(Found::Attribute { attribute, .. }) => {
            let leaf = scope.leaf(&path).unwrap_or(attribute);
            if leaf.required && op == Op::Remove {
                return Err(Error::mutability(format!("{name} is required and cannot be removed")));
            }
            let action = on_attribute(op, path, leaf, value)?;
            Ok(action.filter(|_| leaf.returned != Returned::Never).into_iter().collect())
        }
        None => Err(Error::invalid_path(format!("a {} has no attribute {name}", schema.name))),
    }
}

fn on_attribute(op: Op, path: Path, leaf: &Attribute, value: Value) -> Result<Option<Action>, Error> {
    // With brackets and no sub-attribute, the value is one element of the list.
    let is_element = path.filter.is_some() && path.sub.is_none();
    if op == Op::Remove {
        if value.is_null() || is_element || !leaf.multi_valued {
            return Ok(Some(Action::Remove(path)));
        }
        let values = match normalised(leaf, value)? {
            Some(Value::Array(values)) => values,
            _ => Vec::new(),
        };
        return Ok(Some(Action::RemoveValues(path, values)));
    }
    let value = match value {
        Value::Array(mut values) if is_element && values.len() == 1 => values.pop().unwrap_or_default(),
        value => value,
    };
    let value = if is_element { element(leaf, value)? } else { normalised(leaf, value)? };
    Ok(match (op, value) {
        (Op::Add, Some(value)) => Some(Action::Add(path, value)),
        (Op::Add, None) => None,
        (_, Some(value)) => Some(Action::Replace(path, value)),
        (_, None) if leaf.required => {
            return Err(Error::invalid_value(format!("{} is blank", quote(&leaf.name))));
        }
        (_, None) => Some(Action::Remove(path)),
    })
}

/// `path` is an extension's URN: its attributes are changed one by one.
fn whole_extension(
    op: Op,
    path: Path,
    extension: &Schema,
    value: Value,
    schema: &ResourceSchema,
) -> Result<Vec<Action>, Error> {
    let parts = match (op, value) {
        (Op::Remove, _) | (Op::Replace, Value::Null) => return Ok(vec![Action::Remove(path)]),
        (Op::Add, Value::Null) => return Ok(Vec::new()),
        (_, Value::Object(parts)) => parts,
        _ => return Err(Error::invalid_value(format!("{} must be an object", extension.id))),
    };
    // Some libraries write `schemas` into every object.
    let parts = parts.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas"));
    let named = parts.map(|(name, value)| (format!("{}:{name}", extension.id), value));
    without_path(op, named.collect(), schema)
}

/// Whether the attribute, or the part of it that the path names, is set by the server alone.
fn is_read_only(path: &Path, schema: &ResourceSchema) -> bool {
    let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
    match Scope::Resource(schema).find(path) {
        Some(Found::Attribute { attribute, .. }) => {
            let sub = path.sub.as_deref().and_then(|sub| attribute.sub(sub));
            read_only(attribute) || sub.is_some_and(read_only)
        }
        Some(Found::Extension(extension)) => extension.attributes.iter().all(read_only),
        None => false,
    }
}

fn known_schemas(value: &Value, schema: &ResourceSchema) -> Result<(), Error> {
    let urns = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for urn in urns {
        match urn.as_str() {
            Some(urn) if schema.may_name(urn) => {}
            Some(urn) => return Err(unknown_schema(urn, schema)),
            None => return Err(Error::invalid_value("`schemas` must be a list of URNs")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
