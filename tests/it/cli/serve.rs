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

#[test]
fn the_address_of_a_browser_carries_no_key_in_an_argument_and_is_never_repeated() {
    let shell = Shell::new();
    let call = |arguments: &[&str], variable: &str| {
        // A data directory that cannot be one: what gets so far has read its browsers.
        std::fs::write(shell.path("file"), "x").unwrap();
        let mut command = shell.command(&[&["serve", "--data", "file"][..], arguments].concat());
        let ran =
            Ran::from(command.env("USHER_BROWSER", variable).env("USHER_CHROMIUM", "/x").output().unwrap());
        assert!(!ran.err.contains("s3cret"), "{ran:?}");
        ran.failed()
    };
    for key in ["wss://h.example?token=s3cret", "ws://s3cret@h.example/", "http://ada:s3cret@h.example:1"] {
        assert!(call(&["--browser", key], "").contains("give the whole address in USHER_BROWSER"), "{key}");
        assert!(call(&["--browser", "ws://h.example/", "--browser", key], "").contains("USHER_BROWSER"));
        let read = call(&[], &format!("ws://h.example/x#sessions=2, {key}"));
        assert!(read.contains("data directory file"), "{read}");
    }
    for address in ["s3cret", "https://s3cret.example", "ws://h.example/s3cret#many"] {
        for (arguments, variable) in [(&["--browser", address][..], ""), (&[], address)] {
            let refused = call(arguments, variable);
            assert!(refused.contains("--browser") && refused.contains("address"), "{refused}");
        }
    }
}
