//! A resource as it is compared (RFC 7643 section 2.2, RFC 7644 section 3.4.2.2).
//!
//! Databases disagree about the case of letters beyond ASCII, about what is empty, and about lists. So a store keeps, beside each
//! resource, this form of it, in which comparing is the same everywhere: text that ignores case is [folded](fold), lists
//! are always lists, what is empty is left out. A filter over it holds where [`Filter::matches`](super::Filter::matches) does
//! for the resource itself.

use serde_json::{Map, Value};

use super::schema::{Attribute, ResourceSchema, Type, fold};

/// A resource as it is compared: a JSON object as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded(String);

impl Folded {
    /// That of a resource with these attributes, in canonical spelling. What the server controls (`id`, `meta`) is left out:
    /// a store has it in another form.
    pub fn of(attributes: &Map<String, Value>, schema: &ResourceSchema) -> Self {
        let mut folded = Map::new();
        for (name, value) in attributes {
            let value = match schema.extensions.iter().find(|extension| extension.id == name) {
                Some(extension) => parts(value, |name| extension.attribute(name)),
                None if name == "id" || name == "meta" => None,
                None => schema.attribute(name).and_then(|attribute| of_attribute(attribute, value)),
            };
            folded.extend(value.map(|value| (name.clone(), value)));
        }
        Self(Value::Object(folded).to_string())
    }

    /// What a store has kept of [`as_str`](Self::as_str).
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// As JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The e-mail addresses, by which identity providers look people up.
    pub fn emails(&self) -> Vec<String> {
        let resource: Value = serde_json::from_str(&self.0).unwrap_or_default();
        let emails = resource.get("emails").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        emails.iter().filter_map(|email| email.get("value")?.as_str()).map(str::to_owned).collect()
    }
}

fn of_attribute(attribute: &Attribute, value: &Value) -> Option<Value> {
    match value {
        Value::Array(values) => {
            let values: Vec<_> = values.iter().filter_map(|value| of_value(attribute, value)).collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        value if attribute.multi_valued => of_value(attribute, value).map(|value| Value::Array(vec![value])),
        value => of_value(attribute, value),
    }
}

fn of_value(attribute: &Attribute, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if attribute.case_exact || attribute.kind == Type::DateTime => {
            Some(Value::String(text.clone()))
        }
        Value::String(text) => Some(Value::String(fold(text))),
        Value::Object(_) => parts(value, |name| attribute.sub(name)),
        value => Some(value.clone()),
    }
}

fn parts<'a>(value: &Value, find: impl Fn(&str) -> Option<&'a Attribute>) -> Option<Value> {
    let parts = value.as_object()?.iter();
    let parts: Map<String, Value> =
        parts.filter_map(|(name, value)| Some((name.clone(), of_attribute(find(name)?, value)?))).collect();
    (!parts.is_empty()).then_some(Value::Object(parts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, USER};

    #[test]
    fn what_ignores_case_is_folded_and_what_is_empty_left_out() {
        let user = json!({
            "schemas": [USER], "id": "7", "externalId": "00uX", "userName": "ÄDA", "title": "", "active": true, "name": {"givenName": ""},
            "emails": {"value": "A@b", "type": "Work"}, "roles": [],
            ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "M"}}, "meta": {"version": "v"},
        });
        let folded = Folded::of(user.as_object().unwrap(), &ResourceSchema::user());
        let expected = json!({
            "schemas": [USER], "externalId": "00uX", "userName": "äda", "active": true,
            "emails": [{"value": "a@b", "type": "work"}],
            ENTERPRISE_USER: {"department": "r&d", "manager": {"value": "M"}},
        });
        assert_eq!(serde_json::from_str::<Value>(folded.as_str()).unwrap(), expected);
        assert_eq!(folded.emails(), ["a@b"]);
        assert_eq!(Folded::from_stored(folded.as_str().to_owned()), folded);
    }
}
