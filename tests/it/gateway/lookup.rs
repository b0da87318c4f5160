//! Lookups and lists, as identity providers ask.

use super::*;

/// `/Users` with one parameter, encoded as forms are.
fn with_query(name: &str, value: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    format!("/Users?{query}")
}

#[tokio::test]
async fn okta_finds_what_it_looks_for() {
    let gate = Gate::new().await;
    let empty = gate.get("/Users?startIndex=1&count=2").await;
    assert_eq!(empty.status, 200);
    assert!(
        empty.text.contains("\"totalResults\":0,\"startIndex\":1,\"itemsPerPage\":0"),
        "integers: {}",
        empty.text
    );
    let id = gate.create(&user(ADA)).await;
    for filter in [
        format!("userName%20eq%20%22{ADA}%22&startIndex=1&count=100"),
        format!("userName+eq+%22{ADA}%22"),
        format!("username%20EQ%20%22{}%22", ADA.to_uppercase()),
        format!("externalId%20eq%20%22okta-{ADA}%22"),
        format!("id%20eq%20%22{id}%22"),
        "displayName sw \"Ada\" and not (userName co \"bob\")".replace(' ', "+"),
        "emails[type eq \"work\"].value eq \"nobody\" or active eq true&sortBy=userName".replace(' ', "+"),
    ] {
        let answer = gate.get(&format!("/Users?filter={filter}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["totalResults"], &body["Resources"][0]["id"]), (&json!(1), &json!(id)), "{filter}");
    }
    for filter in ["userName%20eq%20%22nobody%22", "externalId%20eq%20%22x%22", "id%20eq%20%22x%22"] {
        let body = gate.get(&format!("/Users?filter={filter}")).await.json();
        assert_eq!((&body["totalResults"], &body["Resources"]), (&json!(0), &json!([])), "{filter}");
    }
    gate.end().await;
}

/// An empty list would be read as "no such user", and a twin would follow.
#[tokio::test]
async fn what_cannot_be_looked_up_is_refused_and_never_an_empty_list() {
    let gate = Gate::new().await;
    gate.create(&user(ADA)).await;
    let long = format!("userName eq \"{}", "x".repeat(20_000));
    let nested = "(".repeat(5_000) + "userName eq \"x\"" + &")".repeat(5_000);
    for filter in [
        "meta.location pr",
        "userName like \"ada\"",
        "userName eq",
        "shoeSize eq 7",
        "\"",
        long.as_str(),
        nested.as_str(),
    ] {
        let request = gate.request(Method::GET, &with_query("filter", filter));
        let detail = gate.refused(request, 400, Some("invalidFilter")).await;
        assert!(detail.len() < 400, "{detail}");
    }
    for (name, value) in [("count", "x"), ("startIndex", "1.5"), ("sortOrder", "up")] {
        let request = gate.request(Method::GET, &with_query(name, value));
        let detail = gate.refused(request, 400, Some("invalidValue")).await;
        assert!(detail.contains(name), "{detail}");
    }
    gate.end().await;
}

#[tokio::test]
async fn pages_are_in_the_order_of_making_and_do_not_shift() {
    let gate = Gate::new().await;
    let mut made = Vec::new();
    for index in 0..7 {
        made.push(gate.create(&user(&format!("{}@acme.example", 9 - index))).await);
    }
    let page = async |start: usize, count: usize| {
        let body = gate.get(&format!("/Users?startIndex={start}&count={count}")).await.json();
        assert_eq!((&body["totalResults"], &body["startIndex"]), (&json!(7), &json!(start)), "{body}");
        let resources = body["Resources"].as_array().unwrap();
        assert_eq!(body["itemsPerPage"], json!(resources.len()));
        resources.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(page(1, 3).await, made[..3]);
    let renamed = gate.put(&made[0], &user("zoe@acme.example")).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    assert_eq!(page(4, 3).await, made[3..6], "a change moves nobody");
    assert_eq!(page(7, 3).await, made[6..]);
    assert!(page(8, 3).await.is_empty());
    assert!(page(1, 0).await.is_empty());
    gate.end().await;
}

#[tokio::test]
async fn a_client_gets_the_attributes_it_asks_for() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let only = gate.get(&format!("/Users/{id}?attributes=userName")).await.json();
    let mut names: Vec<&String> = only.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["id", "schemas", "userName"], "{only}");
    let without = gate.get("/Users?excludedAttributes=emails,members").await.json();
    assert!(without["Resources"][0]["emails"].is_null() && !without["Resources"][0]["userName"].is_null());
    let discovery = gate.get("/Schemas").await;
    assert!(discovery.text.contains(USHER) && discovery.text.contains("viewer"), "{}", discovery.text);
    gate.end().await;
}
