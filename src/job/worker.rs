//! A worker: claims jobs, several at a time, and carries them out until it is stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::browser::{Address, LaunchOptions};
use crate::store::{SlotId, StoreError, Stranded, WorkerLock};

use super::Workshop;
use super::attempt::attempt;
use super::browsers::{Browsers, Elsewhere};
use super::lease::HeldLease;
use super::session::Sessions;
use super::watch::{self, Watch};

/// How long after a fault of the store it is asked again.
pub(super) const AFTER_FAULT: Duration = Duration::from_secs(1);
/// How long jobs that run go on once the worker was told to end. Less than the ten seconds after which `docker stop` kills.
const GRACE: Duration = Duration::from_secs(7);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Its name in attempts and leases.
    pub name: String,
    /// Where its browsers are.
    pub browsers: BrowserChoice,
    /// Where a browser of its own keeps what it needs while it runs.
    pub profiles: PathBuf,
    /// How long a job waits for a place in a browser that runs elsewhere.
    pub patience: Duration,
    /// How many jobs it carries out at a time, of different integrations or sessions.
    pub parallel: usize,
    /// How long a claim holds without a heartbeat.
    pub lease: Duration,
    /// Which attempts leave a recording.
    pub recordings: Recordings,
}

/// Which attempts leave a recording to be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recordings {
    /// Those that fail.
    OfFailures,
    /// All. Each logs in for itself, so that each can be replayed alone.
    OfAll,
}

/// Where the browsers of a worker are.
#[derive(Clone, Debug)]
pub enum BrowserChoice {
    /// The worker starts one of its own; its program.
    Own(PathBuf),
    /// They run elsewhere. None is started.
    Elsewhere(Vec<Address>),
}

impl From<PathBuf> for BrowserChoice {
    fn from(program: PathBuf) -> Self {
        Self::Own(program)
    }
}

impl WorkerOptions {
    /// The usual options for these browsers.
    pub fn new(browsers: impl Into<BrowserChoice>, profiles: PathBuf) -> Self {
        Self {
            name: "local".to_owned(),
            browsers: browsers.into(),
            profiles,
            patience: Duration::from_secs(60),
            parallel: 2,
            lease: Duration::from_secs(60),
            recordings: Recordings::OfFailures,
        }
    }
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    stop: Sender<bool>,
    tasks: JoinSet<()>,
    crew: Crew,
    _watch: Watch,
    _lock: WorkerLock,
}

/// What works in one worker.
#[derive(Clone, Debug)]
struct Crew {
    workshop: Workshop,
    sessions: Arc<Sessions>,
    name: String,
    lease: Duration,
    /// How many there are.
    parallel: usize,
    /// How many could take a job now.
    free: Arc<AtomicUsize>,
}

impl Worker {
    /// Starts a worker. Where `lock` says that it is the only one, every lease it finds belongs to one that is gone; else those are
    /// waited for that do not beat.
    ///
    /// # Errors
    /// The store cannot take those leases back.
    pub async fn start(
        workshop: Workshop,
        options: WorkerOptions,
        lock: WorkerLock,
    ) -> Result<Self, StoreError> {
        if lock.is_the_only_one() {
            for job in workshop.store.take_back(Stranded::All).await? {
                tracing::warn!(
                    job = job.id,
                    read_first = job.read_first,
                    "took back a job of a worker that is gone"
                );
            }
        }
        let browsers = match options.browsers {
            BrowserChoice::Own(executable) => {
                Browsers::own(LaunchOptions { executable, headless: true, profiles: options.profiles })
            }
            BrowserChoice::Elsewhere(addresses) => {
                Browsers::Elsewhere(Elsewhere::new(addresses, options.patience, workshop.clock.clone()))
            }
        };
        let sessions = Arc::new(Sessions::new(browsers, workshop.clock.clone(), options.recordings));
        let (stop, stopped) = channel(false);
        let mut tasks = JoinSet::new();
        let (name, lease, parallel) = (options.name, options.lease, options.parallel.max(1));
        let crew = Crew { workshop, sessions, name, lease, parallel, free: Arc::default() };
        for _ in 0..parallel {
            crew.free.fetch_add(1, Ordering::SeqCst);
            tasks.spawn(crew.clone().work(stopped.clone()));
        }
        tasks.spawn(crew.clone().keep_house(stopped));
        let watch = Watch::start(crew.workshop.sweep());
        Ok(Self { stop, tasks, crew, _watch: watch, _lock: lock })
    }

    /// The process of its own browser, where one runs.
    pub async fn browser_process_id(&self) -> Option<u32> {
        self.crew.sessions.process_id().await
    }

    /// Claims nothing more, finishes what runs or hands it back after some seconds, and ends the browser.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.crew.sessions.close().await;
        if let Err(error) = self.crew.workshop.store.give_up_all_slots(&self.crew.name).await {
            tracing::warn!(%error, "the worker's slots were not given up; others take them once they have been silent");
        }
    }
}

impl Crew {
    /// Claims one job after the other; waits for a change where there is none.
    async fn work(self, mut stopped: Receiver<bool>) {
        let workshop = &self.workshop;
        let mut changes = workshop.store.watch_work();
        while !*stopped.borrow() {
            let asked_at = workshop.clock.elapsed();
            match workshop.store.claim(&self.name, self.lease).await {
                Ok(Some(claimed)) => {
                    self.free.fetch_sub(1, Ordering::SeqCst);
                    let (store, clock) = (workshop.store.clone(), workshop.clock.clone());
                    let lease = HeldLease::new(store, clock, claimed.lease.clone(), asked_at, self.lease);
                    attempt(workshop, &self.sessions, &claimed, &lease, time_is_over(stopped.clone())).await;
                    self.free.fetch_add(1, Ordering::SeqCst);
                }
                Ok(None) => {
                    let due = until_due(workshop).await;
                    tokio::select! {
                        () = changes.changed() => {}
                        _ = tokio::time::timeout(due, std::future::pending::<()>()) => {}
                        _ = stopped.wait_for(|stopped| *stopped) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "no job can be claimed");
                    let pause = tokio::time::timeout(AFTER_FAULT, stopped.wait_for(|stopped| *stopped));
                    drop(pause.await);
                }
            }
        }
    }

    async fn keep_house(self, mut stopped: Receiver<bool>) {
        let mut changes = self.workshop.store.watch_work();
        let mut tick = tokio::time::interval(watch::EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_time = tokio::select! {
                _ = tick.tick() => true,
                () = changes.changed() => false,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            let done = if is_time { self.look_after().await } else { self.make_room().await };
            if let Err(error) = done {
                tracing::warn!(%error, "the worker could not look after its sessions");
            }
        }
    }

    /// Keeps what rests here, and closes what is idle or lost.
    async fn look_after(&self) -> Result<(), StoreError> {
        let store = &self.workshop.store;
        self.give_up(self.sessions.idle()).await?;
        self.make_room().await?;
        store.beat_resting(&self.name).await?;
        // Whoever was silent for long has lost them.
        self.sessions.close_others(&store.resting(&self.name).await?).await;
        Ok(())
    }

    /// Closes sessions that rest while another worker could use their place. As long as somebody is free here, he takes the job.
    async fn make_room(&self) -> Result<(), StoreError> {
        if self.free.load(Ordering::SeqCst) > 0 {
            return Ok(());
        }
        let mut wanted = self.workshop.store.resting_and_wanted(&self.name).await?;
        if !wanted.is_empty() {
            // Whoever has just ended a job comes back at once, and goes on in the session that he left.
            let held = self.workshop.store.slots_held(&self.name).await?;
            wanted.truncate(held.saturating_sub(self.parallel));
        }
        self.give_up(wanted).await
    }

    async fn give_up(&self, slots: Vec<SlotId>) -> Result<(), StoreError> {
        for slot in &slots {
            self.sessions.close_kept(*slot).await;
        }
        self.workshop.store.give_up_slots(&self.name, slots).await
    }
}

/// Returns some time after the worker was told to end.
async fn time_is_over(mut stopped: Receiver<bool>) {
    // An error says that the worker is gone, which is the same.
    drop(stopped.wait_for(|stopped| *stopped).await);
    drop(tokio::time::timeout(GRACE, std::future::pending::<()>()).await);
}

/// How long until a job that waits for its next try is due.
async fn until_due(workshop: &Workshop) -> Duration {
    let never = Duration::from_secs(24 * 60 * 60);
    match workshop.store.next_due().await {
        Ok(Some(at)) => at.since(workshop.clock.now()),
        Ok(None) => never,
        Err(_) => AFTER_FAULT,
    }
}
