//! Events: what happened, written with the change it tells of, never changed after.

use std::collections::{BTreeMap, HashSet};

use futures::FutureExt as _;

use super::Store;
use super::chain::{ChainHead, EventText, chained};
use super::error::StoreError;
use super::sql::{Db, Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    HEAD = "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1";
    INSERT = "INSERT INTO events (seq, at, kind, actor, integration_id, target, job_id, data, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    COUNTS = "SELECT integration_id, kind, count(*) AS events, max(seq) AS last FROM events WHERE seq > $1 GROUP BY integration_id, kind";
    TARGETS = "SELECT DISTINCT target FROM events WHERE integration_id = $1 AND seq > $2 AND target IS NOT NULL";
    LATEST = "SELECT * FROM events WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
    LATEST_OF_INTEGRATION = "SELECT * FROM events WHERE integration_id = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2";
    LATEST_OF_JOB = "SELECT * FROM events WHERE job_id = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2";
    LATEST_OF_TARGET = "SELECT * FROM events WHERE target = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2";
}

/// An event to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What happened, in dotted words: `user.invited`.
    pub kind: String,
    /// Who did it: `token:<id>`, `cli`, `worker:<name>`, `usher`.
    pub actor: String,
    /// The integration it belongs to.
    pub integration_id: Option<String>,
    /// What it happened to; most often a user's id.
    pub target: Option<String>,
    /// The job that did it or was caused by it.
    pub job_id: Option<String>,
    /// What else is to be known; never a secret.
    pub data: serde_json::Value,
}

impl NewEvent {
    /// An event of this kind, by this actor.
    pub fn new(kind: &str, actor: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            actor: actor.to_owned(),
            integration_id: None,
            target: None,
            job_id: None,
            data: serde_json::Value::Object(serde_json::Map::new()),
        }
    }

    /// The same, of this integration.
    #[must_use]
    pub fn of(mut self, integration_id: &str) -> Self {
        self.integration_id = Some(integration_id.to_owned());
        self
    }

    /// The same, to this target.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        self.target = Some(target.to_owned());
        self
    }

    /// The same, with more to be known.
    #[must_use]
    pub fn with(mut self, data: serde_json::Value) -> Self {
        self.data = data;
        self
    }
}

/// An event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, in dotted words.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// The integration it belongs to.
    pub integration_id: Option<String>,
    /// What it happened to.
    pub target: Option<String>,
    /// The job that did it or was caused by it.
    pub job_id: Option<String>,
    /// What else is known.
    pub data: serde_json::Value,
    /// The hash of the chain up to and with this event, hexadecimal.
    pub hash: String,
    /// Whether what it said is erased.
    pub erased: bool,
}

/// Which events to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFilter {
    /// Every one.
    All,
    /// Those of one integration.
    Integration(String),
    /// Those of one job.
    Job(String),
    /// Those that happened to one target.
    Target(String),
}

/// How many events there were of each kind, as far as they were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// The last event that is counted.
    pub last: i64,
    /// By the integration, where there is one, and the kind.
    pub counts: BTreeMap<(Option<String>, String), u64>,
}

impl Store {
    /// Writes an event that tells of no other change.
    pub async fn append_event(&self, event: NewEvent) -> Result<(), StoreError> {
        let write = |tx: &mut Tx| {
            append(tx, event);
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(write(tx)).boxed()).await
    }

    /// The latest events, newest first; those before `before`, where it is given.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let mut db = self.reader().await?;
        let (before, limit) = (before.unwrap_or(i64::MAX), i64::from(limit));
        let rows = match filter {
            EventFilter::All => db.all(LATEST, args![before, limit]).await,
            EventFilter::Integration(id) => db.all(LATEST_OF_INTEGRATION, args![before, limit, id]).await,
            EventFilter::Job(id) => db.all(LATEST_OF_JOB, args![before, limit, id]).await,
            EventFilter::Target(id) => db.all(LATEST_OF_TARGET, args![before, limit, id]).await,
        };
        rows?.iter().map(read).collect()
    }

    /// The place in the chain of the last event.
    pub async fn last_event(&self) -> Result<i64, StoreError> {
        Ok(head(&mut self.reader().await?).await?.events)
    }

    /// To whom, or what, something happened in an integration after that event.
    pub async fn targets_since(&self, integration_id: &str, seq: i64) -> Result<HashSet<String>, StoreError> {
        let rows = self.reader().await?.all(TARGETS, args![integration_id, seq]).await?;
        rows.iter().map(|row| row.text("target")).collect()
    }

    /// Counts the events that came since.
    pub async fn count_events(&self, counted: &mut EventCounts) -> Result<(), StoreError> {
        let mut last = counted.last;
        for row in self.reader().await?.all(COUNTS, args![counted.last]).await? {
            let of = (row.maybe_text("integration_id")?, row.text("kind")?);
            *counted.counts.entry(of).or_default() += u64::try_from(row.int("events")?).unwrap_or(0);
            last = last.max(row.int("last")?);
        }
        counted.last = last;
        Ok(())
    }
}

/// Writes an event inside a transaction.
pub(super) fn append(tx: &mut Tx, event: NewEvent) {
    let fields = EventText {
        seq: tx.chain.events + 1,
        at: tx.now,
        kind: event.kind,
        actor: event.actor,
        integration_id: event.integration_id,
        target: event.target,
        job_id: event.job_id,
        data: event.data.to_string(),
        erased: None,
    };
    let hash = chained(&tx.chain.hash, &fields.digest());
    let values = args![
        fields.seq,
        fields.at,
        &fields.kind,
        &fields.actor,
        fields.integration_id.as_ref(),
        fields.target.as_ref(),
        fields.job_id.as_ref(),
        &fields.data,
        &hash,
    ];
    tx.db.write(INSERT, values);
    tx.chain = ChainHead { events: fields.seq, hash };
}

/// The end of the chain.
pub(super) async fn head(db: &mut Db) -> Result<ChainHead, StoreError> {
    match db.one(HEAD, &[]).await? {
        Some(row) => Ok(ChainHead { events: row.int("seq")?, hash: row.text("hash")? }),
        None => Ok(ChainHead::default()),
    }
}

pub(super) fn read(row: &Row) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        seq: row.int("seq")?,
        at: row.time("at")?,
        kind: row.text("kind")?,
        actor: row.text("actor")?,
        integration_id: row.maybe_text("integration_id")?,
        target: row.maybe_text("target")?,
        job_id: row.maybe_text("job_id")?,
        data: row.json("data")?,
        hash: row.text("hash")?,
        erased: row.maybe_text("erased")?.is_some(),
    })
}
