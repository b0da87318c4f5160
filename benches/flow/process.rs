//! A driver in a process of its own: orders and answers as JSON lines, and what its whole process tree costs.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use usher::demo::{PASSWORD, SERVICE_ACCOUNT};

pub struct Driver {
    pub name: &'static str,
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    id: u32,
}

impl Driver {
    pub async fn start(name: &'static str, chromium: &Path, desk: &str, traces: &Path, peers: &Path) -> Self {
        let mut command = if name == "usher" {
            let mut own = Command::new(std::env::current_exe().unwrap());
            own.arg("--driver");
            own
        } else {
            let mut node = Command::new("node");
            node.arg(peers.join(format!("{name}.mjs"))).current_dir(peers);
            node
        };
        let mut child = command
            .env("DESK_URL", desk)
            .env("DESK_USER", SERVICE_ACCOUNT)
            .env("DESK_PASSWORD", PASSWORD)
            .env("CHROMIUM", chromium)
            .env("TRACES", traces)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} did not start: {error}; `make bench` installs what it needs")
            });
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let id = child.id().unwrap();
        let mut driver = Self { name, child, orders, answers, id };
        assert_eq!(driver.answer().await["ready"], true);
        driver
    }

    /// Has it do something; the milliseconds that it took by its own clock.
    pub async fn order(&mut self, order: Value) -> f64 {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        let answer = self.answer().await;
        answer["ms"].as_f64().unwrap_or_else(|| panic!("{}: {answer}", self.name))
    }

    async fn answer(&mut self) -> Value {
        let line = self.answers.next_line().await.unwrap();
        serde_json::from_str(&line.unwrap_or_else(|| panic!("{} ended", self.name))).unwrap()
    }

    pub async fn end(self) {
        let Self { mut child, orders, .. } = self;
        drop(orders);
        child.wait().await.unwrap();
    }

    /// Milliseconds of processor that its process tree has used, processes that have ended included.
    pub fn cpu(&self) -> f64 {
        // Ticks of 10 ms on every Linux that Rust's standard library runs on.
        self.tree().iter().filter_map(|id| stat(*id)).map(|stat| stat.ticks as f64 * 10.0).sum()
    }

    /// Mebibytes of its process tree, memory that is shared counted in proportion.
    pub fn memory(&self) -> f64 {
        let kib = |id: &u32| -> Option<f64> {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        self.tree().iter().filter_map(kib).sum::<f64>() / 1024.0
    }

    fn tree(&self) -> Vec<u32> {
        let ids = fs::read_dir("/proc").unwrap().flatten();
        let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let parents: HashMap<u32, u32> = ids.filter_map(|id| Some((id, stat(id)?.parent))).collect();
        let is_ours = |id: u32| {
            let mut at = Some(id);
            while let Some(id) = at.filter(|id| *id > 1) {
                if id == self.id {
                    return true;
                }
                at = parents.get(&id).copied();
            }
            false
        };
        parents.keys().copied().filter(|id| is_ours(*id)).collect()
    }
}

struct Stat {
    parent: u32,
    ticks: u64,
}

/// See `proc_pid_stat(5)`: field 4 is the parent; 14 to 17 are user and system time, its own and that of its ended children.
fn stat(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}
