//! Acme Desk: a small help desk that can only be run through its pages, made to be driven.
//!
//! It behaves as such apps do: sign-in with lockout and one-time codes, forged forms refused, a members table with
//! search and pages, changes behind dialogs, seats, a last owner, messages that vanish. Everything it is told to change
//! goes into a record of its own, and that record, not the word of whoever drives it, says what happened.
//!
//! It imports nothing of this crate: time and randomness come in through [`Options`]. State is in memory, behind one
//! lock, and gone when it stops. The pages under `/-/` are for whoever runs it, need no sign-in and hand out invitation
//! tokens; they are what makes it a demo, so it is never to be reached by others.

mod access;
mod desk;
mod gate;
mod model;
mod pages;
mod switches;
mod trap;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use desk::Desk;

pub use desk::Stats;
pub use model::{Action, Change, Difference, Group, Member, Role, Status};
pub use switches::{Missing, Switches};
pub use trap::{Fault, Trap};

/// The organisation that is there.
pub const ORGANISATION: &str = "acme";
/// The address the service account signs in with at the start.
pub const SERVICE_ACCOUNT: &str = "owner@acme.example";
/// The service account's password.
pub const PASSWORD: &str = "acme-password";

/// How long a stopping server waits for requests under way.
const GRACE: Duration = Duration::from_secs(2);

/// Says what time it is: milliseconds since the Unix epoch.
pub type NowMs = Arc<dyn Fn() -> i64 + Send + Sync>;
/// Says how much time passed since some fixed start; never jumps.
pub type Elapsed = Arc<dyn Fn() -> Duration + Send + Sync>;
/// Fills bytes with random ones.
pub type Fill = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What the app is started with.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time of day, for lockout, codes, sessions and the record.
    pub now_ms: NowMs,
    /// What [`Stats::busy`] is measured with.
    pub elapsed: Elapsed,
    /// Randomness for sessions, form tokens and invitations.
    pub fill: Fill,
    /// How many active and pending members there may be.
    pub seats: usize,
    /// How many people are there at the start, the owner included; at least 1.
    pub members: usize,
    /// The service account's one-time code secret in base32; `None` asks for no code.
    pub totp_secret: Option<String>,
    /// How long every page takes on top of what it takes anyway.
    pub latency: Duration,
    /// Whether controls carry new names and stand in new places.
    pub new_design: bool,
    /// Whether "What's new" covers the members page of each new session.
    pub whats_new: bool,
    /// Whether there are pages and endpoints under `/quick` too, which do the same without design.
    pub quick: bool,
}

impl Options {
    /// 32 people, 50 seats, no code, no slowness, the usual design, on a free port of the loopback address.
    ///
    /// Busy time is measured with `now_ms` too; set [`Options::elapsed`] where a finer clock is at hand.
    pub fn new(now_ms: NowMs, fill: Fill) -> Self {
        let clock = Arc::clone(&now_ms);
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            now_ms,
            elapsed: Arc::new(move || Duration::from_millis(u64::try_from(clock()).unwrap_or(0))),
            fill,
            seats: 50,
            members: 32,
            totp_secret: None,
            latency: Duration::ZERO,
            new_design: false,
            whats_new: false,
            quick: false,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("seats", &self.seats)
            .field("members", &self.members)
            .field("asks_for_code", &self.totp_secret.is_some())
            .field("latency", &self.latency)
            .field("new_design", &self.new_design)
            .field("whats_new", &self.whats_new)
            .field("quick", &self.quick)
            .finish_non_exhaustive()
    }
}

/// A running app. It stops when this is dropped; [`AcmeDesk::stop`] also waits for it.
#[derive(Debug)]
pub struct AcmeDesk {
    desk: Arc<Desk>,
    address: SocketAddr,
    stopping: Option<oneshot::Sender<()>>,
    serving: JoinHandle<io::Result<()>>,
}

impl AcmeDesk {
    /// Starts the app; once this returns, it answers.
    ///
    /// # Errors
    /// Where it cannot listen, and `InvalidInput` where [`Options::totp_secret`] is not base32.
    pub async fn start(options: Options) -> Result<Self, io::Error> {
        let desk = Arc::new(Desk::new(&options)?);
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (stopping, stopped) = oneshot::channel();
        let server =
            axum::serve(listener, pages::router(Arc::clone(&desk))).with_graceful_shutdown(async move {
                // An error means that the handle was dropped, which stops the app as well.
                let _ = stopped.await;
            });
        let serving = tokio::spawn(server.into_future());
        Ok(Self { desk, address, stopping: Some(stopping), serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for a browser on this machine, without a slash at the end.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Every change so far, oldest first.
    pub fn record(&self) -> Vec<Change> {
        self.desk.lock().organisation.record().to_vec()
    }

    /// Returns as soon as that many changes are recorded.
    pub async fn recorded(&self, changes: usize) {
        let mut recorded = self.desk.lock().organisation.recorded();
        // The organisation lives as long as this handle, so there is nothing to fail.
        drop(recorded.wait_for(|recorded| *recorded >= changes).await);
    }

    /// Everybody who is there, by id.
    pub fn members(&self) -> Vec<Member> {
        self.desk.lock().organisation.members().cloned().collect()
    }

    /// Every group, by id.
    pub fn groups(&self) -> Vec<Group> {
        self.desk.lock().organisation.groups().cloned().collect()
    }

    /// Accepts the open invitation of this address, as the invited person would; `false` where there is none.
    pub fn accept(&self, email: &str) -> bool {
        self.desk.accept(email)
    }

    /// Removes the member of this address by hand, as another owner would; `false` where that cannot be.
    pub fn remove(&self, email: &str) -> bool {
        self.desk.remove(email)
    }

    /// Gives the member of this address another role by hand, as another owner would; `false` where that cannot be.
    pub fn set_role(&self, email: &str, role: Role) -> bool {
        self.desk.set_role(email, role)
    }

    /// Gives a team another name, as somebody does by hand; whether there is one of the old name.
    pub fn rename_team(&self, from: &str, to: &str) -> bool {
        self.desk.lock().organisation.rename_team(from, to)
    }

    /// How much was asked of it.
    pub fn stats(&self) -> Stats {
        self.desk.lock().stats
    }

    /// How many sessions that were signed in were in use at once, at most: each from its first request to its last.
    pub fn sessions_at_once(&self) -> usize {
        self.desk.lock().sessions.most_at_once()
    }

    /// How it behaves at the moment.
    pub fn switches(&self) -> Switches {
        self.desk.lock().switches()
    }

    /// Makes it behave otherwise, from the next request on.
    pub fn set_switches(&self, switches: Switches) {
        self.desk.lock().set_switches(switches);
    }

    /// Returns as soon as that many requests have come in since the start, answered or not.
    pub async fn requested(&self, requests: u64) {
        self.desk.gate.arrived(requests).await;
    }

    /// Answers `more` further requests and lets those after them wait for [`AcmeDesk::release`]. Returns the number of the
    /// first that waits, for [`AcmeDesk::requested`].
    pub fn hold_after(&self, more: u64) -> u64 {
        self.desk.gate.hold_after(more)
    }

    /// Answers every request, those that wait too.
    pub fn release(&self) {
        self.desk.gate.open();
    }

    /// Lays a fault for a request that is to come.
    pub fn set_trap(&self, trap: Trap) {
        self.desk.traps.set(trap);
    }

    /// Takes the traps away that wait for requests with `on`; whether there was one that no request had met.
    pub fn take_trap(&self, on: &str) -> bool {
        self.desk.traps.take(on)
    }

    /// Signs everybody out.
    pub fn expire_sessions(&self) {
        self.desk.lock().sessions.end_all();
    }

    /// Stops the app and waits until it is gone; requests under way get two seconds.
    pub async fn stop(mut self) {
        drop(self.stopping.take());
        if tokio::time::timeout(GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }
}
