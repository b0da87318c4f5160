//! Lists by cursor (RFC 9865), over HTTP.

use super::*;

/// Goes through all pages; the ids on each.
async fn walk(gate: &Gate, ask: impl AsyncFn(&str) -> Answer) -> Vec<Vec<String>> {
    let (mut pages, mut cursor): (Vec<Vec<String>>, _) = (Vec::new(), String::new());
    loop {
        let page = ask(&cursor).await;
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        let resources = page["Resources"].as_array().unwrap();
        assert!(page.get("startIndex").is_none(), "{page}");
        assert_eq!(page["itemsPerPage"], json!(resources.len()));
        assert!(page["totalResults"].as_u64() >= Some(gate.rows().await.0), "{page}");
        assert_eq!(page.get("previousCursor").is_some(), !pages.is_empty(), "{page}");
        pages.push(resources.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect());
        match page.get("nextCursor") {
            None => return pages,
            Some(next) => cursor = next.as_str().unwrap().to_owned(),
        }
    }
}

async fn seven(gate: &Gate) -> Vec<String> {
    let mut made = Vec::new();
    for index in 0..7 {
        made.push(gate.create(&user(&format!("{}@acme.example", 9 - index))).await);
    }
    made
}

#[tokio::test]
async fn a_list_is_gone_through_by_cursor_in_the_address_and_in_a_body() {
    let gate = Gate::new().await;
    let made = seven(&gate).await;
    let config = gate.get("/ServiceProviderConfig").await.json();
    assert_eq!(
        (&config["pagination"]["cursor"], &config["pagination"]["index"]),
        (&json!(true), &json!(true))
    );

    let plain = walk(&gate, async |cursor| gate.get(&format!("/Users?cursor={cursor}&count=3")).await).await;
    assert_eq!(plain, [&made[..3], &made[3..6], &made[6..]]);
    // The form of the RFC's example, without `=`; nothing follows a page that is just full.
    let whole = gate.get("/Users?cursor&count=7").await.json();
    assert_eq!(whole["Resources"].as_array().unwrap().len(), 7);
    assert!(whole.get("nextCursor").is_none(), "{whole}");
    // Without a cursor it goes by index, as those clients expect who know nothing of cursors.
    assert_eq!(gate.get("/Users?count=3").await.json()["startIndex"], 1);

    let search = async |cursor: &str| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": "userName pr", "sortBy": "userName", "cursor": cursor, "count": 2,
        });
        gate.send(gate.with_body(Method::POST, "/Users/.search", body.to_string())).await
    };
    let mut sorted: Vec<String> = walk(&gate, search).await.concat();
    sorted.reverse();
    assert_eq!(sorted, made);
    gate.end().await;
}

#[tokio::test]
async fn groups_go_by_cursor_too_and_never_mixed_with_users() {
    let gate = Gate::new().await;
    let mut made = Vec::new();
    for index in 0..5 {
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": format!("g{}", 9 - index) });
        let answer = gate.send(gate.with_body(Method::POST, "/Groups", group.to_string())).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        made.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    let plain = walk(&gate, async |cursor| gate.get(&format!("/Groups?cursor={cursor}&count=2")).await).await;
    assert_eq!(plain, [&made[..2], &made[2..4], &made[4..]]);
    made.reverse();
    let sorted =
        async |cursor: &str| gate.get(&format!("/Groups?cursor={cursor}&count=2&sortBy=displayName")).await;
    assert_eq!(walk(&gate, sorted).await.concat(), made);
    let cursor = gate.get("/Groups?cursor&count=2").await.json()["nextCursor"].as_str().unwrap().to_owned();
    let path = format!("/Users?cursor={cursor}&count=2");
    gate.refused(gate.request(Method::GET, &path), 400, Some("invalidCursor")).await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "cursor": "" })
        .to_string();
    let refused =
        gate.refused(gate.with_body(Method::POST, "/.search", body), 400, Some("invalidCursor")).await;
    assert!(refused.contains("startIndex"), "{refused}");
    gate.refused(gate.request(Method::GET, "/Roles?cursor"), 400, Some("invalidCursor")).await;
    gate.end().await;
}

#[tokio::test]
async fn somebody_who_leaves_meanwhile_moves_nobody_past_the_page() {
    let gate = Gate::new().await;
    let made = seven(&gate).await;
    let pages = walk(&gate, async |cursor| {
        let page = gate.get(&format!("/Users?cursor={cursor}&count=3")).await;
        if cursor.is_empty() {
            for id in &made[1..3] {
                assert_eq!(gate.delete(id).await.status, 204);
            }
        }
        page
    })
    .await;
    assert_eq!(pages, [&made[..3], &made[3..6], &made[6..]]);
    gate.end().await;
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_for_this_list_is_refused() {
    let gate = Gate::new().await;
    seven(&gate).await;
    let first = gate.get("/Users?cursor=&count=3&filter=active+eq+true").await.json();
    let cursor = first["nextCursor"].as_str().unwrap();
    let (_, token) = create(&gate.installation, "other", Policy::default()).await;
    let other = gate
        .http
        .get(format!("{}/scim/v2/other/Users?cursor={cursor}&filter=active+eq+true", gate.server.url()));
    gate.refused(other.bearer_auth(token), 400, Some("invalidCursor")).await;
    for query in [
        format!("cursor={cursor}"),
        format!("cursor={cursor}&filter=active+eq+false"),
        format!("cursor={cursor}&filter=active+eq+true&sortBy=userName"),
        format!("cursor={cursor}x&filter=active+eq+true"),
        "cursor=1".to_owned(),
        "cursor=%00%ff".to_owned(),
    ] {
        let refused =
            gate.refused(gate.request(Method::GET, &format!("/Users?{query}")), 400, Some("invalidCursor"));
        assert!(refused.await.contains("begin anew"), "{query}");
    }
    for count in ["0", "-3", "x"] {
        let path = format!("/Users?cursor=&count={count}");
        gate.refused(gate.request(Method::GET, &path), 400, Some("invalidCount")).await;
    }
    // Another size of the page is no other list.
    let next = gate.get(&format!("/Users?cursor={cursor}&filter=active+eq+true&count=1")).await;
    assert_eq!(next.json()["itemsPerPage"], 1);
    gate.end().await;
}
