//! Which attributes an answer carries: `attributes` and `excludedAttributes` (RFC 7644 section 3.9).

use serde_json::{Map, Value};

use super::grammar;
use super::path::Path;
use super::schema::{Attribute, Found, ResourceSchema, Returned, USHER_USER};

/// A choice of attributes. Names that the schema does not know choose nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Projection {
    /// All that are returned by default.
    #[default]
    All,
    /// These, and those that are always returned.
    Only(Vec<Path>),
    /// All but these; those that are always returned stay.
    Without(Vec<Path>),
}

impl Projection {
    /// Reads the two parameters, of which `attributes` wins. Each is a list of paths with commas between them.
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>, schema: &ResourceSchema) -> Self {
        let paths =
            |list: &str| -> Vec<Path> { list.split(',').filter_map(|name| known(name, schema)).collect() };
        match (attributes, excluded) {
            (Some(list), _) if !list.trim().is_empty() => Self::Only(paths(list)),
            (_, Some(list)) if !list.trim().is_empty() => Self::Without(paths(list)),
            _ => Self::All,
        }
    }

    /// Whether the attribute of that name at the top level is part of the answer, so that a costly one need not be read.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(paths) => paths.iter().any(|path| path.schema.is_none() && path.name == name),
            Self::Without(paths) => {
                !paths.iter().any(|path| is_whole(path) && path.schema.is_none() && path.name == name)
            }
        }
    }

    /// Whether the extension of that URN, or something of it, is asked for by name.
    pub fn asks_for(&self, urn: &str) -> bool {
        let Self::Only(paths) = self else { return false };
        paths.iter().any(|path| match &path.schema {
            Some(schema) => {
                schema == urn
                    || urn.strip_prefix(schema).and_then(|rest| rest.strip_prefix(':')) == Some(&path.name)
            }
            None => false,
        })
    }

    /// The answer with the chosen attributes only.
    #[must_use]
    pub fn apply(&self, resource: Value, schema: &ResourceSchema) -> Value {
        let Value::Object(mut attributes) = resource else { return resource };
        drop_emptied(&mut attributes);
        Value::Object(match self {
            Self::All => attributes,
            Self::Only(paths) => only(&attributes, paths, schema),
            Self::Without(paths) => without(attributes, paths, schema),
        })
    }
}

/// Takes out the lists of Usher's own extension that say that nothing is held: to a client they are not there (RFC 7643 section 2.5).
fn drop_emptied(attributes: &mut Map<String, Value>) {
    let Some(Value::Object(own)) = attributes.get_mut(USHER_USER) else { return };
    let before = own.len();
    own.retain(|_, value| !matches!(value, Value::Array(values) if values.is_empty()));
    if own.is_empty() && before > 0 {
        attributes.shift_remove(USHER_USER);
    }
}

fn known(name: &str, schema: &ResourceSchema) -> Option<Path> {
    let name = name.trim();
    if schema.core.id.eq_ignore_ascii_case(name) {
        return None;
    }
    grammar::path(name).ok().filter(|path| path.filter.is_none()).and_then(|_| Path::parse(name, schema).ok())
}

fn is_whole(path: &Path) -> bool {
    path.sub.is_none()
}

fn only(attributes: &Map<String, Value>, paths: &[Path], schema: &ResourceSchema) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in attributes {
        if schema.attribute(name).is_some_and(is_always) {
            kept.insert(name.clone(), value.clone());
            continue;
        }
        let mut chosen = Value::Null;
        for path in paths {
            match schema.find(path.schema.as_deref(), &path.name) {
                Some(Found::Extension(extension)) if extension.id == name => chosen = value.clone(),
                Some(Found::Attribute { extension: None, .. }) if path.name == *name => {
                    merge(&mut chosen, part(value, path.sub.as_deref()));
                }
                Some(Found::Attribute { extension: Some(extension), .. }) if extension.id == name => {
                    if let Some(inner) = value.get(&path.name) {
                        let inner = part(inner, path.sub.as_deref());
                        merge(&mut chosen, Value::Object(Map::from_iter([(path.name.clone(), inner)])));
                    }
                }
                _ => {}
            }
        }
        if !chosen.is_null() {
            kept.insert(name.clone(), chosen);
        }
    }
    kept
}

fn without(
    mut attributes: Map<String, Value>,
    paths: &[Path],
    schema: &ResourceSchema,
) -> Map<String, Value> {
    for path in paths {
        match schema.find(path.schema.as_deref(), &path.name) {
            Some(Found::Extension(extension)) => {
                attributes.shift_remove(extension.id);
            }
            Some(Found::Attribute { extension: None, attribute }) if !is_always(attribute) => {
                drop_part(&mut attributes, path);
            }
            Some(Found::Attribute { extension: Some(extension), .. }) => {
                if let Some(Value::Object(inner)) = attributes.get_mut(extension.id) {
                    drop_part(inner, path);
                }
            }
            _ => {}
        }
    }
    attributes
}

fn is_always(attribute: &Attribute) -> bool {
    attribute.returned == Returned::Always
}

/// `value`, or only the part `sub` of it, of each element where it is a list.
fn part(value: &Value, sub: Option<&str>) -> Value {
    let Some(sub) = sub else { return value.clone() };
    let one = |value: &Value| {
        let part = value.get(sub).map(|part| (sub.to_owned(), part.clone()));
        Value::Object(part.into_iter().collect())
    };
    match value {
        Value::Array(elements) => Value::Array(elements.iter().map(one).collect()),
        single => one(single),
    }
}

fn drop_part(attributes: &mut Map<String, Value>, path: &Path) {
    match (&path.sub, attributes.get_mut(&path.name)) {
        (None, _) => {
            attributes.shift_remove(&path.name);
        }
        (Some(sub), Some(Value::Object(parts))) => {
            parts.shift_remove(sub);
        }
        (Some(sub), Some(Value::Array(elements))) => {
            elements.iter_mut().filter_map(Value::as_object_mut).for_each(|parts| {
                parts.shift_remove(sub);
            });
        }
        (Some(_), _) => {}
    }
}

/// Joins two choices of the same value.
fn merge(chosen: &mut Value, more: Value) {
    match (chosen, more) {
        (Value::Object(chosen), Value::Object(more)) => {
            for (name, value) in more {
                merge(chosen.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(chosen), Value::Array(more)) if chosen.len() == more.len() => {
            chosen.iter_mut().zip(more).for_each(|(chosen, more)| merge(chosen, more));
        }
        (chosen, more) => *chosen = more,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, USER};

    #[track_caller]
    fn check(attributes: Option<&str>, excluded: Option<&str>, expected: Value) {
        let schema = ResourceSchema::user();
        let user = json!({
            "schemas": [USER], "id": "7", "userName": "ada", "name": {"givenName": "A", "familyName": "L"},
            "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
            ENTERPRISE_USER: {"department": "R", "manager": {"value": "m", "displayName": "M"}},
            "meta": {"location": "l", "version": "v"},
        });
        let projection = Projection::parse(attributes, excluded, &schema);
        assert_eq!(projection.apply(user, &schema), expected, "{attributes:?} {excluded:?}");
    }

    #[test]
    fn only_what_is_asked_for_and_what_is_always_returned() {
        check(Some("USERNAME"), None, json!({"schemas": [USER], "id": "7", "userName": "ada"}));
        check(Some("userName"), Some("userName"), json!({"schemas": [USER], "id": "7", "userName": "ada"}));
        check(Some("shoeSize"), None, json!({"schemas": [USER], "id": "7"}));
        check(
            Some("name.familyName, emails.value,meta.version"),
            None,
            json!({"schemas": [USER], "id": "7", "name": {"familyName": "L"}, "emails": [{"value": "a"}, {"value": "b"}], "meta": {"version": "v"}}),
        );
        check(
            Some("emails.type,emails.value"),
            None,
            json!({"schemas": [USER], "id": "7", "emails": [{"type": "work", "value": "a"}, {"value": "b"}]}),
        );
        let manager = format!("{ENTERPRISE_USER}:manager.value,{ENTERPRISE_USER}:department");
        check(
            Some(&manager),
            None,
            json!({"schemas": [USER], "id": "7", ENTERPRISE_USER: {"manager": {"value": "m"}, "department": "R"}}),
        );
        check(
            Some(ENTERPRISE_USER),
            None,
            json!({"schemas": [USER], "id": "7", ENTERPRISE_USER: {"department": "R", "manager": {"value": "m", "displayName": "M"}}}),
        );
    }

    #[test]
    fn all_but_what_is_excluded() {
        let excluded = format!("id,schemas,emails,name.givenName,meta,{ENTERPRISE_USER}:manager,members");
        check(
            None,
            Some(&excluded),
            json!({"schemas": [USER], "id": "7", "userName": "ada", "name": {"familyName": "L"}, ENTERPRISE_USER: {"department": "R"}}),
        );
        let schema = ResourceSchema::user();
        let emails = Projection::parse(None, Some("emails"), &schema);
        assert!(!emails.wants("emails") && emails.wants("name"));
        let emails = Projection::parse(Some("emails.value"), None, &schema);
        assert!(emails.wants("emails") && !emails.wants("name"));
        assert_eq!(Projection::parse(Some(" "), Some(""), &schema), Projection::All);
    }
}
