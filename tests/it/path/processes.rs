//! Processes of Usher: those that share one PostgreSQL, each with a data directory of its own, as on a machine of its own; and one alone
//! with its file.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use base64::Engine as _;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use usher::clock::SharedClock;
use usher::id::SystemEntropy;
use usher::server::{Installation, MASTER_KEY, Paths};
use usher::store::Database;

use super::faults::{all_gone, kill, signal};
use crate::postgres::new_schema;

/// A process of Usher's.
pub struct Process {
    child: Child,
    data: PathBuf,
    /// What it said it does.
    pub said: String,
    /// Its data directory, where that goes with it.
    _own: Option<TempDir>,
}

/// Everything that the processes share.
pub struct Shared {
    /// The address of the database; none where it is in a file.
    database: Option<String>,
    key: String,
    connectors: PathBuf,
}

impl Shared {
    /// With the database in a file.
    pub fn alone(connectors: PathBuf) -> Self {
        let key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
        Self { database: None, key, connectors }
    }

    /// A schema of its own on this server, brought to this version.
    pub async fn new(server: &str, connectors: PathBuf) -> Self {
        let database = Some(format!("{server}&schema={}", new_schema()));
        let shared = Self { database, ..Self::alone(connectors) };
        let here = tempfile::tempdir().unwrap();
        let migrated = shared.command(here.path()).args(["db", "migrate"]).output().await.unwrap();
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        shared
    }

    /// The same installation in this process, with this data directory.
    pub async fn open(&self, data: &Path, clock: SharedClock) -> Installation {
        // Sealed with the key that the processes are given.
        let key = data.join("master.key");
        std::fs::write(&key, &self.key).unwrap();
        for (path, mode) in [(data, 0o700), (&key, 0o600)] {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        let database = match &self.database {
            Some(address) => Database::Server(address.parse().unwrap()),
            None => Database::File,
        };
        let paths = Paths { database, ..Paths::new(data, &self.connectors) };
        Installation::open(paths, clock, Arc::new(SystemEntropy)).await.unwrap()
    }

    /// Starts one with a data directory of its own, and waits until it says that it works.
    pub async fn start(&self, arguments: &[&str]) -> Process {
        let own = tempfile::tempdir().unwrap();
        let started = self.start_in(own.path(), arguments).await;
        Process { _own: Some(own), ..started.unwrap_or_else(|said| panic!("it ended: {said}")) }
    }

    /// Starts one on this data directory; gives what it said where it ended instead.
    pub async fn start_in(&self, data: &Path, arguments: &[&str]) -> Result<Process, String> {
        let mut child =
            self.command(data).args(arguments).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut all = String::new();
        let said = loop {
            let Some(line) = lines.next_line().await.unwrap() else { return Err(all) };
            if line.starts_with("usher listens on ") || line.ends_with(" works") {
                break line;
            }
            all += &line;
        };
        // What it says later goes nowhere; but it must not be kept from saying it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Process { child, data: data.to_owned(), said, _own: None })
    }

    /// Starts a gateway.
    pub async fn gateway(&self) -> Process {
        self.start(&["serve", "--no-worker", "--listen", "127.0.0.1:0"]).await
    }

    /// The program on this data directory.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.arg("--data").arg(data).arg("--connectors").arg(&self.connectors);
        command.env(MASTER_KEY, &self.key).env_remove("USHER_DATA").env_remove("USHER_DATABASE");
        if let Some(database) = &self.database {
            command.env("USHER_DATABASE", database);
        }
        command
    }
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// What the processes of its data directory have in their command line or environment.
    pub fn mark(&self) -> String {
        self.data.display().to_string()
    }

    /// Where a gateway listens.
    pub fn url(&self) -> String {
        let rest = self.said.strip_prefix("usher listens on ").unwrap_or_else(|| panic!("{}", self.said));
        rest.split(';').next().unwrap().to_owned()
    }

    /// Kills it. Nothing of its browser stays behind.
    pub async fn kill(mut self) {
        kill(self.id());
        self.child.wait().await.unwrap();
        all_gone(&self.mark()).await;
    }

    /// Tells it to end; it must end well.
    pub async fn terminate(mut self) {
        signal(self.id(), Signal::TERM);
        assert_eq!(self.child.wait().await.unwrap().code(), Some(0));
        all_gone(&self.mark()).await;
    }
}
