//! What an app under test is: how it is started, what the connector is told of it, and how it is asked what is so.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use async_trait::async_trait;

pub const SERVICE_NAME: &str = "usher-service";
pub const SERVICE_PASSWORD: &str = "Serve-the-Tests-9!";
pub const SERVICE_TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// An account as the app keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The app's own id; empty where it has none that it shows.
    pub id: String,
    /// The name in full.
    pub name: String,
    /// The key of the role.
    pub role: String,
    /// Groups, sorted.
    pub groups: Vec<String>,
    /// Whether the person can get in.
    pub active: bool,
}

/// An app, and its connector.
#[async_trait]
pub trait App: Sync {
    /// The name of the connector, and of the folder with `start.sh`.
    fn name(&self) -> &'static str;

    /// The settings that the connector asks for, besides the address.
    fn settings(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Starts it, with 25 people and the service account.
    async fn start(&self) -> Running {
        Running::start(self.name())
    }

    /// The service account: its name and its password.
    fn service_account(&self) -> (&'static str, &'static str) {
        (SERVICE_NAME, SERVICE_PASSWORD)
    }

    /// Whether the service account has a second factor.
    fn has_totp(&self) -> bool {
        true
    }

    /// The roles of someone new and of someone who moved on.
    fn roles(&self) -> [&'static str; 2];

    /// A family name that is markup, a locator and a template at once, as far as the app keeps such characters.
    fn odd_family_name(&self) -> &'static str {
        "<i>\" > button \"Delete {{7*7}}"
    }

    /// What the connector calls groups.
    fn kind_of_groups(&self) -> &'static str {
        "group"
    }

    /// Groups that can be given; none where the app has no groups.
    fn groups(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether someone who is deactivated keeps the account.
    fn keeps_the_deactivated(&self) -> bool {
        true
    }

    /// The account with that user name (what SCIM calls so), as the app keeps it.
    async fn account(&self, user_name: &str) -> Option<Kept>;

    /// How many people have an account.
    async fn count(&self) -> usize;

    /// How often the app refused the service account's password.
    fn refused_logins(&self) -> usize;

    /// Lets somebody new follow the invitation, where the app sends one.
    async fn accept(&self, _user_name: &str) {}

    /// Makes a leaver somebody who left work behind, where that matters.
    async fn leave_work_behind(&self, _user_name: &str) {}
}

/// An app that runs; it ends with this.
pub struct Running {
    /// By whose script it is ended; none where it ends with the test.
    name: Option<&'static str>,
    pub address: String,
}

impl Running {
    pub fn start(name: &'static str) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let script = Command::new(folder(name).join("start.sh")).arg(free.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&script.stderr);
        assert!(script.status.success(), "{name} did not start: {said}");
        let address = String::from_utf8(script.stdout).unwrap().lines().last().unwrap().to_owned();
        Self { name: Some(name), address }
    }

    /// One that the test itself holds.
    pub fn held(address: String) -> Self {
        Self { name: None, address }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            drop(Command::new(folder(name).join("stop.sh")).status());
        }
    }
}

fn folder(app: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps").join(app)
}

/// Where the app keeps its data, as `lib.sh` has it.
pub fn data(app: &str) -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = folder("USHER_TEST_APPS").unwrap_or_else(|| {
        let cache = folder("XDG_CACHE_HOME").unwrap_or_else(|| folder("HOME").unwrap().join(".cache"));
        cache.join("usher-test-apps")
    });
    root.join(app).join("data")
}

/// How often `words` stand in a log of the app.
pub fn logged(app: &str, log: &str, words: &str) -> usize {
    std::fs::read_to_string(data(app).join(log)).unwrap().matches(words).count()
}
