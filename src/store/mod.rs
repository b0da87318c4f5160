//! Durable state. The only module that contains SQL or names `sqlx`.
//!
//! Invariants: times are milliseconds since the Unix epoch, UTC; what the identity provider wants, the job that makes
//! it so and the event that tells of it are written together; what was answered is on the disk; one job per lane is
//! pending, and one more behind a running one at most; a session slot is held by one job; a write that carries an old
//! fence changes nothing; events are only ever added.
//!
//! Secrets come in sealed and go out sealed: nothing here can open them.

mod account;
mod artifact;
mod attempt;
mod bearer;
mod chain;
mod condition;
mod copy;
mod credential;
mod directory;
mod engine;
mod entitlement;
mod error;
mod event;
mod gather;
mod group;
mod hold;
mod hook;
mod integration;
mod job;
mod journal;
mod leaver;
mod listed;
mod migrate;
mod operator_key;
mod oversight;
mod page;
mod plan;
mod policy;
mod retention;
mod sql;
mod stamp;
mod token;
mod user;
mod watch;
mod word;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use self::account::{AccountRow, SeenAccount};
pub use self::artifact::NewArtifact;
pub use self::attempt::{
    AttemptDetail, AttemptId, AttemptOutcome, AttemptRow, EvidenceRow, Gone, NewEvidence, PAGES, PICTURES,
    RECORDING,
};
pub use self::bearer::Life;
pub use self::chain::{BrokenChain, ChainHead, EventText, chained};
pub use self::copy::{Copied, CopyError};
pub use self::credential::{CredentialRow, NewCredential};
pub use self::directory::WorkerLock;
pub use self::engine::{DatabaseUrl, DatabaseUrlError};
pub use self::entitlement::{EntitlementRow, ListedValue};
pub use self::error::StoreError;
pub use self::event::{EventCounts, EventFilter, EventRow, NewEvent};
pub use self::group::{
    Concerned, GroupBody, GroupChange, GroupError, GroupOf, GroupPage, GroupQuery, GroupRow, GroupSeen,
    GroupView, GroupWork, KnownGroup,
};
pub use self::hold::{Covered, HoldRow};
pub use self::hook::{Channel, HookRow, NewHook};
pub use self::integration::{IntegrationError, IntegrationRow, Maintenance, NewIntegration};
pub use self::job::{
    Breaker, Claimed, Finish, Held, JobBrief, JobDetail, JobFilter, JobRequest, JobRow, JobState, Kind,
    LONGEST_PAUSE, Lease, LeaseError, OperateError, Outcome, Priority, Seen, SlotId, Stranded, Trial,
    Tripped, Vigil, Work,
};
pub use self::journal::{
    EXCHANGES_KEPT, Exchange, ExchangeBody, ExchangeBy, ExchangeMessage, ExchangeSummary, Headers,
    JournalPage, Lost, NewExchange, STRANGERS_KEPT,
};
pub use self::leaver::Leaver;
pub use self::listed::ListedPages;
pub use self::operator_key::{NewOperatorKey, OperatorKeyError, OperatorKeyRow, OperatorRole};
pub use self::oversight::{Oversight, Reading};
pub use self::page::{ListError, Start};
pub use self::plan::{
    Applied, DecideError, Decision, ItemKind, KnownUser, NewItem, NewPlan, OrphanEnd, PlanCounts, PlanItem,
    PlanRow, PlanState, Unsettled,
};
pub use self::policy::{Answering, Grant, LeaverLimit, Mode, Policy, Profile, Safeguard};
pub use self::retention::{EraseError, Erased, Erasure, LeftBehind};
pub use self::stamp::Configuration;
pub use self::token::{NewToken, TokenRow};
pub use self::user::{
    Change, RecordError, Recorded, UserBody, UserChange, UserPage, UserQuery, UserRow, UserView,
};
pub use self::watch::{JobWatch, WorkWatch};
pub use self::word::UnknownWord;

use self::engine::Engine;
use self::job::{Claims, Ends};
use self::sql::Db;
use self::stamp::Stamp;
use self::watch::Watchers;
use self::writer::{Writer, WriterOptions};
use crate::clock::SharedClock;
use crate::id::Ids;

/// Where the state is kept, and how patiently.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The data directory; made where it is missing, refused where others can read it.
    pub directory: PathBuf,
    /// The database.
    pub database: Database,
    /// Whether a database on a server is brought to this version, rather than refused where it is not at it. A file always is.
    pub migrate: bool,
    /// How many reads may run at once.
    pub readers: u32,
    /// How long a write waits for another process that writes.
    pub busy_timeout: Duration,
    /// How often to look whether another process wrote.
    pub poll: Duration,
}

/// What keeps the state.
#[derive(Clone, Debug)]
pub enum Database {
    /// SQLite: a file of the data directory.
    File,
    /// PostgreSQL.
    Server(DatabaseUrl),
}

impl StoreOptions {
    /// The usual options for this data directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            database: Database::File,
            migrate: false,
            readers: 4,
            busy_timeout: Duration::from_secs(10),
            poll: Duration::from_secs(1),
        }
    }
}

/// A handle to durable state; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Writer,
    claims: Claims,
    ends: Ends,
    engine: Arc<Engine>,
    watchers: Arc<Watchers>,
    stamp: Arc<Stamp>,
    clock: SharedClock,
    directory: Arc<PathBuf>,
}

impl Store {
    /// Opens the data directory, brings its database to this version, and starts the writing task.
    pub async fn open(options: &StoreOptions, clock: SharedClock, ids: Ids) -> Result<Self, StoreError> {
        directory::prepare(&options.directory)?;
        let (engine, db) = Engine::open(options, clock.now()).await?;
        let engine = Arc::new(engine);
        let watchers = Arc::new(Watchers::default());
        let stamp = Arc::new(match &options.database {
            Database::File => Stamp::open(&options.directory)?,
            Database::Server(_) => Stamp::own(),
        });
        let bell = engine.listen(ids.next(), (&watchers, &stamp)).await?;
        let writer_options = WriterOptions {
            engine: Arc::clone(&engine),
            poll: options.poll,
            clock: Arc::clone(&clock),
            ids,
            watchers: Arc::clone(&watchers),
            stamp: Arc::clone(&stamp),
            bell,
        };
        let writer = Writer::start(db, writer_options);
        let claims = Claims::start(writer.clone(), Arc::clone(&engine), Arc::clone(&clock));
        let ends = Ends::start(writer.clone());
        let directory = Arc::new(options.directory.clone());
        Ok(Self { writer, claims, ends, engine, watchers, stamp, clock, directory })
    }

    /// Finishes what was asked before, and closes the files. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.writer.close().await;
        self.engine.close().await;
    }

    /// The right to be a worker, until it is dropped. With a file there is one worker, and `None` where another process has it; a server's
    /// database is shared by as many as there are.
    pub fn lock_worker(&self) -> Result<Option<WorkerLock>, StoreError> {
        match &*self.engine {
            Engine::Sqlite(_) => directory::lock_worker(&self.directory),
            Engine::Postgres(_) => Ok(Some(WorkerLock::shared())),
        }
    }

    /// Tells when there may be work to claim, whoever brought it.
    pub fn watch_work(&self) -> WorkWatch {
        self.watchers.work()
    }

    /// Tells when this job may have changed, whoever changed it. Make the watch first, then read the job.
    pub fn watch_job(&self, id: &str) -> JobWatch {
        self.watchers.job(id)
    }

    /// How the configuration stands: integrations, and the tokens that open them. What was read of them after this, they still are as long
    /// as this is equal.
    pub fn configuration(&self) -> Configuration {
        self.stamp.read()
    }

    /// The version of the shape of the database, as this program makes it.
    pub fn schema_version() -> i64 {
        migrate::latest()
    }

    async fn reader(&self) -> Result<Db, StoreError> {
        self.engine.reader().await
    }

    async fn snapshot(&self) -> Result<Db, StoreError> {
        self.engine.snapshot().await
    }
}

#[cfg(test)]
mod tests;
