//! Tables and laws of resources.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::schema::{Attribute, ENTERPRISE_USER, Type, USER};
use crate::scim::tests::any_json;

fn with(extra: Value) -> Value {
    let mut body = json!({"schemas": [USER], "userName": "ada"});
    if let (Some(body), Value::Object(extra)) = (body.as_object_mut(), extra) {
        body.extend(extra);
    }
    body
}

/// What is kept of `given`, beside `schemas` and `userName`.
#[track_caller]
fn check(given: Value, expected: Value) {
    let resource = Resource::parse(with(given.clone()), &ResourceSchema::user())
        .unwrap_or_else(|error| panic!("{given}: {}", error.detail));
    let mut kept = resource.attributes().clone();
    kept.remove("schemas");
    if given.get("userName").is_none() {
        kept.remove("userName");
    }
    assert_eq!(Value::Object(kept), expected, "{given}");
}

#[track_caller]
fn check_error(body: Value, scim_type: &str, part: &str) {
    let error = Resource::parse(body.clone(), &ResourceSchema::user()).expect_err(&body.to_string());
    assert_eq!(error.scim_type.map(|kind| kind.as_str()), Some(scim_type), "{body}: {error}");
    assert!(error.detail.contains(part), "{body}: {error}");
}

#[test]
fn names_take_the_schemas_spelling() {
    check(
        json!({"DISPLAYNAME": "Ada", "NAME": {"FAMILYname": "L"}}),
        json!({"displayName": "Ada", "name": {"familyName": "L"}}),
    );
    check(
        json!({ENTERPRISE_USER.to_uppercase(): {"DEPARTMENT": "R"}}),
        json!({ENTERPRISE_USER: {"department": "R"}}),
    );
}

#[test]
fn known_deviations_are_put_right() {
    check(json!({"active": "True"}), json!({"active": true}));
    check(json!({"active": "false"}), json!({"active": false}));
    check(json!({"roles": "admin"}), json!({"roles": [{"value": "admin"}]}));
    check(json!({"roles": ["a", "b"]}), json!({"roles": [{"value": "a"}, {"value": "b"}]}));
    check(json!({"roles": {"value": "a", "type": "X"}}), json!({"roles": [{"value": "a", "type": "X"}]}));
    check(
        json!({"roles": [{"value": "{\"id\":\"1\",\"value\":\"25\",\"displayName\":\"Admin\"}", "primary": "False"}]}),
        json!({"roles": [{"value": "25", "primary": false, "display": "Admin"}]}),
    );
    check(
        json!({"roles": ["{\"value\":\"25\"}", "{odd"]}),
        json!({"roles": [{"value": "25"}, {"value": "{odd"}]}),
    );
    check(json!({"displayName": "{\"value\":\"25\"}"}), json!({"displayName": "{\"value\":\"25\"}"}));
    check(
        json!({ENTERPRISE_USER: {"manager": "m-1"}}),
        json!({ENTERPRISE_USER: {"manager": {"value": "m-1"}}}),
    );
    check(json!({USER: {"title": "Dr"}}), json!({"title": "Dr"}));
}

#[test]
fn what_is_cleared_or_empty_is_not_kept() {
    check(json!({"title": "", "nickName": null, "active": ""}), json!({}));
    check(json!({"emails": [], "name": {}, "roles": "", "ims": [null]}), json!({}));
    check(json!({"name": {"givenName": "", "familyName": "L"}}), json!({"name": {"familyName": "L"}}));
    check(json!({"emails": [{"type": "work", "value": "", "primary": true}]}), json!({}));
    check(json!({ENTERPRISE_USER: {"manager": "", "department": ""}, USHER_USER: null}), json!({}));
}

#[test]
fn what_clients_may_not_set_is_ignored_and_passwords_are_forgotten() {
    check(json!({"id": "x", "meta": {"location": "y"}, "groups": [], "shoeSize": 43}), json!({}));
    check(json!({"urn:ietf:params:scim:schemas:extension:usher:2.0:Job": {"state": "done"}}), json!({}));
    let body = with(json!({"password": "hunter2-secret"}));
    let resource = Resource::parse(body, &ResourceSchema::user()).unwrap();
    assert!(!format!("{resource:?}").contains("hunter2"));
    let error =
        Resource::parse(with(json!({"password": {"p": "hunter2"}})), &ResourceSchema::user()).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn mistakes_name_the_attribute() {
    let urn = "`urn:example:none`";
    check_error(json!({"userName": "ada"}), "invalidSyntax", "`schemas` is missing");
    check_error(json!({"schemas": [], "userName": "ada"}), "invalidSyntax", "must contain");
    check_error(json!({"schemas": [7], "userName": "ada"}), "invalidSyntax", "list of URNs");
    check_error(json!({"schemas": [USER, "urn:example:none"], "userName": "ada"}), "invalidSyntax", urn);
    check_error(with(json!({"urn:example:none": {"a": 1}})), "invalidSyntax", urn);
    check_error(json!({"schemas": [USER]}), "invalidValue", "`userName` is missing or blank");
    for blank in [json!(""), json!("  "), json!(null)] {
        check_error(with(json!({"userName": blank})), "invalidValue", "`userName` is missing or blank");
    }
    check_error(with(json!({"USERNAME": "eve"})), "invalidSyntax", "`userName` is given twice");
    check_error(
        with(json!({"name": {"givenName": "a", "GIVENNAME": "b"}})),
        "invalidSyntax",
        "`name.givenName` is given twice",
    );
    check_error(with(json!({"userName": 7})), "invalidValue", "`userName` must be text");
    check_error(with(json!({"active": "maybe"})), "invalidValue", "`active` must be true or false");
    check_error(with(json!({"name": "Ada"})), "invalidValue", "`name` must be an object");
    check_error(with(json!({"emails": [["a"]]})), "invalidValue", "`emails` must be an object");
    check_error(with(json!({"emails": [{"value": 7}]})), "invalidValue", "`emails`: `value` must be text");
    check_error(
        with(json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]})),
        "invalidValue",
        "more than one of `emails` is primary",
    );
    check_error(with(json!({USHER_USER: {"rule": "x"}})), "invalidValue", "it has `role`");
    check_error(with(json!({USHER_USER: ["x"]})), "invalidValue", "must be an object");
    check_error(json!([]), "invalidSyntax", "must be a JSON object");
}

#[test]
fn declared_attributes_are_typed_and_may_be_required() {
    let seats = Attribute::new("seats", Type::Integer, "Seats").required();
    let since = Attribute::new("since", Type::DateTime, "Since");
    let share = Attribute::new("share", Type::Decimal, "Share");
    let schema = ResourceSchema::user().with_attributes(USHER_USER, vec![seats, since, share]);
    let parse = |extension: Value| Resource::parse(with(json!({USHER_USER: extension})), &schema);
    let kept = parse(json!({"seats": "3", "since": "2026-01-31T08:00:00Z", "share": "0.5"})).unwrap();
    assert_eq!(
        json!(kept.extension(USHER_USER)),
        json!({"seats": 3, "since": "2026-01-31T08:00:00Z", "share": 0.5})
    );
    for wrong in
        [json!({"seats": 1.5}), json!({"seats": "x"}), json!({"seats": 1, "since": "now"}), json!({})]
    {
        assert_eq!(parse(wrong).unwrap_err().status, 400);
    }
    assert!(parse(Value::Null).unwrap_err().detail.contains("`seats` is missing"));
}

#[test]
fn bodies_are_bounded_in_depth_and_must_be_json() {
    let schema = ResourceSchema::user();
    let nest = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let body = |depth| format!(r#"{{"schemas":["{USER}"],"userName":"ada","x":{}}}"#, nest(depth));
    assert!(Resource::from_slice(body(31).as_bytes(), &schema).is_ok());
    for depth in [32, 100, 10_000] {
        let error = Resource::from_slice(body(depth).as_bytes(), &schema).unwrap_err();
        assert!(error.detail.contains("deep"), "{error}");
    }
    let error = Resource::from_slice(b"{\"userName\": ", &schema).unwrap_err();
    assert_eq!(error, Error::invalid_syntax("the body ends too early (line 1, column 13)"));
    assert!(Resource::from_slice(b"{\"userName\": \"\xff\"}", &schema).is_err());
    assert!(Resource::from_slice(b"", &schema).is_err());
}

#[test]
fn answers_have_the_exact_shape() {
    let schema = ResourceSchema::user();
    let body = with(
        json!({"emails": [{"value": "a@b", "type": "work"}], "externalId": "00u", USHER_USER: {"ROLE": "agent"}}),
    );
    let resource = Resource::parse(body, &schema).unwrap().with_id("u-1");
    let meta = Meta {
        resource_type: "User",
        created: Timestamp::from_ms(0),
        last_modified: Timestamp::from_ms(1500),
        location: "https://usher.example/scim/v2/desk/Users/u-1".to_owned(),
        version: Some("W/\"2\"".to_owned()),
    };
    let expected = format!(
        "{{\"schemas\":[\"{USER}\",\"{USHER_USER}\"],\"id\":\"u-1\",\"externalId\":\"00u\",\"userName\":\"ada\",\
         \"emails\":[{{\"value\":\"a@b\",\"type\":\"work\"}}],\"{USHER_USER}\":{{\"role\":\"agent\"}},\
         \"meta\":{{\"resourceType\":\"User\",\"created\":\"1970-01-01T00:00:00.000Z\",\
         \"lastModified\":\"1970-01-01T00:00:01.500Z\",\
         \"location\":\"https://usher.example/scim/v2/desk/Users/u-1\",\"version\":\"W/\\\"2\\\"\"}}}}"
    );
    assert_eq!(resource.clone().into_json(&meta).to_string(), expected);
    let told = resource.with_extension("urn:x", Map::from_iter([("state".to_owned(), json!("done"))]));
    assert_eq!(told.schemas().collect::<Vec<_>>(), [USER, USHER_USER, "urn:x"]);
    assert_eq!(told.extension("urn:x").unwrap()["state"], "done");
}

#[test]
fn typed_access() {
    let schema = ResourceSchema::user();
    let parse = |extra: Value| Resource::parse(with(extra), &schema).unwrap();
    let work = json!({"value": "w", "type": "Work"});
    let home = json!({"value": "h", "type": "home"});
    assert_eq!(parse(json!({"emails": [home, work]})).email(), Some("w"));
    assert_eq!(parse(json!({"emails": [work, {"value": "p", "primary": true}]})).email(), Some("p"));
    assert_eq!(parse(json!({"emails": [home]})).email(), Some("h"));
    let resource = parse(json!({"displayName": "Ada", "active": false, "externalId": "00u"})).with_id("7");
    assert_eq!((resource.email(), resource.active(), resource.id()), (None, Some(false), Some("7")));
    assert_eq!((resource.display_name(), resource.external_id()), (Some("Ada"), Some("00u")));
    assert_eq!((parse(json!({})).active(), resource.user_name()), (None, Some("ada")));
}

#[test]
fn a_replacement_keeps_the_id_and_never_brings_a_leaver_back_by_silence() {
    let badge =
        Attribute { mutability: Mutability::Immutable, ..Attribute::new("badge", Type::String, "Badge") };
    let schema = ResourceSchema::user().with_attributes(USHER_USER, vec![badge]);
    let parse = |extra: Value| Resource::parse(with(extra), &schema).unwrap();
    let old = parse(json!({"active": false, "title": "Dr", USHER_USER: {"badge": "1"}})).with_id("7");
    let new = parse(json!({"id": "8", USHER_USER: {"badge": "1"}})).replacing(&old, &schema).unwrap();
    assert_eq!((new.id(), new.active(), new.attributes().get("title")), (Some("7"), Some(false), None));
    let back = parse(json!({"active": true, USHER_USER: {"badge": "1"}})).replacing(&old, &schema).unwrap();
    assert_eq!(back.active(), Some(true));
    let error = parse(json!({USHER_USER: {"badge": "2"}})).replacing(&old, &schema).unwrap_err();
    assert_eq!(error, Error::mutability("`badge` can be set only once"));
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(extra in any_json()) {
        let schema = ResourceSchema::user();
        let _ = Resource::parse(extra.clone(), &schema);
        if let Ok(resource) = Resource::parse(with(extra), &schema) {
            // What was read is read again as the same, and survives the store.
            let again = Resource::parse(Value::Object(resource.attributes().clone()), &schema).unwrap();
            prop_assert_eq!(&again, &resource);
            let text = serde_json::to_string(resource.attributes()).unwrap();
            prop_assert_eq!(Resource::from_attributes(serde_json::from_str(&text).unwrap()), resource);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Resource::from_slice(&body, &ResourceSchema::user());
    }
}
