//! A resource as Usher keeps it (RFC 7643 section 3).
//!
//! Invariants: names are in the schema's spelling; values are of the schema's types; nothing unassigned is kept (null,
//! empty text, empty lists); no password; `schemas` lists the core schema and the extensions in use, in the schema's
//! order. `meta` is not kept but given when it is answered with.

mod normalise;
mod read;

use serde_json::{Map, Value};

use super::Error;
use super::error::quote;
use super::path::{Path, Scope};
use super::schema::{Mutability, ResourceSchema, USHER_USER};
use crate::clock::Timestamp;

pub(super) use normalise::{element, is_primary, unwrap_json, value as normalised};
pub(super) use read::{check_json, json, unknown_schema};

/// How deep a body may nest. Resources need four levels.
pub const MAX_DEPTH: usize = 32;

/// A resource. See the module for what always holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    attributes: Map<String, Value>,
}

/// What the server knows of a resource (RFC 7643 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The name of its resource type, such as `User`.
    pub resource_type: &'static str,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// Its full address.
    pub location: String,
    /// Its entity tag, such as `W/"3"`, where versions are supported.
    pub version: Option<String>,
}

impl Resource {
    /// Reads the body of a POST or PUT. The caller bounds its size.
    ///
    /// # Errors
    /// `invalidSyntax`: no JSON, too deep, not an object, missing or unknown schemas, an attribute twice.
    /// `invalidValue`: a required attribute missing or blank, a value of the wrong type.
    pub fn from_slice(body: &[u8], schema: &ResourceSchema) -> Result<Self, Error> {
        Self::parse(json(body)?, schema)
    }

    /// Reads a resource that a client sent. What clients may not set (`id`, `meta`, `groups`) is ignored, as are unknown
    /// attributes; only in Usher's own extension an unknown one is refused, since it is an entitlement mistyped.
    ///
    /// # Errors
    /// As [`Resource::from_slice`].
    pub fn parse(body: Value, schema: &ResourceSchema) -> Result<Self, Error> {
        Self::finish(read::attributes(body, schema)?, schema)
    }

    /// A resource of which only [`attributes`](Self::attributes) were kept.
    pub fn from_attributes(attributes: Map<String, Value>) -> Self {
        Self { attributes }
    }

    /// The same resource under that id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.attributes.insert("id".to_owned(), Value::String(id.to_owned()));
        self
    }

    /// The same resource with what the server knows under `name`, in canonical spelling; nothing is kept of what is empty.
    #[must_use]
    pub fn with_list(mut self, name: &str, values: Vec<Value>) -> Self {
        if values.is_empty() {
            self.attributes.shift_remove(name);
        } else {
            self.attributes.insert(name.to_owned(), Value::Array(values));
        }
        self
    }

    /// The same resource with what the server says under the extension `urn`, such as the state of its job. Not to be
    /// stored.
    #[must_use]
    pub fn with_extension(mut self, urn: &str, attributes: Map<String, Value>) -> Self {
        if let Some(Value::Array(schemas)) = self.attributes.get_mut("schemas")
            && !schemas.iter().any(|known| known == urn)
        {
            schemas.push(Value::String(urn.to_owned()));
        }
        self.attributes.insert(urn.to_owned(), Value::Object(attributes));
        self
    }

    /// This resource in the place of `old` (PUT, RFC 7644 section 3.5.1): it takes over the id and, where it says nothing
    /// of it, `active`, so that a profile update never brings a leaver back.
    ///
    /// # Errors
    /// `mutability`: an immutable attribute differs.
    pub fn replacing(mut self, old: &Self, schema: &ResourceSchema) -> Result<Self, Error> {
        for name in ["id", "active"] {
            if let (None, Some(value)) = (self.attributes.get(name), old.attributes.get(name)) {
                self.attributes.insert(name.to_owned(), value.clone());
            }
        }
        check_immutable(&old.attributes, &self.attributes, schema)?;
        Ok(self)
    }

    /// The resource as it is answered with.
    pub fn into_json(mut self, meta: &Meta) -> Value {
        let first = ["schemas", "id", "externalId"];
        let mut json = Map::with_capacity(self.attributes.len() + 1);
        for name in first {
            if let Some(value) = self.attributes.get_mut(name) {
                json.insert(name.to_owned(), value.take());
            }
        }
        json.extend(self.attributes.into_iter().filter(|(name, _)| !first.contains(&name.as_str())));
        json.insert("meta".to_owned(), meta.to_json());
        Value::Object(json)
    }

    /// Its attributes, in canonical spelling.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The same, to be changed.
    pub fn attributes_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.attributes
    }

    /// The values that `path` names, one by one.
    pub fn select(&self, path: &Path, schema: &ResourceSchema) -> Vec<&Value> {
        path.select_in(&self.attributes, Scope::Resource(schema))
    }

    /// The identifier that the server gave it.
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// The name to sign in with.
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }

    /// The identity provider's own identifier.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// The name to show.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// Whether the account is wanted active; `None` where the client never said.
    pub fn active(&self) -> Option<bool> {
        self.attributes.get("active").and_then(Value::as_bool)
    }

    /// The URNs of its schemas.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        self.list("schemas").iter().filter_map(Value::as_str)
    }

    /// The e-mail address to use: the primary one, else the one for work, else the first.
    pub fn email(&self) -> Option<&str> {
        let emails = self.list("emails");
        let is_work = |email: &&Value| {
            email.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
        };
        let chosen = emails.iter().find(|email| is_primary(email)).or_else(|| emails.iter().find(is_work));
        chosen.or(emails.first())?.get("value")?.as_str()
    }

    /// The attributes under the extension `urn`, in its canonical spelling.
    pub fn extension(&self, urn: &str) -> Option<&Map<String, Value>> {
        self.attributes.get(urn).and_then(Value::as_object)
    }

    /// Derives `schemas` and checks what must be there.
    pub(super) fn finish(mut attributes: Map<String, Value>, schema: &ResourceSchema) -> Result<Self, Error> {
        let required = schema.schemas().flat_map(|part| {
            let holder =
                if part.id == schema.core.id { Some(&attributes) } else { object(&attributes, part.id) };
            // A required attribute of an extension is asked for where the extension is in use, or is Usher's own.
            let in_use = holder.is_some() || part.id == USHER_USER;
            part.attributes.iter().filter(move |attribute| attribute.required && in_use).filter(
                move |attribute| holder.and_then(|all| all.get(attribute.name.as_ref())).is_none_or(is_blank),
            )
        });
        if let Some(missing) = required.map(|attribute| quote(&attribute.name)).next() {
            return Err(Error::invalid_value(format!(
                "{missing} is missing or blank; the {} needs one",
                schema.name
            )));
        }
        let used = schema.extensions.iter().filter(|extension| attributes.contains_key(extension.id));
        let urns = std::iter::once(&schema.core).chain(used).map(|part| Value::from(part.id)).collect();
        attributes.shift_remove("schemas");
        attributes.shift_insert(0, "schemas".to_owned(), Value::Array(urns));
        Ok(Self { attributes })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    /// The values of a list, in canonical spelling; none where there is no such list.
    pub fn list(&self, name: &str) -> &[Value] {
        self.attributes.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl Meta {
    fn to_json(&self) -> Value {
        let mut meta = Map::new();
        meta.insert("resourceType".to_owned(), self.resource_type.into());
        meta.insert("created".to_owned(), self.created.to_rfc3339().into());
        meta.insert("lastModified".to_owned(), self.last_modified.to_rfc3339().into());
        meta.insert("location".to_owned(), self.location.as_str().into());
        if let Some(version) = &self.version {
            meta.insert("version".to_owned(), version.as_str().into());
        }
        Value::Object(meta)
    }
}

/// Refuses a change of what may be set only once.
pub(super) fn check_immutable(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    schema: &ResourceSchema,
) -> Result<(), Error> {
    for part in schema.schemas() {
        let is_core = part.id == schema.core.id;
        let (old, new) = match is_core {
            true => (Some(old), Some(new)),
            false => (object(old, part.id), object(new, part.id)),
        };
        for attribute in
            part.attributes.iter().filter(|attribute| attribute.mutability == Mutability::Immutable)
        {
            let before = old.and_then(|all| all.get(attribute.name.as_ref()));
            if before.is_some() && before != new.and_then(|all| all.get(attribute.name.as_ref())) {
                return Err(Error::mutability(format!("{} can be set only once", quote(&attribute.name))));
            }
        }
    }
    Ok(())
}

fn object<'m>(attributes: &'m Map<String, Value>, name: &str) -> Option<&'m Map<String, Value>> {
    attributes.get(name).and_then(Value::as_object)
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests;
