//! What identity providers really send, in their exact form (`fixtures/scim`), and what the other tests share.

use proptest::prelude::*;
use serde_json::Value;

use super::schema::{self, ResourceSchema};

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
