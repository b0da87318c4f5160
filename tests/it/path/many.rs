//! Several gateways and several workers, each a process of its own, share one PostgreSQL. Workers are killed while they work. The apps'
//! own records are the judge: each wanted change once, in its order, and never more sessions than allowed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::time::MissedTickBehavior;
use usher::clock::{Clock as _, SystemClock};
use usher::demo::{AcmeDesk, Options};
use usher::integration::{LeaverLimit, NewIntegration, Policy};
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::Installation;
use usher::store::{JobFilter, JobState, Store};

use super::processes::{Process, Shared};
use super::world::{OWNER, PASSWORD, Scim, connectors, desk_options, user};
use crate::postgres::server;

/// How much of it there is: all with `USHER_FAULTS=all` (`make test-faults`), else as much as shows that it works.
struct Size {
    integrations: usize,
    accounts: usize,
    workers: usize,
    kills: Kills,
}

/// When a worker is killed; another one starts in its place.
enum Kills {
    /// So many times, each as soon as so many changes more were recorded.
    Times(usize),
    /// So often, until all is done: the beat of the load, not a wait for something.
    Every(Duration),
}

fn size() -> Size {
    match std::env::var("USHER_FAULTS").as_deref() {
        Ok("all") => {
            Size { integrations: 5, accounts: 100, workers: 4, kills: Kills::Every(Duration::from_secs(5)) }
        }
        _ => Size { integrations: 2, accounts: 6, workers: 2, kills: Kills::Times(2) },
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
            policy: Policy {
                patience_ms: 0,
                max_sessions: sessions,
                leavers: LeaverLimit::ANY,
                ..Policy::default()
            },
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
    let shared = Shared::new(server(), connectors()).await;
    let here = tempfile::tempdir().unwrap();
    let installation = shared.open(here.path(), Arc::new(SystemClock)).await;
    let store = installation.store.clone();
    let apps = apps(&installation, size.integrations, size.accounts).await;

    let gateways = join_all((0..2).map(|_| shared.gateway())).await;
    let urls: Vec<String> = gateways.iter().map(Process::url).collect();
    let mut workers = join_all((0..size.workers).map(|_| worker(&shared))).await;
    let wishes = async {
        for index in 0..size.accounts {
            join_all(apps.iter().map(|app| wish(&urls, app, index))).await;
        }
    };
    let wanted = size.integrations * size.accounts;
    let began = SystemClock.elapsed();
    let mut killed = 0;
    let kills = async {
        let changes = || apps.iter().map(|app| app.desk.record().len()).sum::<usize>();
        let (times, every) = match size.kills {
            Kills::Times(times) => (times, None),
            Kills::Every(every) => (usize::MAX, Some(every)),
        };
        let mut beat = tokio::time::interval(every.unwrap_or(Duration::MAX / 4));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.tick().await;
        while killed < times {
            match every {
                Some(_) if changes() >= wanted => break,
                Some(_) => drop(beat.tick().await),
                None => {
                    while changes() < (killed + 1) * wanted / (times + 1) {
                        let next =
                            apps.iter().map(|app| Box::pin(app.desk.recorded(app.desk.record().len() + 1)));
                        let next = futures::future::select_all(next);
                        drop(tokio::time::timeout(Duration::from_secs(20), next).await);
                    }
                }
            }
            workers.remove(0).kill().await;
            workers.push(worker(&shared).await);
            killed += 1;
        }
    };
    tokio::join!(wishes, kills);
    all_done(&store, wanted).await;
    println!(
        "{wanted} accounts, {killed} workers killed, {:.0} s",
        (SystemClock.elapsed() - began).as_secs_f64()
    );

    for app in &apps {
        judge(app, size.accounts);
    }
    store.verify_events().await.unwrap();
    for process in workers.into_iter().chain(gateways) {
        process.terminate().await;
    }
    store.close().await;
}

async fn worker(shared: &Shared) -> Process {
    shared.start(&["worker", "--lease", "15"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_takes_back_what_the_last_worker_had() {
    let shared = Shared::new(server(), connectors()).await;
    let here = tempfile::tempdir().unwrap();
    let installation = shared.open(here.path(), Arc::new(SystemClock)).await;
    let apps = apps(&installation, 1, 1).await;
    // The app answers some requests, then nobody.
    apps[0].desk.hold_after(3);
    let gateway = shared.gateway().await;
    let scim = Scim::new(&gateway.url(), &apps[0].token);
    let scim = Scim { base: format!("{}/scim/v2/{}", gateway.url(), apps[0].name), ..scim };
    let worker = shared.start(&["worker", "--lease", "5"]).await;
    scim.create(&user("a@acme.example", "Ada", true, "agent")).await;

    in_state(&installation.store, JobState::Running).await;
    worker.kill().await;
    in_state(&installation.store, JobState::Ready).await;
    gateway.terminate().await;
    installation.store.close().await;
}

/// Returns when the only job is in this state.
async fn in_state(store: &Store, state: JobState) {
    let mut work = store.watch_work();
    while store.list_jobs(&JobFilter { limit: 1, ..JobFilter::default() }).await.unwrap()[0].state != state {
        drop(tokio::time::timeout(Duration::from_secs(1), work.changed()).await);
    }
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
