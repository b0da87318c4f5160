//! What is not taken, and that it is said how.

use super::*;

#[tokio::test]
async fn what_is_not_there_is_a_problem_and_every_address_names_its_methods() {
    let stand = Stand::new().await;
    for path in [
        "",
        "/",
        "/nothing",
        "/jobs",
        "/jobs/",
        "/integrations/desk/",
        "/jobs/a/b",
        "/plans/%00",
        "/jobs/%ff",
    ] {
        let detail = stand.api.get(path).await.problem(404).to_owned();
        assert!(detail.contains("/api/v1/openapi.json"), "{path}: {detail}");
    }
    for path in ["/api", "/api/", "/api/v2/jobs"] {
        let answer = stand.api.http.get(format!("{}{path}", stand.server.url())).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
    for (path, described) in stand.api.contract.operations() {
        let path = path.replace("{name}", "desk").replace("{id}", "none");
        let mut expected: Vec<&str> = described.iter().map(String::as_str).collect();
        if described.contains(&"GET".to_owned()) {
            expected.push("HEAD");
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let answer = stand.api.send(stand.api.request(method.parse().unwrap(), &path)).await;
            if described.contains(&method.to_owned()) {
                assert_ne!(answer.status, 405, "{method} {path}");
                continue;
            }
            assert_eq!(answer.problem(405), format!("{method} is not for /api/v1{path}"));
            let allow: Vec<&str> = answer.header("allow").unwrap().split(',').map(str::trim).collect();
            assert_eq!(allow, expected, "{method} {path}");
        }
    }
    stand.end().await;
}

#[tokio::test]
async fn nobody_is_the_one_that_is_not_there() {
    let stand = Stand::new().await;
    let (sync, apply) = ("/integrations/nobody/sync", "/plans/plan_x/apply");
    for (answer, expected) in [
        (stand.api.get("/integrations/nobody").await, "there is no integration `nobody`"),
        (stand.api.post(sync).await, "there is no integration `nobody`"),
        (stand.api.get("/jobs/job_x?wait=50").await, "there is no job `job_x`"),
        (stand.api.get("/plans/plan_x").await, "there is no such plan; `usher plan list` shows them"),
        (stand.api.post(apply).await, "there is no such plan; `usher plan list` shows them"),
    ] {
        assert_eq!(answer.problem(404), expected);
    }
    stand.end().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_with_its_mistake_and_does_nothing() {
    let stand = Stand::new().await;
    let before = stand.rows().await;
    let send = async |path: &str, media: &str, body: String| {
        let request = stand.api.request(Method::POST, path).header("Content-Type", media).body(body);
        stand.api.send(request).await
    };
    let (sync, apply, reject) = ("/integrations/desk/sync", "/plans/plan_x/apply", "/plans/plan_x/reject");
    let json_type = "application/json; charset=utf-8";
    for (path, body, expected) in [
        (sync, "{\"full\":true}", "unknown field `full`"),
        (sync, "[", "the body: EOF"),
        (
            apply,
            "{\"reason\":\"x\",\"correct\":true}",
            "unknown field `correct`, expected `reason` or `corrects`",
        ),
        (apply, "{\"corrects\":\"yes\"}", "invalid type: string \"yes\", expected a boolean"),
        (apply, "{\"corrects\":true,\"corrects\":false}", "duplicate field `corrects`"),
        (reject, "{}", "missing field `reason`"),
        (reject, "", "missing field `reason`"),
        (reject, "\u{0}", "expected value"),
        (apply, &"[".repeat(60_000), "the body: "),
    ] {
        let answer = send(path, json_type, body.to_owned()).await;
        let detail = answer.problem(400);
        assert!(detail.starts_with("the body: ") && detail.contains(expected), "{body:.40}: {detail}");
    }
    let detail = send(apply, "text/plain", "{}".to_owned()).await.problem(415).to_owned();
    assert!(detail.contains("application/json"), "{detail}");
    let large = format!("{{\"reason\":\"{}\"}}", "x".repeat(65_536));
    assert_eq!(send(apply, json_type, large).await.problem(413), "the body is larger than 65536 bytes");
    for query in ["wait=51", "wait=-1", "wait=x", "wait=", "wait", "patience=1", "wait=1&x=1"] {
        let detail = stand.api.get(&format!("/jobs/none?{query}")).await.problem(400).to_owned();
        assert!(detail.contains("`wait`, a number of seconds up to 50"), "{detail}");
    }
    assert_eq!(stand.rows().await, before);
    stand.end().await;
}
