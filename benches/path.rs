//! The whole way, measured: 200 new accounts from SCIM request to verified reading, by one worker in a process of its own.
//!
//! Prints jobs per minute, the share of the time that the app itself took, and the peak memory of Usher without Chromium.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Options, PASSWORD, SERVICE_ACCOUNT};
use usher::id::{Entropy, SystemEntropy};
use usher::integration::{NewIntegration, Policy};
use usher::secret::{ExposeSecret, SecretString};
use usher::server::{Installation, Paths};
use usher::store::{JobFilter, JobState};

const ACCOUNTS: usize = 200;

#[tokio::main]
async fn main() {
    let desk = AcmeDesk::start(options()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let paths = Paths::new(data.path().join("data"), connectors);
    let installation =
        Installation::open(paths.clone(), Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap();
    let token = set_up(&installation, &desk).await;
    let (mut server, url) = serve(&paths).await;

    let began = SystemClock.elapsed();
    create(&format!("{url}/scim/v2/desk/Users"), &token).await;
    let accepted = SystemClock.elapsed() - began;
    desk.recorded(ACCOUNTS).await;
    let jobs = all_settled(&installation).await;
    let took = SystemClock.elapsed() - began;

    let invited = desk.record().iter().filter(|change| change.action.word() == "invited").count();
    let memory = peak_memory_mib(server.id().unwrap());
    let busy = desk.stats().busy;
    println!("| | |");
    println!("|---|---|");
    println!("| accounts wanted; invited, by the app's record; jobs done | {ACCOUNTS}; {invited}; {jobs} |");
    println!("| requests accepted in | {:.2} s |", accepted.as_secs_f64());
    println!("| all verified in | {:.1} s |", took.as_secs_f64());
    println!("| jobs per minute | {:.1} |", ACCOUNTS as f64 * 60.0 / took.as_secs_f64());
    println!(
        "| share of time in the app itself | {:.1} % |",
        100.0 * busy.as_secs_f64() / took.as_secs_f64()
    );
    println!("| peak memory of Usher alone | {memory:.1} MiB |");
    server.kill().await.unwrap();
    desk.stop().await;
    assert_eq!((invited, jobs), (ACCOUNTS, ACCOUNTS));
}

fn options() -> Options {
    let now = Arc::new(|| SystemClock.now().as_ms());
    let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
    Options {
        members: 130,
        seats: 10_000,
        elapsed: Arc::new(|| SystemClock.elapsed()),
        ..Options::new(now, fill)
    }
}

async fn set_up(installation: &Installation, desk: &AcmeDesk) -> String {
    let new = NewIntegration {
        name: "desk".to_owned(),
        connector: "acme-desk".to_owned(),
        settings: [("base_url", desk.url()), ("org_id", "acme".to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        login: "password".to_owned(),
        credentials: [("username", SERVICE_ACCOUNT), ("password", PASSWORD)]
            .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
            .into(),
        policy: Policy { patience_ms: 0, ..Policy::default() },
    };
    let integration = installation.integrations.create(new, "bench").await.unwrap();
    let (_, token) = installation.integrations.new_token(&integration, None, "bench").await.unwrap();
    token.expose_secret().to_owned()
}

/// Starts `usher serve` and gives its address.
async fn serve(paths: &Paths) -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_usher"))
        .arg("--data")
        .arg(&paths.data)
        .arg("--connectors")
        .arg(&paths.connectors)
        .args(["serve", "--listen", "127.0.0.1:0", "--parallel", "1"])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let url = loop {
        let line = lines.next_line().await.unwrap().expect("the server says where it listens");
        if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
            break url.trim_end_matches(';').to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (server, url)
}

async fn create(users: &str, token: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for number in 0..ACCOUNTS {
        let email = format!("person.{number}@bench.example");
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": email, "displayName": format!("Person {number}"), "active": true, "roles": [{ "value": "agent" }],
        });
        let answer = http
            .post(users)
            .bearer_auth(token)
            .header("Content-Type", "application/scim+json")
            .body(user.to_string());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await.unwrap());
    }
}

/// Waits until every job has settled; how many are done.
async fn all_settled(installation: &Installation) -> usize {
    let limit = u32::try_from(ACCOUNTS).unwrap() * 2;
    let filter = JobFilter { integration_id: None, state: None, before: None, limit };
    let mut done = 0;
    for job in installation.store.list_jobs(&filter).await.unwrap() {
        let settled =
            tokio::time::timeout(Duration::from_secs(600), installation.store.settled_job(&job.id)).await;
        done += usize::from(settled.unwrap().unwrap().unwrap().state == JobState::Done);
    }
    done
}

/// The most memory that the process ever held, without its children.
fn peak_memory_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024.0
}
