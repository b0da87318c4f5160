//! Several gateways and several workers, each a process of its own, share one PostgreSQL. Workers are killed while they work. The apps'
//! own records are the judge: each wanted change once, in its order, and never more sessions than allowed.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures::future::join_all;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use usher::clock::SystemClock;
use usher::demo::{AcmeDesk, Options};
use usher::id::{Ids, SystemEntropy};
use usher::integration::{NewIntegration, Policy};
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::{Installation, MASTER_KEY, Paths};
use usher::store::{JobFilter, JobState, Store, StoreOptions};

use super::faults::{all_gone, kill};
use super::world::{OWNER, PASSWORD, Scim, connectors, desk_options, user};
use crate::postgres::{new_schema, schema, server};

/// How much of it there is: all with `USHER_FAULTS=all` (`make test-faults`), else as much as shows that it works.
struct Size {
    integrations: usize,
    accounts: usize,
    workers: usize,
    /// How many processes are killed, each as soon as so many changes more were recorded.
    kills: usize,
}

fn size() -> Size {
    match std::env::var("USHER_FAULTS").as_deref() {
        Ok("all") => Size { integrations: 5, accounts: 100, workers: 4, kills: 60 },
        _ => Size { integrations: 2, accounts: 6, workers: 2, kills: 2 },
    }
}

/// A process of Usher's with a data directory of its own, as on a machine of its own.
struct Process {
    child: Child,
    data: TempDir,
    /// What it said it does.
    said: String,
}

/// Everything that the processes share.
struct Shared {
    schema: String,
    key: String,
}

impl Shared {
    fn address(&self) -> String {
        format!("{}&schema={}", server(), self.schema)
    }

    /// Starts one and waits until it says that it works.
    async fn start(&self, arguments: &[&str]) -> Process {
        let data = tempfile::tempdir().unwrap();
        let mut child = self
            .command(data.path())
            .args(arguments)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines.next_line().await.unwrap().expect("it says that it works");
        // What it says later goes nowhere; but it must not be kept from saying it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Process { child, data, said }
    }

    async fn worker(&self) -> Process {
        let worker = self.start(&["worker", "--lease", "15"]).await;
        assert!(worker.said.ends_with("works"), "{}", worker.said);
        worker
    }

    fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.arg("--data").arg(data).arg("--connectors").arg(connectors());
        command.env("USHER_DATABASE", self.address()).env(MASTER_KEY, &self.key).env_remove("USHER_DATA");
        command
    }
}

impl Process {
    /// Kills it. Nothing of its browser stays behind.
    async fn kill(mut self) {
        kill(self.child.id().expect("it runs"));
        self.child.wait().await.unwrap();
        all_gone(&self.data.path().display().to_string()).await;
    }

    async fn terminate(mut self) {
        super::faults::signal(self.child.id().expect("it runs"), rustix::process::Signal::TERM);
        assert_eq!(self.child.wait().await.unwrap().code(), Some(0));
        all_gone(&self.data.path().display().to_string()).await;
    }
}

/// An app, and how many sessions of it may be open.
struct App {
    name: String,
    desk: AcmeDesk,
    sessions: u32,
    token: String,
}

async fn apps(installation: &Installation, count: usize, accounts: usize) -> Vec<App> {
    let mut apps = Vec::new();
    for index in 0..count {
        let desk = AcmeDesk::start(Options { seats: accounts + 100, ..desk_options() }).await.unwrap();
        let (name, sessions) = (format!("desk-{index}"), 1 + u32::try_from(index % 2).unwrap());
        let text = |pairs: [(&str, String); 2]| pairs.map(|(key, value)| (key.to_owned(), value));
        let new = NewIntegration {
            name: name.clone(),
            connector: "acme-desk".to_owned(),
            settings: text([("base_url", desk.url()), ("org_id", "acme".to_owned())]).into(),
            login: "password".to_owned(),
            credentials: text([("username", OWNER.to_owned()), ("password", PASSWORD.to_owned())])
                .map(|(key, value)| (key, SecretString::from(value)))
                .into(),
            policy: Policy { patience_ms: 0, max_sessions: sessions, ..Policy::default() },
        };
        let created = installation.integrations.create(new, "test").await.unwrap();
        let (_, token) = installation.integrations.new_token(&created, None, "test").await.unwrap();
        apps.push(App { name, desk, sessions, token: token.expose_secret().to_owned() });
    }
    apps
}

/// Wants an account, and before anybody may have made it, another role of it; each over another gateway.
async fn wish(gateways: &[String], app: &App, index: usize) {
    let scim = |gateway: usize| {
        let url = &gateways[gateway % gateways.len()];
        Scim { base: format!("{url}/scim/v2/{}", app.name), ..Scim::new(url, &app.token) }
    };
    let (email, name) = (format!("person{index}@acme.example"), format!("Person Number {index}"));
    let id = scim(index).create(&user(&email, &name, true, "agent")).await;
    let body = user(&email, &name, true, "viewer");
    let path = format!("/Users/{id}");
    let (status, answer) = scim(index + 1).send(reqwest::Method::PUT, &path, Some(&body)).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_gateways_and_workers_share_a_database_and_are_killed() {
    let size = size();
    let key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
    let shared = Shared { schema: new_schema(), key };
    let here = tempfile::tempdir().unwrap();
    let migrated = shared.command(here.path()).args(["db", "migrate"]).output().await.unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let store = store(&shared, here.path()).await;
    // Sealed with the key that the processes are given.
    std::fs::write(here.path().join("master.key"), &shared.key).unwrap();
    std::fs::set_permissions(
        here.path().join("master.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let paths = Paths { database: schema(&shared.schema), ..Paths::new(here.path(), connectors()) };
    let installation =
        Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap();
    let apps = apps(&installation, size.integrations, size.accounts).await;

    let gateways =
        join_all((0..2).map(|_| shared.start(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]))).await;
    let urls: Vec<String> = gateways
        .iter()
        .map(|gateway| {
            let rest =
                gateway.said.strip_prefix("usher listens on ").unwrap_or_else(|| panic!("{}", gateway.said));
            rest.split(';').next().unwrap().to_owned()
        })
        .collect();
    let mut workers = join_all((0..size.workers).map(|_| shared.worker())).await;
    let wishes = async {
        for index in 0..size.accounts {
            join_all(apps.iter().map(|app| wish(&urls, app, index))).await;
        }
    };
    let kills = async {
        let changes = || apps.iter().map(|app| app.desk.record().len()).sum::<usize>();
        let wanted = size.integrations * size.accounts;
        for round in 1..=size.kills {
            let enough = round * wanted / (size.kills + 1);
            while changes() < enough {
                let next = apps.iter().map(|app| Box::pin(app.desk.recorded(app.desk.record().len() + 1)));
                drop(tokio::time::timeout(Duration::from_secs(20), futures::future::select_all(next)).await);
            }
            workers.remove(0).kill().await;
            workers.push(shared.worker().await);
        }
    };
    tokio::join!(wishes, kills);
    all_done(&store, size.integrations * size.accounts).await;

    for app in &apps {
        judge(app, size.accounts);
    }
    store.verify_events().await.unwrap();
    for process in workers.into_iter().chain(gateways) {
        process.terminate().await;
    }
    store.close().await;
}

async fn store(shared: &Shared, data: &Path) -> Store {
    let clock: usher::clock::SharedClock = Arc::new(SystemClock);
    let ids = Ids::new(clock.clone(), Arc::new(SystemEntropy));
    let options = StoreOptions { database: schema(&shared.schema), ..StoreOptions::new(data) };
    Store::open(&options, clock, ids).await.unwrap()
}

/// Returns when every job has ended; each must be done.
async fn all_done(store: &Store, accounts: usize) {
    let mut work = store.watch_work();
    loop {
        let jobs = store.list_jobs(&JobFilter { limit: 10_000, ..JobFilter::default() }).await.unwrap();
        if let Some(job) =
            jobs.iter().find(|job| job.state == JobState::Failed || job.state == JobState::Held)
        {
            panic!("{job:?}");
        }
        if jobs.len() >= accounts && jobs.iter().all(|job| job.state.is_final()) {
            return;
        }
        drop(tokio::time::timeout(Duration::from_secs(5), work.changed()).await);
    }
}

/// Each account was invited once, before its role was changed once, or was invited with the role that was wanted last.
fn judge(app: &App, accounts: usize) {
    let mut of: HashMap<String, Vec<String>> = HashMap::new();
    for change in app.desk.record() {
        let change: Value = serde_json::to_value(change).unwrap();
        let text = |key: &str| change[key].as_str().unwrap().to_owned();
        of.entry(text("email")).or_default().push(text("action"));
    }
    for index in 0..accounts {
        let changes = of.remove(&format!("person{index}@acme.example")).unwrap_or_default();
        let expected = changes == ["invited"] || changes == ["invited", "role_changed"];
        assert!(expected, "{}: person {index}: {changes:?}", app.name);
    }
    assert!(of.is_empty(), "{}: nobody wanted {of:?}", app.name);
    let roles = app
        .desk
        .members()
        .iter()
        .filter(|member| member.email.starts_with("person"))
        .map(|member| member.role)
        .collect::<Vec<_>>();
    assert!(roles.iter().all(|role| *role == usher::demo::Role::Viewer), "{roles:?}");
    let sessions = app.desk.sessions_at_once();
    assert!(
        sessions <= app.sessions as usize,
        "{}: {sessions} sessions where {} may be",
        app.name,
        app.sessions
    );
}
