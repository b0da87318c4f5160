//! Leases: the right to work on a claimed job, for as long as its holder is heard.
//!
//! The lease lives on the slot. The fence of the job grows with each claim and is carried by every later write of the
//! worker; a write that finds another fence changes nothing and says that the lease is lost. When a lease ends is up to those who
//! watch (see [`Vigil`](super::Vigil)); a worker stops by its own clock well before (see `job`).

use std::time::Duration;

use futures::FutureExt as _;

use super::super::Store;
use super::super::attempt;
use super::super::error::StoreError;
use super::super::sql::{Db, args, statements};
use super::super::writer::Tx;
use super::claim::SlotId;
use super::{JobRow, WORKER, find, reread, tell, vigil};

statements! {
    PROGRESS = "UPDATE jobs SET progress = $2 WHERE id = $1";
    BEAT = "UPDATE slots SET beat = beat + 1, lease_ms = $3 WHERE job_id = $1 AND fence = $2";
    HOLDER = "SELECT worker FROM slots WHERE job_id = $1 AND fence = $2";
    FREE = "UPDATE slots SET job_id = NULL, fence = NULL, worker = NULL, lease_ms = NULL WHERE job_id = $1";
    REST = "UPDATE slots SET job_id = NULL, fence = NULL, beat = beat + 1 WHERE job_id = $1";
    FREE_SILENT = "UPDATE slots SET job_id = NULL, fence = NULL, worker = NULL, lease_ms = NULL WHERE id = $1 AND worker = $2 AND beat = $3 AND coalesce(job_id, '') = $4 AND coalesce(fence, 0) = $5";
    COMMITTING = "UPDATE jobs SET committing_at = $2, changed_at = $2 WHERE id = $1";
    RETRACT = "UPDATE jobs SET committing_at = NULL, changed_at = $2 WHERE id = $1";
    OF_WORKER = "SELECT id, job_id, fence, worker, beat, lease_ms FROM slots WHERE worker = $1 ORDER BY id";
    HAND_BACK = "UPDATE jobs SET state = 'ready', due_at = $2, read_first = CASE WHEN committing_at IS NULL THEN read_first ELSE 1 END, changed_at = $2 WHERE id = $1 AND state = 'running'";
}

/// The right to work on a job. Every write of the worker carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job_id: String,
    /// The fence of the claim.
    pub fence: i64,
}

/// A slot that a worker has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The slot.
    pub slot: SlotId,
    /// The job in it; none where the session rests.
    pub lease: Option<Lease>,
    /// The worker.
    pub worker: String,
    /// How often it has beaten.
    pub beat: i64,
    /// How long it is the worker's without a beat.
    pub length: Duration,
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
    /// These, unless they have beaten since.
    Silent(Vec<Held>),
    /// Those of one worker, which is known to be gone.
    Worker(String),
    /// All: this process owns the only worker there can be, and has just started.
    All,
}

impl Store {
    /// Lets a lease last for `lease` from now.
    pub async fn heartbeat(&self, held: &Lease, lease: Duration) -> Result<(), LeaseError> {
        // Not behind those who write: a lease is not to be lost because one of them takes too long.
        if let Some(mut db) = self.engine.beside().await? {
            return beat(&mut db, held, lease).await;
        }
        let held = held.clone();
        self.writer.write(move |tx| async move { beat(&mut tx.db, &held, lease).await }.boxed()).await
    }

    /// Notes, on the disk before it returns, that the next step may change the app. Whatever happens after, an attempt
    /// that ends without a word of its outcome is followed by a reading.
    pub async fn mark_committing(&self, held: &Lease) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| committing(tx, held).boxed()).await
    }

    /// Takes back what [`mark_committing`](Self::mark_committing) noted in this attempt: the event that was to change the app was certainly
    /// not sent.
    pub async fn retract_committing(&self, held: &Lease) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| retract(tx, held).boxed()).await
    }

    /// Notes how far the attempt has come, for whoever looks on.
    pub async fn note_progress(&self, held: &Lease, progress: serde_json::Value) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| async move { progressed(tx, &held, &progress).await }.boxed()).await
    }

    /// Takes leases back and returns the jobs, ready again. One that had marked a commit is to be read first.
    pub async fn take_back(&self, stranded: Stranded) -> Result<Vec<JobRow>, StoreError> {
        if stranded_slots(&mut self.reader().await?, &stranded).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.write(move |tx| async move { take_back(tx, &stranded).await }.boxed()).await
    }
}

async fn progressed(tx: &mut Tx, held: &Lease, progress: &serde_json::Value) -> Result<(), LeaseError> {
    held_by(tx, held).await?;
    tx.db.write(PROGRESS, args![&held.job_id, progress]);
    tx.touched.job(&held.job_id);
    Ok(())
}

async fn beat(db: &mut Db, held: &Lease, lease: Duration) -> Result<(), LeaseError> {
    match db.change(BEAT, args![&held.job_id, held.fence, millis(lease)]).await? {
        0 => Err(LeaseError::Lost),
        _ => Ok(()),
    }
}

pub(super) fn millis(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}

async fn committing(tx: &mut Tx, held: Lease) -> Result<(), LeaseError> {
    held_by(tx, &held).await?;
    tx.db.write(COMMITTING, args![&held.job_id, tx.now]);
    tx.touched.job(&held.job_id);
    attempt::mark_committing(tx, &held.job_id);
    Ok(())
}

async fn retract(tx: &mut Tx, held: Lease) -> Result<(), LeaseError> {
    held_by(tx, &held).await?;
    tx.db.write(RETRACT, args![&held.job_id, tx.now]);
    tx.touched.job(&held.job_id);
    attempt::retract_committing(tx, &held.job_id);
    Ok(())
}

/// The worker that holds the lease; an error where nobody does with this fence.
pub(in super::super) async fn held_by(tx: &mut Tx, held: &Lease) -> Result<String, LeaseError> {
    match tx.db.one(HOLDER, args![&held.job_id, held.fence]).await? {
        Some(row) => Ok(row.text("worker")?),
        None => Err(LeaseError::Lost),
    }
}

/// Ends the lease on a job whose holder was asked for before; the slot `rests` with the worker, or is free.
pub(super) fn free(tx: &mut Tx, job_id: &str, rests: bool) {
    tx.db.write(if rests { REST } else { FREE }, args![job_id]);
}

async fn stranded_slots(db: &mut Db, stranded: &Stranded) -> Result<Vec<Held>, StoreError> {
    let rows = match stranded {
        Stranded::Silent(held) => return Ok(held.clone()),
        Stranded::Worker(worker) => db.all(OF_WORKER, args![worker]).await?,
        Stranded::All => return vigil::held(db).await,
    };
    rows.iter().map(vigil::read).collect()
}

async fn take_back(tx: &mut Tx, stranded: &Stranded) -> Result<Vec<JobRow>, StoreError> {
    let mut jobs = Vec::new();
    for Held { slot, lease, worker, beat, .. } in stranded_slots(&mut tx.db, stranded).await? {
        // Whoever has beaten meanwhile keeps what is theirs.
        let (job_id, fence) = lease.map_or((String::new(), 0), |lease| (lease.job_id, lease.fence));
        if tx.db.change(FREE_SILENT, args![slot.0, &worker, beat, &job_id, fence]).await? == 0 {
            continue;
        }
        tx.touched.work();
        let Some(before) = find(&mut tx.db, &job_id).await? else { continue };
        tx.db.write(HAND_BACK, args![&job_id, tx.now]);
        let is_unknown = before.committing_at.is_some();
        attempt::lose(tx, &before, &worker);
        let data = serde_json::json!({ "worker": worker, "outcome": if is_unknown { "unknown" } else { "not done" } });
        tell(tx, &before, "job.lease_lost", WORKER, data);
        jobs.push(reread(tx, &job_id).await?);
    }
    Ok(jobs)
}
