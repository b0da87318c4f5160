//! Attempts at a job, and the steps of each: the log that a person reads afterwards.

use futures::FutureExt as _;

use super::Store;
use super::error::StoreError;
use super::job::{self, JobRow, Lease, LeaseError};
use super::sql::{Db, Row, args, statements};
use super::word::words;
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::failure::FailureClass;

statements! {
    START = "INSERT INTO attempts (job_id, number, worker, connector_hash, started_at) SELECT id, attempts, $2, $3, $4 FROM jobs WHERE id = $1";
    CURRENT = "SELECT a.id FROM attempts a JOIN jobs j ON j.id = a.job_id AND j.attempts = a.number WHERE j.id = $1";
    COMMITTING = "UPDATE attempts SET committing_at = $2 WHERE job_id = $1 AND committing_at IS NULL AND finished_at IS NULL";
    END = "UPDATE attempts SET finished_at = $3, outcome = $4, class = $5, message = $6 WHERE job_id = $1 AND number = $2 AND finished_at IS NULL";
    ADD_STEP = "INSERT INTO steps (attempt_id, number, depth, flow, place, words, outcome, detail, started_at, duration_ms, picture, page) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    OF_JOB = "SELECT * FROM attempts WHERE job_id = $1 ORDER BY number";
    STEPS = "SELECT * FROM steps WHERE attempt_id = $1 ORDER BY number";
}

/// Names an attempt in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId(i64);

words! {
    /// How an attempt ended.
    AttemptOutcome("attempt outcome") {
        /// The app was read and is as wanted.
        Done = "done",
        /// The job failed for good.
        Failed = "failed",
        /// Nothing was changed; another attempt follows.
        Retry = "retry",
        /// It is not known whether the app was changed.
        Unknown = "unknown",
        /// A safeguard stopped it.
        Held = "held",
        /// A person has to go on.
        NeedsHuman = "needs_human",
        /// Handed back undone.
        Requeued = "requeued",
        /// The worker was not heard of again.
        Lost = "lost",
    }
}

words! {
    /// How a step ended.
    StepOutcome("step outcome") {
        /// It did what it says.
        Ok = "ok",
        /// Its condition did not hold, so it was passed over.
        Skipped = "skipped",
        /// It failed.
        Failed = "failed",
    }
}

/// One try of a job.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// Which try it was, from 1.
    pub number: i64,
    /// The worker.
    pub worker: String,
    /// The hash of the connector's text.
    pub connector_hash: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it first came to a commit step.
    pub committing_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// Why, where it failed.
    pub class: Option<FailureClass>,
    /// The same in words.
    pub message: Option<String>,
}

/// An attempt with its steps, in order.
#[derive(Clone, Debug)]
pub struct AttemptDetail {
    /// The attempt.
    pub attempt: AttemptRow,
    /// Its steps.
    pub steps: Vec<StepRow>,
}

/// A step that was taken.
#[derive(Clone, Debug)]
pub struct NewStep {
    /// The flow it belongs to.
    pub flow: String,
    /// Where it is written: `flows/invite.yaml:12`.
    pub place: String,
    /// The step in words, secrets masked.
    pub words: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// What was there instead, where it failed; secrets masked.
    pub detail: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The artifact that shows the page after it.
    pub picture: Option<String>,
    /// The artifact that holds the page's text after it.
    pub page: Option<String>,
}

/// A step, with its place in the attempt.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// Its place in the order in which the steps of the attempt began, from 1.
    pub number: i64,
    /// How many steps it is nested in.
    pub depth: i64,
    /// The step.
    pub step: NewStep,
}

impl Store {
    /// Begins the attempt of a claim: once per claim.
    pub async fn start_attempt(&self, held: &Lease, connector_hash: &str) -> Result<AttemptId, LeaseError> {
        let (held, connector_hash) = (held.clone(), connector_hash.to_owned());
        self.writer.write(move |tx| start(tx, held, connector_hash).boxed()).await
    }

    /// Writes steps that have ended. A nesting step ends after the steps in it, so they come in any order; no two have
    /// the same number.
    pub async fn add_steps(
        &self,
        held: &Lease,
        attempt: AttemptId,
        steps: Vec<StepRow>,
    ) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| add_steps(tx, held, attempt, steps).boxed()).await
    }
}

async fn start(tx: &mut Tx, held: Lease, connector_hash: String) -> Result<AttemptId, LeaseError> {
    let worker = job::held_by(tx, &held).await?;
    tx.db.write(START, args![&held.job_id, worker, connector_hash, tx.now]);
    let row = tx.db.one(CURRENT, args![&held.job_id]).await?.ok_or(LeaseError::Lost)?;
    Ok(AttemptId(row.int("id")?))
}

async fn add_steps(
    tx: &mut Tx,
    held: Lease,
    attempt: AttemptId,
    steps: Vec<StepRow>,
) -> Result<(), LeaseError> {
    job::held_by(tx, &held).await?;
    for StepRow { number, depth, step } in steps {
        let values = args![
            attempt.0,
            number,
            depth,
            &step.flow,
            &step.place,
            &step.words,
            step.outcome.as_str(),
            step.detail.as_ref(),
            step.started_at,
            i64::try_from(step.duration_ms).unwrap_or(i64::MAX),
            step.picture.as_ref(),
            step.page.as_ref(),
        ];
        tx.db.write(ADD_STEP, values);
    }
    Ok(())
}

/// Notes that the running attempt of the job comes to a commit step.
pub(super) fn mark_committing(tx: &mut Tx, job_id: &str) {
    tx.db.write(COMMITTING, args![job_id, tx.now]);
}

/// Ends the running attempt of the job, where one was begun.
pub(super) fn end(
    tx: &mut Tx,
    job: &JobRow,
    outcome: AttemptOutcome,
    (class, message): (Option<FailureClass>, Option<&str>),
) {
    let class = class.map(FailureClass::as_str);
    tx.db.write(END, args![&job.id, job.attempts, tx.now, outcome.as_str(), class, message]);
}

/// Ends the running attempt of a job whose worker is gone.
pub(super) fn lose(tx: &mut Tx, job: &JobRow, worker: &str) {
    let message = format!("worker {worker} was not heard of again");
    end(tx, job, AttemptOutcome::Lost, (None, Some(&message)));
}

/// The attempts of a job with their steps.
pub(super) async fn of_job(db: &mut Db, job_id: &str) -> Result<Vec<AttemptDetail>, StoreError> {
    let mut attempts = Vec::new();
    for row in db.all(OF_JOB, args![job_id]).await? {
        let steps = db.all(STEPS, args![row.int("id")?]).await?;
        let steps = steps.iter().map(read_step).collect::<Result<_, _>>()?;
        attempts.push(AttemptDetail { attempt: read(&row)?, steps });
    }
    Ok(attempts)
}

fn read(row: &Row) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        number: row.int("number")?,
        worker: row.text("worker")?,
        connector_hash: row.text("connector_hash")?,
        started_at: row.time("started_at")?,
        committing_at: row.maybe_time("committing_at")?,
        finished_at: row.maybe_time("finished_at")?,
        outcome: row.maybe_word("outcome")?,
        class: row.maybe_word("class")?,
        message: row.maybe_text("message")?,
    })
}

fn read_step(row: &Row) -> Result<StepRow, StoreError> {
    let step = NewStep {
        flow: row.text("flow")?,
        place: row.text("place")?,
        words: row.text("words")?,
        outcome: row.word("outcome")?,
        detail: row.maybe_text("detail")?,
        started_at: row.time("started_at")?,
        duration_ms: u64::try_from(row.int("duration_ms")?).unwrap_or(0),
        picture: row.maybe_text("picture")?,
        page: row.maybe_text("page")?,
    };
    Ok(StepRow { number: row.int("number")?, depth: row.int("depth")?, step })
}
