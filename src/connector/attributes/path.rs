//! SCIM attribute paths, and finding values by them.

use serde_json::{Map, Value};

/// One step of a path: an attribute, and which of its values.
struct Segment<'p> {
    name: &'p str,
    /// `[type eq "work"]`: sub-attribute and value.
    only: Option<(&'p str, &'p str)>,
}

/// Whether `path` is one that can be read here, else why not.
pub(in crate::connector) fn check_path(path: &str) -> Result<(), &'static str> {
    segments(path).map(drop)
}

/// `schema:attribute.sub` or `attribute[type eq "work"].sub` (RFC 7644 section 3.5.2, one comparison by `eq`).
fn segments(path: &str) -> Result<(Option<&str>, Vec<Segment<'_>>), &'static str> {
    let (schema, path) = match path.to_ascii_lowercase().starts_with("urn:") {
        true => path
            .rsplit_once(':')
            .map(|(schema, rest)| (Some(schema), rest))
            .ok_or("expected a schema and an attribute")?,
        false => (None, path),
    };
    let mut out = Vec::new();
    let mut rest = path;
    loop {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '$'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("expected the name of an attribute, such as `userName` or `name.givenName`");
        }
        let (only, after) = match after.strip_prefix('[').map(|inside| inside.split_once(']')) {
            None => (None, after),
            Some(None) => return Err("the bracket is never closed"),
            Some(Some((inside, after))) => {
                let (sub, value) = inside.split_once(" eq ").ok_or("expected `[type eq \"work\"]`")?;
                (Some((sub.trim(), value.trim().trim_matches('"'))), after)
            }
        };
        out.push(Segment { name, only });
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok((schema, out)),
            None => return Err("expected `.` or the end behind the name"),
        }
    }
}

/// The value at a path. Of several values the one that is asked for, else the primary one, else the first. Where a
/// user has no `displayName`, it is made of the parts of `name`.
pub(super) fn at_path(user: &Map<String, Value>, path: &str) -> Option<Value> {
    let (schema, segments) = segments(path).ok()?;
    let core =
        schema.is_none_or(|schema| schema.eq_ignore_ascii_case("urn:ietf:params:scim:schemas:core:2.0:User"));
    let object = if core { user } else { schema.and_then(|schema| find(user, schema))?.as_object()? };
    let mut current = object;
    let mut found = None;
    for (index, segment) in segments.iter().enumerate() {
        let value = find(current, segment.name).and_then(|value| choose(value, segment.only));
        if index + 1 == segments.len() {
            found = value.map(|value| if value.is_object() { plain_value(value) } else { value.clone() });
        } else {
            current = value?.as_object()?;
        }
    }
    let blank = found
        .as_ref()
        .is_none_or(|value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()));
    if blank && core && path.eq_ignore_ascii_case("displayName") { display_name(user) } else { found }
}

fn choose<'a>(value: &'a Value, only: Option<(&str, &str)>) -> Option<&'a Value> {
    let Value::Array(items) = value else { return Some(value) };
    let has = |item: &&Value, name: &str, wanted: &str| {
        let value = item.as_object().and_then(|item| find(item, name));
        value.is_some_and(|value| match value {
            Value::String(text) => text.eq_ignore_ascii_case(wanted),
            Value::Bool(value) => wanted == if *value { "true" } else { "false" },
            _ => false,
        })
    };
    match only {
        Some((name, wanted)) => items.iter().find(|item| has(item, name, wanted)),
        None => items.iter().find(|item| has(item, "primary", "true")).or_else(|| items.first()),
    }
}

fn display_name(user: &Map<String, Value>) -> Option<Value> {
    let name = find(user, "name")?.as_object()?;
    let part =
        |part: &str| find(name, part).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let parts: Vec<&str> = ["givenName", "familyName"].into_iter().filter_map(part).collect();
    let made = part("formatted").map_or_else(|| parts.join(" "), str::to_owned);
    (!made.is_empty()).then_some(Value::String(made))
}

/// `"agent"` of `"agent"` or of `{ "value": "agent" }`.
pub(super) fn plain_value(item: &Value) -> Value {
    match item.as_object() {
        Some(item) => find(item, "value").or_else(|| find(item, "display")).cloned().unwrap_or(Value::Null),
        None => item.clone(),
    }
}

/// The member of that name, regardless of case.
pub(super) fn find<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
