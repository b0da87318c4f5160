//! `usher demo-app`: Acme Desk alone, to try a connector on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::clock::{Clock, SystemClock};
use crate::demo::{AcmeDesk, Options};
use crate::id::{Entropy, SystemEntropy};

use super::Exit;
use super::context::Context;

/// Starts Acme Desk, an app without an API, to try things on
#[derive(clap::Args)]
pub(super) struct DemoApp {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,

    /// How many members it has from the start
    #[arg(long, default_value_t = 130)]
    members: usize,

    /// How many people can be members at a time
    #[arg(long, default_value_t = 500)]
    seats: usize,

    /// How much longer each answer takes, in milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_ms: u64,

    /// Renames and moves controls, as a redesign does
    #[arg(long)]
    new_design: bool,

    /// Shows a "What's new" pop-up after signing in
    #[arg(long)]
    whats_new: bool,

    /// Asks the service account for a code; the TOTP secret is JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
    #[arg(long)]
    totp: bool,
}

/// The secret of the demo's second factor; it guards nothing.
const TOTP_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

impl DemoApp {
    pub(super) async fn run(self, _context: &Context) -> anyhow::Result<Exit> {
        let options = Options {
            members: self.members,
            seats: self.seats,
            latency: Duration::from_millis(self.latency_ms),
            new_design: self.new_design,
            whats_new: self.whats_new,
            totp_secret: self.totp.then(|| TOTP_SECRET.to_owned()),
            ..options(self.listen)
        };
        let desk =
            AcmeDesk::start(options).await.with_context(|| format!("cannot listen on {}", self.listen))?;
        println!("Acme Desk      {}/orgs/acme/members", desk.url());
        println!("sign in as     owner@acme.example, password acme-password");
        println!("its own record {}/-/", desk.url());
        tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
        desk.stop().await;
        Ok(Exit::Done)
    }
}

/// Acme Desk with the machine's time and randomness.
pub(super) fn options(listen: SocketAddr) -> Options {
    let now = Arc::new(|| SystemClock.now().as_ms());
    let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
    Options { listen, ..Options::new(now, fill) }
}
