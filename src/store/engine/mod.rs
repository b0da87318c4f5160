//! The two engines that can keep durable state. What differs between them is here, in the migrations and in how filters are put into
//! SQL; every other statement is the same text for both.
//!
//! Invariant of both: writes follow each other. With SQLite a process that writes keeps the others out by `BEGIN IMMEDIATE`; with
//! PostgreSQL each transaction that writes holds one advisory lock of its schema. So what was read in it stays so to its end, and the
//! chain of events has one end.

mod bell;
mod link;
mod pipe;
mod postgres;
mod readers;
mod sqlite;

pub use self::postgres::{DatabaseUrl, DatabaseUrlError};

pub(super) use self::bell::Bell;
pub(super) use self::link::{Done, Link, Statement};

use std::sync::Arc;

use self::postgres::Postgres;
use self::sqlite::Sqlite;
use super::error::StoreError;
use super::sql::{Db, statements};
use super::stamp::Stamp;
use super::watch::Watchers;
use super::{Database, StoreOptions};
use crate::clock::Timestamp;

statements! {
    LAST_EVENT = "SELECT coalesce(max(seq), 0) AS version FROM events";
}

/// Not prepared by PostgreSQL, which has no such statement.
const DATA_VERSION: &str = "PRAGMA data_version";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// What begins a transaction that writes.
    pub(super) fn begin_writing(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["BEGIN IMMEDIATE"],
            // A snapshot is taken by each statement, so that those behind the lock see what was written before it was free.
            Self::Postgres => &[
                "BEGIN ISOLATION LEVEL READ COMMITTED",
                "SELECT pg_advisory_xact_lock(hashtextextended('usher writes ' || current_schema(), 0))",
            ],
        }
    }
}

/// Opens connections.
#[derive(Debug)]
pub(super) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Engine {
    /// Opens the database, and brings it to this version or looks whether it is at it. Gives the connection to write with.
    pub(super) async fn open(options: &StoreOptions, now: Timestamp) -> Result<(Self, Db), StoreError> {
        match &options.database {
            Database::File => {
                let (sqlite, db) = Sqlite::open(options, now).await?;
                Ok((Self::Sqlite(sqlite), db))
            }
            Database::Server(url) => {
                let (postgres, db) = Postgres::open(options, url, now).await?;
                Ok((Self::Postgres(postgres), db))
            }
        }
    }

    /// Listens to the other processes that share the database, where they can be heard. Gives what tells them.
    pub(super) async fn listen(
        &self,
        name: String,
        who: (&Arc<Watchers>, &Arc<Stamp>),
    ) -> Result<Option<Bell>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(postgres) => postgres.listen(name, who).await.map(Some),
        }
    }

    /// A connection for what need not wait for those who write, where writing at once is possible: one statement that changes one row,
    /// which nothing that is written elsewhere hangs on.
    pub(super) async fn beside(&self) -> Result<Option<Db>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(postgres) => postgres.beside().await.map(Some),
        }
    }

    /// Another connection to write with.
    pub(super) async fn writer(&self) -> Result<Db, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.writer().await,
            Self::Postgres(postgres) => postgres.writer().await,
        }
    }

    /// A connection to read with, as soon as one is free.
    pub(super) async fn reader(&self) -> Result<Db, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reader().await,
            Self::Postgres(postgres) => postgres.reader().await,
        }
    }

    /// The same, all of whose statements see one moment.
    pub(super) async fn snapshot(&self) -> Result<Db, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.snapshot().await,
            Self::Postgres(postgres) => postgres.snapshot().await,
        }
    }

    /// Waits for those who read, and closes the connections they had.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// A number that is another one once somebody else wrote something. PostgreSQL's is the last event's: every change that somebody may
/// wait for has one.
pub(super) async fn version(db: &mut Db) -> Result<Option<i64>, StoreError> {
    match db.kind() {
        Kind::Sqlite => db.one(DATA_VERSION, &[]).await?.map(|row| row.int("data_version")).transpose(),
        Kind::Postgres => db.one(LAST_EVENT, &[]).await?.map(|row| row.int("version")).transpose(),
    }
}
