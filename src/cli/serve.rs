//! `usher serve`: the gateway and a worker.

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::diagnostic::{Colour, render};
use crate::server::{Installation, Metrics, Server, ServerOptions};

use super::Exit;
use super::browser::{Browsers, choice};
use super::context::Context;

/// Starts the gateway and a worker
#[derive(clap::Args)]
pub(super) struct Serve {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// How identity providers reach it, as `https://scim.example.com`; from each request's Host, if not given
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,

    /// Serves without a worker: wishes are recorded, nothing is done in the apps
    #[arg(long)]
    no_worker: bool,

    /// Where it gives how everything stands as numbers, at `/metrics`, for Prometheus; keep it off the outside
    #[arg(long, value_name = "ADDR", env = "USHER_METRICS")]
    metrics: Option<SocketAddr>,

    /// How many jobs the worker carries out at a time
    #[arg(long, default_value_t = 2, value_name = "N")]
    parallel: usize,

    #[command(flatten)]
    browsers: Browsers,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let elsewhere = self.browsers.elsewhere()?;
        let installation = context.open().await?;
        tell_broken(&installation);
        let worker = match self.no_worker {
            true => None,
            false => {
                let mut options = installation.worker_options(choice(elsewhere)?);
                options.parallel = self.parallel;
                Some(options)
            }
        };
        let base_url = self.base_url.map(|url| url.trim_end_matches('/').to_owned());
        let options = ServerOptions { listen: self.listen, base_url, worker };
        let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        let metrics = match self.metrics {
            Some(listen) => Some(Metrics::start(&installation, listen).await?),
            None => None,
        };
        let server = Server::start(installation, options).await?;
        eprintln!("usher listens on {}; SCIM is at {0}/scim/v2/<integration>", server.url());
        if let Some(metrics) = &metrics {
            eprintln!("how everything stands is at {}", metrics.url());
        }
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
            _ = terminated.recv() => {}
        }
        eprintln!("usher finishes the jobs that run, and stops");
        server.stop().await;
        Ok(Exit::Done)
    }
}

/// A broken connector does not keep the others from working, but it must not go unnoticed.
fn tell_broken(installation: &Installation) {
    let colour = if std::io::stderr().is_terminal() { Colour::Ansi } else { Colour::Plain };
    for (name, entry) in installation.library.iter() {
        if entry.connector.is_none() {
            eprintln!(
                "{}\nthe connector `{name}` is not used until this is mended\n",
                render(&entry.diagnostics, colour)
            );
        }
    }
}
