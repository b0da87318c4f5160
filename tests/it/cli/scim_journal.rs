//! `usher scim-journal`: read by people and scripts, and sent again to a gateway that runs.

use std::sync::Arc;

use serde_json::{Value, json};
use usher::clock::SystemClock;
use usher::id::SystemEntropy;
use usher::server::{Installation, Paths, Server, ServerOptions};

use super::*;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const CANARY: &str = "canary-Pa55word";
const JOURNAL: &[&str] = &["scim-journal", "desk"];

/// A data directory with an integration, and a token of it in `token.txt`.
struct Desk {
    shell: Shell,
    token: String,
}

/// A gateway on it.
struct Gateway {
    server: Server,
    http: reqwest::Client,
    token: String,
}

impl Desk {
    fn new() -> Self {
        let shell = Shell::new();
        shell.create("desk", "acme-desk");
        let token = shell.run(&["token", "new", "desk"]).done();
        std::fs::write(shell.path("token.txt"), &token).unwrap();
        Self { shell, token: token.trim().to_owned() }
    }

    async fn open(&self) -> Installation {
        let paths = Paths::new(self.shell.path("usher-data"), self.shell.path("connectors"));
        Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap()
    }

    async fn serve(&self) -> Gateway {
        let installation = self.open().await;
        let options = ServerOptions { listen: "127.0.0.1:0".parse().unwrap(), base_url: None, worker: None };
        let server = Server::start(installation, options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Gateway { server, http, token: self.token.clone() }
    }

    /// What `usher scim-journal desk …` says; never a secret.
    fn journal(&self, arguments: &[&str]) -> Ran {
        let ran = self.shell.run(&[JOURNAL, arguments].concat());
        for secret in [CANARY, self.token.as_str()] {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{ran:?}");
        }
        ran
    }
}

impl Gateway {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/scim/v2/desk{path}", self.server.url());
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        let request = request.header("User-Agent", "Okta SCIM Client 1.0.0");
        let request = match body {
            Some(body) => request.header("Content-Type", "application/scim+json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }
}

fn patch(operation: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] })
}

fn ada() -> Value {
    json!({ "schemas": [CORE], "userName": "ada@acme.example", "displayName": "Ada", "externalId": "1", "password": CANARY })
}

/// Leaves a journal behind: a create, a lookup, two patches, and one of the password. Returns the user's id.
async fn leave(desk: &Desk) -> String {
    let gateway = desk.serve().await;
    let id = gateway.ask("POST", "/Users", Some(ada())).await.1["id"].as_str().unwrap().to_owned();
    let path = format!("/Users/{id}");
    gateway.ask("GET", "/Users?filter=userName+eq+%22ada%40acme.example%22%1b", None).await;
    for name in ["Countess", "Lady Ada"] {
        gateway
            .ask(
                "PATCH",
                &path,
                Some(patch(json!({ "op": "replace", "path": "displayName", "value": name }))),
            )
            .await;
    }
    gateway
        .ask("PATCH", &path, Some(patch(json!({ "op": "replace", "path": "password", "value": CANARY }))))
        .await;
    gateway.ask("GET", &format!("{path}?access_token={CANARY}"), None).await;
    gateway.server.stop().await;
    id
}

/// Says that seven requests came too fast.
async fn leave_losses(desk: &Desk) {
    let store = desk.open().await.store;
    let integration = store.find_integration("desk").await.unwrap().unwrap();
    store.keep_exchanges(Vec::new(), [(integration.id, 7)].into()).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_listed_shown_and_exported() {
    let desk = Desk::new();
    let none = desk.journal(&["--format", "json"]).json();
    assert_eq!(none, json!({ "exchanges": [], "lost": null }));
    let id = leave(&desk).await;

    let listed = desk.journal(&[]).done();
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NUMBER", "TIME", "METHOD", "PATH", "STATUS", "MS", "CLIENT"]);
    assert_eq!((lines[1][0], lines[1][2], lines[1][3], lines[1][4]), ("1", "POST", "/Users", "201"));
    assert_eq!(lines[1][6..], ["Okta", "SCIM", "Client", "1.0.0"]);
    assert!(listed.contains("/Users?filter=userName eq \"ada@acme.example\"\u{fffd} "), "{listed}");
    assert_eq!(lines.len(), 7, "{listed}");
    let last = desk.journal(&["--limit", "1", "--format", "json"]).json();
    assert_eq!(last["exchanges"][0]["target"], format!("/scim/v2/desk/Users/{id}?access_token=••••••"));

    leave_losses(&desk).await;
    let said = desk.journal(&[]).done();
    assert!(said.contains("\n7 requests are not in the journal, the last at 20"), "{said}");
    let json = desk.journal(&["--format", "json"]).json();
    assert_eq!((&json["lost"]["requests"], json["exchanges"].as_array().unwrap().len()), (&json!(7), 6));

    let shown = desk.journal(&["show", "1"]).done();
    for expected in [
        "POST /scim/v2/desk/Users HTTP/1.1\nAccept: */*\nContent-Type: application/scim+json\nUser-Agent: Okta SCIM Client 1.0.0\n\n{\n  \"schemas\"",
        "  \"password\": \"••••••\"\n",
        "\n\nHTTP/1.1 201 Created\nContent-Type: application/scim+json; charset=utf-8\nETag: W/\"1\"\nLocation: http://",
        &format!("\"id\": \"{id}\""),
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let json = desk.journal(&["show", "1", "--format", "json"]).json();
    assert_eq!((&json["status"], &json["answer"]["body"]["id"]), (&json!(201), &json!(id)));
    assert_eq!(json["request"]["body"]["password"], "••••••");

    let exported = desk.journal(&["export"]).done();
    assert_eq!(exported.matches("\n### ").count() + 1, 6, "{exported}");
    assert!(exported.starts_with("### 1, "), "{exported}");
    assert!(exported.contains(" HTTP/1.1\nAuthorization: Bearer {{token}}\n"), "{exported}");
    let one = desk.journal(&["export", "3"]).done();
    assert!(
        one.contains(r#""Operations":[{"op":"replace","path":"displayName","value":"Countess"}]"#),
        "{one}"
    );
    for arguments in [&["show", "99"][..], &["export", "1", "99"], &["replay", "99", "--token", "@token.txt"]]
    {
        let said = desk.journal(arguments).failed();
        assert!(said.contains("no request 99 of desk") && said.contains("usher scim-journal desk"), "{said}");
    }
    assert!(desk.shell.run(&["scim-journal", "dusk"]).failed().contains("there are: desk"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_sent_again_without_what_was_secret() {
    let desk = Desk::new();
    let id = leave(&desk).await;
    let gateway = desk.serve().await;
    let url = gateway.server.url();
    let again = |number: &str, more: &[&str]| {
        desk.journal(&[&["replay", number, "--server", &url, "--token", "@token.txt"], more].concat())
    };
    let name = async || gateway.ask("GET", &format!("/Users/{id}"), None).await.1["displayName"].clone();
    assert_eq!(name().await, "Lady Ada");
    let said = again("3", &[]).done();
    assert_eq!(name().await, "Countess", "it was sent");
    assert!(said.contains("then: 200 OK") && said.contains("now:  200 OK"), "{said}");
    assert!(said.ends_with("the answers are the same, but for times and versions\n"), "{said}");

    // The first create again, while its job is pending: the same user, without the password.
    let json = again("1", &["--format", "json"]).json();
    assert_eq!((&json["now"]["status"], &json["now"]["body"]["id"]), (&json!(201), &json!(id)));
    assert_eq!((&json["left_out"], &json["differences"]), (&json!(["password"]), &json!([])));
    let said = again("1", &[]).done();
    assert!(said.contains("left out, because secrets are not kept: password\n"), "{said}");

    for (number, expected) in
        [("5", "all that it asked for was secret"), ("6", "its address is not kept whole")]
    {
        let said = again(number, &[]).failed();
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(gateway.ask("DELETE", &format!("/Users/{id}"), None).await.0, 204);
    let said = again("3", &[]).done();
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(said.contains("now:  404 Not Found") && lines.contains(&vec!["status", "200", "404"]), "{said}");
    assert!(lines.contains(&vec!["displayName", "\"Countess\"", "-"]), "{said}");
    gateway.server.stop().await;
    let said = again("3", &[]).failed();
    assert!(said.contains("nothing answers at"), "{said}");
    let kept = desk.journal(&["--format", "json"]).json();
    let replayed = &kept["exchanges"][7];
    assert_eq!((&replayed["method"], &replayed["status"]), (&json!("PATCH"), &json!(200)), "{kept:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_not_taken_from_an_argument() {
    let desk = Desk::new();
    leave(&desk).await;
    let gateway = desk.serve().await;
    let url = gateway.server.url();
    let said = desk.journal(&["replay", "3", "--server", &url, "--token", CANARY]).failed();
    assert!(said.contains("--token @FILE"), "{said}");
    let mut command =
        desk.shell.command(&[JOURNAL, &["replay", "3", "--server", &url, "--token", "$SCIM_TOKEN"]].concat());
    let ran: Ran = command.env("SCIM_TOKEN", &desk.token).output().unwrap().into();
    assert!(ran.done().contains("now:  200 OK"));
    std::fs::write(desk.shell.path("wrong.txt"), "usher_wrong").unwrap();
    let said = desk.journal(&["replay", "3", "--server", &url, "--token", "@wrong.txt"]).done();
    assert!(said.contains("now:  401 Unauthorized"), "{said}");
    gateway.server.stop().await;
}
