//! What can be held, as Okta's entitlement discovery reads it: a resource type for each kind, whose resources are the values.
//!
//! The schemas are Okta's (Identity Governance, "Entitlement discovery"). Nothing of it can be written.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::schema::{Attribute, Schema, Type};

/// The schema of a role.
pub const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";
/// The schema of an entitlement of any other kind.
pub const ENTITLEMENT: &str = "urn:okta:scim:schemas:core:1.0:Entitlement";

/// A kind of entitlement with the values that can be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name of its resource type.
    pub name: String,
    /// Where its values are served.
    pub endpoint: String,
    /// Key and name of each value.
    pub values: Vec<(String, String)>,
    is_role: bool,
}

impl Kind {
    /// The kind that the connector calls `name`. That of roles is called `role`.
    pub fn new(name: &str, values: Vec<(String, String)>) -> Self {
        match name {
            "role" => Self { name: "Role".to_owned(), endpoint: "/Roles".to_owned(), values, is_role: true },
            name => Self {
                name: name.to_owned(),
                endpoint: format!("/Entitlements/{name}"),
                values,
                is_role: false,
            },
        }
    }

    /// Its schema.
    pub fn schema(&self) -> &'static Schema {
        if self.is_role { &ROLE_SCHEMA } else { &ENTITLEMENT_SCHEMA }
    }

    /// Its resource type (RFC 7643 section 6). `base_url` is the integration's, without a slash at its end.
    pub fn resource_type(&self, base_url: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.schema().description,
            "schema": self.schema().id,
            "schemaExtensions": [],
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{base_url}/ResourceTypes/{}", self.name),
            },
        })
    }

    /// Its value with that key, as a resource.
    pub fn resource(&self, base_url: &str, key: &str) -> Option<Value> {
        let (key, name) = self.values.iter().find(|(known, _)| known == key)?;
        let mut resource = json!({ "schemas": [self.schema().id], "id": key });
        if !self.is_role {
            resource["type"] = self.name.as_str().into();
        }
        resource["displayName"] = name.as_str().into();
        let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let location = format!("{base_url}{}/{}", self.endpoint, encoded.replace('+', "%20"));
        resource["meta"] = json!({ "resourceType": self.name, "location": location });
        Some(resource)
    }
}

static ROLE_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema {
    id: ROLE,
    name: "Role",
    description: "A role in the app",
    attributes: vec![name("The name of the role")],
});

static ENTITLEMENT_SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema {
    id: ENTITLEMENT,
    name: "Entitlement",
    description: "Something that can be held in the app",
    attributes: vec![
        Attribute::new("type", Type::String, "What it is: the name of its resource type")
            .case_exact()
            .read_only(),
        name("Its name"),
    ],
});

fn name(description: &'static str) -> Attribute {
    Attribute::new("displayName", Type::String, description).read_only()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_resources_of_their_kind() {
        let values = || vec![("pro plan".to_owned(), "Pro".to_owned())];
        let base = "https://usher.example/scim/v2/desk";
        let role = Kind::new("role", values());
        assert_eq!((role.name.as_str(), role.endpoint.as_str(), role.schema().id), ("Role", "/Roles", ROLE));
        let licence = Kind::new("licence", values());
        let expected = json!({
            "schemas": [ENTITLEMENT], "id": "pro plan", "type": "licence", "displayName": "Pro",
            "meta": { "resourceType": "licence", "location": format!("{base}/Entitlements/licence/pro%20plan") },
        });
        assert_eq!(licence.resource(base, "pro plan"), Some(expected));
        assert_eq!(licence.resource(base, "Pro"), None);
        assert_eq!(licence.resource_type(base)["endpoint"], "/Entitlements/licence");
    }
}
