//! Who may call: everything but a current token of this very integration is refused in the same bytes.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn what_another_process_takes_from_a_token_is_taken_at_once() {
    let gate = Gate::new().await;
    let desk = gate.installation.integrations.find("desk").await.unwrap().unwrap();
    let (row, token) = gate.installation.integrations.new_token(&desk, None, "test").await.unwrap();
    let ask =
        async || gate.send(gate.bare(Method::GET, "/Users").bearer_auth(token.expose_secret())).await.status;
    let change = async || {
        let request = gate.bare(Method::POST, "/Users").bearer_auth(token.expose_secret());
        gate.send(request.header("Content-Type", SCIM_JSON).body(user(ADA).to_string())).await.status
    };
    assert_eq!((ask().await, ask().await), (200, 200));
    let other = gate.other_process().await;
    other.store.pause_integration(&desk.row.id, "a test", "test").await.unwrap();
    assert_eq!(change().await, 429);
    other.store.resume_integration(&desk.row.id, "test").await.unwrap();
    assert_eq!(change().await, 201);
    other.store.revoke_token(&row.id, "test").await.unwrap();
    assert_eq!(ask().await, 401);
    other.store.close().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    let gate = Gate::new().await;
    let integrations = &gate.installation.integrations;
    let desk = integrations.find("desk").await.unwrap().unwrap();
    let (_, other) = create(&gate.installation, "other", Policy::default()).await;
    let (revoked, revoked_token) = integrations.new_token(&desk, None, "test").await.unwrap();
    gate.installation.store.revoke_token(&revoked.id, "test").await.unwrap();
    let (_, expired) = integrations.new_token(&desk, Some(Duration::from_secs(60)), "test").await.unwrap();
    let headers = |token: &str| Some(format!("Bearer {token}").into_bytes());
    let ended = expired.expose_secret().to_owned();
    let fresh = gate.bare(Method::GET, "/Users").bearer_auth(&ended);
    assert_eq!(gate.send(fresh).await.status, 200, "until its end it opens");
    gate.clock.advance(Duration::from_secs(60));

    let wrong: Vec<(&str, Option<Vec<u8>>)> = vec![
        ("missing", None),
        ("empty", Some(b"".to_vec())),
        ("without a token", Some(b"Bearer ".to_vec())),
        ("wrong", headers("usher_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("cut", headers(&gate.token[..gate.token.len() - 1])),
        ("another scheme", Some(b"Basic b3duZXI6YWNtZQ==".to_vec())),
        ("not text", Some(b"Bearer \xff\xfe".to_vec())),
        ("long", headers(&"x".repeat(8000))),
        ("of another integration", headers(&other)),
        ("revoked", headers(revoked_token.expose_secret())),
        ("expired", headers(&ended)),
    ];
    let mut answers = Vec::new();
    let mut ask = async |what: &str, method: Method, url: String, header: Option<&[u8]>| {
        let before = gate.rows().await;
        let mut request = gate.http.request(method, url).header("Content-Type", SCIM_JSON);
        if let Some(header) = header {
            request =
                request.header("Authorization", reqwest::header::HeaderValue::from_bytes(header).unwrap());
        }
        let answer = gate.send(request.body(user(ADA).to_string())).await;
        answer.scim_error(401, None);
        assert_eq!(gate.rows().await, before, "{what}");
        let mut headers: Vec<String> = answer.headers.iter().map(|header| format!("{header:?}")).collect();
        headers.retain(|header| !header.contains("\"date\""));
        assert!(
            headers.iter().any(|header| header.contains("www-authenticate") && header.contains("Bearer"))
        );
        answers.push((headers, answer.text));
    };
    for (what, header) in &wrong {
        for (method, path) in
            [(Method::POST, "/Users"), (Method::DELETE, "/Users/x"), (Method::GET, "/Schemas")]
        {
            let url = format!("{}/scim/v2/desk{path}", gate.server.url());
            ask(what, method, url, header.as_deref()).await;
        }
    }
    let url = format!("{}/scim/v2/nobody/Users", gate.server.url());
    ask("unknown integration", Method::GET, url, headers(&gate.token).as_deref()).await;
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    gate.end().await;
}

#[tokio::test]
async fn a_token_is_taken_as_administrators_type_it() {
    let gate = Gate::new().await;
    for header in ["Bearer {}", "bearer {}", "BEARER   {}", "{}", "  {}  "] {
        let header = header.replace("{}", &gate.token);
        let answer = gate.send(gate.bare(Method::GET, "/Users").header("Authorization", &header)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    gate.end().await;
}

#[tokio::test]
async fn a_paused_integration_asks_to_come_back_later_and_can_still_be_read() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let path = format!("/Users/{id}");
    let store = &gate.installation.store;
    store.pause_integration(&gate.integration.id, "the password changed", "test").await.unwrap();
    let patch =
        json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "value": { "active": false } }] });
    for request in [
        gate.with_body(Method::POST, "/Users", user("grace@acme.example").to_string()),
        gate.with_body(Method::PUT, &path, user(ADA).to_string()),
        gate.with_body(Method::PATCH, &path, patch.to_string()),
        gate.request(Method::DELETE, &path),
    ] {
        let before = gate.rows().await;
        let answer = gate.send(request).await;
        let detail = answer.scim_error(429, None);
        assert!(detail.contains("the password changed"), "{detail}");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(seconds > 0);
        assert_eq!(gate.rows().await, before);
    }
    assert_eq!(gate.get(&path).await.status, 200);
    store.resume_integration(&gate.integration.id, "test").await.unwrap();
    assert_eq!(gate.delete(&id).await.status, 204);
    gate.end().await;
}
