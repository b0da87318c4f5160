//! `usher worker`: one worker more, on this or any other machine.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::store::Database;

use super::Exit;
use super::browser::{Browsers, choice};
use super::context::Context;

/// Starts a worker beside others that share a database on a server
#[derive(clap::Args)]
pub(super) struct Worker {
    /// How many jobs it carries out at a time
    #[arg(long, default_value_t = 2, value_name = "N")]
    parallel: usize,

    /// For how many seconds without a sign of life of this worker a job stays its own
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=600))]
    lease: u64,

    #[command(flatten)]
    browsers: Browsers,
}

impl Worker {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        if matches!(context.database()?, Database::File) {
            anyhow::bail!(
                "`usher worker` works beside others on a server: name it with --database; \
                 with the database in a file, `usher serve` has the worker"
            );
        }
        let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        let elsewhere = self.browsers.elsewhere()?;
        let installation = context.open().await?;
        let mut options = installation.worker_options(choice(elsewhere)?);
        options.parallel = self.parallel;
        options.lease = Duration::from_secs(self.lease);
        let name = options.name.clone();
        let worker = installation.start_worker(options).await?.context("the worker cannot start")?;
        eprintln!("worker {name} works");
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
            _ = terminated.recv() => {}
        }
        eprintln!("the worker finishes the jobs that run or hands them back, and stops");
        worker.stop().await;
        installation.store.close().await;
        Ok(Exit::Done)
    }
}
