//! `usher serve`: one broken connector keeps nobody else from working.

use std::io::{BufRead as _, BufReader, Read as _};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::*;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

#[tokio::test]
async fn with_one_broken_connector_the_others_are_served() {
    let shell = Shell::new();
    copy(&shell.path("connectors/acme-desk"), &shell.path("connectors/other"));
    shell.edit("connectors/other/connector.yaml", "name: acme-desk", "name: other");
    shell.create("good", "acme-desk");
    shell.create("bad", "other");
    let token = |name| shell.run(&["token", "new", name]).done().trim().to_owned();
    let (good, bad) = (token("good"), token("bad"));
    shell.edit("connectors/other/flows/invite.yaml", "click:", "clik:");

    let mut command = shell.command(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]);
    let mut server = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let (mut said, mut url) = (String::new(), None);
    while url.is_none() && log.read_line(&mut said).unwrap() > 0 {
        url = said
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("usher listens on "))
            .map(|rest| rest.split(';').next().unwrap().to_owned());
    }
    let url = url.unwrap_or_else(|| panic!("{said}"));
    assert!(said.contains("did you mean `click`?") && said.contains("`other` is not used until"), "{said}");

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let user = json!({ "schemas": [CORE], "userName": "ada@acme.example", "displayName": "Ada" }).to_string();
    let mut statuses = Vec::new();
    for (name, token) in [("good", &good), ("bad", &bad), ("bad", &good)] {
        let request = http.post(format!("{url}/scim/v2/{name}/Users")).bearer_auth(token);
        let answer =
            request.header("Content-Type", "application/scim+json").body(user.clone()).send().await.unwrap();
        let retry_after = answer.headers().contains_key("retry-after");
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        if status == 429 {
            assert!(
                retry_after && body.contains("`other` has mistakes") && body.contains("usher check"),
                "{body}"
            );
        }
        statuses.push(status);
    }
    assert_eq!(http.get(format!("{url}/healthz")).send().await.unwrap().status(), 200);
    let health = shell.run(&["health", "--url", &url]);

    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    let ended = server.wait().unwrap();
    log.read_to_string(&mut said).unwrap();
    assert_eq!(statuses, [201, 429, 401], "{said}");
    assert_eq!(health.done(), "ok\n");
    assert!(ended.success() && said.contains("and stops"), "{said}");
    let jobs = shell.run(&["job", "list", "--format", "json"]).json();
    assert_eq!(jobs.as_array().unwrap().len(), 1, "what could not be taken left no row: {jobs}");
}
