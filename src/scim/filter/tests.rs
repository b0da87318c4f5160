//! Tables and laws of filters.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::schema::{ENTERPRISE_USER, USHER_USER};

fn user() -> Value {
    json!({
        "id": "2819c223", "externalId": "00uX", "userName": "Ada@Acme.example",
        "name": {"familyName": "Lovelace", "givenName": "Ada"},
        "title": "", "active": true,
        "emails": [
            {"value": "ada@acme.example", "type": "work", "primary": true},
            {"value": "ada@home.example", "type": "home"},
        ],
        "roles": [{"value": "agent"}],
        ENTERPRISE_USER: {"department": "Engines", "manager": {"value": "26118915"}},
        USHER_USER: {"role": "Agent"},
        "meta": {"lastModified": "2026-11-20T10:00:00.000Z", "resourceType": "User"},
    })
}

#[track_caller]
fn check(text: &str, expected: bool) {
    let schema = ResourceSchema::user();
    let filter = Filter::parse(text, &schema).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.matches(&user(), &schema), expected, "{text}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = Filter::parse(text, &ResourceSchema::user()).expect_err(text);
    assert_eq!((error.status, error.scim_type), (400, Some(crate::scim::ScimType::InvalidFilter)), "{text}");
    assert_eq!(error.detail, expected, "{text}");
}

#[test]
fn comparisons_follow_the_attributes_case_rule() {
    check("userName eq \"ada@acme.EXAMPLE\"", true);
    check("username Eq \"ada@acme.example\"", true);
    check("externalId eq \"00uX\"", true);
    check("externalId eq \"00ux\"", false);
    check("id eq \"2819C223\"", false);
    check("userName sw \"ada\" and userName ew \"EXAMPLE\" and userName co \"@ACME\"", true);
    check("name.familyName gt \"kelvin\"", true);
    check("name.familyName lt \"kelvin\"", false);
    check("name.familyName ge \"lovelace\" and name.familyName le \"LOVELACE\"", true);
    check(&format!("{USHER_USER}:role eq \"agent\""), true);
    check(&format!("{ENTERPRISE_USER}:manager.value eq \"26118915\""), true);
    check(&format!("{ENTERPRISE_USER}:manager eq \"26118915\""), true);
    check("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"ADA\"", true);
    check("userName eq \"\\u0041da@acme.example\"", true);
}

#[test]
fn presence_null_and_absence() {
    check("name pr", true);
    check("title pr", false);
    check("displayName pr", false);
    check("displayName eq null", true);
    check("userName ne null", true);
    check("displayName ne \"x\"", true);
    check("displayName eq \"x\"", false);
    check("userName ne \"ada@acme.example\"", false);
    check(&format!("{ENTERPRISE_USER} pr"), true);
    check("photos pr", false);
}

#[test]
fn lists_match_by_any_value() {
    check("emails eq \"ada@home.example\"", true);
    check("emails.value co \"@home\"", true);
    check("emails[type eq \"work\" and value co \"@home\"]", false);
    check("emails[type eq \"work\" and value co \"@acme\"]", true);
    check("emails[type eq \"work\"].value eq \"ADA@acme.example\"", true);
    check("emails[type eq \"work\"].value eq \"ada@home.example\"", false);
    check("emails[primary eq true and type eq \"work\"].value sw \"ada\"", true);
    check("emails[primary eq \"True\"].value sw \"ada\"", true);
    check("emails[not (type eq \"work\")].value pr", true);
    check("emails[type eq \"fax\"] or roles.value eq \"agent\"", true);
    check("emails.type ne \"work\"", true);
}

#[test]
fn words_bind_as_the_rfc_says() {
    check("active eq true or active eq false and title pr", true);
    check("(active eq true or active eq false) and title pr", false);
    check("not (title pr) and not(photos pr)", true);
    check("NOT(active eq false)AND(active eq True)", true);
    check("active eq \"False\"", false);
    check("meta.lastModified gt \"2026-11-20T11:00:00+02:00\"", true);
    check("meta.lastModified gt \"2026-11-20T10:00:00Z\"", false);
    check("meta.resourceType eq \"User\"", true);
    check("  userName   pr  ", true);
}

#[test]
fn mistakes_say_where_and_what() {
    let operator = "an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)";
    let value = "a value: text in double quotes, a number, true, false or null";
    let at = |place, expected: &str, found| {
        format!("the filter is malformed at character {place}: expected {expected}, found {found}")
    };
    check_error(
        "",
        &at(1, "an attribute, `not (` or `(`", "the end")
            .replace("an attribute, `not (` or `(`", "the name of an attribute"),
    );
    check_error("userName", &at(9, operator, "the end"));
    check_error("userName is \"x\"", &at(10, operator, "`is`"));
    check_error("userName eq", &at(12, value, "the end"));
    check_error("userName eq 'x'", &at(13, value, "`'x'`"));
    check_error("userName eq \"é\" junk", &at(17, "`and`, `or` or the end", "`junk`"));
    check_error("userName eq \"x", &at(13, value, "`\"x`"));
    check_error("(userName pr", &at(13, "`)`", "the end"));
    check_error("userName pr and", &at(16, "the name of an attribute", "the end"));
    check_error("emails[type[value pr]]", &at(12, operator, "`[value`"));
    check_error("title pr andactive pr", &at(10, "`and`, `or` or the end", "`andactive`"));
    check_error("shoeSize gt 3", "a User has no attribute `shoeSize`");
    check_error("password pr", "`password` cannot be asked for");
    check_error(
        "userName gt 3",
        "`userName` cannot be compared so: it is text; put the value in double quotes",
    );
    check_error("active gt true", "`active` cannot be compared so: true and false compare by eq and ne only");
    check_error("active eq \"yes\"", "`active` cannot be compared so: it is true or false");
    check_error(
        "userName gt null",
        "`userName` cannot be compared so: nothing but eq and ne compare with null",
    );
    check_error("name eq \"x\"", "`name` consists of parts; compare one of them");
    check_error(
        "meta.created gt \"yesterday\"",
        "`created` cannot be compared so: it is a moment such as \"2026-01-31T08:00:00Z\", and has no parts",
    );
}

#[test]
fn size_and_depth_are_bounded() {
    let schema = ResourceSchema::user();
    let nest = |depth: usize| format!("{}userName pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nest(16), &schema).is_ok());
    assert!(Filter::parse(&nest(17), &schema).unwrap_err().detail.contains("fewer brackets within brackets"));
    assert!(Filter::parse(&nest(8000), &schema).is_err());
    assert!(Filter::parse(&vec!["(userName pr)"; 40].join(" or "), &schema).is_ok(), "only nesting counts");
    assert!(Filter::parse(&"not(".repeat(4000), &schema).is_err());
    assert!(Filter::parse(&format!("userName eq \"{}\"", "x".repeat(16 * 1024)), &schema).is_err());
    let long = |terms| vec!["active eq true"; terms].join(" and ");
    assert!(Filter::parse(&long(200), &schema).unwrap().matches(&user(), &schema));
    assert!(Filter::parse(&long(201), &schema).unwrap_err().detail.contains("at most 200 comparisons"));
    let within = format!("emails[{}]", vec!["type pr"; 200].join(" or "));
    assert!(Filter::parse(&within, &schema).unwrap_err().detail.contains("at most 200 comparisons"));
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,6}|\\$ref".prop_map(|name| name)
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Boolean),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        prop::num::f64::NORMAL.prop_filter_map("finite", |n| Number::from_f64(n).map(Literal::Number)),
        any::<String>().prop_map(Literal::Text),
    ]
}

fn tree(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

fn leaf(path: BoxedStrategy<Path>) -> BoxedStrategy<Filter> {
    let comparison = prop::sample::select(Comparison::WORDS.to_vec()).prop_map(|(_, comparison)| comparison);
    prop_oneof![
        path.clone().prop_map(Filter::Present),
        (path, comparison, literal())
            .prop_map(|(path, comparison, value)| Filter::Compare(path, comparison, value)),
    ]
    .boxed()
}

fn plain() -> BoxedStrategy<Path> {
    let schema = prop::option::of("urn:[a-z0-9]{1,5}(:[a-z0-9.]{1,5}){0,2}");
    (schema, name(), prop::option::of(name()))
        .prop_map(|(schema, name, sub)| Path { schema, name, filter: None, sub })
        .boxed()
}

fn filter() -> BoxedStrategy<Filter> {
    let with_filter = (plain(), tree(leaf(plain())))
        .prop_map(|(path, filter)| Path { filter: Some(Box::new(filter)), ..path })
        .boxed();
    tree(leaf(prop_oneof![3 => plain(), 1 => with_filter].boxed()))
}

proptest! {
    #[test]
    fn a_printed_filter_reads_as_the_same(filter in filter()) {
        let text = filter.to_string();
        if text.len() <= grammar::MAX_BYTES {
            prop_assert_eq!(grammar::filter(&text), Ok(filter), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Filter::parse(&text, &ResourceSchema::user());
        let _ = Path::parse(&text, &ResourceSchema::user());
    }

    #[test]
    fn near_filters_are_read_or_refused_and_never_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "userName", "emails", "emails.value", "active", "meta.created", "[", "]", "(", ")", "not", "and", "or",
                "eq", "ne", "co", "pr", "gt", "\"x\"", "\"", "\\", "true", "null", "1", "-1e9", ".", ":", "urn:a", " ",
                "type", "primary", "value", "é",
            ]),
            0..14,
        ),
        gap in prop::sample::select(vec!["", " "]),
    ) {
        let schema = ResourceSchema::user();
        if let Ok(filter) = Filter::parse(&words.join(gap), &schema) {
            filter.matches(&user(), &schema);
            prop_assert_eq!(Filter::parse(&filter.to_string(), &schema).unwrap(), filter);
        }
    }
}
