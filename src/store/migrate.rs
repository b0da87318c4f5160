//! The shape of the database, and its way from one version to the next.
//!
//! Migrations are embedded, numbered from 1 without a gap, applied together in one transaction, and never edited
//! after a release: the hash of each is kept beside its number.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::{StoreError, is_unsound};
use super::sql::{Db, args, statements};
use crate::clock::Timestamp;

/// One step of the shape.
struct Migration {
    version: i64,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[Migration { version: 1, sql: include_str!("migrations/0001_first.sql") }];

/// Marks the file as Usher's: "Ushr" (<https://sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i64 = 0x5573_6872;

statements! {
    BEGIN = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    READ_APPLICATION_ID = "PRAGMA application_id";
    WRITE_APPLICATION_ID = "PRAGMA application_id = 1433626738";
    COUNT_TABLES = "SELECT count(*) AS tables FROM sqlite_schema";
    APPLIED = "SELECT version, hash FROM migrations ORDER BY version";
    APPLY = "INSERT INTO migrations (version, hash, applied_at) VALUES ($1, $2, $3)";
}

/// Outside the list of statements: it prepares only where the table is not there yet.
const TABLE: &str = "CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, hash TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";

/// Brings the database to the latest version, or says why it must not be touched.
pub(super) async fn migrate(db: &mut Db, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    // Most often nothing is to be done, and a command that only reads need not wait for those who write.
    if standing(db, path).await? == Some(latest()) {
        return Ok(());
    }
    // Two processes may open a new directory at once: the second waits here and finds everything done.
    db.change(BEGIN, &[]).await?;
    match apply(db, path, now).await {
        Ok(()) => db.change(COMMIT, &[]).await.map(drop),
        Err(error) => {
            db.take_fault();
            db.change(ROLLBACK, &[]).await?;
            Err(error)
        }
    }
}

/// The latest version that this program knows.
fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The version that the database is at; `None` where it is empty.
async fn standing(db: &mut Db, path: &Path) -> Result<Option<i64>, StoreError> {
    if number(db, COUNT_TABLES, "tables").await.map_err(|error| unsound(path, error))? == 0 {
        return Ok(None);
    }
    if number(db, READ_APPLICATION_ID, "application_id").await? != APPLICATION_ID {
        return Err(StoreError::Unsound { path: path.to_owned(), source: None });
    }
    let mut found = 0;
    for row in db.all(APPLIED, &[]).await? {
        found = row.int("version")?;
        let hash = row.text("hash")?;
        match MIGRATIONS.iter().find(|migration| migration.version == found) {
            Some(migration) if hash_of(migration) == hash => {}
            Some(_) => return Err(StoreError::Altered { version: found }),
            None => return Err(StoreError::Newer { found, known: latest() }),
        }
    }
    Ok(Some(found))
}

async fn apply(db: &mut Db, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    let found = standing(db, path).await?;
    if found.is_none() {
        db.one(WRITE_APPLICATION_ID, &[]).await?;
        db.change(TABLE, &[]).await?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found.unwrap_or(0)) {
        db.script(migration.sql).await?;
        db.change(APPLY, args![migration.version, hash_of(migration), now]).await?;
    }
    Ok(())
}

/// Names the file where the error is about what it holds.
pub(super) fn unsound(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Database(source) if is_unsound(&source) => {
            StoreError::Unsound { path: path.to_owned(), source: Some(source) }
        }
        other => other,
    }
}

async fn number(db: &mut Db, sql: &'static str, column: &'static str) -> Result<i64, StoreError> {
    match db.one(sql, &[]).await? {
        Some(row) => row.int(column),
        None => Ok(0),
    }
}

fn hash_of(migration: &Migration) -> String {
    hex(&Sha256::digest(migration.sql))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_a_gap_and_the_mark_is_written_as_it_is_read() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, i64::try_from(index).unwrap() + 1);
        }
        assert!(WRITE_APPLICATION_ID.ends_with(&APPLICATION_ID.to_string()));
    }
}
