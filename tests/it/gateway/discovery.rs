//! What the server says of itself, and the ways to ask beside the plain ones.

use usher::integration::Profile;

use super::*;

const JOB: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:Job";

#[tokio::test]
async fn what_is_listed_is_there_one_by_one_and_true_for_the_connector() {
    let gate = Gate::new().await;
    for list in ["/ResourceTypes", "/Schemas"] {
        let listed = gate.get(list).await.json();
        for one in listed["Resources"].as_array().unwrap() {
            let id = one["id"].as_str().unwrap();
            let answer = gate.get(&format!("{list}/{id}")).await;
            assert_eq!((answer.status, &answer.json()), (200, one), "{list}/{id}");
            assert!(one["meta"]["location"].as_str().unwrap().ends_with(&format!("{list}/{id}")));
        }
        gate.get(&format!("{list}/urn:nothing")).await.scim_error(404, None);
        let filtered = gate.get(&format!("{list}?filter=id+pr")).await.scim_error(403, None);
        assert!(filtered.contains("leave out `filter`"), "{filtered}");
    }
    let schema = gate.get(&format!("/Schemas/{USER}")).await.json();
    let named = |list: &Value, name: &str| {
        list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
    };
    let roles = named(&schema["attributes"], "roles");
    let value = named(&roles["subAttributes"], "value");
    assert_eq!(value["canonicalValues"], json!(["owner", "agent", "viewer"]), "those that the app has");
    let me = gate.get("/Me").await.scim_error(501, None);
    assert!(me.contains("no user behind a token"), "{me}");
    gate.end().await;
}

#[tokio::test]
async fn what_can_be_held_is_listed_as_oktas_entitlement_discovery_reads_it() {
    let gate = Gate::new().await;
    let okta = "urn:okta:scim:schemas:core:1.0";
    let types = gate.get("/ResourceTypes").await.json();
    let kinds: Vec<_> = types["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["schema"].as_str().unwrap().starts_with(okta))
        .map(|one| (one["name"].as_str().unwrap(), one["endpoint"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("Role", "/Roles"), ("team", "/Entitlements/team")]);
    let test_call = gate.get("/Roles?count=1&startIndex=1").await.json();
    assert_eq!(
        (&test_call["totalResults"], &test_call["itemsPerPage"]),
        (&3.into(), &1.into()),
        "{test_call}"
    );
    let second = gate.get("/Roles?count=1&startIndex=2").await.json();
    let role = &second["Resources"][0];
    assert_eq!(
        (&role["schemas"], &role["id"], &role["displayName"]),
        (&json!([format!("{okta}:Role")]), &"agent".into(), &"Agent".into())
    );
    assert_eq!(gate.get("/Roles/agent").await.json(), *role);
    let teams = gate.get("/Entitlements/team").await;
    assert_eq!(teams.status, 200, "{teams:?}");
    gate.get("/Roles/none").await.scim_error(404, None);
    gate.get("/Entitlements/shoes").await.scim_error(404, None);
    gate.get("/Roles?filter=id+eq+%22agent%22").await.scim_error(403, None);
    gate.refused(gate.with_body(Method::POST, "/Roles", "{}"), 405, None).await;
    gate.end().await;

    let strict = Gate::with(Policy { patience_ms: 0, profile: Profile::Strict, ..Policy::default() }).await;
    assert!(!strict.get("/ResourceTypes").await.text.contains("okta"), "the RFCs and nothing else");
    strict.get("/Roles").await.scim_error(404, None);
    strict.end().await;
}

#[tokio::test]
async fn a_search_in_a_body_finds_what_one_in_the_address_finds() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    gate.create(&user("grace@acme.example")).await;
    let search = |members: Value| {
        let mut body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body.to_string()
    };
    let filter = format!("userName eq \"{ADA}\"");
    for path in ["/Users/.search", "/.search", "/Users/.search/"] {
        let body =
            search(json!({ "filter": filter, "attributes": ["userName"], "startIndex": 1, "count": 10 }));
        let found = gate.send(gate.with_body(Method::POST, path, body)).await;
        assert_eq!(found.status, 200, "{found:?}");
        let page = found.json();
        assert_eq!((&page["totalResults"], &page["Resources"][0]["id"]), (&json!(1), &json!(id)), "{path}");
        assert!(page["Resources"][0].get("displayName").is_none(), "only what is asked for");
    }
    for (body, scim_type) in [
        (search(json!({ "filter": "shoeSize eq 7" })), "invalidFilter"),
        (search(json!({ "count": {} })), "invalidSyntax"),
        (json!({ "filter": filter }).to_string(), "invalidSyntax"),
        ("[]".to_owned(), "invalidSyntax"),
    ] {
        gate.refused(gate.with_body(Method::POST, "/.search", body), 400, Some(scim_type)).await;
    }
    gate.end().await;
}

#[tokio::test]
async fn a_version_that_the_client_has_is_not_sent_again() {
    let gate = Gate::new().await;
    let path = format!("/Users/{}", gate.create(&user(ADA)).await);
    let read = async |tags: &str| {
        let request = gate.request(Method::GET, &path).header("If-None-Match", tags);
        let answer = gate.send(request).await;
        assert_eq!(answer.header("etag"), Some("W/\"1\""), "{answer:?}");
        (answer.status, answer.text.is_empty())
    };
    for known in ["W/\"1\"", "\"1\"", "W/\"7\", W/\"1\"", "*"] {
        assert_eq!(read(known).await, (304, true), "{known}");
    }
    for other in ["W/\"2\"", "\"x\"", ""] {
        assert_eq!(read(other).await, (200, false), "{other}");
    }
    gate.end().await;
}

#[tokio::test]
async fn the_state_of_the_work_is_told_to_whoever_asks_for_it() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    let job = gate.jobs().await.remove(0).id;
    let plain = gate.get(&format!("/Users/{id}")).await.json();
    assert!(plain.get(JOB).is_none(), "nobody has to know of it");
    for attributes in [JOB.to_owned(), format!("userName,{JOB}:state,{JOB}:jobId")] {
        let body = gate.get(&format!("/Users/{id}?attributes={attributes}")).await.json();
        assert_eq!(body[JOB], json!({ "state": "ready", "jobId": job }), "{attributes}");
        assert!(body["schemas"].as_array().unwrap().iter().any(|urn| urn == JOB));
        assert!(body.get("displayName").is_none());
    }
    gate.end().await;
}
