//! What identity providers really send, in their exact form (`fixtures/scim`), and what the other tests share.

use proptest::prelude::*;
use serde_json::Value;

use super::schema::{self, ResourceSchema};
use super::{ListQuery, PatchRequest, Resource, patch};

/// JSON whose names and values often mean something to SCIM.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,3}|True|false|\\{\"value\":\"25\"\\}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|parts| Value::Object(parts.into_iter().collect())),
        ]
    })
}

/// Names, most of them of the schema.
pub(super) fn name() -> impl Strategy<Value = String> {
    let user = ResourceSchema::user();
    let mut known: Vec<String> =
        user.core.attributes.iter().map(|attribute| attribute.name.to_string()).collect();
    known.extend(["id", "meta", "value", "type", "primary", "op", "path", "givenName"].map(str::to_owned));
    known.extend(
        [schema::ENTERPRISE_USER, schema::USHER_USER, "department", "manager", "role"].map(str::to_owned),
    );
    prop_oneof![6 => prop::sample::select(known), 1 => any::<String>()]
}

/// The id of the user that the patches are applied to.
const ID: &str = "0192f0c1-7b1e-7c4e-9a55-3f1f6d1a0001";

/// Every fixture as it is sent, under its name.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scim");
    let mut fixtures: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|end| end == "json")
                && !path.to_string_lossy().ends_with(".kept.json")
        })
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    fixtures.sort();
    fixtures
}

fn kept(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scim");
    serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.kept.json"))).unwrap()).unwrap()
}

#[test]
fn what_identity_providers_send_is_kept_as_it_should_be() {
    let schema = ResourceSchema::user();
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 8, "a fixture came or went");
    let body = &fixtures.iter().find(|(name, _)| name == "okta-create-user").unwrap().1;
    let created = Resource::from_slice(body, &schema).unwrap();
    for (name, body) in fixtures {
        let read = if name.contains("-patch-") {
            PatchRequest::from_slice(&body, &schema)
                .and_then(|request| patch::apply(&created.clone().with_id(ID), &request, &schema))
        } else {
            Resource::from_slice(&body, &schema)
        };
        let mut attributes = read.unwrap_or_else(|error| panic!("{name}: {error}")).attributes().clone();
        attributes.shift_remove("id");
        assert!(!format!("{attributes:?}").contains("RandomByOkta"), "{name} keeps a password");
        assert_eq!(Value::Object(attributes), kept(&name), "{name}");
    }
}

/// A query's decoded parameters.
fn query(text: &str) -> ListQuery {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap());
    ListQuery::parse(pairs, &ResourceSchema::user()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_identity_providers_ask_for_is_understood() {
    let schema = ResourceSchema::user();
    let first = query("startIndex=1&count=2");
    assert_eq!((first.offset(), first.count, first.filter), (0, 2, None));
    let okta = query("filter=userName eq \"grace.hopper@acme.example\"&startIndex=1&count=100");
    assert_eq!(okta.filter.unwrap().to_string(), "userName eq \"grace.hopper@acme.example\"");
    let entra = query("filter=externalId eq \"00ujl29u0le5T6Aj10h7\"&excludedAttributes=members");
    assert_eq!(entra.filter.unwrap().to_string(), "externalId eq \"00ujl29u0le5T6Aj10h7\"");
    for filter in [
        "emails[type eq \"work\"].value eq \"Grace.Hopper@acme.example\"",
        "emails[primary eq true and type eq \"work\"].value eq \"grace.hopper@acme.example\"",
    ] {
        let filter = query(&format!("filter={filter}")).filter.unwrap();
        assert!(filter.matches(&kept("okta-create-user"), &schema), "{filter}");
        assert!(!filter.matches(&kept("entra-create-user"), &schema), "{filter}");
    }
}
