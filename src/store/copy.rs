//! Moving an installation from a file to a server, whole.
//!
//! Everything is read of one moment, in which nobody writes, and written in one transaction: it is all there or nothing is. Then it is read
//! again from the server, and must have the same checksums.

use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};

use super::engine::{Engine, Kind};
use super::migrate::hex;
use super::sql::{Composed, Db, Value, statements};
use super::writer::Tx;
use super::{Store, StoreError};

statements! {
    COUNT_EVENTS = "SELECT count(*) AS rows FROM events";
    COUNT_INTEGRATIONS = "SELECT count(*) AS rows FROM integrations";
}

/// Each table after those that it refers to, its columns in the order of its key, and the column that counts its rows, where it has one.
const TABLES: &[(&str, &str, Option<&str>)] = &[
    ("integrations", "id", None),
    ("credentials", "integration_id, field", None),
    ("tokens", "seq", Some("seq")),
    ("operator_keys", "seq", Some("seq")),
    ("users", "seq", Some("seq")),
    ("user_counts", "integration_id, stretch", None),
    ("user_emails", "integration_id, email, user_id", None),
    ("groups", "seq", Some("seq")),
    ("members", "seq", Some("seq")),
    ("moves", "group_id, user_id", None),
    ("accounts", "seq", Some("seq")),
    ("entitlements", "integration_id, of_type, value_key", None),
    ("jobs", "seq", Some("seq")),
    ("starts", "seq", Some("seq")),
    ("schedules", "integration_id, kind", None),
    ("breakers", "integration_id, operation", None),
    ("slots", "id", Some("id")),
    ("attempts", "id", Some("id")),
    ("steps", "attempt_id, number", None),
    ("evidence", "attempt_id, path", None),
    ("listed_pages", "job_id, list, number", None),
    ("artifacts", "name", None),
    ("holds", "seq", Some("seq")),
    ("spared", "hold_id, attempt_id", None),
    ("plans", "seq", Some("seq")),
    ("plan_items", "plan_id, number", None),
    ("hooks", "id", None),
    ("events", "seq", None),
    ("exchanges", "number", Some("number")),
    ("exchanges_lost", "integration_id", None),
];

/// How many values one statement writes, at most; PostgreSQL takes 65,535.
const VALUES_AT_ONCE: usize = 6000;

/// A table that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 of all of them in the order of their key, hexadecimal; the same there as here.
    pub checksum: String,
}

/// The installation was not moved; nothing of it is there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Only a file can be moved, and only to a server.
    #[error("only the database of a data directory can be copied, and only to a server")]
    Direction,
    /// A worker works on the file.
    #[error("a worker works on the data directory: stop `usher serve` first")]
    InUse,
    /// There is something already.
    #[error(
        "the database on the server is not empty: name another schema with ?schema= at the end of the address"
    )]
    NotEmpty,
    /// What was written is not what was read; nothing was kept.
    #[error("table {0} is not the same on the server")]
    Differs(&'static str),
    /// One of the two could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes all that this store keeps in a file into that one, which is on a server and empty.
    pub async fn copy_to(&self, target: &Self) -> Result<Vec<Copied>, CopyError> {
        let (Engine::Sqlite(_), Engine::Postgres(_)) = (&*self.engine, &*target.engine) else {
            return Err(CopyError::Direction);
        };
        let _lock = self.lock_worker()?.ok_or(CopyError::InUse)?;
        // Whoever else may write into the file waits.
        let mut source = self.engine.writer().await?;
        for statement in Kind::Sqlite.begin_writing() {
            source.write(statement, &[]);
        }
        source.flush().await?;
        let source = Arc::new(tokio::sync::Mutex::new(source));
        target.writer.write(move |tx| async move { copy(&mut *source.lock().await, tx).await }.boxed()).await
    }
}

async fn copy(source: &mut Db, tx: &mut Tx) -> Result<Vec<Copied>, CopyError> {
    for count in [COUNT_EVENTS, COUNT_INTEGRATIONS] {
        if tx.db.one(count, &[]).await?.map_or(Ok(0), |row| row.int("rows"))? > 0 {
            return Err(CopyError::NotEmpty);
        }
    }
    let mut copied = Vec::new();
    for (table, ..) in TABLES {
        // What triggers keep beside a change is copied as it is.
        tx.db.script(&format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await?;
    }
    for &(table, key, counter) in TABLES {
        let read = transfer(source, &mut tx.db, (table, key)).await?;
        let written = checked(&mut tx.db, (table, key)).await?;
        if read != written {
            return Err(CopyError::Differs(table));
        }
        if let Some(counter) = counter {
            let next = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{counter}'), max({counter})) FROM {table}"
            );
            tx.db.script(&next).await?;
        }
        copied.push(read);
    }
    for (table, ..) in TABLES {
        tx.db.script(&format!("ALTER TABLE {table} ENABLE TRIGGER USER")).await?;
    }
    tx.chain = super::event::head(&mut tx.db).await?;
    tx.touched.work();
    tx.touched.configuration = true;
    Ok(copied)
}

fn everything((table, key): (&'static str, &'static str), kind: Kind) -> Composed<'static> {
    let mut select = Composed::new(kind);
    select.push("SELECT * FROM ").push(table).push(" ORDER BY ").push(key);
    select
}

/// Writes the rows of a table into the other database; tells what was read.
async fn transfer(
    source: &mut Db,
    target: &mut Db,
    of: (&'static str, &'static str),
) -> Result<Copied, StoreError> {
    let mut sum = Sum::default();
    let mut gathered: Vec<Vec<Value<'static>>> = Vec::new();
    let mut rows = source.stream(everything(of, Kind::Sqlite)).await?;
    while let Some(row) = rows.try_next().await? {
        let values = row.values()?;
        sum.add(&values);
        let is_full = (gathered.len() + 1) * values.len() >= VALUES_AT_ONCE;
        gathered.push(values);
        if is_full {
            insert(target, of.0, std::mem::take(&mut gathered)).await?;
        }
    }
    if !gathered.is_empty() {
        insert(target, of.0, gathered).await?;
    }
    Ok(sum.of(of.0))
}

/// Both engines have the same columns in the same order.
async fn insert(
    target: &mut Db,
    table: &'static str,
    rows: Vec<Vec<Value<'static>>>,
) -> Result<(), StoreError> {
    let mut insert = Composed::new(target.kind());
    insert.push("INSERT INTO ").push(table).push(" VALUES ");
    for (index, row) in rows.into_iter().enumerate() {
        insert.push(if index == 0 { "(" } else { ", (" });
        for (index, value) in row.into_iter().enumerate() {
            insert.push(if index == 0 { "" } else { ", " }).bind(value);
        }
        insert.push(")");
    }
    target.all_of(insert).await.map(drop)
}

/// Tells what is in a table.
async fn checked(db: &mut Db, of: (&'static str, &'static str)) -> Result<Copied, StoreError> {
    let mut sum = Sum::default();
    let mut rows = db.stream(everything(of, Kind::Postgres)).await?;
    while let Some(row) = rows.try_next().await? {
        sum.add(&row.values()?);
    }
    Ok(sum.of(of.0))
}

/// Rows, summed up.
#[derive(Default)]
struct Sum {
    rows: u64,
    hash: Sha256,
}

impl Sum {
    fn add(&mut self, values: &[Value<'_>]) {
        self.rows += 1;
        for value in values {
            // The kind, and a length before what has one, keep a byte from moving to the next value.
            let (kind, bytes) = match value {
                Value::Null => (0_u8, Vec::new()),
                Value::Int(int) => (1, int.to_be_bytes().to_vec()),
                Value::Real(real) => (2, real.to_be_bytes().to_vec()),
                Value::Text(text) => (3, text.as_bytes().to_vec()),
                Value::Bytes(bytes) => (4, bytes.to_vec()),
            };
            self.hash.update([kind]);
            self.hash.update((bytes.len() as u64).to_be_bytes());
            self.hash.update(bytes);
        }
    }

    fn of(self, table: &'static str) -> Copied {
        Copied { table, rows: self.rows, checksum: hex(&self.hash.finalize()) }
    }
}
