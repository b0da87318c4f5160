//! Claiming: a free slot of an integration takes the most urgent head of it, for the time of a lease.
//!
//! What several tasks of a worker ask for at the same time is claimed together, in one look and one transaction. Leavers go first, then
//! what was asked for first: by the order of making, not by a time, since those of two workers can be hours apart. So that an integration
//! with many leavers does not keep the workers from the others for good, at every [`FAIR`]th look the oldest goes first of what is first
//! in its integration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;

use super::super::Store;
use super::super::engine::{Engine, Kind};
use super::super::error::StoreError;
use super::super::gather::Gather;
use super::super::sql::{Row, args, statements};
use super::super::writer::{Tx, Writer};
use super::lease::{Lease, millis};
use super::{JobRow, WORKER, find_all, pace, tell};
use crate::clock::{SharedClock, Timestamp};

/// A slot that is free, or rests with the worker who asks.
macro_rules! open_slot {
    ($slot:literal) => {
        concat!(
            $slot,
            ".integration_id = i.id AND ",
            $slot,
            ".job_id IS NULL AND (",
            $slot,
            ".worker IS NULL OR ",
            $slot,
            ".worker = $1) AND ",
            $slot,
            ".ordinal < i.max_sessions"
        )
    };
}

/// The most urgent job of `i` that is ready.
macro_rules! first_job {
    ($which:literal) => {
        concat!(
            "(SELECT j.seq FROM jobs j WHERE j.integration_id = i.id AND j.state = 'ready'",
            $which,
            " ORDER BY j.priority, j.seq LIMIT 1)"
        )
    };
}

/// One slot and one job of each integration that has both. A paused one still lets its login be tested: that is how a new password is
/// tried. While the app is maintained nothing is. Outside its hours, or where it had its share of the hour, what cannot wait goes on. A time that is further away than it can have
/// been set was set by a clock that has jumped since.
macro_rules! pick {
    () => {
        concat!(
            "SELECT s.id AS slot_id, h.id AS job_id, i.id AS integration_id, i.pace_ms, i.hourly, EXISTS (SELECT 1 FROM slots o WHERE ", open_slot!("o"), " AND o.id <> s.id) AS has_more",
            " FROM integrations i JOIN slots s ON s.id = (SELECT f.id FROM slots f WHERE ", open_slot!("f"), " ORDER BY f.worker IS NULL, f.ordinal LIMIT 1)",
            " JOIN jobs h ON h.seq = CASE WHEN i.paused_at IS NOT NULL THEN ", first_job!(" AND j.kind = 'test_login'"),
            " WHEN (i.rationed_until > $2 AND i.rationed_until <= $2 + 3600000) OR i.open_from > $2 OR i.open_until <= $2 THEN ", first_job!(" AND j.priority < 50"),
            " ELSE ", first_job!(""), " END",
            " WHERE NOT (i.paced_until > $2 AND i.paced_until <= $2 + i.pace_ms) AND NOT (coalesce(i.closed_from <= $2 AND i.closed_until > $2, false)) ORDER BY h.priority * $3, h.seq LIMIT $4 + 0"
        )
    };
}

statements! {
    PICK = pick!();
    DUE = "SELECT id FROM jobs WHERE state = 'retry' AND (due_at <= $1 OR due_at > $2) LIMIT 1";
    MAKE_READY = "UPDATE jobs SET state = 'ready', changed_at = $1 WHERE state = 'retry' AND (due_at <= $1 OR due_at > $2)";
    NEXT_DUE = "SELECT min(n.at) AS due_at FROM (SELECT min(due_at) AS at FROM jobs WHERE state = 'retry' UNION ALL SELECT paced_until FROM integrations WHERE paced_until > $1 UNION ALL SELECT closed_until FROM integrations WHERE closed_until > $1 UNION ALL SELECT rationed_until FROM integrations WHERE rationed_until > $1 UNION ALL SELECT open_from FROM integrations WHERE open_from > $1 UNION ALL SELECT open_until FROM integrations WHERE open_until <= $1) AS n";
    TAKE = "UPDATE jobs SET state = 'running', attempts = attempts + 1, tries = tries + 1, fence = fence + 1, committing_at = NULL, changed_at = $2 WHERE id = $1 AND state = 'ready'";
    OCCUPY = "UPDATE slots SET job_id = $2, fence = (SELECT fence FROM jobs WHERE id = $2), worker = $3, beat = 0, lease_ms = $4 WHERE id = $1";
}

/// The same on a server. The lock of those who write keeps claims apart; but a slot or a job that another hand holds, as a person does
/// who looks into the database, must not hold up all the others.
pub(super) const PICK_UNLOCKED: &str = concat!(pick!(), " FOR UPDATE OF s, h SKIP LOCKED");

/// How often age counts more than urgency between integrations.
const FAIR: u64 = 4;

/// The longest that a job waits for its next try. One that is due later was told so by a clock that is ahead, or has jumped: it is due.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 60);

/// A claimed job.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The job, running.
    pub job: JobRow,
    /// The right to work on it.
    pub lease: Lease,
    /// The session that it may have open: the same slot is the same session, as long as the worker keeps it.
    pub slot: SlotId,
}

/// The place of one session of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub(super) i64);

/// Who asks for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claimant {
    worker: String,
    lease: Duration,
}

type Answer = Result<Option<Claimed>, StoreError>;

/// Where claims are asked for.
#[derive(Clone, Debug)]
pub(in super::super) struct Claims(Gather<Claimant, Answer>);

impl Claims {
    pub(in super::super) fn start(writer: Writer, engine: Arc<Engine>, clock: SharedClock) -> Self {
        let desk =
            Arc::new(Desk { writer, engine, clock, looks: AtomicU64::new(0), finds: AtomicBool::new(false) });
        Self(Gather::start(move |claimants| Arc::clone(&desk).claim(claimants).boxed()))
    }
}

impl Store {
    /// Claims the most urgent job that is due and whose integration has a free slot; `None` where there is none.
    /// An idle call does not disturb the writer.
    pub async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claimed>, StoreError> {
        self.claims.0.ask(Claimant { worker: worker.to_owned(), lease }).await?
    }

    /// When something that nobody tells of lets the next job be claimed: it is due for its next try, or its integration opens.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.reader().await?.one(NEXT_DUE, args![self.clock.now()]).await? {
            Some(row) => row.maybe_time("due_at"),
            None => Ok(None),
        }
    }
}

/// Answers claims.
struct Desk {
    writer: Writer,
    engine: Arc<Engine>,
    clock: SharedClock,
    looks: AtomicU64,
    /// Whether the last look found as much as was asked for: then there is likely more, and nothing is asked before.
    finds: AtomicBool,
}

impl Desk {
    async fn claim(self: Arc<Self>, mut claimants: Vec<Claimant>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(claimants.len());
        // All of one process are one worker's, but for those of tests.
        while let Some(first) = claimants.first().cloned() {
            let others = claimants.iter().position(|other| *other != first).unwrap_or(claimants.len());
            claimants.drain(..others);
            match self.claim_for(first, others).await {
                Ok(claimed) => {
                    let none = std::iter::repeat_with(|| None);
                    answers.extend(claimed.into_iter().map(Some).chain(none).take(others).map(Ok));
                }
                Err(error) => answers.extend(std::iter::repeat_n(Err(error), others)),
            }
        }
        answers
    }

    /// Claims so many jobs at most.
    async fn claim_for(&self, claimant: Claimant, count: usize) -> Result<Vec<Claimed>, StoreError> {
        let is_fair = self.looks.fetch_add(1, Ordering::Relaxed) % FAIR == FAIR - 1;
        let by = i64::from(!is_fair);
        // Where hours that are over are not noticed, less is found than there is, and the next look asks.
        let mut opens = false;
        if !self.finds.load(Ordering::Relaxed) {
            let mut db = self.engine.reader().await?;
            let now = self.clock.now();
            opens = pace::is_over(&mut db, now).await?;
            let is_idle = !opens
                && db.one(DUE, args![now, now.plus(LONGEST_PAUSE)]).await?.is_none()
                && db.one(PICK, args![&claimant.worker, now, by, 1]).await?.is_none();
            if is_idle {
                return Ok(Vec::new());
            }
        }
        let claimed = self
            .writer
            .write(move |tx| {
                async move {
                    if opens {
                        pace::open_again(tx).await?;
                    }
                    claim(tx, &claimant, by, count).await
                }
                .boxed()
            })
            .await?;
        self.finds.store(claimed.len() == count, Ordering::Relaxed);
        Ok(claimed)
    }
}

async fn claim(
    tx: &mut Tx,
    Claimant { worker, lease }: &Claimant,
    by: i64,
    count: usize,
) -> Result<Vec<Claimed>, StoreError> {
    tx.db.write(MAKE_READY, args![tx.now, tx.now.plus(LONGEST_PAUSE)]);
    let pick = match tx.db.kind() {
        Kind::Sqlite => PICK,
        Kind::Postgres => PICK_UNLOCKED,
    };
    let mut slots = Vec::new();
    // Each look gives one job of an integration; those with more sessions are looked at again.
    while slots.len() < count {
        let wanted = i64::try_from(count - slots.len()).unwrap_or(i64::MAX);
        let rows = tx.db.all(pick, args![worker, tx.now, by, wanted]).await?;
        for row in &rows {
            let (slot, job_id) = (row.int("slot_id")?, row.text("job_id")?);
            tx.db.write(TAKE, args![&job_id, tx.now]);
            tx.db.write(OCCUPY, args![slot, &job_id, worker, millis(*lease)]);
            pace::began(tx, row)?;
            slots.push((job_id, SlotId(slot)));
        }
        if !has_more(&rows)? {
            break;
        }
    }
    let mut jobs = find_all(&mut tx.db, slots.iter().map(|(id, _)| id)).await?;
    let mut claimed = Vec::with_capacity(slots.len());
    for (job_id, slot) in slots {
        let Some(job) = jobs.remove(&job_id) else { continue };
        tx.touched.job(&job_id);
        let data = serde_json::json!({ "worker": worker, "attempt": job.attempts });
        tell(tx, &job, "job.claimed", WORKER, data);
        claimed.push(Claimed { lease: Lease { job_id, fence: job.fence }, job, slot });
    }
    Ok(claimed)
}

fn has_more(rows: &[Row]) -> Result<bool, StoreError> {
    for row in rows {
        if row.truth("has_more")? {
            return Ok(true);
        }
    }
    Ok(false)
}
