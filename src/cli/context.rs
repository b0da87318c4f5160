//! What every command needs to know: where the data and the connectors are, and how to print.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::artifact::Artifacts;
use crate::clock::{SharedClock, SystemClock};
use crate::id::{Ids, SystemEntropy};
use crate::notice::Mailer;
use crate::secret::SecretString;
use crate::server::{Installation, Paths};
use crate::store::{Database, DatabaseUrl, Store, StoreOptions};

use super::output::Format;

/// Options that stand before or after any command.
#[derive(Args)]
pub(super) struct Context {
    /// The data directory: the key, and the database and the pictures where they are files
    #[arg(long, global = true, value_name = "DIR", env = "USHER_DATA", default_value = "usher-data")]
    pub(super) data: PathBuf,

    /// The database, as `postgres://user@host/database`; a file of the data directory, if not given
    #[arg(long, global = true, value_name = "URL", env = "USHER_DATABASE", hide_env_values = true)]
    pub(super) database: Option<String>,

    /// Where pictures are kept: `s3://bucket/prefix`, reached as the AWS_… variables say, or a folder; `artifacts` of the data
    /// directory, if not given
    #[arg(long, global = true, value_name = "PLACE", env = "USHER_ARTIFACTS", hide_env_values = true)]
    pub(super) artifacts: Option<String>,

    /// The folder of the connectors
    #[arg(long, global = true, value_name = "DIR", env = "USHER_CONNECTORS", default_value = "connectors")]
    pub(super) connectors: PathBuf,

    /// How to print
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) format: Format,

    /// What to log to standard error, as `info` or `usher=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "USHER_LOG", default_value = "warn")]
    pub(super) log: String,
}

/// What carries the messages to and from Chromium.
const CARRIERS: &[&str] = &["async_tungstenite", "chromiumoxide", "tungstenite"];

impl Context {
    /// Sends the log to standard error; as JSON where the output is. Whatever the filter says, the crates that carry the
    /// browser's messages only warn: below that they print every message, typed passwords included.
    pub(super) fn start_logging(&self) {
        let carriers = filter_fn(|event| {
            *event.level() <= tracing::Level::WARN
                || !CARRIERS.iter().any(|carrier| event.target().starts_with(carrier))
        });
        let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let log = match self.format {
            Format::Text => log.with_target(false).boxed(),
            Format::Json | Format::Sarif => log.json().boxed(),
        };
        let asked = tracing_subscriber::EnvFilter::new(&self.log);
        tracing_subscriber::registry().with(asked).with(log.with_filter(carriers)).init();
    }

    /// Opens the data directory and the connectors.
    pub(super) async fn open(&self) -> anyhow::Result<Installation> {
        let database = self.database()?;
        let mut paths = Paths { database, ..Paths::new(&self.data, &self.connectors) };
        if let Some(place) = &self.artifacts {
            let variables = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
            paths.artifacts = Artifacts::at(place, variables).context("--artifacts")?;
        }
        if let Some(server) = std::env::var("USHER_SMTP").ok().filter(|server| !server.is_empty()) {
            let from = std::env::var("USHER_MAIL_FROM").unwrap_or_default();
            paths.mailer = Some(Mailer::new(&SecretString::from(server), &from)?);
        }
        self.open_at(paths).await
    }

    /// The database that is meant.
    pub(super) fn database(&self) -> anyhow::Result<Database> {
        let Some(address) = &self.database else { return Ok(Database::File) };
        Ok(Database::Server(self.address("--database", address, "USHER_DATABASE")?))
    }

    /// An address that was given by this option or this variable.
    pub(super) fn address(&self, option: &str, address: &str, variable: &str) -> anyhow::Result<DatabaseUrl> {
        let is_from_environment = std::env::var_os(variable).is_some_and(|given| given == address);
        if DatabaseUrl::has_password(address) && !is_from_environment {
            anyhow::bail!(
                "{option} has a password in it, which every process of this machine could read: \
                 give the whole address in {variable} instead, or the password in PGPASSWORD or ~/.pgpass"
            );
        }
        address.parse().with_context(|| option.to_owned())
    }

    /// Opens the database alone.
    pub(super) async fn open_store(&self, database: Database, migrate: bool) -> anyhow::Result<Store> {
        let place = match &database {
            Database::File => format!("the data directory {}", self.data.display()),
            Database::Server(url) => url.to_string(),
        };
        let options = StoreOptions { database, migrate, ..StoreOptions::new(&self.data) };
        let clock: SharedClock = Arc::new(SystemClock);
        let ids = Ids::new(clock.clone(), Arc::new(SystemEntropy));
        Store::open(&options, clock, ids).await.with_context(|| format!("cannot open {place}"))
    }

    /// The same, somewhere else.
    pub(super) async fn open_at(&self, paths: Paths) -> anyhow::Result<Installation> {
        let data = match &paths.database {
            Database::File => format!("the data directory {}", paths.data.display()),
            Database::Server(url) => format!("{url} with the data directory {}", paths.data.display()),
        };
        Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy))
            .await
            .with_context(|| format!("cannot open {data}"))
    }
}
