//! The gateway, measured: creates, reads, lookups, changes and pages of an optimised `usher serve` with 1,000, 10,000 and 100,000
//! users, beside `scim2-server` (PyPI) and beside the floor: a server that does the same over the same HTTP stack and the same database,
//! and nothing else. All in one run, each server in a process of its own, alone while it is measured.
//!
//! `USERS`, `PEER_USERS` (lists of numbers), `SECONDS`, `ROUNDS`, `SERVERS` (`usher,floor`) and `REQUESTS` (`get,patch`) make it smaller. Without `target/suites`, as
//! `tests/suites/prepare.sh` makes it, the peer is left out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs
)]

mod floor;
mod load;
mod report;
mod server;

use std::time::Duration;

use load::{Load, Mode};
use report::Measured;
use server::Server;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if std::env::args().any(|argument| argument == "--floor") {
        return floor::serve().await;
    }
    let (sizes, peer_sizes) = (numbers("USERS", "1000,10000,100000"), numbers("PEER_USERS", "1000,10000"));
    let rounds = numbers("ROUNDS", "3")[0];
    let length = Duration::from_secs(numbers("SECONDS", "4")[0] as u64);
    let mut measured = Vec::new();
    for &users in &sizes {
        for name in ["usher", "floor", "scim2-server"] {
            if !is_asked_for("SERVERS", name) || (name == "scim2-server" && !peer_sizes.contains(&users)) {
                continue;
            }
            if let Some(server) = Server::start(name).await {
                eprintln!("{name}, {users} users");
                measured.push(measure(server, users, rounds, length).await);
            }
        }
    }
    print!("{}", report::tables(&measured, &sizes));
}

fn numbers(variable: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|number| number.trim().parse().expect(variable)).collect()
}

/// Whether a list in a variable has the name, or is not given.
fn is_asked_for(variable: &str, name: &str) -> bool {
    std::env::var(variable).is_ok_and(|list| list.split(',').any(|one| one.trim() == name))
        || std::env::var_os(variable).is_none()
}

/// Fills a fresh server over HTTP and puts each kind of load on it.
async fn measure(server: Server, users: usize, rounds: usize, length: Duration) -> Measured {
    let mut load = Load::new(&server);
    load.fill(users).await;
    let mut modes = Vec::new();
    // Creates last: they add users.
    for mode in Mode::ALL.into_iter().filter(|mode| is_asked_for("REQUESTS", mode.name())) {
        let mut runs = Vec::new();
        for _ in 0..rounds {
            let before = server.cpu();
            let run = load.run(mode, length).await;
            let cpu = (server.cpu() - before).as_secs_f64();
            runs.push((run.requests as f64 / run.took.as_secs_f64(), 1e6 * cpu / run.requests as f64));
        }
        runs.sort_by(|one, other| one.0.total_cmp(&other.0));
        modes.push((mode, runs[runs.len() / 2]));
    }
    let memory = server.peak_memory_mib();
    let name = server.name;
    server.end().await;
    Measured { name, users, modes, memory }
}
