//! Filters and orders: what the database finds is what the same filter finds in memory.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use usher::scim::schema::{ENTERPRISE_USER, USER, USHER_USER};
use usher::scim::{ListQuery, Meta, Resource};

use super::*;

/// Users with everything in which comparing can go wrong: case beyond ASCII, wildcards and quotes of SQL, lists of none, one and
/// two, parts that are missing, texts that are numbers.
fn users() -> Vec<Value> {
    let email = |value: &str, kind: &str| json!({ "value": value, "type": kind });
    let mut users = vec![
        json!({ "userName": "Ada@Acme.example", "displayName": "Ada", "title": "Élan", "active": true,
            "name": { "familyName": "Lovelace", "givenName": "Ada" },
            "emails": [email("ada@home.example", "home"), { "value": "Ada@Acme.example", "type": "work", "primary": true }],
            "roles": [{ "value": "agent", "type": "desk" }],
            ENTERPRISE_USER: { "department": "R&D", "manager": { "value": "Boss" } }, USHER_USER: { "role": "agent" } }),
        json!({ "userName": "émile", "externalId": "É", "title": "élan vital", "active": false, "emails": [email("100%", "work")] }),
        json!({ "userName": "ÉMILIE", "externalId": "é", "name": { "familyName": "a_b" }, "emails": [email("a_b", "Work")] }),
        json!({ "userName": "' OR 1=1 --", "displayName": "x'y\"z\\", "name": { "givenName": "7" } }),
        json!({ "userName": "10", "displayName": "9", "active": false, "emails": [email("ada", "other"), email("boss", "work")],
            ENTERPRISE_USER: { "manager": { "value": "boss" } } }),
        json!({ "userName": "%", "title": "_", "roles": [{ "value": "viewer" }, { "value": "Agent" }] }),
    ];
    for user in &mut users {
        user["schemas"] = json!([USER]);
    }
    users
}

/// Adds them; gives them as clients see them.
async fn fill(bench: &Bench, integration: &IntegrationRow) -> Vec<Value> {
    let schema = ResourceSchema::user();
    let mut seen = Vec::new();
    for user in users() {
        let resource = Resource::parse(user, &schema).unwrap();
        let body = body_of(Value::Object(resource.attributes().clone()));
        let insert = change(integration, UserChange::Insert(body), Priority::ORDINARY);
        let row = bench.store.record(insert).await.unwrap().user;
        let meta = Meta {
            resource_type: "User",
            created: row.created_at,
            last_modified: row.modified_at,
            location: String::new(),
            version: None,
        };
        seen.push(resource.with_id(&row.id).into_json(&meta));
        bench.clock.advance(Duration::from_secs(60));
    }
    seen
}

fn term() -> impl Strategy<Value = String> {
    let enterprise = |name: &str| format!("{ENTERPRISE_USER}:{name}");
    let mut paths: Vec<String> = [
        "userName",
        "externalId",
        "id",
        "displayName",
        "title",
        "active",
        "name",
        "name.familyName",
        "name.givenName",
        "emails",
        "emails.value",
        "emails.type",
        "emails.primary",
        "emails[type eq \"work\"]",
        "emails[type eq \"WORK\"].value",
        "emails[not (type eq \"work\") or primary eq true].value",
        "emails[value co \"a\" and type ne \"home\"].type",
        "emails[display pr]",
        "emails[primary ne true].value",
        "roles",
        "roles.value",
        "phoneNumbers.value",
        "schemas",
        "meta",
        "meta.created",
        "meta.lastModified",
        "meta.resourceType",
        ENTERPRISE_USER,
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend([enterprise("department"), enterprise("manager.value"), format!("{USHER_USER}:role")]);
    let operators = vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    let literals = vec![
        "\"ada\"",
        "\"ADA@acme.example\"",
        "\"É\"",
        "\"é\"",
        "\"élan\"",
        "\"a\"",
        "\"\"",
        "\"%\"",
        "\"_\"",
        "\"a_b\"",
        "\"10\"",
        "\"9\"",
        "\"agent\"",
        "\"Boss\"",
        "\"work\"",
        "\"' OR 1=1 --\"",
        "\"x'y\\\"z\\\\\"",
        "\"User\"",
        "true",
        "false",
        "null",
        "\"2027-01-15T08:01:00Z\"",
        "\"2027-01-15T09:02:00+01:00\"",
        "\"urn:ietf:params:scim:schemas:core:2.0:User\"",
    ];
    prop_oneof![
        1 => select(paths.clone()).prop_map(|path| format!("{path} pr")),
        4 => (select(paths), select(operators), select(literals)).prop_map(|(path, operator, literal)| format!("{path} {operator} {literal}")),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    term().prop_recursive(3, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(|terms| format!("({})", terms.join(" and "))),
            several.prop_map(|terms| format!("({})", terms.join(" or "))),
            inner.prop_map(|term| format!("not ({term})")),
        ]
    })
}

#[test]
fn the_database_finds_what_the_filter_means() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::new().await;
        let acme = bench.integration("acme", 1).await;
        let users = fill(&bench, &acme).await;
        let other = bench.integration("other", 1).await;
        fill(&bench, &other).await;
        let schema = ResourceSchema::user();
        let mut understood = 0;
        // Filters are drawn here, and asked of the database there, where waiting is allowed.
        let mut runner = TestRunner::new(Config::default());
        for _ in 0..1500 {
            let text = filter().new_tree(&mut runner).unwrap().current();
            // What makes no sense for the attribute is refused before.
            let Ok(filter) = Filter::parse(&text, &schema) else { continue };
            understood += 1;
            let expected: Vec<&str> = users
                .iter()
                .filter(|user| filter.matches(user, &schema))
                .map(|user| user["id"].as_str().unwrap())
                .collect();
            let query = UserQuery {
                filter: Some(&filter),
                sort: None,
                start: Start::Index(0),
                limit: 100,
                schema: &schema,
            };
            let page = bench
                .store
                .list_users(&acme.id, &query)
                .await
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            let found: Vec<&str> = page.users.iter().map(|view| view.user.id.as_str()).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(page.total, found.len() as u64, "{text}");
        }
        assert!(understood > 300, "{understood}");
    });
}

#[tokio::test]
async fn users_come_in_the_order_that_is_asked_for() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    fill(&bench, &acme).await;
    let schema = ResourceSchema::user();
    let sorted = async |by: &str, order: &str, from: &str| {
        let pairs = [("sortBy", by), ("sortOrder", order), ("startIndex", from)];
        let query = ListQuery::parse(pairs, &schema).unwrap();
        let sort = query.sort_by.as_ref().map(|path| (path, query.sort_order));
        let query = UserQuery {
            filter: None,
            sort,
            start: Start::Index(u64::from(query.offset())),
            limit: 3,
            schema: &schema,
        };
        let page = bench.store.list_users(&acme.id, &query).await.unwrap();
        assert_eq!(page.total, 6);
        page.users.into_iter().map(|view| view.user.user_name).collect::<Vec<_>>()
    };
    assert_eq!(sorted("userName", "ascending", "1").await, ["%", "' OR 1=1 --", "10"]);
    assert_eq!(sorted("USERNAME", "ascending", "4").await, ["Ada@Acme.example", "émile", "ÉMILIE"]);
    assert_eq!(sorted("userName", "descending", "1").await, ["ÉMILIE", "émile", "Ada@Acme.example"]);
    // Who has none comes last, in the order of making, and first where the order is turned round.
    assert_eq!(sorted("name.familyName", "", "1").await, ["ÉMILIE", "Ada@Acme.example", "émile"]);
    assert_eq!(sorted("name.familyName", "descending", "1").await, ["émile", "' OR 1=1 --", "10"]);
    // Of several the primary one counts, else the first: 100%, a_b, ada, ada@acme.example.
    assert_eq!(sorted("emails.value", "ascending", "1").await, ["émile", "ÉMILIE", "10"]);
    assert_eq!(sorted("emails", "ascending", "4").await, ["Ada@Acme.example", "' OR 1=1 --", "%"]);
    assert_eq!(sorted("meta.lastModified", "descending", "1").await, ["%", "10", "' OR 1=1 --"]);
    assert_eq!(sorted("meta.resourceType", "descending", "1").await[0], "Ada@Acme.example");
}

#[tokio::test]
async fn what_is_not_kept_is_refused_and_not_answered_with_nothing() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let schema = ResourceSchema::user();
    let job = usher::scim::schema::USHER_JOB;
    let (whole, part) = (format!("{job} pr"), format!("not ({job}:state eq \"done\")"));
    for text in [&whole, &part, "meta.location pr", "meta.version eq \"W/\\\"1\\\"\""] {
        let filter = Filter::parse(text, &schema).unwrap();
        let query = UserQuery {
            filter: Some(&filter),
            sort: None,
            start: Start::Index(0),
            limit: 1,
            schema: &schema,
        };
        let refused = bench.store.list_users(&acme.id, &query).await.unwrap_err();
        assert!(matches!(refused, ListError::Unsupported(_)), "{text}: {refused}");
    }
}

/// An address that was changed is no longer found, and one of somebody else never.
#[tokio::test]
async fn people_are_found_by_their_addresses_of_today() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let with =
        |email: &str| body_of(json!({ "userName": "ada", "emails": [{ "value": email, "type": "work" }] }));
    let insert = change(&acme, UserChange::Insert(with("Ada@one.example")), Priority::ORDINARY);
    let ada = bench.store.record(insert).await.unwrap().user;
    let find = async |email: &str| {
        let filter = format!("emails[type eq \"work\"].value eq \"{email}\"");
        list_users(&bench.store, &acme.id, Some(&filter), 0, 9).await.total
    };
    assert_eq!((find("ada@ONE.example").await, find("ada@two.example").await), (1, 0));
    let replace = UserChange::Replace { id: ada.id, expected: None, body: with("ada@two.example") };
    bench.store.record(change(&acme, replace, Priority::ORDINARY)).await.unwrap();
    assert_eq!((find("ada@one.example").await, find("ADA@two.example").await), (0, 1));
}
