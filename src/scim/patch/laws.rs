//! What holds for every PATCH.

use proptest::prelude::*;
use serde_json::json;

use super::tests::{patched, user};
use super::*;
use crate::scim::resource::Resource;
use crate::scim::schema::{ENTERPRISE_USER, USHER_USER};
use crate::scim::tests::{any_json, name};

/// Changes whose value can be read back at the same place.
fn assignment() -> impl Strategy<Value = (String, Value)> {
    let text = "[a-zA-Z0-9 ]{1,8}[a-z]";
    let department = format!("{ENTERPRISE_USER}:department");
    let role = format!("{USHER_USER}:role");
    let paths = [
        "title",
        "name.givenName",
        "emails[type eq \"work\"].value",
        "phoneNumbers[type eq \"mobile\"].value",
    ];
    let paths = paths.into_iter().map(str::to_owned).chain([department, role]).collect::<Vec<_>>();
    (prop::sample::select(paths), text.prop_map(Value::from))
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop_oneof![
        2 => assignment().prop_map(|(path, _)| path),
        2 => name(),
        1 => prop::sample::select(vec!["emails", "roles", "emails[primary eq true]", "roles.value", "emails[value pr].type"])
            .prop_map(str::to_owned),
    ];
    let op = prop::sample::select(vec!["add", "Replace", "REMOVE", "move"]);
    (op, prop::option::of(path), prop::option::of(any_json())).prop_map(|(op, path, value)| {
        let mut operation = json!({"op": op});
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        if let Some(value) = value {
            operation["value"] = value;
        }
        operation
    })
}

proptest! {
    #[test]
    fn what_was_replaced_is_read_back_and_again_changes_nothing((path, value) in assignment()) {
        let schema = ResourceSchema::user();
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        let once = patched(&user(), operations.clone()).unwrap();
        let read = once.select(&Path::parse(&path, &schema).unwrap(), &schema);
        prop_assert_eq!(read, vec![&value]);
        prop_assert_eq!(patched(&once, operations).unwrap(), once);
    }

    #[test]
    fn adding_to_a_list_twice_is_adding_once(values in prop::collection::vec("[a-c]{1,2}", 1..5)) {
        let operations = json!([{"op": "add", "path": "roles", "value": values}]);
        let once = patched(&user(), operations.clone()).unwrap();
        prop_assert_eq!(patched(&once, operations).unwrap(), once);
    }

    #[test]
    fn any_request_is_applied_or_refused_and_leaves_a_valid_resource(
        operations in prop::collection::vec(operation(), 1..5),
    ) {
        let before = user();
        if let Ok(after) = patched(&before, Value::Array(operations)) {
            let again = Resource::parse(Value::Object(after.attributes().clone()), &ResourceSchema::user()).unwrap();
            prop_assert_eq!(again.with_id("7"), after);
        }
        prop_assert_eq!(before, user());
    }

    #[test]
    fn any_json_is_read_or_refused(body in any_json()) {
        let schema = ResourceSchema::user();
        let _ = PatchRequest::parse(body.clone(), &schema);
        let _ = patched(&user(), body);
    }
}
