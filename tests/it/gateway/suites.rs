//! What others test a SCIM server with, on the gateway as it is: `scim2-tester` and `scim-sanity`.
//!
//! `tests/suites/prepare.sh`, a step of `make test`, installs them in `target/suites`.

use sqlx::{Connection as _, SqliteConnection};
use tokio::process::Command;
use usher::clock::SystemClock;
use usher::scim::schema::USER;
use usher::store::{Change, LeaverLimit, Profile, Store, UserChange};

use super::*;
use crate::from_pypi::programs;
use crate::on_sqlite::store::body_of;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A gateway alone, for an app whose accounts are of the plainest kind.
struct Subject {
    root: TempDir,
    store: Store,
    integration: IntegrationRow,
    server: Server,
    url: String,
    token: String,
}

impl Subject {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(folder.path().join("data"), root().join("fixtures/connectors/suites"));
        let clock = Arc::new(SystemClock);
        let installation = Installation::open(paths, clock, Arc::new(SystemEntropy)).await.unwrap();
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let credentials = pairs(&[("username", "owner@acme.example"), ("password", "acme-password")]);
        let new = NewIntegration {
            name: "people".to_owned(),
            connector: "people".to_owned(),
            settings: pairs(&[("base_url", "http://127.0.0.1:9")]).into_iter().collect(),
            login: "password".to_owned(),
            credentials: credentials
                .into_iter()
                .map(|(key, value)| (key, SecretString::from(value)))
                .collect(),
            policy: Policy {
                patience_ms: 0,
                profile: Profile::Strict,
                leavers: LeaverLimit::ANY,
                ..Policy::default()
            },
        };
        let created = installation.integrations.create(new, "test").await.unwrap();
        let (_, token) = installation.integrations.new_token(&created, None, "test").await.unwrap();
        let options = ServerOptions { listen: "127.0.0.1:0".parse().unwrap(), base_url: None, worker: None };
        let (store, integration) = (installation.store.clone(), created.row);
        let server = Server::start(installation, options).await.unwrap();
        let url = format!("{}/scim/v2/people", server.url());
        Self { root: folder, store, integration, server, url, token: token.expose_secret().to_owned() }
    }

    /// Makes a user whose id is `id`, which no client can.
    async fn has_user(&self, id: &str) {
        let body = body_of(json!({ "schemas": [USER], "userName": "made.up@example.com", "active": true }));
        let change = Change {
            integration_id: self.integration.id.clone(),
            user: UserChange::Insert(body),
            job: None,
            events: Vec::new(),
        };
        self.store.record(change).await.unwrap();
        let database = format!("sqlite://{}", self.root.path().join("data/usher.db").display());
        let mut hand = SqliteConnection::connect(&database).await.unwrap();
        sqlx::query("UPDATE users SET id = $1").bind(id).execute(&mut hand).await.unwrap();
        hand.close().await.unwrap();
    }

    /// Runs a suite, prints what it says, and asserts that nothing failed.
    async fn passes(self, suite: &mut Command) {
        let output = suite.env("SCIM_TOKEN", &self.token).env("NO_PROXY", "*").output().await.unwrap();
        self.server.stop().await;
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        println!("{text}");
        let failed: Vec<&str> = text
            .lines()
            .filter(|line| ["[FAIL]", "[ERROR]"].iter().any(|mark| line.trim().starts_with(mark)))
            .collect();
        assert!(failed.is_empty() && output.status.success(), "{failed:?}");
    }
}

#[tokio::test]
async fn scim2_tester_finds_nothing_wrong() {
    let Some(bin) = programs() else { return };
    let subject = Subject::new().await;
    let url = subject.url.clone();
    subject
        .passes(Command::new(bin.join("python")).arg(root().join("tests/suites/tester.py")).arg(url))
        .await;
}

#[tokio::test]
async fn scim_sanity_finds_nothing_wrong() {
    let Some(bin) = programs() else { return };
    let subject = Subject::new().await;
    // It adds a member of this id, which it never made. Who is no user is refused here and not invented; so there is one.
    subject.has_user("fake-member-id").await;
    let (url, token) = (subject.url.clone(), subject.token.clone());
    // It takes its token in no other way; this one is worth nothing when the test has ended.
    let arguments = ["--token", &token, "--user-domain", "example.com", "--i-accept-side-effects"];
    subject.passes(Command::new(bin.join("scim-sanity")).args(["probe", &url]).args(arguments)).await;
}
