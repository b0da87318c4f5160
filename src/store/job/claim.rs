//! Claiming: a free slot of an integration takes the most urgent head of it, for the time of a lease.
//!
//! The lease lives on the slot. The fence of the job grows with each claim and is carried by every later write of the
//! worker; a write that finds another fence changes nothing and says that the lease is lost. Time is the store's
//! clock; a worker stops by its own clock well before (see `job`).

use std::time::Duration;

use futures::FutureExt as _;

use super::super::Store;
use super::super::attempt;
use super::super::error::StoreError;
use super::super::sql::{Db, Row, args, statements};
use super::super::writer::Tx;
use super::{JobRow, find, reread, tell};
use crate::clock::Timestamp;

statements! {
    // A paused integration still lets its login be tested: that is how a new password is tried.
    PICK = "SELECT s.id AS slot_id, h.id AS job_id FROM slots s JOIN integrations i ON i.id = s.integration_id AND s.ordinal < i.max_sessions JOIN jobs h ON h.seq = CASE WHEN i.paused_at IS NULL THEN (SELECT j.seq FROM jobs j WHERE j.integration_id = s.integration_id AND j.state = 'ready' ORDER BY j.priority, j.due_at, j.seq LIMIT 1) ELSE (SELECT j.seq FROM jobs j WHERE j.integration_id = s.integration_id AND j.state = 'ready' AND j.kind = 'test_login' ORDER BY j.priority, j.due_at, j.seq LIMIT 1) END WHERE s.job_id IS NULL ORDER BY h.priority, h.due_at, h.seq, s.ordinal LIMIT 1";
    DUE = "SELECT id FROM jobs WHERE state = 'retry' AND due_at <= $1 LIMIT 1";
    MAKE_READY = "UPDATE jobs SET state = 'ready', changed_at = $1 WHERE state = 'retry' AND due_at <= $1";
    NEXT_DUE = "SELECT min(due_at) AS due_at FROM jobs WHERE state = 'retry'";
    TAKE = "UPDATE jobs SET state = 'running', attempts = attempts + 1, tries = tries + 1, fence = fence + 1, committing_at = NULL, changed_at = $2 WHERE id = $1 AND state = 'ready'";
    OCCUPY = "UPDATE slots SET job_id = $2, fence = $3, worker = $4, lease_until = $5 WHERE id = $1 AND job_id IS NULL";
    BEAT = "UPDATE slots SET lease_until = $3 WHERE job_id = $1 AND fence = $2";
    HOLDER = "SELECT worker FROM slots WHERE job_id = $1 AND fence = $2";
    FREE = "UPDATE slots SET job_id = NULL, fence = NULL, worker = NULL, lease_until = NULL WHERE job_id = $1 AND fence = $2";
    COMMITTING = "UPDATE jobs SET committing_at = $3, changed_at = $3 WHERE id = $1 AND fence = $2 AND state = 'running'";
    EXPIRED = "SELECT job_id, fence, worker FROM slots WHERE job_id IS NOT NULL AND lease_until < $1 ORDER BY lease_until LIMIT 100";
    OF_WORKER = "SELECT job_id, fence, worker FROM slots WHERE job_id IS NOT NULL AND worker = $1 ORDER BY id";
    OCCUPIED = "SELECT job_id, fence, worker FROM slots WHERE job_id IS NOT NULL ORDER BY id";
    HAND_BACK = "UPDATE jobs SET state = 'ready', due_at = $2, read_first = CASE WHEN committing_at IS NULL THEN read_first ELSE 1 END, changed_at = $2 WHERE id = $1 AND state = 'running'";
}

/// The right to work on a job. Every write of the worker carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job_id: String,
    /// The fence of the claim.
    pub fence: i64,
}

/// A claimed job.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The job, running.
    pub job: JobRow,
    /// The right to work on it.
    pub lease: Lease,
    /// Until when, by the store's clock.
    pub lease_until: Timestamp,
}

/// The write was not done.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another claim has the job, or it was taken back: stop, and close the page.
    #[error("the lease is lost")]
    Lost,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whose leases are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranded {
    /// Those that ran out.
    Expired,
    /// Those of one worker, which is known to be gone.
    Worker(String),
    /// All: this process owns the only worker there can be, and has just started.
    All,
}

impl Store {
    /// Claims the most urgent job that is due and whose integration has a free slot; `None` where there is none.
    /// An idle call does not disturb the writer.
    pub async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claimed>, StoreError> {
        let mut db = self.reader().await?;
        let is_idle =
            db.one(DUE, args![self.clock.now()]).await?.is_none() && db.one(PICK, &[]).await?.is_none();
        drop(db);
        if is_idle {
            return Ok(None);
        }
        let worker = worker.to_owned();
        self.writer.write(move |tx| async move { claim(tx, &worker, lease).await }.boxed()).await
    }

    /// When the next job that waits for its next try becomes due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.reader().await?.one(NEXT_DUE, &[]).await? {
            Some(row) => row.maybe_time("due_at"),
            None => Ok(None),
        }
    }

    /// Extends a lease to `lease` from now; returns its new end.
    pub async fn heartbeat(&self, held: &Lease, lease: Duration) -> Result<Timestamp, LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| beat(tx, held, lease).boxed()).await
    }

    /// Notes, on the disk before it returns, that the next step may change the app. Whatever happens after, an attempt
    /// that ends without a word of its outcome is followed by a reading.
    pub async fn mark_committing(&self, held: &Lease) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| committing(tx, held).boxed()).await
    }

    /// Takes leases back and returns the jobs, ready again. One that had marked a commit is to be read first.
    pub async fn take_back(&self, stranded: Stranded) -> Result<Vec<JobRow>, StoreError> {
        if stranded_slots(&mut self.reader().await?, &stranded, self.clock.now()).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.write(move |tx| async move { take_back(tx, &stranded).await }.boxed()).await
    }
}

async fn claim(tx: &mut Tx, worker: &str, lease: Duration) -> Result<Option<Claimed>, StoreError> {
    tx.db.write(MAKE_READY, args![tx.now]);
    let Some(picked) = tx.db.one(PICK, &[]).await? else { return Ok(None) };
    let (slot_id, job_id) = (picked.int("slot_id")?, picked.text("job_id")?);
    if tx.db.change(TAKE, args![&job_id, tx.now]).await? == 0 {
        return Ok(None);
    }
    let job = reread(tx, &job_id).await?;
    let lease_until = tx.now.plus(lease);
    tx.db.write(OCCUPY, args![slot_id, &job_id, job.fence, worker, lease_until]);
    Ok(Some(Claimed { lease: Lease { job_id, fence: job.fence }, job, lease_until }))
}

async fn beat(tx: &mut Tx, held: Lease, lease: Duration) -> Result<Timestamp, LeaseError> {
    let until = tx.now.plus(lease);
    match tx.db.change(BEAT, args![&held.job_id, held.fence, until]).await? {
        0 => Err(LeaseError::Lost),
        _ => Ok(until),
    }
}

async fn committing(tx: &mut Tx, held: Lease) -> Result<(), LeaseError> {
    held_by(tx, &held).await?;
    tx.db.write(COMMITTING, args![&held.job_id, held.fence, tx.now]);
    tx.touched.job(&held.job_id);
    attempt::mark_committing(tx, &held.job_id);
    Ok(())
}

/// The worker that holds the lease; an error where nobody does with this fence.
pub(in super::super) async fn held_by(tx: &mut Tx, held: &Lease) -> Result<String, LeaseError> {
    match tx.db.one(HOLDER, args![&held.job_id, held.fence]).await? {
        Some(row) => Ok(row.text("worker")?),
        None => Err(LeaseError::Lost),
    }
}

/// Frees the slot of a lease; an error where nobody holds it with this fence.
pub(super) async fn free(tx: &mut Tx, held: &Lease) -> Result<(), LeaseError> {
    match tx.db.change(FREE, args![&held.job_id, held.fence]).await? {
        0 => Err(LeaseError::Lost),
        _ => Ok(()),
    }
}

async fn stranded_slots(db: &mut Db, stranded: &Stranded, now: Timestamp) -> Result<Vec<Row>, StoreError> {
    match stranded {
        Stranded::Expired => db.all(EXPIRED, args![now]).await,
        Stranded::Worker(worker) => db.all(OF_WORKER, args![worker]).await,
        Stranded::All => db.all(OCCUPIED, &[]).await,
    }
}

async fn take_back(tx: &mut Tx, stranded: &Stranded) -> Result<Vec<JobRow>, StoreError> {
    let mut jobs = Vec::new();
    for slot in stranded_slots(&mut tx.db, stranded, tx.now).await? {
        let (job_id, fence, worker) = (slot.text("job_id")?, slot.int("fence")?, slot.text("worker")?);
        tx.db.write(FREE, args![&job_id, fence]);
        let Some(before) = find(&mut tx.db, &job_id).await? else { continue };
        tx.db.write(HAND_BACK, args![&job_id, tx.now]);
        let is_unknown = before.committing_at.is_some();
        attempt::lose(tx, &before, &worker);
        let data = serde_json::json!({ "worker": worker, "outcome": if is_unknown { "unknown" } else { "not done" } });
        tell(tx, &before, "job.lease_lost", "usher", data);
        jobs.push(reread(tx, &job_id).await?);
    }
    Ok(jobs)
}
