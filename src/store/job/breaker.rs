//! Operations of a connector that are not begun any more, because they failed as a page does that has changed (R25).
//!
//! Failures of one operation of one integration are counted as long as it does not succeed. Where it is *open*, jobs that need it are
//! held. Something has to change before it is tried again: the connector, the credentials, or a person's mind. Then one job, the
//! *probe*, may; with its success the breaker is gone, and all who waited go on.

use futures::FutureExt as _;

use super::super::Store;
use super::super::error::StoreError;
use super::super::event::{self, NewEvent};
use super::super::sql::{Db, Row, args, statements};
use super::super::writer::Tx;
use super::{JobRow, WORKER, find, reread, tell};
use crate::clock::Timestamp;
use crate::failure::FailureClass;

statements! {
    OF_INTEGRATION = "SELECT * FROM breakers WHERE integration_id = $1 ORDER BY operation";
    FIND = "SELECT * FROM breakers WHERE integration_id = $1 AND operation = $2";
    WITHOUT_PROBE = "SELECT * FROM breakers b WHERE b.opened_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.id = b.probe AND p.state IN ('ready', 'running', 'retry')) AND EXISTS (SELECT 1 FROM jobs j WHERE j.integration_id = b.integration_id AND j.state = 'held' AND j.waits_for = b.operation) ORDER BY b.integration_id, b.operation";
    FIRST_WAITING = "SELECT j.id FROM jobs j WHERE j.integration_id = $1 AND j.state = 'held' AND j.waits_for = $2 ORDER BY j.priority, j.seq LIMIT 1";
    ALL_WAITING = "SELECT j.id FROM jobs j WHERE j.integration_id = $1 AND j.state = 'held' AND j.waits_for = $2 ORDER BY j.seq";
    GO_ON = "UPDATE jobs SET state = 'ready', due_at = $2, tries = 0, waits_for = NULL, changed_at = $2 WHERE id = $1";
    WAIT = "UPDATE jobs SET waits_for = $2 WHERE id = $1";
    PUT = "INSERT INTO breakers (integration_id, operation, failures, opened_at, class, message, connector_hash, credentials_at) VALUES ($1, $2, 1, $3, $4, $5, $6, $7) ON CONFLICT (integration_id, operation) DO UPDATE SET failures = breakers.failures + 1, opened_at = coalesce(breakers.opened_at, excluded.opened_at), class = excluded.class, message = excluded.message, connector_hash = excluded.connector_hash, credentials_at = excluded.credentials_at, probe = NULL";
    REMOVE = "DELETE FROM breakers WHERE integration_id = $1 AND operation = $2";
    PROBE = "UPDATE breakers SET probe = $3 WHERE integration_id = $1 AND operation = $2";
    DOUBT = "UPDATE breakers SET connector_hash = '' WHERE integration_id = $1 AND opened_at IS NOT NULL";
}

/// An operation that failed, and since when it is not begun any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// The integration.
    pub integration_id: String,
    /// The operation: a flow of the connector.
    pub operation: String,
    /// How often in a row it failed.
    pub failures: i64,
    /// Since when jobs that need it are held; none where it is still tried.
    pub opened_at: Option<Timestamp>,
    /// How it failed last.
    pub class: FailureClass,
    /// The same in words.
    pub message: String,
    /// The connector with which it failed last.
    pub connector_hash: String,
    /// When the credentials had changed with which it failed last.
    pub credentials_at: Option<Timestamp>,
    /// The job that may try it; where it has ended without having done so, another may.
    pub probe: Option<String>,
}

impl Breaker {
    /// Whether this job must not begin the operation.
    pub fn stops(&self, job_id: &str) -> bool {
        self.opened_at.is_some() && self.probe.as_deref() != Some(job_id)
    }
}

/// What an attempt found out about operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Those that had failed before, and did what they should.
    pub worked: Vec<String>,
    /// The one that failed as a page does that has changed.
    pub tripped: Option<Tripped>,
    /// The one that it did not begin, because its breaker is open; the job is held for it.
    pub waits_for: Option<String>,
}

/// An operation that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tripped {
    /// The operation: a flow of the connector.
    pub operation: String,
    /// How.
    pub class: FailureClass,
    /// The same in words; never a secret.
    pub message: String,
    /// At how many failures in a row it is not begun any more.
    pub opens_at: i64,
    /// The connector that it failed with.
    pub connector_hash: String,
    /// When the credentials had changed that it failed with.
    pub credentials_at: Option<Timestamp>,
}

impl Store {
    /// The operations of an integration that failed and have not succeeded since.
    pub async fn breakers(&self, integration_id: &str) -> Result<Vec<Breaker>, StoreError> {
        of_integration(&mut self.reader().await?, integration_id).await
    }

    /// The open ones for which a job waits and that no job is going to try.
    pub async fn breakers_without_probe(&self) -> Result<Vec<Breaker>, StoreError> {
        self.reader().await?.all(WITHOUT_PROBE, &[]).await?.iter().map(read).collect()
    }

    /// Lets one of the jobs that wait for it try an operation, unless one does so already. Returns the job.
    pub async fn half_open(&self, breaker: &Breaker) -> Result<Option<JobRow>, StoreError> {
        let breaker = breaker.clone();
        self.writer.write(move |tx| async move { half_open(tx, &breaker).await }.boxed()).await
    }
}

pub(in super::super) async fn of_integration(
    db: &mut Db,
    integration_id: &str,
) -> Result<Vec<Breaker>, StoreError> {
    db.all(OF_INTEGRATION, args![integration_id]).await?.iter().map(read).collect()
}

async fn half_open(tx: &mut Tx, seen: &Breaker) -> Result<Option<JobRow>, StoreError> {
    let (integration_id, operation) = (&seen.integration_id, &seen.operation);
    let Some(row) = tx.db.one(FIND, args![integration_id, operation]).await? else { return Ok(None) };
    // What failed once more since it was looked at has to be looked at again.
    if read(&row)? != *seen {
        return Ok(None);
    }
    let Some(first) = tx.db.one(FIRST_WAITING, args![integration_id, operation]).await? else {
        return Ok(None);
    };
    let id = first.text("id")?;
    let Some(job) = find(&mut tx.db, &id).await? else { return Ok(None) };
    probe(tx, &job, operation);
    tx.db.write(GO_ON, args![&id, tx.now]);
    tell(tx, &job, "job.probes", WORKER, serde_json::json!({ "operation": operation }));
    reread(tx, &id).await.map(Some)
}

/// Lets this job try the operation that it waited for.
pub(super) fn probe(tx: &mut Tx, job: &JobRow, operation: &str) {
    tx.db.write(PROBE, args![&job.integration_id, operation, &job.id]);
}

/// A person says that the integration may be tried again.
pub(in super::super) fn doubt(tx: &mut Tx, integration_id: &str) {
    tx.db.write(DOUBT, args![integration_id]);
}

/// Writes what an attempt found out.
pub(super) async fn note(tx: &mut Tx, job: &JobRow, trial: Trial) -> Result<(), StoreError> {
    for operation in trial.worked {
        close(tx, job, &operation).await?;
    }
    if let Some(operation) = trial.waits_for {
        wait(tx, job, &operation).await?;
    }
    let Some(tripped) = trial.tripped else { return Ok(()) };
    let before = tx.db.one(FIND, args![&job.integration_id, &tripped.operation]).await?;
    let before = before.map(|row| read(&row)).transpose()?;
    let (failures, was_open) =
        before.map_or((0, false), |before| (before.failures, before.opened_at.is_some()));
    let opens = failures + 1 >= tripped.opens_at;
    let values = args![
        &job.integration_id,
        &tripped.operation,
        opens.then_some(tx.now),
        tripped.class.as_str(),
        &tripped.message,
        &tripped.connector_hash,
        tripped.credentials_at,
    ];
    tx.db.write(PUT, values);
    if opens && !was_open {
        let data = serde_json::json!({ "operation": tripped.operation, "class": tripped.class, "message": tripped.message });
        event::append(tx, NewEvent::new("breaker.opened", WORKER).of(&job.integration_id).with(data));
    }
    Ok(())
}

/// Lets a held job wait for an operation; where that worked meanwhile, nobody would release it, and it goes on.
async fn wait(tx: &mut Tx, job: &JobRow, operation: &str) -> Result<(), StoreError> {
    let breaker = tx.db.one(FIND, args![&job.integration_id, operation]).await?;
    let is_open = breaker.map(|row| read(&row)).transpose()?.is_some_and(|open| open.opened_at.is_some());
    if is_open {
        tx.db.write(WAIT, args![&job.id, operation]);
    } else {
        tx.db.write(GO_ON, args![&job.id, tx.now]);
        tell(tx, job, "job.released", WORKER, serde_json::json!({ "operation": operation }));
    }
    Ok(())
}

async fn close(tx: &mut Tx, job: &JobRow, operation: &str) -> Result<(), StoreError> {
    let integration_id = &job.integration_id;
    let Some(row) = tx.db.one(FIND, args![integration_id, operation]).await? else { return Ok(()) };
    tx.db.write(REMOVE, args![integration_id, operation]);
    if read(&row)?.opened_at.is_none() {
        return Ok(());
    }
    let data = serde_json::json!({ "operation": operation });
    event::append(tx, NewEvent::new("breaker.closed", WORKER).of(integration_id).with(data.clone()));
    for row in tx.db.all(ALL_WAITING, args![integration_id, operation]).await? {
        let id = row.text("id")?;
        tx.db.write(GO_ON, args![&id, tx.now]);
        let waiting = reread(tx, &id).await?;
        tell(tx, &waiting, "job.released", WORKER, data.clone());
    }
    Ok(())
}

fn read(row: &Row) -> Result<Breaker, StoreError> {
    Ok(Breaker {
        integration_id: row.text("integration_id")?,
        operation: row.text("operation")?,
        failures: row.int("failures")?,
        opened_at: row.maybe_time("opened_at")?,
        class: row.word("class")?,
        message: row.text("message")?,
        connector_hash: row.text("connector_hash")?,
        credentials_at: row.maybe_time("credentials_at")?,
        probe: row.maybe_text("probe")?,
    })
}
