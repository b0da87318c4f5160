//! What the journal keeps of real requests: what helps to find a fault, and nothing that is secret.

use super::*;
use usher::store::{Exchange, ExchangeBody, Store};

/// The journal of a gateway that was stopped, oldest first; what is written nowhere is looked for in the database's own bytes.
async fn journal(gate: Gate, nowhere: &[&str]) -> Vec<Exchange> {
    gate.server.stop().await;
    let paths = Paths::new(gate.root.path().join("data"), gate.installation.paths.connectors);
    for file in ["usher.db", "usher.db-wal"] {
        let bytes = std::fs::read(paths.data.join(file)).unwrap_or_default();
        for secret in nowhere {
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
                "{secret} is in {file}"
            );
        }
    }
    let again = Installation::open(paths, gate.clock.clone(), Arc::new(SystemEntropy)).await.unwrap();
    let exchanges = all(&again.store, &gate.integration).await;
    for secret in nowhere {
        assert!(!format!("{exchanges:?}").contains(secret), "{secret} is in {exchanges:#?}");
    }
    again.store.close().await;
    exchanges
}

async fn all(store: &Store, integration: &IntegrationRow) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    for one in store.list_exchanges(&integration.id, 1000).await.unwrap().exchanges {
        exchanges.push(store.find_exchange(&integration.id, one.number).await.unwrap().unwrap());
    }
    exchanges
}

fn text(body: &ExchangeBody) -> Value {
    match body {
        ExchangeBody::Text(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn not_kept(body: &ExchangeBody) -> &str {
    match body {
        ExchangeBody::NotKept(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_kept_with_its_answer_and_without_secrets() {
    let gate = Gate::new().await;
    let token = gate.token.clone();
    let request = gate.with_body(Method::POST, "/Users?attributes=userName", user(ADA).to_string());
    let request = request
        .header("User-Agent", "Okta SCIM Client 1.0.0")
        .header("Accept", "application/scim+json")
        .header("Prefer", "wait=0")
        .header("Cookie", "session=canary-cookie")
        .header("X-Api-Key", "canary-key");
    let created = gate.send(request).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let operations = json!([{ "op": "replace", "path": "password", "value": PASSWORD },
        { "op": "replace", "value": { "password": PASSWORD, "title": "Countess" } }]);
    let patched = gate.patch(&id, operations).await;
    let read = gate
        .send(
            gate.request(Method::GET, &format!("/Users/{id}?token={PASSWORD}"))
                .header("If-None-Match", "W/\"2\""),
        )
        .await;
    assert_eq!(
        (created.status, patched.status, read.status),
        (201, 200, 304),
        "{created:?} {patched:?} {read:?}"
    );
    let deleted = gate.delete(&id).await;
    assert_eq!(deleted.status, 204);
    let (server, schemas) = (gate.server.url(), gate.get("/Schemas").await.text.len());

    let kept = journal(gate, &[PASSWORD, &token, "canary-cookie", "canary-key"]).await;
    let [create, patch, get, delete, discovery] = kept.as_slice() else { panic!("{kept:#?}") };
    let summary = &create.summary;
    assert_eq!(
        (summary.method.as_str(), summary.target.as_str()),
        ("POST", "/scim/v2/desk/Users?attributes=userName")
    );
    assert_eq!((summary.status, summary.at.as_ms(), summary.duration_ms), (201, 1_800_000_000_000, 0));
    assert!(summary.token_id.as_deref().unwrap().starts_with("token_"), "{summary:?}");
    let headers: Vec<(&str, &str)> =
        create.request.headers.iter().map(|(name, value)| (&**name, value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("Accept", "application/scim+json"),
            ("Content-Type", SCIM_JSON),
            ("Prefer", "wait=0"),
            ("User-Agent", "Okta SCIM Client 1.0.0"),
        ]
    );
    assert_eq!(text(&create.request.body), changed(json!({ "password": "••••••" })));
    assert_eq!(create.answer.body, ExchangeBody::Text(created.text));
    assert_eq!(create.answer.headers["Location"], format!("{server}/scim/v2/desk/Users/{id}"));
    assert_eq!(
        text(&patch.request.body)["Operations"],
        json!([{ "op": "replace", "path": "password", "value": "••••••" },
        { "op": "replace", "value": { "password": "••••••", "title": "Countess" } }])
    );
    assert_eq!(get.summary.target, format!("/scim/v2/desk/Users/{id}?token=••••••"));
    assert_eq!(
        (get.request.headers["If-None-Match"].as_str(), &get.answer.body),
        ("W/\"2\"", &ExchangeBody::None)
    );
    assert_eq!((delete.summary.status, &delete.request.body), (204, &ExchangeBody::None));
    assert!(
        matches!(&discovery.answer.body, ExchangeBody::Text(text) if text.len() == schemas),
        "as it was sent"
    );
}

#[tokio::test]
async fn what_is_refused_is_kept_too_and_of_strangers_only_that_they_were_there() {
    let gate = Gate::new().await;
    let broken = format!("{{\"password\":\"{PASSWORD}");
    let long = format!("{{\"password\":\"{PASSWORD}\",\"x\":\"{}\"}}", "x".repeat(70_000));
    let huge = "x".repeat(1024 * 1024 + 1);
    for (request, status) in [
        (gate.with_body(Method::POST, "/Users", broken.clone()), 400),
        (gate.with_body(Method::POST, "/Users", long.clone()), 400),
        (gate.with_body(Method::POST, "/Users", huge.clone()), 413),
        (gate.request(Method::POST, "/Users").header("Content-Type", "text/plain").body(broken.clone()), 415),
        (gate.request(Method::GET, "/Users?filter=shoeSize+eq+7"), 400),
        (gate.request(Method::GET, "//Users/nobody"), 404),
        (gate.request(Method::GET, "/Robots"), 404),
        (gate.request(Method::DELETE, "/Users"), 405),
        (
            gate.bare(Method::POST, "/Users").header("Content-Type", SCIM_JSON).body(user(ADA).to_string()),
            401,
        ),
        (gate.http.get(format!("{}/scim/v2/dusk/Users", gate.server.url())).bearer_auth(&gate.token), 401),
        (gate.http.get(format!("{}/scim/v2/", gate.server.url())).bearer_auth(&gate.token), 404),
        (gate.http.get(format!("{}/healthz", gate.server.url())), 200),
    ] {
        assert_eq!(gate.send(request).await.status, status);
    }
    let kept = journal(gate, &[PASSWORD]).await;
    let statuses: Vec<u16> = kept.iter().map(|one| one.summary.status).collect();
    assert_eq!(statuses, [400, 400, 413, 415, 400, 404, 404, 405, 401]);
    assert_eq!(
        not_kept(&kept[0].request.body),
        format!(
            "{} bytes that are not kept: the JSON ends too early (line 1, column {})",
            broken.len(),
            broken.len()
        )
    );
    assert_eq!(
        not_kept(&kept[1].request.body),
        format!("{} bytes, of which none are kept: 65536 is the most", long.len())
    );
    assert!(not_kept(&kept[2].request.body).starts_with(&huge.len().to_string()));
    assert_eq!(kept[3].request.body, ExchangeBody::None, "nobody read it");
    assert_eq!(text(&kept[4].answer.body)["scimType"], "invalidFilter");
    for (one, is_known) in kept.iter().zip([true, true, true, true, true, true, false, false, false]) {
        assert_eq!(one.summary.token_id.is_some(), is_known, "{one:?}");
        assert!(is_known || one.request.body == ExchangeBody::None, "{one:?}");
    }
}

/// A long answer is told by its length; the client gets all of it.
#[tokio::test]
async fn a_long_answer_is_not_kept() {
    let gate = Gate::new().await;
    let title = "x".repeat(20_000);
    for index in 0..4 {
        let name = format!("{index}@acme.example");
        gate.create(&changed(json!({ "userName": name, "externalId": name, "title": title }))).await;
    }
    let page = gate.get("/Users").await;
    assert_eq!(page.json()["totalResults"], 4);
    let kept = journal(gate, &[PASSWORD]).await;
    let answer = &kept[4].answer;
    assert_eq!(
        not_kept(&answer.body),
        format!("{} bytes, of which none are kept: 65536 is the most", page.text.len())
    );
}
