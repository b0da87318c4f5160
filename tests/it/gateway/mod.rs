//! The gateway over real HTTP, without a worker: what it takes, what it refuses, and that a refusal leaves nothing behind.

mod address;
mod bulk;
mod caller;
mod cursor;
mod discovery;
mod golden;
mod groups;
mod groups_in_app;
mod journal;
mod lookup;
mod model;
mod outcome;
mod refused;
mod suites;
mod write;

use std::path::Path;
use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use usher::clock::{ManualClock, Timestamp};
use usher::id::SystemEntropy;
use usher::integration::{NewIntegration, Policy};
use usher::secret::{ExposeSecret, SecretString};
use usher::server::{Installation, Paths, Server, ServerOptions};
use usher::store::{IntegrationRow, JobFilter, JobRow};

use crate::on_sqlite::store::list_users;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const USHER: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SCIM_JSON: &str = "application/scim+json";
const PASSWORD: &str = "canary-Pa55word-from-okta";
const ADA: &str = "ada.king@acme.example";

/// A gateway alone, on a clock that stands still.
struct Gate {
    root: TempDir,
    clock: Arc<ManualClock>,
    installation: Installation,
    server: Server,
    http: reqwest::Client,
    integration: IntegrationRow,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts that this is a SCIM error, and returns its detail.
    fn scim_error(&self, status: u16, scim_type: Option<&str>) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/scim+json; charset=utf-8"), "{self:?}");
        let body = self.json();
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{body}");
        assert_eq!(body["status"], status.to_string(), "{body}");
        assert_eq!(body["scimType"].as_str(), scim_type, "{body}");
        assert!(!self.text.contains(PASSWORD) && !self.text.contains("usher_"), "a secret: {body}");
        body["detail"].as_str().unwrap().to_owned()
    }
}

impl Gate {
    async fn new() -> Self {
        Self::with(Policy { patience_ms: 0, ..Policy::default() }).await
    }

    async fn with(policy: Policy) -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_ms(1_800_000_000_000));
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
        let paths = Paths::new(root.path().join("data"), connectors);
        let installation = Installation::open(paths, clock.clone(), Arc::new(SystemEntropy)).await.unwrap();
        let (integration, token) = create(&installation, "desk", policy).await;
        let listen = "127.0.0.1:0".parse().unwrap();
        let options = ServerOptions { listen, base_url: None, worker: None };
        let server = Server::start(installation.clone(), options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { root, clock, installation, server, http, integration, token }
    }

    /// The same data directory, as another process opens it.
    async fn other_process(&self) -> Installation {
        let paths = self.installation.paths.clone();
        Installation::open(paths, self.clock.clone(), Arc::new(SystemEntropy)).await.unwrap()
    }

    /// A request under the integration's base URL, without a token.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/scim/v2/desk{path}", self.server.url()))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    fn with_body(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(method, path).header("Content-Type", SCIM_JSON).body(body)
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, text: answer.text().await.unwrap() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    async fn post(&self, user: &Value) -> Answer {
        self.send(self.with_body(Method::POST, "/Users", user.to_string())).await
    }

    async fn put(&self, id: &str, user: &Value) -> Answer {
        self.send(self.with_body(Method::PUT, &format!("/Users/{id}"), user.to_string())).await
    }

    async fn patch(&self, id: &str, operations: Value) -> Answer {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        self.send(self.with_body(Method::PATCH, &format!("/Users/{id}"), body.to_string())).await
    }

    async fn delete(&self, id: &str) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/Users/{id}"))).await
    }

    /// Creates a user and returns their id.
    async fn create(&self, user: &Value) -> String {
        let answer = self.post(user).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// How many users, jobs and events there are.
    async fn rows(&self) -> (u64, usize, i64) {
        let store = &self.installation.store;
        let users = list_users(store, &self.integration.id, None, 0, 1).await.total;
        let head = store.verify_events().await.unwrap();
        (users, self.jobs().await.len(), head.events)
    }

    async fn jobs(&self) -> Vec<JobRow> {
        let filter = JobFilter { limit: 1000, ..JobFilter::default() };
        self.installation.store.list_jobs(&filter).await.unwrap()
    }

    /// Sends a request that must be refused so, and asserts that nothing was written. Returns the detail.
    async fn refused(&self, request: RequestBuilder, status: u16, scim_type: Option<&str>) -> String {
        let before = self.rows().await;
        let detail = self.send(request).await.scim_error(status, scim_type);
        assert_eq!(self.rows().await, before, "a refusal leaves no row: {detail}");
        detail
    }

    async fn end(self) {
        self.server.stop().await;
        drop(self.root);
    }
}

/// Makes an integration of Acme Desk, which is not there, and a token of it.
async fn create(installation: &Installation, name: &str, policy: Policy) -> (IntegrationRow, String) {
    let pairs = |pairs: [(&str, &str); 2]| pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let credentials = pairs([("username", "owner@acme.example"), ("password", "acme-password")]);
    let new = NewIntegration {
        name: name.to_owned(),
        connector: "acme-desk".to_owned(),
        settings: pairs([("base_url", "http://127.0.0.1:9"), ("org_id", "acme")]).into(),
        login: "password".to_owned(),
        credentials: credentials.map(|(key, value)| (key, SecretString::from(value))).into(),
        policy,
    };
    let created = installation.integrations.create(new, "test").await.unwrap();
    let (_, token) = installation.integrations.new_token(&created, None, "test").await.unwrap();
    (created.row, token.expose_secret().to_owned())
}

/// A user as Okta sends it.
fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, USHER],
        "userName": name,
        "displayName": "Ada Lovelace",
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "externalId": format!("okta-{name}"),
        "groups": [],
        "password": PASSWORD,
        "active": true,
        USHER: { "role": "agent" }
    })
}

/// `user` with `changes` laid over it; null takes an attribute away.
fn changed(changes: Value) -> Value {
    let mut user = user(ADA);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(user.as_object_mut().unwrap().remove(name)),
            value => user[name] = value.clone(),
        }
    }
    user
}
