//! Puts everything together: an installation on its data directory, the gateway on it, the worker, and their end.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::watch::{Sender, channel};
use tokio::task::{JoinHandle, JoinSet};

use crate::api;
use crate::artifact::Artifacts;
use crate::clock::SharedClock;
use crate::connector::Library;
use crate::gateway;
use crate::id::{Ids, SharedEntropy};
use crate::intake::Intake;
use crate::integration::Integrations;
use crate::job::{BrowserChoice, Sweep, Watch, Worker, WorkerOptions, Workshop};
use crate::journal::Journal;
use crate::metrics::{self, metrics};
use crate::notice::{Mailer, Notices, Telling};
use crate::operator::Operators;
use crate::secret::SecretString;
use crate::store::{Database, EventCounts, Store, StoreError, StoreOptions};
use crate::vault::{MasterKey, Vault, VaultError};

/// The environment variable that gives the master key, instead of the file in the data directory.
pub const MASTER_KEY: &str = "USHER_MASTER_KEY";

/// Where an installation keeps what it has.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The key, and the database where it is a file.
    pub data: PathBuf,
    /// The connectors.
    pub connectors: PathBuf,
    /// The database.
    pub database: Database,
    /// The pictures.
    pub artifacts: Artifacts,
    /// How mail is sent, where it can be.
    pub mailer: Option<Mailer>,
}

impl Paths {
    /// With the database and the pictures in the data directory.
    pub fn new(data: impl Into<PathBuf>, connectors: impl Into<PathBuf>) -> Self {
        let data = data.into();
        let artifacts = Artifacts::folder(data.join("artifacts"));
        Self { data, connectors: connectors.into(), database: Database::File, artifacts, mailer: None }
    }
}

/// An opened data directory, with its connectors. Clones share it.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Where it is.
    pub paths: Paths,
    /// Durable state.
    pub store: Store,
    /// Pictures.
    pub artifacts: Artifacts,
    /// The connectors, broken ones too.
    pub library: Arc<Library>,
    /// The integrations.
    pub integrations: Integrations,
    /// Who is told of what happens.
    pub notices: Notices,
    /// What operators ask for.
    pub operators: Operators,
    clock: SharedClock,
    entropy: SharedEntropy,
}

/// The data directory or the connectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that seals credentials.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Credentials are kept that a new key could not open.
    #[error("credentials are kept, and the key that they were sealed with is not here: bring {} from where they were set, or give the key in USHER_MASTER_KEY", .0.display())]
    NoKey(PathBuf),
    /// The folder of the connectors.
    #[error("cannot read the connectors in {}; name their folder with --connectors", path.display())]
    Connectors {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Installation {
    /// Opens or makes the data directory.
    ///
    /// # Errors
    /// It belongs to somebody else, is damaged or from a newer version, its key does not fit, or there are no connectors.
    pub async fn open(paths: Paths, clock: SharedClock, entropy: SharedEntropy) -> Result<Self, OpenError> {
        let ids = Ids::new(clock.clone(), entropy.clone());
        let options = StoreOptions { database: paths.database.clone(), ..StoreOptions::new(&paths.data) };
        let store = Store::open(&options, clock.clone(), ids).await?;
        let key = match std::env::var(MASTER_KEY) {
            Ok(key) => MasterKey::Given(SecretString::from(key)),
            Err(_) => MasterKey::File(paths.data.join("master.key")),
        };
        if let (MasterKey::File(path), true) = (&key, store.has_credentials().await?)
            && !path.exists()
        {
            return Err(OpenError::NoKey(path.clone()));
        }
        let vault = Arc::new(Vault::load(&key, entropy.clone())?);
        let library = Library::load(&paths.connectors)
            .map_err(|source| OpenError::Connectors { path: paths.connectors.clone(), source })?;
        let library = Arc::new(library);
        let integrations =
            Integrations::new(store.clone(), vault.clone(), library.clone(), clock.clone(), entropy.clone());
        let notices =
            Notices::new(store.clone(), vault, clock.clone(), entropy.clone(), paths.mailer.clone());
        let operators = Operators::new(store.clone(), integrations.clone(), clock.clone(), entropy.clone());
        let artifacts = paths.artifacts.clone();
        Ok(Self { paths, store, artifacts, library, integrations, notices, operators, clock, entropy })
    }

    /// Removes what is kept for long enough.
    pub fn sweep(&self) -> Sweep {
        Sweep {
            store: self.store.clone(),
            integrations: self.integrations.clone(),
            artifacts: self.artifacts.clone(),
            clock: self.clock.clone(),
        }
    }

    /// The usual options for a worker of this installation.
    pub fn worker_options(&self, browsers: impl Into<BrowserChoice>) -> WorkerOptions {
        let options = WorkerOptions::new(browsers, self.paths.data.join("chromium"));
        match &self.paths.database {
            Database::File => options,
            // One of many; the machine and the process tell whoever is on call where to look.
            Database::Server(_) => {
                let machine = rustix::system::uname();
                let name = format!("{}.{}", machine.nodename().to_string_lossy(), std::process::id());
                WorkerOptions { name, ..options }
            }
        }
    }

    /// Starts a worker; `None` where another process already runs the one of this data directory.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn start_worker(&self, options: WorkerOptions) -> Result<Option<Worker>, StoreError> {
        let Some(lock) = self.store.lock_worker()? else { return Ok(None) };
        let workshop = Workshop {
            store: self.store.clone(),
            artifacts: self.artifacts.clone(),
            integrations: self.integrations.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        };
        Worker::start(workshop, options, lock).await.map(Some)
    }
}

/// How a server serves.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How clients reach it, where that is not what they put into `Host`.
    pub base_url: Option<String>,
    /// The worker in the same process; `None` for the gateway alone.
    pub worker: Option<WorkerOptions>,
}

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process works on the data directory.
    #[error("another `usher serve` works on {}; stop it first, or choose another --data", .0.display())]
    WorkerElsewhere(PathBuf),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives how everything stands as numbers, at `/metrics` of an address of its own, as they tell what integrations there are.
#[derive(Debug)]
pub struct Metrics {
    address: SocketAddr,
    /// Its one task, which ends with it.
    _task: JoinSet<io::Result<()>>,
}

impl Metrics {
    /// Gives them from now on, until it is dropped.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn start(installation: &Installation, listen: SocketAddr) -> Result<Self, StartError> {
        let unusable = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let Installation { store, integrations, clock, .. } = installation.clone();
        let counted = Arc::new(Mutex::new(EventCounts::default()));
        let answer = async move || match metrics(&store, &integrations, &clock, &counted).await {
            Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
            Err(error) => {
                tracing::warn!(%error, "the numbers could not be given");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        };
        let mut task = JoinSet::new();
        task.spawn(axum::serve(listener, Router::new().route("/metrics", get(answer))).into_future());
        Ok(Self { address, _task: task })
    }

    /// Where they are, for clients on this machine.
    pub fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    worker: Option<Worker>,
    /// Where there is no worker that keeps one.
    watch: Option<Watch>,
    telling: Telling,
    journal: Journal,
    store: Store,
}

impl Server {
    /// Starts the gateway and the worker; once this returns, it answers.
    ///
    /// # Errors
    /// The address is taken, or another process works on the data directory.
    pub async fn start(installation: Installation, options: ServerOptions) -> Result<Self, StartError> {
        let worker = match options.worker {
            None => None,
            Some(worker) => match installation.start_worker(worker).await? {
                Some(worker) => Some(worker),
                None => return Err(StartError::WorkerElsewhere(installation.paths.data)),
            },
        };
        let unusable = |source| StartError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let intake = Intake::new(
            installation.store.clone(),
            installation.integrations.clone(),
            installation.clock.clone(),
        );
        let journal = Journal::start(installation.store.clone(), installation.clock.clone());
        let (stop, mut stopped) = channel(false);
        let router = Router::new()
            .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
            .merge(api::router(installation.operators.clone(), stopped.clone()))
            .merge(gateway::router(intake, journal.clone(), options.base_url));
        let watch = match worker {
            Some(_) => None,
            None => Some(Watch::start(installation.sweep())),
        };
        let telling = installation.notices.start();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            drop(stopped.wait_for(|stopped| *stopped).await);
        });
        let serving = tokio::spawn(server.into_future());
        Ok(Self { address, stop, serving, worker, watch, telling, journal, store: installation.store })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for clients on this machine, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process of the worker's browser, where one runs.
    pub async fn browser_process_id(&self) -> Option<u32> {
        self.worker.as_ref()?.browser_process_id().await
    }

    /// Takes no more requests, finishes the jobs that run, writes the journal to its end, and closes the data directory.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        drop((self.watch, self.telling));
        if let Some(worker) = self.worker {
            worker.stop().await;
        }
        if let Err(error) = self.serving.await {
            tracing::warn!(%error, "the server did not end well");
        }
        self.journal.close().await;
        self.store.close().await;
    }
}

/// The browser on this machine: the one that `USHER_CHROMIUM` names, or the first of the usual names in the search path.
pub fn find_chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("USHER_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let candidates = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|candidate| is_file(candidate))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}
