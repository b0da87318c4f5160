//! PostgreSQL: a schema of a database that several processes, on several machines, share.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use tokio::task::JoinHandle;
use url::Url;

use super::pipe::Pipe;
use super::{Bell, Link};
use crate::clock::Timestamp;
use crate::store::error::StoreError;
use crate::store::sql::Db;
use crate::store::stamp::Stamp;
use crate::store::watch::Watchers;
use crate::store::{StoreOptions, migrate};

/// How long a transaction that writes may do nothing before the server ends it: the lock that it holds keeps every writer out, and the
/// process that holds it may have been stopped.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// How long a connection that is not answered is waited for.
const ANSWER: Duration = Duration::from_secs(10);
/// How many connections a process has beside those of its readers and its writer.
const ASIDE: u32 = 4;
/// The schema, where the address names none.
const SCHEMA: &str = "usher";

/// Where a PostgreSQL database is: `postgres://user@host:port/database?schema=usher`, and what else libpq takes in an address.
#[derive(Clone)]
pub struct DatabaseUrl {
    connect: Box<PgConnectOptions>,
    schema: String,
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    /// Without a password, and without who asks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.connect.get_host(), self.connect.get_port());
        let database = self.connect.get_database().unwrap_or(self.connect.get_username());
        write!(f, "postgres://{host}:{port}/{database}?schema={}", self.schema)
    }
}

/// What was given is no address of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// It is no URL, or of something else.
    #[error("write it as postgres://user@host:port/database")]
    NoUrl,
    /// One of its parts cannot be used.
    #[error("{0}")]
    Part(String),
    /// The schema's name would have to be quoted everywhere.
    #[error("schema `{0}`: use up to 48 small letters, digits and underscores, a letter first")]
    Schema(String),
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut url = Url::parse(text).map_err(|_| DatabaseUrlError::NoUrl)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(DatabaseUrlError::NoUrl);
        }
        let (own, others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(name, _)| name == "schema");
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }
        let schema = own.into_iter().next_back().map_or_else(|| SCHEMA.to_owned(), |(_, schema)| schema);
        let is_plain =
            schema.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_plain || !schema.starts_with(|first: char| first.is_ascii_lowercase()) || schema.len() > 48 {
            return Err(DatabaseUrlError::Schema(schema));
        }
        let connect = PgConnectOptions::from_url(&url)
            .map_err(|error| DatabaseUrlError::Part(without_password(&error.to_string(), &url)))?;
        Ok(Self { connect: Box::new(connect), schema })
    }
}

impl DatabaseUrl {
    /// Whether a text that was meant as an address carries a password, which belongs elsewhere.
    pub fn has_password(text: &str) -> bool {
        Url::parse(text).is_ok_and(|url| {
            url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
        })
    }

    /// The schema that holds the tables.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    fn options(&self, options: &StoreOptions) -> PgConnectOptions {
        let ms = |duration: Duration| duration.as_millis().to_string();
        PgConnectOptions::clone(&self.connect)
            .application_name("usher")
            .statement_cache_capacity(256)
            .options([
                ("search_path", self.schema.clone()),
                // What was answered is on the disk, whatever the server's default is.
                ("synchronous_commit", "on".to_owned()),
                // What is written behind a statement's name is read back as it is.
                ("standard_conforming_strings", "on".to_owned()),
                // Nothing that is asked takes as long as to compile it would.
                ("jit", "off".to_owned()),
                ("lock_timeout", ms(options.busy_timeout)),
                ("idle_in_transaction_session_timeout", ms(IDLE_IN_TRANSACTION)),
            ])
            .disable_statement_logging()
    }
}

fn without_password(text: &str, url: &Url) -> String {
    match url.password() {
        Some(password) if !password.is_empty() => text.replace(password, "…"),
        _ => text.to_owned(),
    }
}

#[derive(Debug)]
pub(in crate::store) struct Postgres {
    connect: PgConnectOptions,
    schema: String,
    pool: PgPool,
    /// For those who listen, who tell others, and for heartbeats: none of them waits for somebody who reads.
    aside: PgPool,
    ringing: Mutex<Option<JoinHandle<()>>>,
}

impl Postgres {
    pub(super) async fn open(
        options: &StoreOptions,
        url: &DatabaseUrl,
        now: Timestamp,
    ) -> Result<(Self, Db), StoreError> {
        let connect = url.options(options);
        let mut db = writer(&connect).await?;
        migrate::migrate_schema(&mut db, &url.schema, options.migrate, now).await?;
        let pool = |connections| {
            let pool =
                PgPoolOptions::new().max_connections(connections).acquire_timeout(options.busy_timeout);
            pool.connect_lazy_with(connect.clone())
        };
        let (readers, aside) = (pool(options.readers), pool(ASIDE));
        let (schema, ringing) = (url.schema.clone(), Mutex::default());
        Ok((Self { connect, schema, pool: readers, aside, ringing }, db))
    }

    pub(super) async fn listen(
        &self,
        name: String,
        (watchers, stamp): (&Arc<Watchers>, &Arc<Stamp>),
    ) -> Result<Bell, StoreError> {
        let who = (Arc::clone(watchers), Arc::clone(stamp));
        let (bell, ringing) = Bell::start(&self.aside, &self.schema, name, who).await?;
        *self.ringing.lock().unwrap_or_else(PoisonError::into_inner) = Some(ringing);
        Ok(bell)
    }

    pub(super) async fn beside(&self) -> Result<Db, StoreError> {
        Ok(Db::new(Link::PostgresReader(self.aside.acquire().await?)))
    }

    pub(super) async fn writer(&self) -> Result<Db, StoreError> {
        writer(&self.connect).await
    }

    pub(super) async fn reader(&self) -> Result<Db, StoreError> {
        Ok(Db::new(Link::PostgresReader(self.pool.acquire().await?)))
    }

    pub(super) async fn snapshot(&self) -> Result<Db, StoreError> {
        let moment = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        Ok(Db::new(Link::PostgresMoment(moment)))
    }

    pub(super) async fn close(&self) {
        // The writer is closed before: nothing more is rung.
        let ringing = self.ringing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ringing) = ringing {
            drop(ringing.await);
        }
        self.aside.close().await;
        self.pool.close().await;
    }
}

async fn writer(connect: &PgConnectOptions) -> Result<Db, StoreError> {
    // Its statements are few and always the same: to plan them anew each time costs more than to run them.
    let connect = connect.clone().options([("plan_cache_mode", "force_generic_plan")]);
    let connection = tokio::time::timeout(ANSWER, connect.connect()).await;
    let connection = connection.map_err(|_| sqlx::Error::PoolTimedOut)??;
    Ok(Db::new(Link::Postgres(Box::new(Pipe::new(connection)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        let url: DatabaseUrl =
            "postgres://ada:s3cret@db.example:5433/usher?schema=team_a&sslmode=require".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db.example:5433/usher?schema=team_a");
        assert!(!format!("{url:?}").contains("s3cret"));
        let url: DatabaseUrl = "postgresql://ada@db.example/usher".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://db.example:5432/usher?schema=usher");
        for (text, why) in [
            ("usher.db", "write it as"),
            ("mysql://ada@db.example/usher", "write it as"),
            ("postgres://db.example/usher?schema=Team-A", "schema `Team-A`"),
            ("postgres://db.example/usher?schema=", "schema ``"),
            ("postgres://ada:s3cret@db.example/usher?sslmode=s3cret", "…"),
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("s3cret"), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_noticed() {
        assert!(DatabaseUrl::has_password("postgres://ada:s3cret@db.example/usher"));
        assert!(DatabaseUrl::has_password("postgres://ada@db.example/usher?password=s3cret"));
        assert!(!DatabaseUrl::has_password("postgres://ada@db.example/usher"));
    }
}
