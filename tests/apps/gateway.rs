//! A gateway with a worker and a real Chromium, for one integration named `app`, spoken to over HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use usher::clock::SystemClock;
use usher::id::SystemEntropy;
use usher::integration::{NewIntegration, Policy};
use usher::secret::{ExposeSecret, SecretString};
use usher::server::{Installation, Paths, Server, ServerOptions, find_chromium};
use usher::store::{JobFilter, JobRequest, JobRow, JobState, PlanItem, PlanRow, PlanState, Priority, Work};

use super::app::{App, SERVICE_TOTP};

const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:User";

pub struct Gateway {
    pub installation: Installation,
    integration: String,
    server: Server,
    http: reqwest::Client,
    base: String,
    token: String,
    /// Goes with this.
    _data: TempDir,
}

/// Somebody as an identity provider sends them.
#[derive(Clone, Debug)]
pub struct Person {
    pub user_name: String,
    pub given: String,
    pub family: String,
    pub role: String,
    pub groups: Vec<String>,
    pub active: bool,
}

impl Person {
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    fn resource(&self, app: &dyn App) -> Value {
        let mut held = json!({ "role": self.role });
        if !app.groups().is_empty() {
            held[app.kind_of_groups()] = json!(self.groups);
        }
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
            "userName": self.user_name,
            "name": { "givenName": self.given, "familyName": self.family },
            "displayName": self.full_name(),
            "emails": [{ "primary": true, "value": self.user_name, "type": "work" }],
            "active": self.active,
            EXTENSION: held,
        })
    }
}

impl Gateway {
    pub async fn start(app: &dyn App, address: &str, password: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
        let paths = Paths::new(data.path().to_owned(), connectors);
        let installation =
            Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap();
        let mut settings = app.settings();
        settings.push(("base_url", address.to_owned()));
        let mut credentials = vec![("username", app.service_account().0), ("password", password)];
        credentials.extend(app.has_totp().then_some(("totp", SERVICE_TOTP)));
        let new = NewIntegration {
            name: "app".to_owned(),
            connector: app.name().to_owned(),
            settings: settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            login: "password".to_owned(),
            credentials: credentials
                .into_iter()
                .map(|(key, value)| (key.to_owned(), SecretString::from(value)))
                .collect(),
            policy: Policy { patience_ms: 50_000, ..Policy::default() },
        };
        let integration = installation.integrations.create(new, "test").await.unwrap();
        let (_, token) = installation.integrations.new_token(&integration, None, "test").await.unwrap();
        let worker = installation.worker_options(find_chromium().expect("Chromium"));
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = ServerOptions { listen, base_url: None, worker: Some(worker) };
        let server = Server::start(installation.clone(), options).await.unwrap();
        Self {
            base: format!("{}/scim/v2/app", server.url()),
            token: token.expose_secret().to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            integration: integration.row.id.clone(),
            installation,
            server,
            _data: data,
        }
    }

    pub async fn end(self) {
        self.server.stop().await;
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub async fn post(&self, app: &dyn App, person: &Person) -> (u16, Value) {
        self.send(Method::POST, "/Users", Some(person.resource(app))).await
    }

    /// Waits for the job that the request made; an app that takes longer than the caller waits is no failure.
    async fn done(&self) {
        let job = self.jobs().await.swap_remove(0);
        let job = self.installation.store.settled_job(&job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Done, "{:?}: {:?}", job.class, job.message);
    }

    /// Creates somebody, and returns their id.
    pub async fn create(&self, app: &dyn App, person: &Person) -> String {
        let (status, body) = self.post(app, person).await;
        assert!(matches!(status, 201 | 202), "{status} {body}");
        self.done().await;
        body["id"].as_str().unwrap().to_owned()
    }

    pub async fn put(&self, app: &dyn App, id: &str, person: &Person) {
        let (status, body) =
            self.send(Method::PUT, &format!("/Users/{id}"), Some(person.resource(app))).await;
        assert!(matches!(status, 200 | 202), "{status} {body}");
        self.done().await;
    }

    pub async fn delete(&self, id: &str) {
        let (status, body) = self.send(Method::DELETE, &format!("/Users/{id}"), None).await;
        assert!(matches!(status, 202 | 204), "{status} {body}");
        self.done().await;
    }

    /// A login and a reading of the whole list; what that came to.
    pub async fn test(&self) -> String {
        let request = JobRequest { priority: Priority::INTERACTIVE, cause: json!({ "event": "test" }) };
        let store = &self.installation.store;
        let job = store.request_job(&self.integration, Work::TestLogin, request, "test").await.unwrap();
        store.settled_job(&job.id).await.unwrap().unwrap().message.unwrap_or_default()
    }

    /// A reading of all accounts; the plan that it came to, which is applied, and what it found.
    pub async fn sync(&self) -> (PlanRow, Vec<PlanItem>) {
        let request = JobRequest { priority: Priority::INTERACTIVE, cause: json!({ "event": "test" }) };
        let store = &self.installation.store;
        let job = store.request_job(&self.integration, Work::Sync, request, "test").await.unwrap();
        let job = store.settled_job(&job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Done, "{:?}: {:?}", job.class, job.message);
        let plan = store.list_plans(None, 1).await.unwrap().remove(0);
        assert_eq!(plan.state, PlanState::Applied);
        let items = store.plan_items(&plan.id).await.unwrap();
        (plan, items)
    }

    pub async fn jobs(&self) -> Vec<JobRow> {
        let filter = JobFilter { integration_id: None, state: None, before: None, limit: 100 };
        self.installation.store.list_jobs(&filter).await.unwrap()
    }

    /// The flows that ran, in their order, with the milliseconds that each took.
    pub async fn flows(&self) -> Vec<(String, u64)> {
        let mut flows: Vec<(String, u64)> = Vec::new();
        for job in self.jobs().await.into_iter().rev() {
            let shown = self.installation.store.show_job(&job.id).await.unwrap().unwrap();
            for attempt in &shown.attempts {
                let mut before = String::new();
                for row in attempt.steps.iter().filter(|row| row.depth == 0) {
                    if row.flow != before {
                        flows.push((row.flow.clone(), 0));
                        before.clone_from(&row.flow);
                    }
                    flows.last_mut().unwrap().1 += row.total_ms;
                }
            }
        }
        flows
    }

    /// Whether the integration was paused.
    pub async fn is_paused(&self) -> bool {
        let integration = self.installation.integrations.find("app").await.unwrap().unwrap();
        integration.row.paused_at.is_some()
    }
}
