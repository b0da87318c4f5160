//! The servers that are measured, each in a process of its own, and what that process costs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use usher::clock::SystemClock;
use usher::id::SystemEntropy;
use usher::integration::{NewIntegration, Policy};
use usher::secret::{ExposeSecret, SecretString};
use usher::server::{Installation, Paths};

pub struct Server {
    pub name: &'static str,
    pub address: String,
    /// Before `/Users`.
    pub path: String,
    pub token: String,
    child: Child,
    _data: TempDir,
}

impl Server {
    /// Starts a fresh one; none where it is not installed.
    pub async fn start(name: &'static str) -> Option<Self> {
        let data = tempfile::tempdir().unwrap();
        match name {
            "usher" => Some(usher(data).await),
            "floor" => Some(floor(data).await),
            _ => peer(data).await,
        }
    }

    /// The processor time that it has used.
    pub fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // See `proc_pid_stat(5)`: fields 14 and 15, in ticks of 10 ms on every Linux that Rust's standard library runs on.
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// The most memory that it ever held.
    pub fn peak_memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    pub async fn end(mut self) {
        self.child.kill().await.unwrap();
    }

    fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }
}

/// Without a worker: what is measured is the gateway.
async fn usher(data: TempDir) -> Server {
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let paths = Paths::new(data.path().join("data"), connectors);
    let installation =
        Installation::open(paths.clone(), Arc::new(SystemClock), Arc::new(SystemEntropy)).await.unwrap();
    let new = NewIntegration {
        name: "desk".to_owned(),
        connector: "acme-desk".to_owned(),
        settings: [("base_url", "http://127.0.0.1:9"), ("org_id", "acme")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        login: "password".to_owned(),
        credentials: [("username", "owner@acme.example"), ("password", "acme-password")]
            .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
            .into(),
        policy: Policy { patience_ms: 0, ..Policy::default() },
    };
    let integration = installation.integrations.create(new, "bench").await.unwrap();
    let (_, token) = installation.integrations.new_token(&integration, None, "bench").await.unwrap();
    installation.store.close().await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_usher"))
        .arg("--data")
        .arg(&paths.data)
        .arg("--connectors")
        .arg(&paths.connectors)
        .args(["serve", "--listen", "127.0.0.1:0", "--no-worker"])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let address = listening(child.stderr.take().unwrap()).await;
    let token = token.expose_secret().to_owned();
    Server { name: "usher", address, path: "/scim/v2/desk".to_owned(), token, child, _data: data }
}

async fn floor(data: TempDir) -> Server {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--floor")
        .env("FLOOR_DATA", data.path().join("floor.db"))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let address = listening(child.stderr.take().unwrap()).await;
    Server { name: "floor", address, path: String::new(), token: "none".to_owned(), child, _data: data }
}

async fn peer(data: TempDir) -> Option<Server> {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/suites/bin/scim2-server");
    if !program.is_file() {
        eprintln!("scim2-server is left out: tests/suites/prepare.sh installs it");
        return None;
    }
    // It takes no port of the system's choice and does not say when it listens.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let child = Command::new(program)
        .args(["--port", &port.to_string(), "--bearer-token", "peer"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    while TcpStream::connect(&address).await.is_err() {
        tokio::task::yield_now().await;
    }
    Some(Server {
        name: "scim2-server",
        address,
        path: "/v2".to_owned(),
        token: "peer".to_owned(),
        child,
        _data: data,
    })
}

/// Waits until a server says where it listens.
async fn listening(output: impl AsyncRead + Unpin + Send + 'static) -> String {
    let mut lines = BufReader::new(output).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("the server says where it listens");
        if let Some(url) = line.split_whitespace().find_map(|word| word.strip_prefix("http://")) {
            break url.trim_end_matches(';').to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    address
}
