use serde_json::json;

use super::super::entitlement::{Listed, Values};
use super::*;
use crate::diagnostic::{Source, Span};
use crate::playbook::Template;

fn attribute(name: &str, from: &str, required: bool) -> Attribute {
    let from = if from.contains("{{") {
        From::Template(Template::parse(from, &Span::new(Source::new("f", from), 0, from.len())).unwrap())
    } else {
        From::Path(from.to_owned())
    };
    Attribute { name: name.to_owned(), from: Some(from), required, read_only: false }
}

fn entitlements() -> Vec<Entitlement> {
    let fixed = ["owner", "agent", "viewer"].map(|key| (key.to_owned(), format!("The {key}")));
    let role = Entitlement {
        name: "role".into(),
        holds: Holds::One,
        values: Values::Fixed(fixed.into()),
        default: Some("viewer".into()),
        admins: vec!["owner".into()],
        none: None,
        is_ordered: false,
        parent: None,
        listed: Vec::new(),
    };
    let team = Entitlement {
        name: "team".into(),
        holds: Holds::Many,
        values: Values::Listed,
        default: None,
        admins: vec![],
        none: None,
        is_ordered: false,
        parent: None,
        listed: Vec::new(),
    };
    vec![role, team]
}

fn wanted(user: Value) -> Result<Wanted, String> {
    let attributes = [attribute("email", "userName", true), attribute("name", "displayName", false)];
    map(&attributes, &entitlements(), user.as_object().unwrap())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn roles(user: Value) -> Result<String, String> {
    let mut user = user;
    user["userName"] = "ada@acme.example".into();
    let wanted = wanted(user)?;
    Ok(format!("{:?}", wanted.entitlements))
}

#[test]
fn a_user_as_okta_sends_it() {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example",
        "name": { "givenName": "Ada", "familyName": "Lovelace" }, "displayName": "", "active": true,
        "emails": [{ "primary": true, "value": "ada@acme.example", "type": "work" }],
        "groups": [], "roles": [{ "value": "agent" }],
    });
    let wanted = wanted(user).unwrap();
    assert!(wanted.active);
    assert_eq!(
        format!("{:?}", wanted.attributes),
        r#"{"email": "ada@acme.example", "name": "Ada Lovelace"}"#
    );
    assert_eq!(format!("{:?}", wanted.entitlements), r#"{"role": {"agent"}}"#);
}

#[test]
fn entitlements_come_in_many_shapes() {
    for (user, expected) in [
        (json!({}), "{}"),
        (json!({ "roles": ["agent"] }), r#"{"role": {"agent"}}"#),
        (json!({ "roles": "The Owner" }), r#"{"role": {"owner"}}"#),
        (json!({ "roles": [{ "value": "AGENT", "primary": true }] }), r#"{"role": {"agent"}}"#),
        (json!({ "roles": [{ "value": "agent" }, { "value": "The agent" }] }), r#"{"role": {"agent"}}"#),
        (json!({ "roles": [] }), "{}"),
        (json!({ "roles": "" }), "{}"),
        (json!({ "roles": [{ "value": "" }] }), "{}"),
        (
            json!({ "entitlements": [{ "type": "role", "value": "agent" }, { "type": "team", "value": "North" }] }),
            r#"{"role": {"agent"}, "team": {"North"}}"#,
        ),
        (
            json!({ EXTENSION: { "role": "agent", "team": ["North", "South"] } }),
            r#"{"role": {"agent"}, "team": {"North", "South"}}"#,
        ),
        (json!({ EXTENSION: { "teams": [] } }), r#"{"team": {}}"#),
        (json!({ EXTENSION: { "team": "" } }), "{}"),
        (json!({ EXTENSION: { "role": "agent" }, "roles": ["owner"] }), r#"{"role": {"agent"}}"#),
    ] {
        assert_eq!(roles(user.clone()).as_deref(), Ok(expected), "{user}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let allowed = "allowed are `owner`, `agent` or `viewer`";
    for (user, expected) in [
        (json!({ "roles": ["admin"] }), format!("`admin` is no value of `role`; {allowed}")),
        (json!({ EXTENSION: { "role": "boss" } }), format!("`boss` is no value of `role`; {allowed}")),
        (json!({ "roles": ["agent", "owner"] }), "an account has one `role`, and 2 are asked for".to_owned()),
        (json!({ "roles": [7] }), "`role` cannot be used: a value must be text".to_owned()),
        (json!({ "active": "maybe" }), "`active` cannot be used: it is neither true nor false".to_owned()),
        (
            json!({ "displayName": "a\nb" }),
            "`name` cannot be used: it has control characters in it".to_owned(),
        ),
    ] {
        assert_eq!(roles(user.clone()), Err(expected), "{user}");
    }
    assert_eq!(
        wanted(json!({ "userName": " ", "roles": ["x"] })).unwrap_err(),
        format!(
            "`email` is required; it is taken from `userName`, which has no value; `x` is no value of `role`; {allowed}"
        )
    );
}

#[test]
fn active_can_be_said_as_text() {
    for (said, expected) in
        [(json!("False"), false), (json!("true"), true), (json!(false), false), (json!(null), true)]
    {
        assert_eq!(wanted(json!({ "userName": "a@b.example", "active": said })).unwrap().active, expected);
    }
}

#[test]
fn attributes_are_read_by_path_or_template() {
    let user = json!({
        "username": "ada", "title": "Countess", "name": { "givenName": "Ada" },
        "emails": [{ "type": "home", "value": "h@x.example" }, { "type": "work", "value": "w@x.example", "primary": true }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Engines", "manager": { "value": "7" } },
    });
    let user = user.as_object().unwrap();
    for (from, expected) in [
        ("userName", Some("ada")),
        ("name.givenName", Some("Ada")),
        ("name.familyName", None),
        ("displayName", Some("Ada")),
        ("emails", Some("w@x.example")),
        ("emails.value", Some("w@x.example")),
        ("emails[type eq \"home\"].value", Some("h@x.example")),
        ("emails[type eq \"other\"].value", None),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", Some("Engines")),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", Some("7")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:title", Some("Countess")),
        ("{{ user.title }} {{ user.name.givenName }}", Some("Countess Ada")),
        ("{{ user.nickName }}", None),
        ("{{ user.nickName | default(user.title) }}", Some("Countess")),
    ] {
        let wanted = map(&[attribute("a", from, false)], &[], user).unwrap();
        assert_eq!(wanted.attributes.get("a").map(String::as_str), expected, "{from}");
    }
}

#[test]
fn paths_are_checked() {
    for (path, expected) in [
        ("userName", true),
        ("emails[type eq \"work\"].value", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", true),
        ("user name", false),
        ("emails[type", false),
        ("emails[type = x].value", false),
        (".x", false),
        ("a.", false),
    ] {
        assert_eq!(check_path(path).is_ok(), expected, "{path}");
    }
}

#[test]
fn of_several_values_of_which_one_is_held_the_highest_counts_where_they_have_an_order() {
    let mut ordered = entitlements();
    ordered[0].is_ordered = true;
    let attributes = [attribute("email", "userName", true)];
    let said =
        json!({ "userName": "ada@acme.example", "roles": [{ "value": "viewer" }, { "value": "The agent" }] });
    let held = |entitlements: &[Entitlement]| map(&attributes, entitlements, said.as_object().unwrap());
    assert_eq!(held(&ordered).unwrap().entitlements["role"], BTreeSet::from(["agent".to_owned()]));
    let errors = held(&entitlements()).unwrap_err();
    assert!(matches!(errors[..], [MappingError::TooMany { count: 2, .. }]), "{errors:?}");
}

#[test]
fn string_values_say_several_types_in_one_list() {
    let said = |list: Value| roles(json!({ EXTENSION: { "entitlements": list } }));
    let both = r#"{"role": {"agent"}, "team": {"Field", "North: East"}}"#;
    assert_eq!(said(json!(["team:Field", "Role: The agent", "team:North: East"])), Ok(both.to_owned()));
    // The list is whole: who has lost the last of a kind holds none of it. Of a role there is always one.
    assert_eq!(said(json!(["role:agent"])), Ok(r#"{"role": {"agent"}, "team": {}}"#.to_owned()));
    assert_eq!(said(json!([])), Ok(r#"{"team": {}}"#.to_owned()));
    assert_eq!(said(json!(["", null])), Ok(r#"{"team": {}}"#.to_owned()));
    let unknown = said(json!(["team:Field", "rank:high"])).unwrap_err();
    assert!(
        unknown.contains("rank:high") && unknown.contains("role") && unknown.contains("team"),
        "{unknown}"
    );
    assert!(said(json!(["role:chief"])).unwrap_err().contains("chief"));
    // What is said of a type by itself counts.
    let user = json!({ EXTENSION: { "entitlements": ["team:Field"], "team": ["North"] } });
    assert_eq!(roles(user), Ok(r#"{"team": {"North"}}"#.to_owned()));
}

#[test]
fn a_listed_value_is_known_by_its_key_its_label_and_the_label_that_it_had() {
    let mut team = entitlements().pop().unwrap();
    assert!(team.may_be("anything") && team.value_of("anything") == Some(("anything", "anything")));
    let value = |key: &str, label: &str, former: &[&str]| Listed {
        key: key.into(),
        label: label.into(),
        former: former.iter().map(ToString::to_string).collect(),
        parent: None,
    };
    team.listed = vec![value("17", "Field EMEA", &["Field"]), value("18", "North", &["17"])];
    for (said, expected) in [
        ("17", Some(("17", "Field EMEA"))),
        ("field emea", Some(("17", "Field EMEA"))),
        ("Field", Some(("17", "Field EMEA"))),
        ("North", Some(("18", "North"))),
        ("South", None),
    ] {
        assert_eq!(team.value_of(said), expected, "{said}");
    }
    assert!(team.may_be("17") && !team.may_be("Field EMEA"));
    assert_eq!((team.label_of("17"), team.string_value("17")), ("Field EMEA", "team:17".to_owned()));
}
