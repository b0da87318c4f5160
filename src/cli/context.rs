//! What every command needs to know: where the data and the connectors are, and how to print.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::clock::SystemClock;
use crate::id::SystemEntropy;
use crate::server::{Installation, Paths};

use super::output::Format;

/// Options that stand before or after any command.
#[derive(Args)]
pub(super) struct Context {
    /// The data directory: database, key, pictures
    #[arg(long, global = true, value_name = "DIR", env = "USHER_DATA", default_value = "usher-data")]
    pub(super) data: PathBuf,

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
        self.open_at(Paths { data: self.data.clone(), connectors: self.connectors.clone() }).await
    }

    /// The same, somewhere else.
    pub(super) async fn open_at(&self, paths: Paths) -> anyhow::Result<Installation> {
        let data = paths.data.display().to_string();
        Installation::open(paths, Arc::new(SystemClock), Arc::new(SystemEntropy))
            .await
            .with_context(|| format!("cannot open the data directory {data}"))
    }
}
