//! Changes: recorded once, answered in full, refused where they clash.

use super::*;
use usher::store::JobState;

#[tokio::test]
async fn a_created_user_comes_back_with_its_address_and_version_and_without_its_password() {
    let gate = Gate::new().await;
    let answer = gate.post(&user(ADA)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    let address = format!("{}/scim/v2/desk/Users/{id}", gate.server.url());
    assert_eq!(answer.header("content-type"), Some("application/scim+json; charset=utf-8"));
    assert_eq!(answer.header("location"), Some(address.as_str()));
    assert_eq!(body["meta"]["location"], address);
    assert_eq!((answer.header("etag"), &body["meta"]["version"]), (Some("W/\"1\""), &json!("W/\"1\"")));
    assert_eq!(
        (&body["userName"], &body["active"], &body[USHER]["role"]),
        (&json!(ADA), &json!(true), &json!("agent"))
    );

    let read = gate.get(&format!("/Users/{id}")).await;
    assert_eq!((read.json(), read.header("etag")), (body.clone(), Some("W/\"1\"")));
    let replaced = gate.put(id, &user(ADA)).await;
    assert_eq!((replaced.status, replaced.header("etag")), (200, Some("W/\"2\"")), "{replaced:?}");
    let listed = gate.get("/Users").await;
    for answer in [&answer, &read, &replaced, &listed] {
        assert!(!answer.text.contains(PASSWORD) && !answer.text.contains("password"), "{answer:?}");
    }
    let database = std::fs::read(gate.root.path().join("data/usher.db")).unwrap();
    let wal = std::fs::read(gate.root.path().join("data/usher.db-wal")).unwrap_or_default();
    for file in [database, wal] {
        assert!(
            !file.windows(PASSWORD.len()).any(|bytes| bytes == PASSWORD.as_bytes()),
            "it is kept nowhere"
        );
    }
    let jobs = gate.jobs().await;
    assert_eq!(jobs.len(), 1, "one pending job for one account");
    assert_eq!((jobs[0].state, jobs[0].wanted_version), (JobState::Ready, Some(2)), "and no waiting for it");
    gate.end().await;
}

#[tokio::test]
async fn a_name_is_somebodys_regardless_of_case() {
    let gate = Gate::new().await;
    gate.create(&user(ADA)).await;
    let grace = gate.create(&user("grace@acme.example")).await;
    let twin = changed(json!({ "userName": ADA.to_uppercase(), "externalId": "somebody-else" }));
    let request = gate.with_body(Method::POST, "/Users", twin.to_string());
    let detail = gate.refused(request, 409, Some("uniqueness")).await;
    assert!(detail.contains("userName"), "{detail}");
    let request = gate.with_body(Method::PUT, &format!("/Users/{grace}"), twin.to_string());
    gate.refused(request, 409, Some("uniqueness")).await;
    gate.end().await;
}

/// An answer may have been lost on its way; the identity provider asks again.
#[tokio::test]
async fn asking_again_for_the_same_person_while_the_first_is_pending_is_no_twin() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let again = changed(json!({ "userName": ADA.to_uppercase(), "externalId": format!("okta-{ADA}") }));
    let answer = gate.post(&again).await;
    assert_eq!((answer.status, answer.json()["id"].as_str()), (201, Some(id.as_str())), "{answer:?}");
    assert_eq!((gate.rows().await.0, gate.jobs().await.len()), (1, 1));

    let claimed =
        gate.installation.store.claim("w", std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    let done = usher::store::Finish::with(usher::store::Outcome::Done { message: None });
    gate.installation.store.finish(&claimed.lease, done).await.unwrap();
    let request = gate.with_body(Method::POST, "/Users", again.to_string());
    gate.refused(request, 409, Some("uniqueness")).await;
    gate.end().await;
}

#[tokio::test]
async fn a_change_of_what_somebody_else_changed_is_412() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let path = format!("/Users/{id}");
    let patch = json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "value": { "displayName": "A" } }] });
    for version in ["W/\"7\"", "\"7\"", "W/\"\"", "yesterday", "*x"] {
        for request in [
            gate.with_body(Method::PUT, &path, user(ADA).to_string()),
            gate.with_body(Method::PATCH, &path, patch.to_string()),
            gate.request(Method::DELETE, &path),
        ] {
            gate.refused(request.header("If-Match", version), 412, None).await;
        }
    }
    for (version, status) in [("W/\"1\"", 200), ("\"2\"", 200), ("*", 200), ("W/\"1\"", 412)] {
        let request = gate.with_body(Method::PUT, &path, user(ADA).to_string()).header("If-Match", version);
        assert_eq!(gate.send(request).await.status, status, "{version}");
    }
    gate.end().await;
}

#[tokio::test]
async fn patches_are_taken_in_the_forms_of_okta_and_entra() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let check = async |operations: Value, pointer: &str, expected: Value| {
        let answer = gate.patch(&id, operations.clone()).await;
        assert_eq!(answer.status, 200, "{operations}: {answer:?}");
        assert_eq!(answer.json().pointer(pointer), Some(&expected), "{operations}");
        assert_eq!(gate.get(&format!("/Users/{id}")).await.json().pointer(pointer), Some(&expected));
    };
    check(json!([{ "op": "replace", "value": { "active": false } }]), "/active", json!(false)).await;
    check(json!([{ "op": "Replace", "path": "active", "value": "True" }]), "/active", json!(true)).await;
    let role = format!("/{USHER}/role");
    check(json!([{ "op": "replace", "value": { USHER: { "role": "viewer" } } }]), &role, json!("viewer"))
        .await;
    check(
        json!([{ "op": "Replace", "path": format!("{USHER}:role"), "value": "owner" }]),
        &role,
        json!("owner"),
    )
    .await;
    let dotted = json!([{ "op": "replace", "value": { "displayName": "Ada", "name.givenName": "Ada" } }]);
    check(dotted, "/name/givenName", json!("Ada")).await;
    let email =
        json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@acme.example" }]);
    check(email, "/emails/0/value", json!("a@acme.example")).await;
    let repeated_id = json!([{ "op": "replace", "value": { "id": id, "displayName": "Lady Lovelace" } }]);
    check(repeated_id, "/displayName", json!("Lady Lovelace")).await;
    assert_eq!(gate.jobs().await.len(), 1);
    gate.end().await;
}

#[tokio::test]
async fn concurrent_patches_are_all_applied() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let patches = (0..8).map(|index| {
        let (name, number) = (["title", "nickName"][index % 2], index.to_string());
        gate.patch(&id, json!([{ "op": "replace", "path": name, "value": number }]))
    });
    for answer in futures::future::join_all(patches).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let body = gate.get(&format!("/Users/{id}")).await.json();
    assert_eq!(body["meta"]["version"], "W/\"9\"", "{body}");
    assert!(!body["title"].is_null() && !body["nickName"].is_null(), "{body}");
    gate.end().await;
}
