//! Several gateways and workers on one PostgreSQL, and what is done to them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex as BlockingMutex};
use std::time::Duration;

use futures::future::join_all;
use rustix::process::Signal;
use tokio::sync::{Mutex, RwLock, watch};
use usher::clock::{Clock, SystemClock, Timestamp};

use super::kind::Disaster;
use crate::path::faults::{Drawn, kill, processes, signal};
use crate::path::processes::{Process, Shared};
use crate::postgres::Server;

/// A worker's lease, in seconds: the shortest that the command line takes.
pub const LEASE: &str = "5";
/// How long a worker is stopped so that others have its jobs: its lease, and the time in which they look.
const BEYOND_LEASE: Duration = Duration::from_secs(14);

/// A time of day that can jump; what only goes forward goes on.
#[derive(Debug, Default)]
pub struct JumpingClock(AtomicI64);

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(SystemClock.now().as_ms() + self.0.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed()
    }
}

impl JumpingClock {
    /// Goes an hour forward, or back again.
    fn jump(&self) {
        let hour = 60 * 60 * 1000;
        self.0.fetch_xor(hour, Ordering::SeqCst);
    }
}

/// Everything that runs.
pub struct Site {
    /// Whoever starts a process reads, whoever takes the database away writes.
    database: RwLock<Arc<BlockingMutex<Server>>>,
    shared: Arc<Shared>,
    gateways: Vec<Mutex<Option<Process>>>,
    workers: Vec<Mutex<Option<Process>>>,
    urls: watch::Sender<Vec<String>>,
    pub clock: Arc<JumpingClock>,
}

impl Site {
    pub async fn start(server: Server, shared: Arc<Shared>, workers: usize) -> Self {
        let gateways = join_all((0..2).map(|_| shared.gateway())).await;
        let workers = join_all((0..workers).map(|_| worker(&shared))).await;
        let urls = watch::Sender::new(gateways.iter().map(Process::url).collect());
        let each = |all: Vec<Process>| all.into_iter().map(|one| Mutex::new(Some(one))).collect();
        Self {
            database: RwLock::new(Arc::new(BlockingMutex::new(server))),
            shared,
            gateways: each(gateways),
            workers: each(workers),
            urls,
            clock: Arc::default(),
        }
    }

    pub fn urls(&self) -> watch::Receiver<Vec<String>> {
        self.urls.subscribe()
    }

    /// Does it, and mends it again; or says why it could not be done.
    pub async fn strike(&self, disaster: Disaster, drawn: &mut Drawn) -> Result<(), &'static str> {
        let whom = usize::try_from(drawn.below(1 << 20)).unwrap();
        match disaster {
            Disaster::KillWorker => self.end_worker(whom, End::Kill).await,
            Disaster::TerminateWorker => self.end_worker(whom, End::Terminate).await,
            Disaster::PauseWorker => {
                let worker = self.workers[whom % self.workers.len()].lock().await;
                paused(&[worker.as_ref().expect("it runs").id()], BEYOND_LEASE).await;
            }
            Disaster::KillGateway => self.kill_gateway(whom % self.gateways.len()).await,
            Disaster::KillChromium => {
                let worker = self.workers[whom % self.workers.len()].lock().await;
                let mark = worker.as_ref().expect("it runs").mark();
                kill(browser(&mark).await.ok_or("no browser ran")?);
            }
            Disaster::PauseChromium => {
                let worker = self.workers[whom % self.workers.len()].lock().await;
                let mark = worker.as_ref().expect("it runs").mark();
                let browser = browser(&mark).await.ok_or("no browser ran")?;
                paused(&[browser], Duration::from_secs(drawn.one(&[4, 14]))).await;
            }
            Disaster::CrashDatabase => {
                let server = self.database.write().await;
                let server = Arc::clone(&server);
                tokio::task::spawn_blocking(move || server.lock().unwrap().crash()).await.unwrap();
            }
            Disaster::PauseDatabase => {
                let server = self.database.write().await;
                let address = server.lock().unwrap().address.clone();
                let seconds = drawn.one(&[3, 3, 6, 6, 10, 10, 20, 60]);
                paused(&of_server(&address), Duration::from_secs(seconds)).await;
            }
            Disaster::Clock => self.clock.jump(),
            Disaster::DiskFull => return Err("only with a file"),
        }
        Ok(())
    }

    async fn end_worker(&self, whom: usize, end: End) {
        let place = &mut *self.workers[whom % self.workers.len()].lock().await;
        // It can end well only where it reaches the database.
        let database = self.database.read().await;
        end.carry_out(place.take().expect("it runs")).await;
        *place = Some(worker(&self.shared).await);
        drop(database);
    }

    async fn kill_gateway(&self, which: usize) {
        let place = &mut *self.gateways[which].lock().await;
        place.take().expect("it runs").kill().await;
        let database = self.database.read().await;
        let started = self.shared.gateway().await;
        drop(database);
        let url = started.url();
        *place = Some(started);
        self.urls.send_modify(|urls| urls[which] = url);
    }

    /// Ends everything, well; the database last.
    pub async fn end(self) {
        for place in self.workers.into_iter().chain(self.gateways) {
            place.into_inner().expect("it runs").terminate().await;
        }
    }
}

/// How a process ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Kill,
    Terminate,
}

impl End {
    pub async fn carry_out(self, process: Process) {
        match self {
            Self::Kill => process.kill().await,
            Self::Terminate => process.terminate().await,
        }
    }
}

async fn worker(shared: &Shared) -> Process {
    shared.start(&["worker", "--lease", LEASE, "--parallel", "2"]).await
}

/// Stops processes for this long.
pub async fn paused(ids: &[u32], length: Duration) {
    let all = |what: Signal| ids.iter().for_each(|id| try_signal(*id, what));
    all(Signal::STOP);
    drop(tokio::time::timeout(length, std::future::pending::<()>()).await);
    all(Signal::CONT);
}

/// One that has ended meanwhile is let be.
fn try_signal(id: u32, what: Signal) {
    if std::path::Path::new(&format!("/proc/{id}")).exists() {
        signal(id, what);
    }
}

/// The browser's first process of the process with this mark; waits a little for one to be started.
pub async fn browser(mark: &str) -> Option<u32> {
    for _ in 0..50 {
        let found = processes(mark).into_iter().find(|id| {
            let words = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).into_owned();
            words.contains("--user-data-dir=") && !words.contains("--type=") && !words.contains("crashpad")
        });
        if found.is_some() {
            return found;
        }
        drop(tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await);
    }
    None
}

/// The processes of the database server at this address, the first one first.
fn of_server(address: &str) -> Vec<u32> {
    let directory = address.split("host=").nth(1).expect("a local server");
    let pid = std::fs::read_to_string(format!("{directory}/data/postmaster.pid")).unwrap();
    let first: u32 = pid.lines().next().unwrap().trim().parse().unwrap();
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of_first = ids.filter(|id| parent(*id) == Some(first));
    std::iter::once(first).chain(of_first).collect()
}

fn parent(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the name, which stands in brackets, come the state and the parent.
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}
