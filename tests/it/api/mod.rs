//! The operator's API over real HTTP. Every answer is held to the description that the server itself gives.

mod contract;
mod keys;
mod plans;
mod refused;
mod sync;

use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;
use usher::clock::{ManualClock, Timestamp};
use usher::id::SystemEntropy;
use usher::integration::Policy;
use usher::operator::OperatorRole;
use usher::secret::ExposeSecret;
use usher::server::{Installation, Paths, Server, ServerOptions};

pub use contract::Contract;

/// An operator's client of a server.
pub struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
    contract: Contract,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts that it is this problem, and returns its detail.
    fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert_eq!(self.body["type"], "about:blank", "{self:?}");
        self.body["detail"].as_str().unwrap()
    }
}

impl Api {
    /// With a new key of that name.
    pub async fn new(server: &Server, installation: &Installation, name: &str, role: OperatorRole) -> Self {
        let (_, key) = installation.operators.new_key(name, role, None, "test").await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("{}/api/v1", server.url());
        let described = http.get(format!("{base}/openapi.json")).send().await.unwrap();
        let contract = Contract::new(described.json().await.unwrap());
        Self { http, base, key: key.expose_secret().to_owned(), contract }
    }

    /// The same client with another key.
    fn with_key(&self, key: &str) -> Self {
        Self {
            http: self.http.clone(),
            base: self.base.clone(),
            key: key.to_owned(),
            contract: self.contract.clone(),
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// Sends a request, whose answer must be as it is described.
    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = self.http.execute(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        assert!(!text.contains("usher_"), "a secret: {text}");
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {status} {text}"));
        let answer = Answer { status, headers, body };
        self.contract.check(&method, path.strip_prefix("/api/v1").unwrap_or(&path), &answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A POST without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    async fn post_json(&self, path: &str, body: Value) -> Answer {
        self.contract.check_request(path, &body);
        self.send(self.request(Method::POST, path).json(&body)).await
    }
}

/// A server without a worker, on a clock that stands still, with the integration `desk` of an app that is not there.
struct Stand {
    root: TempDir,
    clock: Arc<ManualClock>,
    installation: Installation,
    server: Server,
    /// The token of an identity provider.
    token: String,
    api: Api,
}

impl Stand {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_ms(1_800_000_000_000));
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
        let paths = Paths::new(root.path().join("data"), connectors);
        let installation = Installation::open(paths, clock.clone(), Arc::new(SystemEntropy)).await.unwrap();
        let token =
            crate::path::world::set_up(&installation, "http://127.0.0.1:9", "secret", Policy::default())
                .await;
        let listen = crate::path::world::any_port();
        let options = ServerOptions { listen, base_url: None, worker: None };
        let server = Server::start(installation.clone(), options).await.unwrap();
        let api = Api::new(&server, &installation, "ci", OperatorRole::Admin).await;
        Self { root, clock, installation, server, token, api }
    }

    /// How many events and jobs there are.
    async fn rows(&self) -> (i64, usize) {
        let store = &self.installation.store;
        let jobs =
            store.list_jobs(&usher::store::JobFilter { limit: 1000, ..Default::default() }).await.unwrap();
        (store.verify_events().await.unwrap().events, jobs.len())
    }

    async fn end(self) {
        self.server.stop().await;
        drop(self.root);
    }
}
