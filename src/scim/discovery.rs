//! What the server says of itself: ServiceProviderConfig, ResourceTypes, Schemas (RFC 7643 sections 5 to 7).
//!
//! Strict clients read these literally: exact shapes, no members beside the RFC's, and nothing promised that is not there.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::bulk;
use super::list::{DEFAULT_COUNT, ListResponse, MAX_COUNT};
use super::schema::{Attribute, Mutability, ResourceSchema, Returned, Schema, Type, Uniqueness};

/// What differs from one state of the gateway to another. PATCH, filters and bulk requests are always supported; changes of
/// passwords never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supported {
    /// `sortBy` is honoured.
    pub sort: bool,
    /// Versions, `If-Match` and `If-None-Match` are honoured.
    pub etag: bool,
    /// The longest body, in bytes.
    pub max_payload: usize,
    /// Clients may ask for an answer before the change is carried out (RFC 9967 section 4).
    pub respond_async: bool,
}

/// `GET /ServiceProviderConfig`. `base_url` is the integration's, without a slash at its end.
pub fn service_provider_config(base_url: &str, supported: Supported) -> Value {
    let mut config = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": bulk::MAX_OPERATIONS,
            "maxPayloadSize": supported.max_payload,
        },
        "filter": {"supported": true, "maxResults": MAX_COUNT},
        "changePassword": {"supported": false},
        "sort": {"supported": supported.sort},
        "etag": {"supported": supported.etag},
        // Without a `cursorTimeout` (RFC 9865 section 4): cursors do not expire.
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_COUNT,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of this integration in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    });
    if supported.respond_async {
        // No event is sent when the change is carried out; who asked reads the resource again.
        config["securityEvents"] = json!({"asyncRequest": "request", "eventUris": []});
    }
    config
}

/// `GET /ResourceTypes`.
pub fn resource_types(base_url: &str, types: &[&ResourceSchema]) -> ListResponse<Value> {
    ListResponse::whole(types.iter().map(|schema| resource_type(base_url, schema)).collect())
}

/// `GET /ResourceTypes/{name}`.
pub fn resource_type(base_url: &str, schema: &ResourceSchema) -> Value {
    // What is returned only on request is nothing that a client could send or has to expect.
    let is_expected = |extension: &&Schema| {
        extension.attributes.iter().any(|attribute| attribute.returned != Returned::Request)
    };
    let extensions: Vec<Value> = schema
        .extensions
        .iter()
        .filter(is_expected)
        .map(|extension| json!({"schema": extension.id, "required": false}))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": schema.name,
        "name": schema.name,
        "endpoint": schema.endpoint,
        "description": schema.core.description,
        "schema": schema.core.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base_url}/ResourceTypes/{}", schema.name),
        },
    })
}

/// `GET /Schemas`.
pub fn schemas(base_url: &str, types: &[&ResourceSchema]) -> ListResponse<Value> {
    // An extension of several kinds of resource is one schema.
    let mut told = HashSet::new();
    let all = types.iter().flat_map(|schema| schema.schemas()).filter(|schema| told.insert(schema.id));
    ListResponse::whole(all.map(|schema| schema_document(base_url, schema)).collect())
}

/// `GET /Schemas/{urn}`; `None` where there is no such schema.
pub fn schema(base_url: &str, types: &[&ResourceSchema], urn: &str) -> Option<Value> {
    types.iter().find_map(|schema| schema.schema(urn)).map(|schema| schema_document(base_url, schema))
}

/// A schema as `GET /Schemas` has it.
pub fn schema_document(base_url: &str, schema: &Schema) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base_url}/Schemas/{}", schema.id)},
    })
}

fn attribute(attribute_of: &Attribute) -> Value {
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| {
        json.insert(name.to_owned(), value);
    };
    put("name", attribute_of.name.as_ref().into());
    put("type", kind(attribute_of.kind).into());
    if attribute_of.kind == Type::Complex {
        put("subAttributes", attribute_of.sub_attributes.iter().map(attribute).collect());
    }
    put("multiValued", attribute_of.multi_valued.into());
    put("description", attribute_of.description.as_ref().into());
    put("required", attribute_of.required.into());
    if !attribute_of.canonical_values.is_empty() {
        put("canonicalValues", attribute_of.canonical_values.iter().map(AsRef::as_ref).collect());
    }
    put("caseExact", attribute_of.case_exact.into());
    put("mutability", mutability(attribute_of.mutability).into());
    put("returned", returned(attribute_of.returned).into());
    put("uniqueness", uniqueness(attribute_of.uniqueness).into());
    if attribute_of.kind == Type::Reference {
        put("referenceTypes", attribute_of.reference_types.iter().copied().collect());
    }
    Value::Object(json)
}

fn kind(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::Decimal => "decimal",
        Type::Integer => "integer",
        Type::DateTime => "dateTime",
        Type::Binary => "binary",
        Type::Reference => "reference",
        Type::Complex => "complex",
    }
}

fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::{ENTERPRISE_USER, USER, USHER_USER};

    const BASE: &str = "https://usher.example/scim/v2/desk";

    #[test]
    fn the_configuration_promises_what_there_is() {
        let config = service_provider_config(
            BASE,
            Supported { sort: false, etag: true, max_payload: 1024, respond_async: true },
        );
        let supported = |feature: &str| config[feature]["supported"].as_bool();
        assert_eq!(supported("patch"), Some(true));
        assert_eq!(supported("filter"), Some(true));
        assert_eq!(config["bulk"], json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 1024}));
        assert_eq!(config["securityEvents"]["asyncRequest"], "request");
        assert_eq!(supported("changePassword"), Some(false));
        assert_eq!(supported("sort"), Some(false));
        assert_eq!(supported("etag"), Some(true));
        let pagination = json!({"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100, "maxPageSize": 200});
        assert_eq!(config["pagination"], pagination);
        assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
        assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
    }

    #[test]
    fn resource_types_name_their_schemas() {
        let user = ResourceSchema::user();
        let types = serde_json::to_value(resource_types(BASE, &[&user])).unwrap();
        let first = &types["Resources"][0];
        assert_eq!(
            (&first["id"], &first["endpoint"], &first["schema"]),
            (&json!("User"), &json!("/Users"), &json!(USER))
        );
        let extensions: Vec<_> = first["schemaExtensions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|extension| &extension["schema"])
            .collect();
        assert_eq!(extensions, [ENTERPRISE_USER, USHER_USER]);
        assert_eq!(first["meta"]["location"], format!("{BASE}/ResourceTypes/User"));
    }

    #[test]
    fn schemas_are_found_by_urn_and_list_each_attributes_rules() {
        let user = ResourceSchema::user();
        assert_eq!(schemas(BASE, &[&user]).total_results, 4);
        assert_eq!(schema(BASE, &[&user], "urn:example:none"), None);
        let document = schema(BASE, &[&user], USER).unwrap();
        let named = |name: &str| {
            document["attributes"]
                .as_array()
                .unwrap()
                .iter()
                .find(|attribute| attribute["name"] == name)
                .unwrap()
        };
        assert_eq!(
            named("userName"),
            &json!({
                "name": "userName", "type": "string", "multiValued": false,
                "description": "The name to sign in with; unique regardless of case", "required": true,
                "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "server",
            })
        );
        assert_eq!(
            (&named("password")["mutability"], &named("password")["returned"]),
            (&json!("writeOnly"), &json!("never"))
        );
        assert_eq!(named("groups")["mutability"], "readOnly");
        assert_eq!(named("emails")["subAttributes"][2]["canonicalValues"], json!(["work", "home", "other"]));
        assert_eq!(named("profileUrl")["referenceTypes"], json!(["external"]));
    }
}
