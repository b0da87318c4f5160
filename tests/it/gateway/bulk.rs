//! Many requests in one.

use super::*;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

impl Gate {
    fn bulk(&self, fail_on_errors: Option<u64>, operations: &Value) -> RequestBuilder {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        });
        if let Some(most) = fail_on_errors {
            body["failOnErrors"] = most.into();
        }
        self.with_body(Method::POST, "/Bulk", body.to_string())
    }

    /// Sends a bulk request, and returns what became of each operation.
    async fn operations(&self, fail_on_errors: Option<u64>, operations: Value) -> Vec<Value> {
        let answer = self.send(self.bulk(fail_on_errors, &operations)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        body["Operations"].as_array().unwrap().clone()
    }
}

fn post(bulk_id: &str, path: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

fn statuses(outcomes: &[Value]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_a_request_makes_can_be_referred_to_in_it_before_and_after() {
    let gate = Gate::new().await;
    let group =
        json!({ "schemas": [GROUP], "displayName": "Support", "members": [{ "value": "bulkId:ada" }] });
    let rename = json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "path": "displayName", "value": "Countess" }] });
    let done = gate
        .operations(
            None,
            json!([
                post("group", "/Groups", group),
                post("ada", "/Users", user(ADA)),
                { "method": "PATCH", "path": "/Users/bulkId:ada", "data": rename },
                { "method": "DELETE", "path": "/Groups/bulkId:group", "version": "W/\"1\"" },
            ]),
        )
        .await;
    assert_eq!(statuses(&done), ["201", "201", "200", "204"], "{done:#?}");
    let [group, ada, renamed, gone] = &done[..] else { panic!("{done:#?}") };
    assert_eq!(
        (&group["method"], &group["bulkId"], &group["version"]),
        (&"POST".into(), &"group".into(), &"W/\"1\"".into())
    );
    assert_eq!((&renamed["location"], &renamed["version"]), (&ada["location"], &"W/\"2\"".into()));
    assert_eq!(gone["location"], group["location"]);
    let id = ada["location"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(gate.get(&format!("/Users/{id}")).await.json()["displayName"], "Countess");
    let jobs = gate.jobs().await;
    assert_eq!(jobs.len(), 2, "what is done later joins the work of the account, and of the group: {jobs:?}");
    gate.end().await;
}

#[tokio::test]
async fn a_failed_operation_is_told_and_its_dependants_with_it() {
    let gate = Gate::new().await;
    gate.create(&user(ADA)).await;
    let in_group = |name: &str, of: &str| json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": format!("bulkId:{of}") }] });
    let done = gate
        .operations(
            None,
            json!([
                post("twin", "/Users", changed(json!({ "externalId": "other" }))),
                post("of-twin", "/Groups", in_group("A", "twin")),
                post("of-none", "/Groups", in_group("B", "none")),
                post("one", "/Groups", in_group("C", "two")),
                post("two", "/Groups", in_group("D", "one")),
                post("lost", "/Shoes", json!({})),
                { "method": "DELETE", "path": "/Users/nobody" },
                post("bob", "/Users", user("bob@acme.example")),
            ]),
        )
        .await;
    assert_eq!(statuses(&done), ["409", "409", "400", "409", "409", "404", "404", "201"], "{done:#?}");
    assert_eq!(done[0]["response"]["scimType"], "uniqueness");
    assert!(done[0].get("location").is_none(), "it made nothing: {}", done[0]);
    let detail = |n: usize| done[n]["response"]["detail"].as_str().unwrap();
    assert!(detail(1).contains("`bulkId:twin`, which failed"), "{}", detail(1));
    assert!(detail(2).contains("no operation is called"), "{}", detail(2));
    assert!(done[6]["location"].as_str().unwrap().ends_with("/Users/nobody"), "{}", done[6]);
    gate.end().await;
}

#[tokio::test]
async fn after_so_many_errors_the_rest_is_left_undone() {
    let gate = Gate::new().await;
    let delete = |id: &str| json!({ "method": "DELETE", "path": format!("/Users/{id}") });
    let operations = json!([
        delete("1"),
        post("ada", "/Users", user(ADA)),
        delete("2"),
        post("bob", "/Users", user("bob@acme.example"))
    ]);
    let done = gate.operations(Some(2), operations).await;
    assert_eq!(statuses(&done), ["404", "201", "404"], "{done:#?}");
    assert_eq!(gate.get("/Users").await.json()["totalResults"], 1);
    gate.end().await;
}

#[tokio::test]
async fn what_is_no_bulk_request_is_refused_whole() {
    let gate = Gate::new().await;
    gate.refused(gate.bulk(None, &json!("x")), 400, Some("invalidSyntax")).await;
    gate.refused(gate.bulk(Some(0), &json!([])), 400, Some("invalidSyntax")).await;
    let half = json!([post("ada", "/Users", user(ADA)), { "method": "GET", "path": "/Users" }]);
    gate.refused(gate.bulk(None, &half), 400, Some("invalidSyntax")).await;
    let many = vec![json!({ "method": "DELETE", "path": "/Users/1" }); 1001];
    gate.refused(gate.bulk(None, &Value::Array(many)), 413, None).await;
    let config = gate.get("/ServiceProviderConfig").await.json();
    assert_eq!(
        config["bulk"],
        json!({ "supported": true, "maxOperations": 1000, "maxPayloadSize": 1_048_576 })
    );
    gate.end().await;
}
