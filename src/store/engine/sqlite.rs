//! SQLite: one file of the data directory.

use std::fs::File;
use std::path::PathBuf;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::Link;
use super::readers::Readers;
use crate::clock::Timestamp;
use crate::store::error::StoreError;
use crate::store::sql::Db;
use crate::store::{StoreOptions, directory, migrate};

#[derive(Debug)]
pub(in crate::store) struct Sqlite {
    connect: SqliteConnectOptions,
    readers: Readers,
}

impl Sqlite {
    pub(super) async fn open(options: &StoreOptions, now: Timestamp) -> Result<(Self, Db), StoreError> {
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
        let mut db = Db::new(Link::Sqlite(connection));
        migrate::migrate_file(&mut db, &path, now).await?;
        drop(opening);
        let readers = Readers::new(connect.clone().pragma("query_only", "ON"), options.readers);
        Ok((Self { connect, readers }, db))
    }

    pub(super) async fn writer(&self) -> Result<Db, StoreError> {
        Ok(Db::new(Link::Sqlite(self.connect.connect().await?)))
    }

    pub(super) async fn reader(&self) -> Result<Db, StoreError> {
        Ok(Db::new(Link::SqliteReader(self.readers.borrow().await?)))
    }

    pub(super) async fn snapshot(&self) -> Result<Db, StoreError> {
        let mut reader = self.readers.borrow().await?;
        reader.holds_a_moment();
        Ok(Db::at_one_moment(Link::SqliteReader(reader)))
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
    }
}

/// Waits without holding up the other tasks of the thread.
async fn lock_opening(directory: PathBuf) -> Result<File, StoreError> {
    let lock = tokio::task::spawn_blocking(move || directory::lock_opening(&directory));
    // The task is only ever abandoned with the runtime.
    lock.await.unwrap_or(Err(StoreError::Closed))
}
