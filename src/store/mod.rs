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
mod condition;
mod credential;
mod directory;
mod error;
mod event;
mod group;
mod integration;
mod job;
mod journal;
mod migrate;
mod page;
mod readers;
mod sql;
mod stamp;
mod token;
mod user;
mod watch;
mod word;
mod writer;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

pub use self::account::{AccountRow, SeenAccount};
pub use self::artifact::NewArtifact;
pub use self::attempt::{
    AttemptDetail, AttemptId, AttemptOutcome, AttemptRow, NewStep, StepOutcome, StepRow,
};
pub use self::credential::{CredentialRow, NewCredential};
pub use self::directory::WorkerLock;
pub use self::error::StoreError;
pub use self::event::{BrokenChain, ChainHead, EventFilter, EventRow, NewEvent};
pub use self::group::{
    Concerned, GroupBody, GroupChange, GroupError, GroupOf, GroupPage, GroupQuery, GroupRow, GroupSeen,
    GroupView, GroupWork,
};
pub use self::integration::{
    Answering, Grant, IntegrationError, IntegrationRow, Mode, NewIntegration, Policy, Profile,
};
pub use self::job::{
    Claimed, Finish, JobBrief, JobDetail, JobFilter, JobRequest, JobRow, JobState, Kind, Lease, LeaseError,
    OperateError, Outcome, Priority, Seen, Stranded, Work,
};
pub use self::journal::{
    EXCHANGES_KEPT, Exchange, ExchangeBody, ExchangeBy, ExchangeMessage, ExchangeSummary, Headers,
    JournalPage, Lost, NewExchange, STRANGERS_KEPT,
};
pub use self::page::{ListError, Start};
pub use self::stamp::Configuration;
pub use self::token::{NewToken, TokenRow};
pub use self::user::{
    Change, RecordError, Recorded, UserBody, UserChange, UserPage, UserQuery, UserRow, UserView,
};
pub use self::watch::{JobWatch, WorkWatch};
pub use self::word::UnknownWord;

use self::readers::Readers;
use self::sql::{Connection, Db};
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
    /// How many reads may run at once.
    pub readers: u32,
    /// How long a write waits for another process that writes.
    pub busy_timeout: Duration,
    /// How often to look whether another process wrote.
    pub poll: Duration,
}

impl StoreOptions {
    /// The usual options for this data directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
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
    readers: Readers,
    watchers: Arc<Watchers>,
    stamp: Arc<Stamp>,
    clock: SharedClock,
    directory: Arc<PathBuf>,
}

impl Store {
    /// Opens the data directory, brings its database to this version, and starts the writing task.
    pub async fn open(options: &StoreOptions, clock: SharedClock, ids: Ids) -> Result<Self, StoreError> {
        directory::prepare(&options.directory)?;
        let opening = lock_opening(options.directory.clone()).await?;
        let path = directory::database(&options.directory)?;
        let connect = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.busy_timeout)
            // What undoing a part of a transaction takes: pages that would go to a file of its own.
            .pragma("temp_store", "MEMORY")
            // A page of rows is given from one thread to the other at once, not in turns.
            .row_buffer_size(256)
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let connection = connect.connect().await.map_err(|error| migrate::unsound(&path, error.into()))?;
        let mut db = Db::new(Connection::Own(connection));
        migrate::migrate(&mut db, &path, clock.now()).await?;
        drop(opening);
        let readers = Readers::new(connect.clone().pragma("query_only", "ON"), options.readers);
        let watchers = Arc::new(Watchers::default());
        let stamp = Arc::new(Stamp::open(&options.directory)?);
        let writer_options = WriterOptions {
            connect,
            poll: options.poll,
            clock: Arc::clone(&clock),
            ids,
            watchers: Arc::clone(&watchers),
            stamp: Arc::clone(&stamp),
        };
        let writer = Writer::start(db, writer_options);
        Ok(Self { writer, readers, watchers, stamp, clock, directory: Arc::new(options.directory.clone()) })
    }

    /// Finishes what was asked before, and closes the files. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }

    /// Makes this process the one whose worker may use the data directory; `None` where another already is. Held
    /// until the lock is dropped.
    pub fn lock_worker(&self) -> Result<Option<WorkerLock>, StoreError> {
        directory::lock_worker(&self.directory)
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

    async fn reader(&self) -> Result<Db, StoreError> {
        Ok(Db::new(Connection::Borrowed(self.readers.borrow().await?)))
    }

    async fn snapshot(&self) -> Result<Db, StoreError> {
        Ok(Db::at_one_moment(self.readers.borrow().await?))
    }
}

/// Waits without holding up the other tasks of the thread.
async fn lock_opening(directory: PathBuf) -> Result<File, StoreError> {
    let lock = tokio::task::spawn_blocking(move || directory::lock_opening(&directory));
    // The task is only ever abandoned with the runtime.
    lock.await.unwrap_or(Err(StoreError::Closed))
}

#[cfg(test)]
mod tests;
