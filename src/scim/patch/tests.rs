//! Tables of PATCH.

use serde_json::json;

use super::*;
use crate::scim::resource::Resource;
use crate::scim::schema::{ENTERPRISE_USER, Type, USER, USHER_JOB, USHER_USER};

pub(super) fn user() -> Resource {
    let body = json!({
        "schemas": [USER], "userName": "ada", "active": true, "name": {"givenName": "Ada", "familyName": "L"},
        "emails": [{"value": "ada@work", "type": "work", "primary": true}, {"value": "ada@home", "type": "home"}],
        "roles": [{"value": "a"}, {"value": "b"}, {"value": "c", "type": "X"}],
        ENTERPRISE_USER: {"department": "R"},
    });
    Resource::parse(body, &ResourceSchema::user()).unwrap().with_id("7")
}

pub(super) fn patched(resource: &Resource, operations: Value) -> Result<Resource, Error> {
    let schema = ResourceSchema::user();
    let body = json!({"schemas": [PATCH_OP], "Operations": operations});
    apply(resource, &PatchRequest::parse(body, &schema)?, &schema)
}

/// The attribute `name` after one operation.
#[track_caller]
fn check(operation: Value, name: &str, expected: Value) {
    let after = patched(&user(), json!([operation])).unwrap_or_else(|error| panic!("{operation}: {error}"));
    assert_eq!(after.attributes().get(name).cloned().unwrap_or_default(), expected, "{operation}");
}

#[track_caller]
fn check_error(operation: Value, scim_type: &str, detail: &str) {
    let error = patched(&user(), json!([operation])).expect_err(&operation.to_string());
    assert_eq!(error.scim_type.map(|kind| kind.as_str()), Some(scim_type), "{operation}: {error}");
    assert_eq!(error.detail, format!("operation 1: {detail}"), "{operation}");
}

#[test]
fn single_values() {
    check(json!({"op": "Replace", "path": "displayName", "value": "A"}), "displayName", json!("A"));
    check(json!({"op": "ADD", "path": "active", "value": "False"}), "active", json!(false));
    check(
        json!({"OP": "replace", "PATH": "NAME.givenname", "VALUE": "B"}),
        "name",
        json!({"givenName": "B", "familyName": "L"}),
    );
    check(
        json!({"op": "replace", "path": "name", "value": {"givenName": "B"}}),
        "name",
        json!({"givenName": "B", "familyName": "L"}),
    );
    check(json!({"op": "remove", "path": "name.givenName"}), "name", json!({"familyName": "L"}));
    check(json!({"op": "remove", "path": "name"}), "name", Value::Null);
    check(json!({"op": "remove", "path": "title"}), "title", Value::Null);
    check(json!({"op": "replace", "path": "active", "value": ""}), "active", Value::Null);
    check(
        json!({"op": "replace", "path": "name.givenName", "value": null}),
        "name",
        json!({"familyName": "L"}),
    );
    check(json!({"op": "add", "path": "active", "value": null}), "active", json!(true));
}

#[test]
fn extensions() {
    let department = format!("{ENTERPRISE_USER}:department");
    check(
        json!({"op": "replace", "path": department, "value": "S"}),
        ENTERPRISE_USER,
        json!({"department": "S"}),
    );
    check(json!({"op": "remove", "path": department}), ENTERPRISE_USER, Value::Null);
    check(json!({"op": "remove", "path": ENTERPRISE_USER}), ENTERPRISE_USER, Value::Null);
    check(
        json!({"op": "replace", "path": ENTERPRISE_USER, "value": {"division": "D", "x": 1}}),
        ENTERPRISE_USER,
        json!({"department": "R", "division": "D"}),
    );
    check(
        json!({"op": "add", "path": format!("{ENTERPRISE_USER}:manager"), "value": "m"}),
        ENTERPRISE_USER,
        json!({"department": "R", "manager": {"value": "m"}}),
    );
    check(
        json!({"op": "add", "path": format!("{ENTERPRISE_USER}:manager.value"), "value": "m"}),
        ENTERPRISE_USER,
        json!({"department": "R", "manager": {"value": "m"}}),
    );
    check(
        json!({"op": "add", "value": {USHER_USER: {"ROLE": "agent"}}}),
        USHER_USER,
        json!({"role": "agent"}),
    );
    check(
        json!({"op": "add", "value": {USHER_USER: {"role": "agent"}}}),
        "schemas",
        json!([USER, ENTERPRISE_USER, USHER_USER]),
    );
    check(json!({"op": "remove", "path": ENTERPRISE_USER}), "schemas", json!([USER]));
}

#[test]
fn another_manager_takes_nothing_over_from_the_last() {
    let manager = format!("{ENTERPRISE_USER}:manager");
    let set = |value: Value| json!({"op": "replace", "path": manager, "value": value});
    let after = |operations: Value| {
        let after = patched(&user(), operations).unwrap();
        after.extension(ENTERPRISE_USER).unwrap().get("manager").cloned().unwrap_or_default()
    };
    let first = set(json!({"value": "m", "displayName": "M"}));
    assert_eq!(after(json!([first, set(json!("n"))])), json!({"value": "n"}));
    assert_eq!(after(json!([first, set(json!("m"))])), json!({"value": "m", "displayName": "M"}));
    let renamed = json!({"value": "m", "displayName": "N"});
    assert_eq!(after(json!([first, set(json!({"displayName": "N"}))])), renamed);
    assert_eq!(after(json!([first, set(json!(""))])), Value::Null);
}

#[test]
fn values_without_a_path() {
    check(json!({"op": "replace", "value": {"active": false}}), "active", json!(false));
    check(
        json!({"op": "replace", "path": "", "value": {"name.givenName": "B"}}),
        "name",
        json!({"givenName": "B", "familyName": "L"}),
    );
    check(
        json!({"op": "replace", "value": {"name": {"givenName": "B"}}}),
        "name",
        json!({"givenName": "B", "familyName": "L"}),
    );
    check(
        json!({"op": "replace", "value": {format!("{ENTERPRISE_USER}:department"): "S"}}),
        ENTERPRISE_USER,
        json!({"department": "S"}),
    );
    check(
        json!({"op": "replace", "value": {"id": "7", "meta": {}, "groups": [], "shoeSize": 3, "title": "Dr"}}),
        "title",
        json!("Dr"),
    );
    check(
        json!({"op": "replace", "value": {"schemas": [USER], USER: {"title": "Dr"}}}),
        "title",
        json!("Dr"),
    );
    check(
        json!({"op": "replace", "value": {"emails[type eq \"home\"].value": "h"}}),
        "emails",
        json!([{"value": "ada@work", "type": "work", "primary": true}, {"value": "h", "type": "home"}]),
    );
}

#[test]
fn elements_chosen_by_a_filter() {
    let home = json!({"value": "ada@home", "type": "home"});
    let work = json!({"value": "ada@work", "type": "work", "primary": true});
    check(
        json!({"op": "replace", "path": "emails[type eq \"WORK\"].value", "value": "n"}),
        "emails",
        json!([{"value": "n", "type": "work", "primary": true}, home]),
    );
    check(
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "n"}}),
        "emails",
        json!([{"type": "work", "value": "n"}, home]),
    );
    check(
        json!({"op": "add", "path": "emails[type eq \"work\"]", "value": [{"display": "n"}]}),
        "emails",
        json!([{"value": "ada@work", "type": "work", "primary": true, "display": "n"}, home]),
    );
    check(json!({"op": "remove", "path": "emails[type eq \"home\"]"}), "emails", json!([work]));
    check(json!({"op": "remove", "path": "emails[type eq \"home\"].value"}), "emails", json!([work]));
    check(
        json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": ""}),
        "emails",
        json!([work]),
    );
    check(
        json!({"op": "remove", "path": "emails[type eq \"home\"].type"}),
        "emails",
        json!([work, {"value": "ada@home"}]),
    );
    check(json!({"op": "remove", "path": "emails[type eq \"fax\"]"}), "emails", json!([work, home]));
    check(
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
        "emails",
        json!([{"value": "ada@work", "type": "work", "primary": false}, {"value": "ada@home", "type": "home", "primary": true}]),
    );
    check(
        json!({"op": "replace", "path": "emails.display", "value": "x"}),
        "emails",
        json!([{"value": "ada@work", "type": "work", "primary": true, "display": "x"}, {"value": "ada@home", "type": "home", "display": "x"}]),
    );
}

#[test]
fn what_was_shown_of_another_value_does_not_hold() {
    let role = json!({"value": "agent", "display": "Agent", "primary": true});
    let user = patched(&user(), json!([{"op": "replace", "path": "roles", "value": [role]}])).unwrap();
    let path = |part: &str| format!("roles[primary eq \"True\"].{part}");
    let set = |part: &str, value: &str| json!({"op": "Replace", "path": path(part), "value": value});
    for (operations, expected) in [
        (vec![set("value", "viewer")], json!({"value": "viewer", "primary": true})),
        (vec![set("value", "agent")], role.clone()),
        (vec![set("type", "x")], json!({"value": "agent", "display": "Agent", "primary": true, "type": "x"})),
        (
            vec![set("display", "Viewer"), set("value", "viewer")],
            json!({"value": "viewer", "display": "Viewer", "primary": true}),
        ),
        (
            vec![json!({"op": "replace", "value": {path("value"): "viewer"}})],
            json!({"value": "viewer", "primary": true}),
        ),
    ] {
        let after = patched(&user, json!(operations)).unwrap();
        assert_eq!(after.attributes()["roles"], json!([expected]), "{operations:?}");
    }
}

#[test]
fn an_element_that_is_not_there_is_created_from_its_description() {
    let mobile = json!([{"type": "mobile", "value": "1"}]);
    check(
        json!({"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"}),
        "phoneNumbers",
        mobile.clone(),
    );
    check(
        json!({"op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"}),
        "phoneNumbers",
        mobile.clone(),
    );
    check(
        json!({"op": "add", "path": "phoneNumbers[type eq \"mobile\"]", "value": {"value": "1"}}),
        "phoneNumbers",
        mobile,
    );
    check(
        json!({"op": "add", "path": "ims[primary eq \"True\" and type eq \"x\"].value", "value": "1"}),
        "ims",
        json!([{"primary": true, "type": "x", "value": "1"}]),
    );
    check(json!({"op": "add", "path": "ims.value", "value": "1"}), "ims", json!([{"value": "1"}]));
    let none = |path: &str| format!("nothing matches `{path}`");
    for path in [
        "ims[value eq \"1\"].type",
        "ims[type ne \"x\"].value",
        "ims[type eq \"a\" or type eq \"b\"].value",
        "emails[type eq \"fax\"].type",
    ] {
        for op in ["add", "replace"] {
            check_error(json!({"op": op, "path": path, "value": "1"}), "noTarget", &none(path));
        }
    }
}

#[test]
fn lists() {
    let (a, b, c) = (json!({"value": "a"}), json!({"value": "b"}), json!({"value": "c", "type": "X"}));
    check(
        json!({"op": "add", "path": "roles", "value": ["d", "A"]}),
        "roles",
        json!([{"value": "A"}, b, c, {"value": "d"}]),
    );
    check(
        json!({"op": "add", "path": "roles", "value": {"value": "a", "display": "A"}}),
        "roles",
        json!([{"value": "a", "display": "A"}, b, c]),
    );
    check(
        json!({"op": "add", "path": "roles", "value": [{"value": "c", "type": "Y"}]}),
        "roles",
        json!([a, b, c, {"value": "c", "type": "Y"}]),
    );
    check(json!({"op": "replace", "path": "roles", "value": "d"}), "roles", json!([{"value": "d"}]));
    check(json!({"op": "replace", "path": "roles", "value": []}), "roles", Value::Null);
    check(json!({"op": "remove", "path": "roles"}), "roles", Value::Null);
    check(
        json!({"op": "Remove", "path": "roles", "value": [{"value": "A"}, {"value": "c"}]}),
        "roles",
        json!([b]),
    );
    check(
        json!({"op": "Remove", "path": "roles", "value": [{"value": "c", "type": "Y"}, {"value": "z"}]}),
        "roles",
        json!([a, b, c]),
    );
    check(json!({"op": "remove", "path": "roles", "value": []}), "roles", json!([a, b, c]));
    check(
        json!({"op": "remove", "path": "roles[value eq \"a\"]", "value": [{"value": "b"}]}),
        "roles",
        json!([b, c]),
    );
    check(
        json!({"op": "add", "path": "emails", "value": [{"value": "n", "primary": true}]}),
        "emails",
        json!([{"value": "ada@work", "type": "work", "primary": false}, {"value": "ada@home", "type": "home"}, {"value": "n", "primary": true}]),
    );
    let address = json!({"locality": "L", "type": "work"});
    let twice = patched(
        &user(),
        json!([
            {"op": "add", "path": "addresses", "value": [address]}, {"op": "add", "path": "addresses", "value": [{"type": "work", "locality": "L"}]},
        ]),
    );
    assert_eq!(twice.unwrap().attributes()["addresses"], json!([address]));
}

#[test]
fn mistakes_have_their_kind() {
    check_error(
        json!({"op": "move", "path": "title"}),
        "invalidSyntax",
        "`op` must be add, replace or remove",
    );
    check_error(json!({"path": "title"}), "invalidSyntax", "`op` must be add, replace or remove");
    check_error(json!("replace"), "invalidSyntax", "it must be an object with `op`");
    check_error(json!({"op": "remove"}), "noTarget", "`remove` needs a `path`");
    check_error(json!({"op": "add", "path": "title"}), "invalidValue", "`value` is missing");
    check_error(
        json!({"op": "add", "value": "x"}),
        "invalidValue",
        "without a `path`, `value` must be an object of attributes",
    );
    check_error(json!({"op": "add", "path": 7, "value": "x"}), "invalidPath", "`path` must be text");
    check_error(
        json!({"op": "add", "path": "shoeSize", "value": 3}),
        "invalidPath",
        "a User has no attribute `shoeSize`",
    );
    check_error(
        json!({"op": "add", "path": "emails[", "value": 3}),
        "invalidPath",
        "the path is malformed at character 8: expected the name of an attribute, found the end",
    );
    for path in [
        "id",
        "meta",
        "meta.created",
        "groups",
        "groups[value eq \"g\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User:id",
        USHER_JOB,
    ] {
        for op in ["add", "replace", "remove"] {
            let error = patched(&user(), json!([{"op": op, "path": path, "value": "x"}])).unwrap_err();
            assert_eq!(error.scim_type.unwrap().as_str(), "mutability", "{op} {path}");
        }
    }
    check_error(
        json!({"op": "replace", "value": {"id": "8"}}),
        "mutability",
        "`id` is read only, and this is another one",
    );
    check_error(
        json!({"op": "remove", "path": "userName"}),
        "mutability",
        "`userName` is required and cannot be removed",
    );
    check_error(
        json!({"op": "replace", "path": "userName", "value": ""}),
        "invalidValue",
        "`userName` is blank",
    );
    check_error(
        json!({"op": "replace", "path": "active", "value": "perhaps"}),
        "invalidValue",
        "`active` must be true or false",
    );
    check_error(
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": {"a": 1}}),
        "invalidValue",
        "`value` must be text",
    );
    let known = format!("{USHER_USER} has no attribute `rule`; it has `role`");
    check_error(json!({"op": "replace", "value": {USHER_USER: {"rule": "x"}}}), "invalidPath", &known);
    check_error(
        json!({"op": "replace", "value": {format!("{USHER_USER}:rule"): "x"}}),
        "invalidPath",
        &known,
    );
    let error = patched(&user(), json!([{"op": "add", "value": {"urn:example:none:x": 1}}])).unwrap_err();
    assert!(error.detail.starts_with("operation 1: the schema `urn:example:none"), "{error}");
    let error = patched(&user(), json!([{"op": "replace", "path": "userName", "value": " "}])).unwrap_err();
    assert_eq!(error, Error::invalid_value("`userName` is missing or blank; the User needs one"));
}

#[test]
fn what_may_be_set_once_is_set_once() {
    let badge =
        Attribute { mutability: Mutability::Immutable, ..Attribute::new("badge", Type::String, "Badge") };
    let schema = ResourceSchema::user().with_attributes(USHER_USER, vec![badge]);
    let patch = |resource: &Resource, badge: &str| {
        let operation = json!({"op": "add", "path": format!("{USHER_USER}:badge"), "value": badge});
        let body = json!({"schemas": [PATCH_OP], "Operations": [operation]});
        apply(resource, &PatchRequest::parse(body, &schema).unwrap(), &schema)
    };
    let first = patch(&user(), "1").unwrap();
    assert_eq!(patch(&first, "1").unwrap(), first);
    assert_eq!(patch(&first, "2").unwrap_err(), Error::mutability("`badge` can be set only once"));
}

#[test]
fn requests_are_checked_as_a_whole() {
    let schema = ResourceSchema::user();
    let parse = |body: Value| PatchRequest::parse(body, &schema).unwrap_err().detail;
    assert_eq!(parse(json!({"Operations": []})), format!("`schemas` must be [\"{PATCH_OP}\"]"));
    assert!(parse(json!({"schemas": [PATCH_OP], "Operations": []})).starts_with("`Operations` must be"));
    assert!(parse(json!([])).starts_with("the body must be"));
    let many: Vec<Value> = vec![json!({"op": "remove", "path": "title"}); MAX_OPERATIONS + 1];
    assert!(parse(json!({"schemas": [PATCH_OP], "Operations": many})).contains("send them in several"));
    assert!(PatchRequest::from_slice(&b"[".repeat(10_000), &schema).is_err());
}

#[test]
fn all_or_nothing_and_in_order() {
    let before = user();
    let wrong = json!([{"op": "replace", "path": "title", "value": "Dr"}, {"op": "replace", "path": "ims[value eq \"1\"].type", "value": "x"}]);
    assert!(patched(&before, wrong).unwrap_err().detail.starts_with("operation 2: nothing matches"));
    assert_eq!(before, user());
    let after = patched(&before, json!([{"op": "add", "path": "title", "value": "a"}, {"op": "replace", "path": "title", "value": "b"}])).unwrap();
    assert_eq!(after.attributes()["title"], "b");
}

#[test]
fn passwords_are_forgotten_while_the_request_is_read() {
    let schema = ResourceSchema::user();
    for operation in [
        json!({"op": "replace", "path": "password", "value": "hunter2"}),
        json!({"op": "replace", "value": {"password": "hunter2"}}),
    ] {
        let body = json!({"schemas": [PATCH_OP], "Operations": [operation]});
        let request = PatchRequest::parse(body, &schema).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
        assert_eq!(apply(&user(), &request, &schema).unwrap(), user());
    }
}

#[test]
fn large_lists_are_joined_in_bounded_time() {
    let many: Vec<Value> = (0..5_000).map(|n| json!({"value": format!("r{n}")})).collect();
    let add = json!({"op": "add", "path": "roles", "value": many});
    let after =
        patched(&user(), json!([add, add, {"op": "remove", "path": "roles", "value": many}])).unwrap();
    assert_eq!(after, user());
}
