//! A sync, measured: a comparison of many accounts with many users, and a whole sync of a large app through real Chromium.
//!
//! `ACCOUNTS` and `MEMBERS` (numbers) make it smaller. The app runs in a process of its own, so that what is told of memory is Usher's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use usher::account::{Attributes, Observed, Presence, Status, Wanted};
use usher::clock::{Clock as _, SystemClock};
use usher::demo::{AcmeDesk, Options};
use usher::id::{Entropy as _, SystemEntropy};
use usher::integration::{NewIntegration, Policy};
use usher::reconcile::{
    AttributeRule, Capabilities, EntitlementRule, Holds, Known, Protection, Rules, compare,
};
use usher::secret::SecretString;
use usher::server::{Installation, Paths, find_chromium};
use usher::store::{JobRequest, JobState, Priority, Work};

#[tokio::main]
async fn main() {
    if let Ok(members) = std::env::var(AS_APP) {
        return app(members.parse().expect(AS_APP)).await;
    }
    let number = |variable: &str, default: usize| {
        std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
    };
    // First, so that nothing else has been in memory.
    whole(number("MEMBERS", 10_000)).await;
    comparison(number("ACCOUNTS", 100_000));
}

/// Accounts of which one in ten is nobody's, one in ten another than wanted, and one in ten gone.
fn comparison(count: usize) {
    let account = |number: usize, role: &str| Observed {
        status: Status::Active,
        id: Some(number.to_string()),
        attributes: Attributes::from([
            ("email".to_owned(), format!("person{number}@acme.example")),
            ("name".to_owned(), format!("Person {number}")),
        ]),
        entitlements: BTreeMap::from([("role".to_owned(), BTreeSet::from([role.to_owned()]))]),
        groups: None,
    };
    let known = |number: usize| Known {
        user_id: format!("user-{number}"),
        wanted: Wanted {
            presence: Presence::Active,
            attributes: account(number, "agent").attributes,
            entitlements: account(number, "agent").entitlements,
            groups: Vec::new(),
        },
        seen: Some(account(number, "agent")),
        is_pending: false,
        is_over: false,
    };
    let all: Vec<Known> = (0..count).filter(|number| number % 10 != 0).map(known).collect();
    let role = |number: usize| if number % 10 == 1 { "viewer" } else { "agent" };
    let accounts: Vec<Observed> =
        (0..count).filter(|number| number % 10 != 2).map(|number| account(number, role(number))).collect();
    let one = EntitlementRule { holds: Holds::One, admins: BTreeSet::new(), keys: None, parents: None };
    let can = Capabilities {
        flows: ["invite", "update", "change_role", "deactivate"].map(str::to_owned).into(),
        attributes: BTreeMap::from([(
            "email".to_owned(),
            AttributeRule { read_only: false, ignore_case: true },
        )]),
        entitlements: BTreeMap::from([("role".to_owned(), one)]),
        ..Capabilities::default()
    };
    let (match_by, protection) = (["email".to_owned()], Protection::new(["owner@acme.example".to_owned()]));
    let rules = Rules { match_by: &match_by, can: &can, protection: &protection, groups: &[] };
    let began = SystemClock.elapsed();
    let compared = compare(&all, accounts, rules);
    let took = SystemClock.elapsed() - began;
    println!(
        "- comparison of {count} accounts: {:.2} s, {} findings",
        took.as_secs_f64(),
        compared.findings.len()
    );
}

/// Set, it makes this program the app, with so many members.
const AS_APP: &str = "USHER_BENCH_APP";

/// Serves the app until standard input ends.
async fn app(members: usize) {
    let now = Arc::new(|| SystemClock.now().as_ms());
    let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
    let options = Options { members, seats: members + 100, ..Options::new(now, fill) };
    let desk = AcmeDesk::start(options).await.unwrap();
    println!("{}", desk.url());
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    ended.await.unwrap().unwrap();
    desk.stop().await;
}

/// What was resident while something ran: at its begin and at each quarter of its time, the most, in MiB.
struct Memory(Vec<f64>);

impl Memory {
    /// Looks each half second until `ended`.
    async fn watch(ended: impl Future<Output = ()>) -> Self {
        let mut seen = vec![resident()];
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return Self(seen),
                _ = tick.tick() => seen.push(resident()),
            }
        }
    }

    fn told(&self) -> String {
        let most = |part: &[f64]| part.iter().fold(0.0_f64, |most, one| most.max(*one));
        let quarters = self.0.chunks(self.0.len().div_ceil(4)).map(|part| format!("{:.0}", most(part)));
        format!("{:.0} MiB before, in its quarters {}", self.0[0], quarters.collect::<Vec<_>>().join(", "))
    }
}

async fn whole(members: usize) {
    let mut desk = Command::new(std::env::current_exe().unwrap())
        .env(AS_APP, members.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(desk.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let data = tempfile::tempdir().unwrap();
    let paths = Paths::new(data.path(), Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors"));
    let installation =
        Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap();
    let text = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let secret = |(key, value): (&str, &str)| (key.to_owned(), SecretString::from(value));
    let new = NewIntegration {
        name: "desk".to_owned(),
        connector: "acme-desk".to_owned(),
        settings: [("base_url", url.trim_end()), ("org_id", "acme")].map(text).into(),
        login: "password".to_owned(),
        credentials: [("username", "owner@acme.example"), ("password", "acme-password")].map(secret).into(),
        policy: Policy::default(),
    };
    let integration = installation.integrations.create(new, "bench").await.unwrap();
    let options = installation.worker_options(find_chromium().expect("Chromium"));
    let worker = installation.start_worker(options).await.unwrap().unwrap();
    let store = installation.store.clone();
    for what in ["all new", "all known", "all known again"] {
        let began = SystemClock.elapsed();
        let request = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
        let job = store.request_job(&integration.row.id, Work::Sync, request, "bench").await.unwrap();
        let memory = Memory::watch(async { drop(store.settled_job(&job.id).await) }).await;
        let done = store.find_job(&job.id).await.unwrap().unwrap();
        assert_eq!(done.state, JobState::Done, "{:?} {:?}", done.class, done.message);
        let took = SystemClock.elapsed() - began;
        let plan = store.list_plans(None, 1).await.unwrap().remove(0);
        println!(
            "- sync of {} accounts, {what}: {:.1} s, {:.0} rows/s; {}; found {:?}",
            plan.counts.accounts,
            took.as_secs_f64(),
            plan.counts.accounts as f64 / took.max(Duration::from_millis(1)).as_secs_f64(),
            memory.told(),
            plan.counts.found,
        );
    }
    worker.stop().await;
    store.close().await;
    drop(desk.stdin.take());
    desk.wait().unwrap();
}

/// What is resident now, in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
