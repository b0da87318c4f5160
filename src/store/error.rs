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
    /// The database on the server is at an earlier version, or empty, and nobody said that it may be changed.
    #[error(
        "the database has schema version {found}, this program needs {known}: run `usher db migrate` first"
    )]
    Behind {
        /// The version found; 0 where there is nothing.
        found: i64,
        /// The version that this program works with.
        known: i64,
    },
    /// The schema on the server belongs to something else.
    #[error(
        "schema {schema} holds tables that are not usher's: name another one with ?schema= at the end of the address"
    )]
    Foreign {
        /// The schema.
        schema: String,
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
    /// The server cannot be reached, or ended the connection; try again.
    #[error("the database server does not answer")]
    Away(#[source] Arc<sqlx::Error>),
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
        matches!(self, Self::Busy(_) | Self::Full(_) | Self::Away(_))
    }

    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source: Arc::new(source) }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        if matches!(error, Error::WorkerCrashed | Error::PoolClosed) {
            return Self::Closed;
        }
        let is_away =
            matches!(error, Error::Io(_) | Error::PoolTimedOut | Error::Tls(_) | Error::Protocol(_));
        let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        let error = Arc::new(error);
        match code.as_deref().map(meaning) {
            Some(Meaning::Busy) => Self::Busy(error),
            Some(Meaning::Full) => Self::Full(error),
            Some(Meaning::Away) => Self::Away(error),
            None if is_away => Self::Away(error),
            Some(Meaning::Other) | None => Self::Database(error),
        }
    }
}

/// What a code of the engine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Busy,
    Full,
    Away,
    Other,
}

/// PostgreSQL's codes have five letters (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), SQLite's are numbers with an
/// extension (<https://sqlite.org/rescode.html>).
fn meaning(code: &str) -> Meaning {
    if code.len() == 5 {
        return match code {
            // A lock was not to be had in time; transactions that waited for each other, or could not be put in a row.
            "55P03" | "40P01" | "40001" => Meaning::Busy,
            "53100" => Meaning::Full,
            // Ended by an administrator, by a crash, while starting or stopping, for having been idle; too many connections.
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => Meaning::Away,
            code if code.starts_with("08") => Meaning::Away,
            _ => Meaning::Other,
        };
    }
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(SQLITE_BUSY | SQLITE_LOCKED) => Meaning::Busy,
        Ok(SQLITE_FULL) => Meaning::Full,
        _ => Meaning::Other,
    }
}

const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;

/// Whether SQLite says that the file is damaged or never was a database.
pub(super) fn is_unsound(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    matches!(code.map(|code| code & 0xff), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}
