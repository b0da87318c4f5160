//! Twelve steps on Acme Desk (log in, open, search, edit, save, see it) by Usher, Playwright and Puppeteer, in turn in one run.
//!
//! Each driver is a process of its own with its own Chromium and takes orders on standard input. A fresh context each flow, and
//! Acme Desk's record is the judge of every one. Figures are medians and, where another driver is there, ratios to it: absolute
//! times mean nothing beyond the machine and the minute.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod driver;
mod process;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Member, Options, Role, Status};
use usher::id::{Entropy, SystemEntropy};
use usher::trace::Pictures;

use process::Driver;
use report::{Measured, Row};

/// In the order of the table.
const CASES: &[Case] = &[
    Case { driver: "usher", name: "Usher", pictures: false, tracing: false, evidence: None },
    Case { driver: "playwright", name: "Playwright", pictures: false, tracing: false, evidence: None },
    Case { driver: "puppeteer", name: "Puppeteer", pictures: false, tracing: false, evidence: None },
    Case {
        driver: "usher",
        name: "Usher, pictures and step log",
        pictures: true,
        tracing: false,
        evidence: None,
    },
    Case {
        driver: "playwright",
        name: "Playwright, pictures",
        pictures: true,
        tracing: false,
        evidence: None,
    },
    Case {
        driver: "playwright",
        name: "Playwright, tracing",
        pictures: false,
        tracing: true,
        evidence: None,
    },
    Case { driver: "puppeteer", name: "Puppeteer, pictures", pictures: true, tracing: false, evidence: None },
];

/// What evidence costs: the same flow with less and more of it, by Usher alone (`make bench-evidence`).
const EVIDENCE: &[Case] = &[
    Case { evidence: Some(Pictures::Nothing), ..ours("Usher, nothing kept", false) },
    Case { evidence: Some(Pictures::Moments), ..ours("pages, pictures of moments, step log", false) },
    Case { evidence: Some(Pictures::Moments), ..ours("the same and a recording", true) },
    Case { evidence: Some(Pictures::EveryStep), ..ours("pictures of every step and a recording", true) },
];

const fn ours(name: &'static str, tracing: bool) -> Case {
    Case { driver: "usher", name, pictures: false, tracing, evidence: None }
}

/// How many sessions at once.
const SESSIONS: &[usize] = &[1, 2, 4, 8];
/// How many sessions more are held open to see what each costs.
const HELD: usize = 8;

#[derive(Clone, Copy)]
struct Case {
    driver: &'static str,
    name: &'static str,
    pictures: bool,
    tracing: bool,
    evidence: Option<Pictures>,
}

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "--driver") {
        return driver::obey().await;
    }
    let rounds = number("ROUNDS", 30);
    let many = number("FLOWS", 48);
    let chromium = usher::server::find_chromium().expect("Chromium; `make bench` installs it");
    let desk = AcmeDesk::start(options()).await.unwrap();
    let traces = tempfile::tempdir().unwrap();
    let (url, peers) = (desk.url(), peers());
    let start = |name: &'static str| Driver::start(name, &chromium, &url, traces.path(), &peers);

    let mut bench = Bench { desk: &desk, turn: 0 };
    if std::env::var_os("EVIDENCE").is_some() {
        let rows = bench.rounds(EVIDENCE, vec![start("usher").await], rounds).await;
        print!("{}", report::evidence(&rows, rounds));
        return desk.stop().await;
    }
    let mut drivers = Vec::new();
    for name in ["usher", "playwright", "puppeteer"] {
        drivers.push(start(name).await);
    }
    let rows = bench.rounds(CASES, drivers, rounds).await;
    let mut rates = Vec::new();
    let mut held = Vec::new();
    for name in ["usher", "playwright", "puppeteer"] {
        // Alone, so that nobody else's memory and time count.
        let mut driver = start(name).await;
        bench.many(&mut driver, 1, 2).await;
        for &sessions in SESSIONS {
            rates.push((name, sessions, bench.many(&mut driver, sessions, many).await));
        }
        let before = driver.memory();
        driver.order(json!({ "do": "hold", "sessions": HELD })).await;
        held.push((name, before, (driver.memory() - before) / HELD as f64));
        driver.end().await;
    }
    print!("{}", report::tables(&rows, &rates, &held, rounds));
    desk.stop().await;
}

struct Bench<'a> {
    desk: &'a AcmeDesk,
    /// Whose turn it is to change roles.
    turn: usize,
}

impl Bench<'_> {
    /// An active agent or viewer and the other role.
    fn next(&mut self) -> (String, &'static str) {
        let is_plain = |member: &Member| {
            member.status == Status::Active
                && member.role != Role::Owner
                && member.name.chars().all(|c| c.is_alphabetic() || c == ' ')
        };
        let members: Vec<Member> = self.desk.members().into_iter().filter(is_plain).collect();
        let member = &members[self.turn % members.len()];
        self.turn += 1;
        (member.email.clone(), if member.role == Role::Agent { "Viewer" } else { "Agent" })
    }

    /// Every case in turn, that often; the first flow of each is not counted.
    async fn rounds(&mut self, cases: &[Case], mut drivers: Vec<Driver>, rounds: usize) -> Vec<Row> {
        let mut rows: Vec<Row> = cases.iter().map(|case| Row::new(case.name)).collect();
        for round in 0..=rounds {
            for (case, row) in cases.iter().zip(&mut rows) {
                let driver = drivers.iter_mut().find(|driver| driver.name == case.driver).unwrap();
                let measured = self.flow(driver, case).await;
                if round > 0 {
                    row.flows.push(measured);
                }
            }
            eprint_progress(round, rounds);
        }
        for driver in drivers {
            driver.end().await;
        }
        rows
    }

    async fn flow(&mut self, driver: &mut Driver, case: &Case) -> Measured {
        let (email, role) = self.next();
        let recorded = self.desk.record().len();
        let cpu = driver.cpu();
        let order = json!({ "do": "flow", "email": email, "role": role, "pictures": case.pictures, "tracing": case.tracing, "evidence": case.evidence });
        let ms = driver.order(order).await;
        assert_eq!(self.desk.record().len(), recorded + 1, "{} changed nothing", case.name);
        Measured { ms, cpu_ms: driver.cpu() - cpu }
    }

    /// Flows per minute.
    async fn many(&mut self, driver: &mut Driver, sessions: usize, flows: usize) -> f64 {
        let recorded = self.desk.record().len();
        let orders: Vec<_> = (0..flows)
            .map(|_| {
                let (email, role) = self.next();
                json!({ "email": email, "role": role, "pictures": false })
            })
            .collect();
        let ms = driver.order(json!({ "do": "many", "sessions": sessions, "flows": orders })).await;
        assert_eq!(self.desk.record().len(), recorded + flows, "{}", driver.name);
        flows as f64 * 60_000.0 / ms
    }
}

fn eprint_progress(round: usize, rounds: usize) {
    use std::io::Write;
    let mut err = std::io::stderr();
    drop(write!(err, "\rround {round} of {rounds}{}", if round == rounds { "\n" } else { "" }));
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/flow/peers")
}

fn options() -> Options {
    let now = Arc::new(|| SystemClock.now().as_ms());
    let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
    Options { members: 200, seats: 10_000, ..Options::new(now, fill) }
}
