//! A gateway, a worker with a real Chromium and Acme Desk, all in one process, spoken to over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Options};
use usher::id::{Entropy, SystemEntropy};
use usher::integration::{NewIntegration, Policy};
use usher::job::{BrowserChoice, WorkerOptions};
use usher::secret::{ExposeSecret, SecretString};
use usher::server::{Installation, Paths, Server, ServerOptions, find_chromium};

pub const OWNER: &str = "owner@acme.example";
pub const PASSWORD: &str = "acme-password";

pub fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub fn desk_options() -> Options {
    let now = Arc::new(|| SystemClock.now().as_ms());
    let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
    Options { listen: any_port(), members: 30, seats: 500, ..Options::new(now, fill) }
}

pub fn connectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors")
}

pub async fn open(data: &Path) -> Installation {
    open_with(data, &connectors()).await
}

pub async fn open_with(data: &Path, connectors: &Path) -> Installation {
    let paths = Paths::new(data.to_owned(), connectors.to_owned());
    Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap()
}

/// Creates the integration `desk` and returns a token for it.
pub async fn set_up(installation: &Installation, desk_url: &str, password: &str, policy: Policy) -> String {
    let integration = NewIntegration {
        name: "desk".to_owned(),
        connector: "acme-desk".to_owned(),
        settings: [("base_url", desk_url), ("org_id", "acme")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        login: "password".to_owned(),
        credentials: [("username", OWNER), ("password", password)]
            .map(|(key, value)| (key.to_owned(), SecretString::from(value)))
            .into(),
        policy,
    };
    let integrations = &installation.integrations;
    let created = integrations.create(integration, "test").await.unwrap();
    let (_, token) = integrations.new_token(&created, None, "test").await.unwrap();
    token.expose_secret().to_owned()
}

/// Starts the gateway and a worker.
pub async fn start(installation: &Installation) -> Server {
    let worker = installation.worker_options(find_chromium().expect("Chromium; `make test` installs it"));
    start_with(installation, worker).await
}

/// Starts the gateway and that worker.
async fn start_with(installation: &Installation, worker: WorkerOptions) -> Server {
    let options = ServerOptions { listen: any_port(), base_url: None, worker: Some(worker) };
    Server::start(installation.clone(), options).await.unwrap()
}

pub struct World {
    pub desk: AcmeDesk,
    pub server: Server,
    pub installation: Installation,
    pub scim: Scim,
    pub data: TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(desk_options(), Policy { patience_ms: 50_000, ..Policy::default() }).await
    }

    pub async fn with(desk: Options, policy: Policy) -> Self {
        Self::with_connectors(desk, policy, &connectors()).await
    }

    /// With the connectors of another folder.
    pub async fn with_connectors(desk: Options, policy: Policy, connectors: &Path) -> Self {
        let desk = AcmeDesk::start(desk).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let installation = open_with(data.path(), connectors).await;
        let token = set_up(&installation, &desk.url(), PASSWORD, policy).await;
        let server = start(&installation).await;
        Self::of(desk, data, installation, (server, token))
    }

    /// With browsers that run elsewhere, in which a job waits so long for a place.
    pub async fn elsewhere(addresses: &[String], patience: Duration, policy: Policy) -> Self {
        let desk = AcmeDesk::start(Options { members: 60, ..desk_options() }).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let installation = open(data.path()).await;
        let token = set_up(&installation, &desk.url(), PASSWORD, policy).await;
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let worker = installation.worker_options(BrowserChoice::Elsewhere(addresses));
        let server = start_with(&installation, WorkerOptions { patience, ..worker }).await;
        Self::of(desk, data, installation, (server, token))
    }

    fn of(
        desk: AcmeDesk,
        data: TempDir,
        installation: Installation,
        (server, token): (Server, String),
    ) -> Self {
        let scim = Scim::new(&server.url(), &token);
        Self { desk, server, installation, scim, data }
    }

    pub async fn end(self) {
        self.server.stop().await;
        self.desk.stop().await;
    }

    /// The changes that the app itself recorded, as `action email`.
    pub fn record(&self) -> Vec<String> {
        record(&self.desk)
    }
}

pub fn record(desk: &AcmeDesk) -> Vec<String> {
    desk.record()
        .iter()
        .map(|change| {
            let change = serde_json::to_value(change).unwrap();
            format!("{} {}", change["action"].as_str().unwrap(), change["email"].as_str().unwrap())
        })
        .collect()
}

/// A SCIM client of the integration `desk`.
#[derive(Clone)]
pub struct Scim {
    pub http: reqwest::Client,
    pub base: String,
    pub token: String,
}

impl Scim {
    pub fn new(server: &str, token: &str) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: format!("{server}/scim/v2/desk"),
            token: token.to_owned(),
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    pub async fn post(&self, user: &Value) -> (u16, Value) {
        self.send(Method::POST, "/Users", Some(user)).await
    }

    pub async fn put(&self, id: &str, user: &Value) -> (u16, Value) {
        self.send(Method::PUT, &format!("/Users/{id}"), Some(user)).await
    }

    pub async fn patch(&self, id: &str, operations: Value) -> (u16, Value) {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.send(Method::PATCH, &format!("/Users/{id}"), Some(&body)).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path, None).await
    }

    pub async fn delete(&self, id: &str) -> (u16, Value) {
        self.send(Method::DELETE, &format!("/Users/{id}"), None).await
    }

    /// Creates a user who must come out well, and returns their id.
    pub async fn create(&self, user: &Value) -> String {
        let (status, body) = self.post(user).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }
}

pub const ROLE_URN: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:User";

/// A user as Okta sends it.
pub fn user(email: &str, name: &str, active: bool, role: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ROLE_URN],
        "userName": email,
        "displayName": name,
        "emails": [{ "primary": true, "value": email, "type": "work" }],
        "externalId": format!("okta-{email}"),
        "groups": [],
        "password": "canary-Pa55word-from-okta",
        "active": active,
        ROLE_URN: { "role": role }
    })
}
