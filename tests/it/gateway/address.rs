//! Addresses and methods: every refusal is a SCIM error, whichever part of the server refuses.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn what_is_not_there_is_a_scim_404() {
    let gate = Gate::new().await;
    let body = user(ADA).to_string();
    let unknown = "/Users/01931f0a-0000-7000-8000-000000000000";
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let detail = gate.refused(gate.with_body(method, unknown, body.clone()), 404, None).await;
        assert!(detail.contains("01931f0a"), "{detail}");
    }
    let patch =
        json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "value": { "active": false } }] });
    gate.refused(gate.with_body(Method::PATCH, unknown, patch.to_string()), 404, None).await;
    let paths =
        ["", "/", "/Nothing", "/Users/x/y", "/users", "/Users/%FF", "/Users/%FF/", "//users", "/%2e%2e/x"];
    for path in paths {
        gate.refused(gate.request(Method::GET, path), 404, None).await;
        let post = if path.starts_with("/Users/%FF") { 405 } else { 404 };
        gate.refused(gate.with_body(Method::POST, path, body.clone()), post, None).await;
    }
    for path in ["", "/", "/scim", "/scim/v2", "/scim/v2/", "/favicon.ico"] {
        let url = format!("{}{path}", gate.server.url());
        gate.refused(gate.http.get(url).bearer_auth(&gate.token), 404, None).await;
    }
    // Long and strange ids, and what a careless server would take for a path or a statement.
    for id in ["x".repeat(4000), "..%2F..%2Fetc".into(), "%00".into(), "'%20OR%201=1".into(), "💥".into()] {
        gate.refused(gate.request(Method::GET, &format!("/Users/{id}")), 404, None).await;
    }
    gate.end().await;
}

#[tokio::test]
async fn addresses_put_together_carelessly_are_read_as_they_were_meant() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let filter = "?filter=userName+eq+%22ada.king%40acme.example%22";
    for path in ["//Users", "/Users//", "/scim/v2/desk/Users", "/scim/v2/desk//Users/"] {
        let found = gate.get(&format!("{path}{filter}")).await;
        assert_eq!((found.status, &found.json()["Resources"][0]["id"]), (200, &json!(id)), "{path}");
        gate.send(gate.bare(Method::GET, path)).await.scim_error(401, None);
    }
    let one = gate.get(&format!("/scim/v2/desk//Users/{id}")).await;
    assert_eq!(one.status, 200, "{one:?}");
    let made = gate.send(gate.with_body(Method::POST, "//Users", user("b@acme.example").to_string())).await;
    assert_eq!(made.status, 201, "{made:?}");
    gate.refused(gate.request(Method::GET, "/scim/v2/other/Users"), 404, None).await;
    gate.end().await;
}

#[tokio::test]
async fn a_method_that_is_not_there_is_a_scim_405() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let user = format!("/Users/{id}");
    for (method, path) in [
        (Method::DELETE, "/Users"),
        (Method::PUT, "/Users"),
        (Method::PATCH, "/Users/"),
        (Method::POST, user.as_str()),
        (Method::OPTIONS, "/Users"),
        (Method::POST, "/Schemas"),
        (Method::DELETE, "/ServiceProviderConfig"),
        (Method::from_bytes(b"FROB").unwrap(), "/Users"),
    ] {
        let answer = gate.send(gate.request(method.clone(), path)).await;
        let detail = answer.scim_error(405, None);
        assert!(detail.contains(method.as_str()), "{detail}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{answer:?}");
    }
    let head = gate.send(gate.request(Method::HEAD, &user)).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert!(head.header("etag").is_some());
    let head = gate.send(gate.request(Method::HEAD, "/Users/nobody")).await;
    assert_eq!((head.status, head.text.as_str()), (404, ""));
    gate.end().await;
}

#[tokio::test]
async fn a_slash_or_a_query_at_the_end_of_an_address_changes_nothing() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    for path in ["/Users", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas", &format!("/Users/{id}")] {
        let plain = gate.get(path).await;
        assert_eq!(plain.status, 200, "{plain:?}");
        for other in
            [format!("{path}/"), format!("{path}?aadOptscim062020"), format!("{path}/?aadOptscim062020=")]
        {
            assert_eq!(gate.get(&other).await.text, plain.text, "{other}");
        }
    }
    let path = "/Users/?aadOptscim062020";
    let answer = gate.send(gate.with_body(Method::POST, path, user("grace@acme.example").to_string())).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    gate.end().await;
}

/// What no HTTP client would send.
#[tokio::test]
async fn nonsense_on_the_wire_is_refused_and_the_next_request_is_served() {
    let gate = Gate::new().await;
    let token = &gate.token;
    let authorized = format!("Host: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    for (head, expected) in [
        (format!("GET /scim/v2/desk/Users/%zz HTTP/1.1\r\n{authorized}"), "404"),
        (format!("GET /scim/v2/desk/Users?filter=%ff HTTP/1.1\r\n{authorized}"), "400"),
        (format!("GET /scim/v2/desk/Users?count=%00 HTTP/1.1\r\n{authorized}"), "400"),
        (format!("GET /scim/v2/desk/Users/{} HTTP/1.1\r\n{authorized}", "x".repeat(70_000)), "414"),
        (format!("GET /scim/v2/desk/Users HTTP/1.1\r\nX: {}\r\n{authorized}", "x".repeat(700_000)), "431"),
        (format!("GET /scim/v2/desk/Users\r\n{authorized}"), "400"),
        ("\0\0\0\0\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = TcpStream::connect(gate.server.address()).await.unwrap();
        // The server may close before it has read everything.
        drop(stream.write_all(head.as_bytes()).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer);
        let start = &head[..head.len().min(60)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{start:?}: {answer}");
        assert!(!answer.contains(token.as_str()), "{answer}");
    }
    assert_eq!(gate.get("/Users").await.status, 200);
    gate.end().await;
}
