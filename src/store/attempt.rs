//! Attempts at a job, and the steps of each: the log that a person reads afterwards.

use futures::FutureExt as _;

use super::Store;
use super::artifact::{self, NewArtifact};
use super::error::StoreError;
use super::job::{self, JobRow, Lease, LeaseError};
use super::sql::{Db, Row, args, statements};
use super::word::words;
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::failure::FailureClass;
use crate::trace::StepRecord;

statements! {
    START = "INSERT INTO attempts (integration_id, job_id, number, worker, connector_hash, started_at) SELECT integration_id, id, attempts, $2, $3, $4 FROM jobs WHERE id = $1";
    CURRENT = "SELECT a.id FROM attempts a JOIN jobs j ON j.id = a.job_id AND j.attempts = a.number WHERE j.id = $1";
    COMMITTING = "UPDATE attempts SET committing_at = $2 WHERE job_id = $1 AND committing_at IS NULL AND finished_at IS NULL";
    RETRACT = "UPDATE attempts SET committing_at = NULL WHERE job_id = $1 AND finished_at IS NULL";
    END = "UPDATE attempts SET finished_at = $3, outcome = $4, class = $5, message = $6 WHERE job_id = $1 AND number = $2 AND finished_at IS NULL";
    ADD_STEP = "INSERT INTO steps (attempt_id, number, record) VALUES ($1, $2, $3)";
    ADD_EVIDENCE = "INSERT INTO evidence (attempt_id, path, step, artifact) VALUES ($1, $2, $3, $4) ON CONFLICT (attempt_id, path) DO NOTHING";
    ADD_MISSING = "INSERT INTO evidence (attempt_id, path, step, artifact, gone_at, gone_why) VALUES ($1, $2, $3, '', $4, $5) ON CONFLICT (attempt_id, path) DO NOTHING";
    KEEPS = "UPDATE attempts SET kept = 1 WHERE id = $1 AND kept = 0";
    OF_JOB = "SELECT * FROM attempts WHERE job_id = $1 ORDER BY number";
    STEPS = "SELECT record FROM steps WHERE attempt_id = $1 ORDER BY number";
    EVIDENCE = "SELECT path, step, artifact, gone_at, gone_why FROM evidence WHERE attempt_id = $1 ORDER BY path";
}

/// Names an attempt in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId(i64);

impl AttemptId {
    pub(super) fn of(number: i64) -> Self {
        Self(number)
    }

    pub(super) fn number(self) -> i64 {
        self.0
    }
}

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

/// An attempt and what it left behind.
#[derive(Clone, Debug)]
pub struct AttemptDetail {
    /// The attempt.
    pub attempt: AttemptRow,
    /// Its steps, in the order in which they began.
    pub steps: Vec<StepRecord>,
    /// Its pictures, pages and recording.
    pub evidence: Vec<EvidenceRow>,
}

impl AttemptDetail {
    /// The last picture of a step.
    pub fn picture(&self, step: &StepRecord) -> Option<&EvidenceRow> {
        // By name: `…-after` comes before `…-before`, and of a step that failed there is one more.
        let moments = |row: &&EvidenceRow| !row.path.ends_with("-before.jpeg");
        self.pictures(step).find(moments).or_else(|| self.pictures(step).next())
    }

    /// The pictures of a step.
    pub fn pictures(&self, step: &StepRecord) -> impl Iterator<Item = &EvidenceRow> {
        let seq = Some(step.seq);
        self.evidence.iter().filter(move |row| row.step == seq && row.path.starts_with(PICTURES))
    }
}

/// The folder of pictures in an export, and before the path of each.
pub const PICTURES: &str = "pictures/";
/// The folder of pages.
pub const PAGES: &str = "pages/";
/// The folder of what a recorded attempt is replayed from.
pub const RECORDING: &str = "recording/";

/// Bytes that an attempt left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Where they are in an export: `pictures/007-after.jpeg`.
    pub path: String,
    /// The step that they belong to.
    pub step: Option<u32>,
    /// Their name among the artifacts; empty where they never were there.
    pub artifact: String,
    /// Since when they are not kept any more, or that they never were, and why.
    pub gone: Option<Gone>,
}

impl EvidenceRow {
    /// Why it is not to be had, where that is known.
    pub fn missing(&self) -> Option<String> {
        let Gone { at, why } = self.gone.as_ref()?;
        Some(match self.artifact.is_empty() {
            true => why.clone(),
            false => format!("not kept any more since {}: {why}", at.to_rfc3339()),
        })
    }
}

/// The end of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// When.
    pub at: Timestamp,
    /// Why, in words.
    pub why: String,
}

/// Bytes that an attempt leaves behind.
#[derive(Clone, Debug)]
pub struct NewEvidence {
    /// Where they are in an export.
    pub path: String,
    /// The step that they belong to.
    pub step: Option<u32>,
    /// The bytes, which are among the artifacts already; why not, where they could not be kept.
    pub artifact: Result<NewArtifact, String>,
}

impl Store {
    /// Begins the attempt of a claim: once per claim.
    pub async fn start_attempt(&self, held: &Lease, connector_hash: &str) -> Result<AttemptId, LeaseError> {
        let (held, connector_hash) = (held.clone(), connector_hash.to_owned());
        self.writer.write(move |tx| start(tx, held, connector_hash).boxed()).await
    }

    /// Writes steps that have ended, and what was kept of them. A nesting step ends after the steps in it, so they come in any order; no two
    /// have the same number.
    pub async fn add_steps(
        &self,
        held: &Lease,
        attempt: AttemptId,
        steps: Vec<StepRecord>,
        evidence: Vec<NewEvidence>,
    ) -> Result<(), LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| add_steps(tx, held, attempt, steps, evidence).boxed()).await
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
    steps: Vec<StepRecord>,
    evidence: Vec<NewEvidence>,
) -> Result<(), LeaseError> {
    job::held_by(tx, &held).await?;
    for step in steps {
        tx.db.write(ADD_STEP, args![attempt.0, i64::from(step.seq), &serde_json::json!(step)]);
    }
    for NewEvidence { path, step, artifact } in &evidence {
        let step = step.map(i64::from);
        match artifact {
            Ok(kept) => {
                tx.db.write(ADD_EVIDENCE, args![attempt.0, path, step, &kept.name]);
                artifact::note(tx, kept);
            }
            Err(why) => tx.db.write(ADD_MISSING, args![attempt.0, path, step, tx.now, why]),
        }
    }
    if evidence.iter().any(|one| one.artifact.is_ok()) {
        tx.db.write(KEEPS, args![attempt.0]);
    }
    Ok(())
}

/// Notes that the running attempt of the job comes to a commit step.
pub(super) fn mark_committing(tx: &mut Tx, job_id: &str) {
    tx.db.write(COMMITTING, args![job_id, tx.now]);
}

/// Takes that back.
pub(super) fn retract_committing(tx: &mut Tx, job_id: &str) {
    tx.db.write(RETRACT, args![job_id]);
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
        let id = row.int("id")?;
        let steps = db.all(STEPS, args![id]).await?;
        let steps = steps.iter().map(|row| row.json("record")).collect::<Result<_, _>>()?;
        let evidence = db.all(EVIDENCE, args![id]).await?;
        let evidence = evidence.iter().map(read_evidence).collect::<Result<_, _>>()?;
        attempts.push(AttemptDetail { attempt: read(&row)?, steps, evidence });
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

pub(super) fn read_evidence(row: &Row) -> Result<EvidenceRow, StoreError> {
    let step = row.maybe_int("step")?.and_then(|step| u32::try_from(step).ok());
    let gone = row.maybe_time("gone_at")?.zip(row.maybe_text("gone_why")?).map(|(at, why)| Gone { at, why });
    Ok(EvidenceRow { path: row.text("path")?, step, artifact: row.text("artifact")?, gone })
}
