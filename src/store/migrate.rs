//! The shape of the database, and its way from one version to the next.
//!
//! Migrations are embedded, numbered from 1 without a gap, applied together in one transaction, and never edited
//! after a release: the hash of each is kept beside its number.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::engine::Kind;
use super::error::{StoreError, is_unsound};
use super::sql::{Db, Value, args, statements};
use crate::clock::Timestamp;

/// One step of the shape, for each engine.
struct Migration {
    version: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    fn sql(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Sqlite => self.sqlite,
            Kind::Postgres => self.postgres,
        }
    }
}

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: include_str!("migrations/sqlite/0001_first.sql"),
    postgres: include_str!("migrations/postgres/0001_first.sql"),
}];

/// Marks the file as Usher's: "Ushr" (<https://sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i64 = 0x5573_6872;

statements! {
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    APPLIED = "SELECT version, hash FROM migrations ORDER BY version";
    APPLY = "INSERT INTO migrations (version, hash, applied_at) VALUES ($1, $2, $3)";
}

/// SQLite's own.
const READ_APPLICATION_ID: &str = "PRAGMA application_id";
const WRITE_APPLICATION_ID: &str = "PRAGMA application_id = 1433626738";
const COUNT_FILE_TABLES: &str = "SELECT count(*) AS tables FROM sqlite_schema";

/// PostgreSQL's own.
const COUNT_SCHEMA_TABLES: &str = "SELECT count(*) AS tables FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'v', 'm', 'f')";
const COUNT_OWN_TABLES: &str = "SELECT count(*) AS tables FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace($1) AND relname IN ('migrations', 'integrations')";
const LOCK_MIGRATIONS: &str = "SELECT pg_advisory_xact_lock(hashtextextended('usher migrates ' || $1, 0))";

/// Outside the list of statements: it prepares only where the table is not there yet.
const TABLE: &str = "CREATE TABLE migrations (version BIGINT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Brings the file to the latest version, or says why it must not be touched.
pub(super) async fn migrate_file(db: &mut Db, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    // Most often nothing is to be done, and a command that only reads need not wait for those who write.
    if file_standing(db, path).await? == Some(latest()) {
        return Ok(());
    }
    // Two processes may open a new directory at once: the second waits here and finds everything done.
    begin(db).await?;
    let applied = async {
        let found = file_standing(db, path).await?;
        if found.is_none() {
            db.one(WRITE_APPLICATION_ID, &[]).await?;
        }
        apply(db, found, now).await
    };
    let applied = applied.await;
    end(db, applied).await
}

/// Brings the schema to the latest version where it `may`, or says why it must not be touched. One that is not there is made.
pub(super) async fn migrate_schema(
    db: &mut Db,
    schema: &str,
    may: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    match schema_standing(db, schema).await? {
        Some(found) if found == latest() => return Ok(()),
        found if !may => return Err(StoreError::Behind { found: found.unwrap_or(0), known: latest() }),
        _ => {}
    }
    db.change("BEGIN", &[]).await?;
    let applied = async {
        db.one(LOCK_MIGRATIONS, args![schema]).await?;
        let found = schema_standing(db, schema).await?;
        // Its name consists of small letters, digits and underscores.
        db.script(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
        apply(db, found, now).await
    };
    let applied = applied.await;
    end(db, applied).await
}

async fn begin(db: &mut Db) -> Result<(), StoreError> {
    for statement in db.kind().begin_writing() {
        db.write(statement, &[]);
    }
    db.flush().await
}

async fn end(db: &mut Db, applied: Result<(), StoreError>) -> Result<(), StoreError> {
    match applied {
        Ok(()) => db.change(COMMIT, &[]).await.map(drop),
        Err(error) => {
            db.take_fault();
            db.change(ROLLBACK, &[]).await?;
            Err(error)
        }
    }
}

/// The latest version that this program knows.
pub(super) fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The version that the file is at; `None` where it is empty.
async fn file_standing(db: &mut Db, path: &Path) -> Result<Option<i64>, StoreError> {
    let tables = number(db, COUNT_FILE_TABLES, &[], "tables").await;
    if tables.map_err(|error| unsound(path, error))? == 0 {
        return Ok(None);
    }
    if number(db, READ_APPLICATION_ID, &[], "application_id").await? != APPLICATION_ID {
        return Err(StoreError::Unsound { path: path.to_owned(), source: None });
    }
    standing(db).await.map(Some)
}

/// The version that the schema is at; `None` where it is empty.
async fn schema_standing(db: &mut Db, schema: &str) -> Result<Option<i64>, StoreError> {
    if number(db, COUNT_SCHEMA_TABLES, args![schema], "tables").await? == 0 {
        return Ok(None);
    }
    if number(db, COUNT_OWN_TABLES, args![schema], "tables").await? < 2 {
        return Err(StoreError::Foreign { schema: schema.to_owned() });
    }
    standing(db).await.map(Some)
}

async fn standing(db: &mut Db) -> Result<i64, StoreError> {
    let mut found = 0;
    for row in db.all(APPLIED, &[]).await? {
        found = row.int("version")?;
        let hash = row.text("hash")?;
        match MIGRATIONS.iter().find(|migration| migration.version == found) {
            Some(migration) if hash_of(migration, db.kind()) == hash => {}
            Some(_) => return Err(StoreError::Altered { version: found }),
            None => return Err(StoreError::Newer { found, known: latest() }),
        }
    }
    Ok(found)
}

async fn apply(db: &mut Db, found: Option<i64>, now: Timestamp) -> Result<(), StoreError> {
    let kind = db.kind();
    if found.is_none() {
        db.change(TABLE, &[]).await?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found.unwrap_or(0)) {
        db.script(migration.sql(kind)).await?;
        db.change(APPLY, args![migration.version, hash_of(migration, kind), now]).await?;
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

async fn number(
    db: &mut Db,
    sql: &'static str,
    args: &[Value<'_>],
    column: &'static str,
) -> Result<i64, StoreError> {
    match db.one(sql, args).await? {
        Some(row) => row.int(column),
        None => Ok(0),
    }
}

fn hash_of(migration: &Migration, kind: Kind) -> String {
    hex(&Sha256::digest(migration.sql(kind)))
}

/// Lower-case hexadecimal.
pub(in crate::store) fn hex(bytes: &[u8]) -> String {
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
