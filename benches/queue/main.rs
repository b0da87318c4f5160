//! The queue, measured: empty jobs from claim to finish on SQLite and on PostgreSQL, beside graphile-worker's named queues and pg-boss's
//! strict FIFO on the same server, in turn, also with many jobs stuck behind two that run; what a claim costs with many finished jobs kept; how
//! long a leaver waits behind many joiners.
//!
//! Runs under `tests/with-postgres`. `JOBS`, `LANES`, `STUCK`, `ROUNDS` (numbers), `CLAIMERS` and `KEPT` (lists) make it smaller. Without node the
//! peers are left out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use usher::clock::{Clock as _, SharedClock, SystemClock};
use usher::id::{Ids, SystemEntropy};
use usher::scim::{Folded, ResourceSchema};
use usher::store::*;

const LEASE: Duration = Duration::from_secs(60);

/// A store with its directory.
struct Kept {
    store: Store,
    directory: TempDir,
    database: Database,
}

#[tokio::main]
async fn main() {
    let (jobs, lanes, stuck) =
        (numbers("JOBS", "2000")[0], numbers("LANES", "50")[0], numbers("STUCK", "20000")[0]);
    println!(
        "Jobs from claim to finish per second, medians of {} rounds in turn: {jobs} empty jobs in {lanes} lanes of one at a time, in order\n",
        numbers("ROUNDS", "3")[0]
    );
    head();
    for claimers in numbers("CLAIMERS", "1,4,16") {
        line(Load { jobs, lanes, claimers, stuck: 0 }).await;
    }
    println!("\nThe same with {stuck} jobs more that wait behind two which do not end\n");
    head();
    line(Load { jobs, lanes, claimers: 8, stuck }).await;
    println!(
        "\nA claim and its finish, in microseconds, with so many finished jobs kept; and what that is to the least\n"
    );
    println!("| finished jobs kept | SQLite | | PostgreSQL | |");
    println!("|---|---|---|---|---|");
    let stores = [open("sqlite").await, open("postgres").await];
    let mut least = None;
    for kept in numbers("KEPT", "1000,100000,1000000") {
        let costs = [cost(&stores[0], kept).await, cost(&stores[1], kept).await];
        let [sqlite, postgres] = *least.get_or_insert(costs);
        println!(
            "| {kept} | {:.0} | {:.2} | {:.0} | {:.2} |",
            costs[0],
            costs[0] / sqlite,
            costs[1],
            costs[1] / postgres
        );
    }
    println!(
        "\nA leaver behind 10,000 joiners of the same integration, of which each job takes 20 ms: from the wish to the claim, in jobs' times\n"
    );
    for kind in ["sqlite", "postgres"] {
        println!("- {kind}: {:.2}", leaver(&open(kind).await).await);
    }
}

/// What is to be done.
#[derive(Clone, Copy)]
struct Load {
    jobs: usize,
    lanes: usize,
    claimers: usize,
    /// In two lanes of their own, of each of which one job runs and does not end.
    stuck: usize,
}

fn head() {
    println!(
        "| claimers | SQLite | PostgreSQL | graphile-worker | pg-boss | PostgreSQL's to graphile-worker's | to pg-boss's |"
    );
    println!("|---|---|---|---|---|---|---|");
}

async fn line(load: Load) {
    let mut rates: [Vec<Option<f64>>; 4] = Default::default();
    for _ in 0..numbers("ROUNDS", "3")[0] {
        rates[0].push(Some(rate(&open("sqlite").await, load).await));
        rates[1].push(Some(rate(&open("postgres").await, load).await));
        rates[2].push(peer_rate("graphile.mjs", load));
        rates[3].push(peer_rate("pgboss.mjs", load));
    }
    let [sqlite, postgres, graphile, pgboss] = rates.map(|rates| {
        let mut rates: Vec<f64> = rates.into_iter().flatten().collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    });
    let shown = |rate: Option<f64>| rate.map_or("–".to_owned(), |rate| format!("{rate:.0}"));
    let ratio = |peer: Option<f64>| {
        peer.zip(postgres).map_or("–".to_owned(), |(peer, own)| format!("{:.2}", own / peer))
    };
    println!(
        "| {} | {} | {} | {} | {} | {} | {} |",
        load.claimers,
        shown(sqlite),
        shown(postgres),
        shown(graphile),
        shown(pgboss),
        ratio(graphile),
        ratio(pgboss)
    );
}

fn numbers(variable: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|number| number.trim().parse().expect(variable)).collect()
}

fn ids() -> (SharedClock, Ids) {
    let clock: SharedClock = Arc::new(SystemClock);
    (clock.clone(), Ids::new(clock, Arc::new(SystemEntropy)))
}

async fn open(kind: &str) -> Kept {
    let (clock, ids) = ids();
    let directory = tempfile::tempdir().unwrap();
    let database = match kind {
        "sqlite" => Database::File,
        _ => {
            let server = std::env::var("USHER_TEST_POSTGRES").expect("run it by tests/with-postgres");
            Database::Server(format!("{server}&schema=b_{}", ids.next().replace('-', "_")).parse().unwrap())
        }
    };
    let options = StoreOptions {
        database: database.clone(),
        migrate: true,
        ..StoreOptions::new(directory.path().join("data"))
    };
    let store = Store::open(&options, clock, ids).await.unwrap();
    Kept { store, directory, database }
}

async fn integration(store: &Store, name: &str, max_sessions: u32) -> IntegrationRow {
    let policy = Policy { max_sessions, ..Policy::default() };
    let new =
        NewIntegration { name: name.into(), connector: "acme-desk".into(), settings: json!({}), policy };
    store.create_integration(new, "bench").await.unwrap()
}

async fn want(store: &Store, integration: &IntegrationRow, name: &str, priority: Priority) {
    let resource = json!({ "userName": name, "active": true });
    let body = UserBody {
        user_name: name.to_owned(),
        external_id: None,
        active: true,
        folded: Folded::of(resource.as_object().unwrap(), &ResourceSchema::user()),
        resource,
    };
    let change = Change {
        integration_id: integration.id.clone(),
        user: UserChange::Insert(body),
        job: Some(JobRequest { priority, cause: json!({}) }),
        events: vec![NewEvent::new("user.wanted", "bench")],
    };
    store.record(change).await.unwrap();
}

async fn fill(store: &Store, integrations: &[IntegrationRow], jobs: usize) {
    let wants = (0..jobs).map(|job| {
        let (store, integration) = (store.clone(), integrations[job % integrations.len()].clone());
        async move { want(&store, &integration, &format!("user-{job}"), Priority::ORDINARY).await }
    });
    futures::StreamExt::collect::<Vec<_>>(futures::StreamExt::buffer_unordered(
        futures::stream::iter(wants),
        64,
    ))
    .await;
}

/// Each lane is an integration that may have one session: its jobs run one after the other, in the order in which they were wanted. The
/// claimers are those of one worker.
async fn rate(kept: &Kept, Load { jobs, lanes, claimers, stuck }: Load) -> f64 {
    if stuck > 0 {
        let behind =
            [integration(&kept.store, "stuck-0", 1).await, integration(&kept.store, "stuck-1", 1).await];
        fill(&kept.store, &behind, stuck).await;
        for _ in &behind {
            kept.store.claim("another", LEASE).await.unwrap().unwrap();
        }
    }
    let mut integrations = Vec::new();
    for lane in 0..lanes {
        integrations.push(integration(&kept.store, &format!("lane-{lane}"), 1).await);
    }
    fill(&kept.store, &integrations, jobs).await;
    let left = Arc::new(AtomicUsize::new(jobs));
    let began = SystemClock.elapsed();
    let claiming: Vec<_> = (0..claimers)
        .map(|_| {
            let (store, left) = (kept.store.clone(), left.clone());
            tokio::spawn(async move {
                let mut work = store.watch_work();
                while left.load(Ordering::SeqCst) > 0 {
                    match store.claim("worker", LEASE).await.unwrap() {
                        Some(claimed) => {
                            store
                                .finish(&claimed.lease, Finish::with(Outcome::Done { message: None }))
                                .await
                                .unwrap();
                            left.fetch_sub(1, Ordering::SeqCst);
                        }
                        None => drop(tokio::time::timeout(Duration::from_millis(50), work.changed()).await),
                    }
                }
            })
        })
        .collect();
    for claiming in claiming {
        claiming.await.unwrap();
    }
    let took = SystemClock.elapsed() - began;
    kept.store.close().await;
    jobs as f64 / took.as_secs_f64()
}

/// What a peer reaches in a database of its own on the same server.
fn peer_rate(script: &str, Load { jobs, lanes, claimers, stuck }: Load) -> Option<f64> {
    let server = std::env::var("USHER_TEST_POSTGRES").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/queue/peers");
    if !folder.join("node_modules").exists() {
        return None;
    }
    let name = format!("p_{}", ids().1.next().replace('-', "_"));
    let psql = |sql: String| Command::new("psql").args([&server, "-qc", &sql]).status().unwrap();
    assert!(psql(format!("CREATE DATABASE {name}")).success());
    let address = server.replace("/postgres?", &format!("/{name}?"));
    let numbers = [jobs, lanes, claimers, stuck].map(|number| number.to_string());
    let ran = Command::new("node")
        .arg(folder.join(script))
        .args(&numbers)
        .env("DATABASE_URL", address)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said: serde_json::Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{script}: {error}"));
    assert!(psql(format!("DROP DATABASE {name} WITH (FORCE)")).success());
    said["perSecond"].as_f64()
}

/// Adds finished jobs until there are so many, and measures some claims with their finishes.
async fn cost(kept: &Kept, finished: usize) -> f64 {
    const SAMPLES: usize = 300;
    let store = &kept.store;
    let desk = match store.find_integration("desk").await.unwrap() {
        Some(desk) => desk,
        None => integration(store, "desk", 1).await,
    };
    let insert = |numbers: &str| {
        format!(
            "INSERT INTO jobs (id, integration_id, lane, kind, priority, state, due_at, cause, created_at, changed_at, finished_at) \
             SELECT 'job_kept_' || n, '{0}', 'kept_' || (n % 5000), 'provision', 50, 'done', 1, '{{}}', 1, 1, 1 \
             FROM {numbers} WHERE NOT EXISTS (SELECT 1 FROM jobs k WHERE k.id = 'job_kept_' || n)",
            desk.id
        )
    };
    match &kept.database {
        Database::File => {
            let path = kept.directory.path().join("data/usher.db");
            let mut hand =
                sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
            let numbers = format!(
                "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {finished}) SELECT n FROM c) AS c"
            );
            sqlx::raw_sql(AssertSqlSafe(insert(&numbers))).execute(&mut hand).await.unwrap();
        }
        Database::Server(url) => {
            let server = std::env::var("USHER_TEST_POSTGRES").unwrap();
            let mut hand = sqlx::PgConnection::connect(&server).await.unwrap();
            let numbers = insert(&format!("generate_series(1, {finished}) AS c(n)"));
            let sql = format!("SET search_path = {}; {numbers}; ANALYZE jobs", url.schema());
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut hand).await.unwrap();
        }
    }
    for sample in 0..SAMPLES {
        want(store, &desk, &format!("user-{finished}-{sample}"), Priority::ORDINARY).await;
    }
    let began = SystemClock.elapsed();
    for _ in 0..SAMPLES {
        let claimed = store.claim("worker", LEASE).await.unwrap().unwrap();
        store.finish(&claimed.lease, Finish::with(Outcome::Done { message: None })).await.unwrap();
    }
    (SystemClock.elapsed() - began).as_secs_f64() * 1e6 / SAMPLES as f64
}

/// How long a leaver waits for his claim, in times of a job.
async fn leaver(kept: &Kept) -> f64 {
    const JOB: Duration = Duration::from_millis(20);
    let store = kept.store.clone();
    let desk = integration(&store, "desk", 1).await;
    fill(&store, std::slice::from_ref(&desk), 10_000).await;
    let working = tokio::spawn({
        let store = store.clone();
        async move {
            loop {
                let Some(claimed) = store.claim("worker", LEASE).await.unwrap() else { continue };
                if claimed.job.user_name.as_deref() == Some("leaver") {
                    return SystemClock.elapsed();
                }
                drop(tokio::time::timeout(JOB, std::future::pending::<()>()).await);
                store.finish(&claimed.lease, Finish::with(Outcome::Done { message: None })).await.unwrap();
            }
        }
    });
    // In the middle of the work.
    drop(tokio::time::timeout(JOB * 15, std::future::pending::<()>()).await);
    let wished = SystemClock.elapsed();
    want(&store, &desk, "leaver", Priority::LEAVER).await;
    let claimed = working.await.unwrap();
    store.close().await;
    (claimed - wished).as_secs_f64() / JOB.as_secs_f64()
}
