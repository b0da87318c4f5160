//! A Chromium of somebody else: started as Chromium starts by default, a process of its own. It ends with this test, however that ends.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use usher::browser::{Address, Browser};

/// Runs it, tells its process, and ends it when standard input ends.
const GUARD: &str = r#""$@" </dev/null & id=$!; echo "$id"; read -r _; kill -s KILL "$id"; wait "$id""#;

const SWITCHES: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A running one.
pub struct Plain {
    /// Where it takes orders.
    pub address: String,
    /// Its browser process.
    id: u32,
    guard: Child,
    lifeline: Option<ChildStdin>,
    profile: TempDir,
}

impl Plain {
    pub async fn start(executable: &Path) -> Self {
        Self::start_at(executable, 0).await
    }

    /// At that port; 0 takes a free one.
    pub async fn start_at(executable: &Path, port: u16) -> Self {
        let profile = tempfile::Builder::new().prefix("usher-plain-").tempdir().unwrap();
        let mut guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "guard"])
            .arg(executable)
            .args(SWITCHES)
            .arg(format!("--remote-debugging-port={port}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lifeline = guard.stdin.take();
        let mut told = BufReader::new(guard.stdout.take().unwrap()).lines();
        let id = told.next_line().await.unwrap().unwrap().parse().unwrap();
        let mut lines = BufReader::new(guard.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("Chromium started");
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                break address.trim().to_owned();
            }
        };
        // It must not be kept from saying more.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, id, guard, lifeline, profile }
    }

    /// Its address as it is known before it runs.
    pub fn http(&self) -> String {
        let rest = self.address.strip_prefix("ws://").unwrap();
        format!("http://{}", rest.split('/').next().unwrap())
    }

    pub async fn connect(&self) -> Browser {
        Browser::connect(&self.address.parse::<Address>().unwrap()).await.unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.id).unwrap()).unwrap(), signal).unwrap();
    }

    /// Ends it, and returns when it is gone.
    pub async fn end(mut self) {
        self.lifeline = None;
        self.guard.wait().await.unwrap();
        drop(self.profile);
    }
}
