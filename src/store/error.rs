//! What can go wrong with durable state, named for what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The store could not do what was asked; nothing of it was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database was written by a later Usher.
    #[error(
        "the database has schema version {found}, this program knows up to {known}: run the newer usher, or restore the copy from before the upgrade"
    )]
    Newer {
        /// The version found.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// A migration that was already applied had another text then.
    #[error(
        "schema version {version} of the database was made by another build of usher: run that build, or start with a new data directory"
    )]
    Altered {
        /// The version that differs.
        version: i64,
    },
    /// The file is no database of Usher's, or a damaged one.
    #[error("{} is not a sound usher database: restore it from a copy, or choose another data directory", path.display())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Option<Arc<sqlx::Error>>,
    },
    /// Others on this machine could read what must stay private.
    #[error("{} can be read by others (mode {mode:o}): chmod {cure:o} {}", path.display(), path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        cure: u32,
    },
    /// The file system refused.
    #[error("cannot use {}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// Others held the database for longer than the busy time-out; try again.
    #[error("the database is held by others")]
    Busy(#[source] Arc<sqlx::Error>),
    /// No space is left; it works again when there is.
    #[error("no space is left for the database")]
    Full(#[source] Arc<sqlx::Error>),
    /// A stored value cannot be understood; a fault of ours, or a hand in the database.
    #[error("column {column} holds what cannot be read: {reason}")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// What is wrong with it; never the value itself.
        reason: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else that the database said.
    #[error("the database refused")]
    Database(#[source] Arc<sqlx::Error>),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Full(_))
    }

    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source: Arc::new(source) }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::WorkerCrashed) {
            return Self::Closed;
        }
        let code = primary_code(&error);
        let error = Arc::new(error);
        match code {
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy(error),
            Some(SQLITE_FULL) => Self::Full(error),
            _ => Self::Database(error),
        }
    }
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;

/// Whether SQLite says that the file is damaged or never was a database.
pub(super) fn is_unsound(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

/// SQLite's result code without its extension (<https://sqlite.org/rescode.html>).
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}
