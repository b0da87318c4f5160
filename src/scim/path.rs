//! Paths to attributes (RFC 7644 sections 3.5.2 and 3.10): `name.familyName`, `emails[type eq "work"].value`,
//! `urn:…:User:department`.
//!
//! Invariant: a path made by [`Path::parse`] names something that the schema has, in the schema's spelling, with its
//! namespace only where that is an extension. So it can be followed in a stored resource without folding names, and
//! be translated for a store.

use std::fmt;

use serde_json::{Map, Value};

use super::Error;
use super::error::quote;
use super::filter::Filter;
use super::grammar;
use super::schema::{Attribute, Found, ResourceSchema, Type};

/// A path to an attribute, a sub-attribute, some values of an attribute, or a whole extension.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The URN of the extension that the attribute belongs to. For a path that is an extension's URN alone: all but
    /// its last part.
    pub schema: Option<String>,
    /// The attribute's name. For a path that is an extension's URN alone: its last part.
    pub name: String,
    /// Which of the attribute's values are meant.
    pub filter: Option<Box<Filter>>,
    /// The sub-attribute's name.
    pub sub: Option<String>,
}

impl Path {
    /// Reads a path to something that `schema` has.
    ///
    /// # Errors
    /// `invalidPath`: malformed (with the character), or no such attribute.
    pub fn parse(text: &str, schema: &ResourceSchema) -> Result<Self, Error> {
        let mut path = grammar::path(text).map_err(Error::invalid_path)?;
        path.resolve(Scope::Resource(schema)).map_err(Error::invalid_path)?;
        Ok(path)
    }

    /// The values that it names in a resource, as stored or as answered with: those of a list one by one, and what is
    /// absent not at all.
    pub fn select<'v>(&self, resource: &'v Value, schema: &ResourceSchema) -> Vec<&'v Value> {
        resource
            .as_object()
            .map(|attributes| self.select_in(attributes, Scope::Resource(schema)))
            .unwrap_or_default()
    }

    pub(super) fn select_in<'v>(
        &self,
        attributes: &'v Map<String, Value>,
        scope: Scope<'_>,
    ) -> Vec<&'v Value> {
        let Some(found) = scope.find(self) else { return Vec::new() };
        let (holder, attribute) = match found {
            Found::Extension(extension) => return attributes.get(extension.id).into_iter().collect(),
            Found::Attribute { extension: None, attribute } => (Some(attributes), attribute),
            Found::Attribute { extension: Some(extension), attribute } => {
                (attributes.get(extension.id).and_then(Value::as_object), attribute)
            }
        };
        let Some(value) = holder.and_then(|holder| holder.get(self.name.as_str())) else { return Vec::new() };
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let wanted = values.iter().filter(|value| match (&self.filter, value) {
            (None, _) => true,
            (Some(filter), Value::Object(element)) => filter.matches_in(element, Scope::Element(attribute)),
            (Some(_), _) => false,
        });
        match &self.sub {
            None => wanted.collect(),
            Some(sub) => wanted.filter_map(|value| value.get(sub.as_str())).collect(),
        }
    }

    /// Puts the schema's spelling in the place of the client's.
    pub(super) fn resolve(&mut self, scope: Scope<'_>) -> Result<(), String> {
        let Some(found) = scope.find(self) else { return Err(scope.unknown(self)) };
        let (extension, attribute) = match found {
            Found::Extension(_) if self.filter.is_some() || self.sub.is_some() => {
                return Err(scope.unknown(self));
            }
            Found::Extension(extension) => {
                if let Some((namespace, name)) = extension.id.rsplit_once(':') {
                    (self.schema, self.name) = (Some(namespace.to_owned()), name.to_owned());
                }
                return Ok(());
            }
            Found::Attribute { extension, attribute } => (extension, attribute),
        };
        if let Some(filter) = &mut self.filter {
            if attribute.kind != Type::Complex || !attribute.multi_valued {
                return Err(format!(
                    "{} is no list of values to choose from with [ ]",
                    quote(&attribute.name)
                ));
            }
            filter.resolve(Scope::Element(attribute))?;
        }
        if let Some(sub) = &mut self.sub {
            let known = attribute.sub(sub).ok_or_else(|| {
                format!(
                    "{} has no {}; it has {}",
                    quote(&attribute.name),
                    quote(sub),
                    names(&attribute.sub_attributes)
                )
            })?;
            *sub = known.name.to_string();
        }
        self.schema = extension.map(|extension| extension.id.to_owned());
        self.name = attribute.name.to_string();
        Ok(())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.name)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

/// Where names are looked up: in a resource, or within the brackets of a value path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'s> {
    Resource(&'s ResourceSchema),
    Element(&'s Attribute),
}

impl<'s> Scope<'s> {
    pub(super) fn find(self, path: &Path) -> Option<Found<'s>> {
        match self {
            Self::Resource(schema) => schema.find(path.schema.as_deref(), &path.name),
            Self::Element(_) if path.schema.is_some() => None,
            Self::Element(attribute) => {
                attribute.sub(&path.name).map(|attribute| Found::Attribute { extension: None, attribute })
            }
        }
    }

    /// The attribute whose values a resolved path names.
    pub(super) fn leaf(self, path: &Path) -> Option<&'s Attribute> {
        match self.find(path)? {
            Found::Extension(_) => None,
            Found::Attribute { attribute, .. } => match &path.sub {
                None => Some(attribute),
                Some(sub) => attribute.sub(sub),
            },
        }
    }

    fn unknown(self, path: &Path) -> String {
        match self {
            Self::Element(attribute) => format!(
                "{} has no {}; it has {}",
                quote(&attribute.name),
                quote(&path.to_string()),
                names(&attribute.sub_attributes)
            ),
            Self::Resource(schema) => {
                let extension = path.schema.as_deref().and_then(|urn| schema.schema(urn));
                match extension {
                    Some(extension) => format!(
                        "{} has no attribute {}; it has {}",
                        extension.id,
                        quote(&path.name),
                        names(&extension.attributes)
                    ),
                    None => format!("a {} has no attribute {}", schema.name, quote(&path.to_string())),
                }
            }
        }
    }
}

/// Names for a detail.
pub(super) fn names(attributes: &[Attribute]) -> String {
    let names: Vec<_> = attributes.iter().map(|attribute| format!("`{}`", attribute.name)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, USHER_USER};

    fn check(text: &str, expected: &str) {
        let schema = ResourceSchema::user();
        match Path::parse(text, &schema) {
            Ok(path) => assert_eq!(path.to_string(), expected, "{text}"),
            Err(error) => assert_eq!(error.detail, expected, "{text}"),
        }
    }

    #[test]
    fn paths_are_read_in_the_schemas_spelling() {
        check("USERNAME", "userName");
        check(" name.FamilyName ", "name.familyName");
        check("urn:ietf:params:scim:schemas:core:2.0:User:active", "active");
        check("Emails[Type EQ \"work\"].Value", "emails[type eq \"work\"].value");
        check("emails[primary eq true and type eq \"work\"]", "emails[primary eq true and type eq \"work\"]");
        check("roles[primary eq \"True\"].value", "roles[primary eq true].value");
        check(
            &format!("{}:DEPARTMENT", ENTERPRISE_USER.to_uppercase()),
            &format!("{ENTERPRISE_USER}:department"),
        );
        check(&format!("{ENTERPRISE_USER}:manager.value"), &format!("{ENTERPRISE_USER}:manager.value"));
        check(ENTERPRISE_USER, ENTERPRISE_USER);
        check("members", "a User has no attribute `members`");
        check("manager.$ref", "a User has no attribute `manager.$ref`");
    }

    #[test]
    fn mistakes_name_the_place_or_what_there_is() {
        check("", "the path is malformed at character 1: expected the name of an attribute, found the end");
        check(
            "name..x",
            "the path is malformed at character 1: expected the name of an attribute, found `name..x`",
        );
        check(
            "emails[type eq \"work\"",
            "the path is malformed at character 22: expected `]`, found the end",
        );
        check(
            "emails[type]",
            "the path is malformed at character 12: expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found `]`",
        );
        check(
            "emails[type eq \"work\"].",
            "the path is malformed at character 24: expected a sub-attribute, found the end",
        );
        check("userName eq", "the path is malformed at character 10: expected the end, found `eq`");
        check("emails.colour", "`emails` has no `colour`; it has `value`, `display`, `type`, `primary`");
        check(
            "emails[colour eq 1]",
            "`emails` has no `colour`; it has `value`, `display`, `type`, `primary`",
        );
        check("name[formatted pr]", "`name` is no list of values to choose from with [ ]");
        check(&format!("{USHER_USER}:rule"), &format!("{USHER_USER} has no attribute `rule`; it has `role`"));
        check(
            "http:x",
            "the path is malformed at character 1: expected the name of an attribute, found `http:x`",
        );
    }

    #[test]
    fn values_are_selected_one_by_one() {
        let schema = ResourceSchema::user();
        let user = json!({
            "userName": "ada", "emails": [{"type": "work", "value": "a@w"}, {"type": "home", "value": "a@h"}],
            USHER_USER: {"role": "agent"},
        });
        let select = |path: &str| -> Vec<String> {
            let path = Path::parse(path, &schema).unwrap();
            path.select(&user, &schema).into_iter().map(Value::to_string).collect()
        };
        assert_eq!(select("userName"), ["\"ada\""]);
        assert_eq!(select("emails.value"), ["\"a@w\"", "\"a@h\""]);
        assert_eq!(select("emails[type eq \"HOME\"].value"), ["\"a@h\""]);
        assert_eq!(select(&format!("{USHER_USER}:role")), ["\"agent\""]);
        assert_eq!(select(USHER_USER), ["{\"role\":\"agent\"}"]);
        assert!(
            select("roles.value").is_empty()
                && select(&format!("{ENTERPRISE_USER}:manager.value")).is_empty()
        );
    }
}
