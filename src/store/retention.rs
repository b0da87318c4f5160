//! The end of evidence: what has been kept for long enough, and what is erased because it shows a person.
//!
//! Rows of evidence stay and say when and why their bytes are gone. When evidence is over is not written down with it: it follows from when
//! its attempt began and from the integration's policy, so that a policy that is changed applies to what is kept already.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::artifact;
use super::attempt::{AttemptId, EvidenceRow, read_evidence};
use super::chain::{ERASED, EventText};
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::hold::{self, HoldRow, covers};
use super::sql::{Db, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::trace::StepRecord;

statements! {
    DUE = concat!("SELECT a.id, a.job_id, (SELECT j.user_id FROM jobs j WHERE j.id = a.job_id) AS user_id, a.message FROM attempts a WHERE a.integration_id = $1 AND a.kept = 1 AND a.started_at <= $2 AND NOT EXISTS (SELECT 1 FROM holds h WHERE ", covers!(), ") ORDER BY a.started_at LIMIT $3 + 0");
    ONE_BY_ONE = "SELECT a.id, a.job_id, j.user_id, a.message FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE a.integration_id = $1 AND a.id > $2 ORDER BY a.id LIMIT $3 + 0";
    STEPS = "SELECT record FROM steps WHERE attempt_id = $1 ORDER BY number";
    EVIDENCE = "SELECT path, step, artifact, gone_at, gone_why FROM evidence WHERE attempt_id = $1 ORDER BY path";
    KEPT = concat!("SELECT e.path, e.artifact FROM evidence e JOIN attempts a ON a.id = e.attempt_id WHERE e.attempt_id = $1 AND e.gone_at IS NULL AND NOT EXISTS (SELECT 1 FROM holds h WHERE ", covers!(), ") ORDER BY e.path");
    GONE = "UPDATE evidence SET gone_at = $3, gone_why = $4 WHERE attempt_id = $1 AND path = $2 AND gone_at IS NULL";
    EMPTIED = "UPDATE attempts SET kept = 0 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM evidence WHERE attempt_id = $1 AND gone_at IS NULL)";
    SPARE = "INSERT INTO spared (hold_id, attempt_id) VALUES ($1, $2) ON CONFLICT (hold_id, attempt_id) DO NOTHING";
    SAID = "SELECT * FROM events WHERE target = $1 AND integration_id = $2 AND erased IS NULL AND kind NOT LIKE 'evidence.%' ORDER BY seq";
    UNSAY_EVENT = "UPDATE events SET data = '{}', erased = $2 WHERE seq = $1";
    REWRITE = "UPDATE steps SET record = $3 WHERE attempt_id = $1 AND number = $2";
    UNSAY = "UPDATE attempts SET message = $2 WHERE id = $1 AND message IS NOT NULL";
    UNSAY_JOB = "UPDATE jobs SET message = $2 WHERE id = (SELECT job_id FROM attempts WHERE id = $1) AND message IS NOT NULL";
}

/// What one attempt left behind.
#[derive(Clone, Debug)]
pub struct LeftBehind {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its job.
    pub job_id: String,
    /// The person whose job it is.
    pub user_id: Option<String>,
    /// How it ended, in words.
    pub message: Option<String>,
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its pictures, pages and recording, those too that are gone.
    pub evidence: Vec<EvidenceRow>,
}

/// What is erased of one attempt.
#[derive(Clone, Debug)]
pub struct Erased {
    /// The attempt.
    pub attempt: AttemptId,
    /// The paths of its evidence.
    pub paths: Vec<String>,
    /// Its steps as they are from now on.
    pub steps: Vec<StepRecord>,
    /// Whether its words, and those of its job, go too.
    pub message: bool,
}

/// Somebody's data that is erased.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// The integration.
    pub integration_id: String,
    /// Who, by their ids.
    pub people: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who erases.
    pub by: String,
    /// Whether what events said of them goes too.
    pub events: bool,
    /// The holds that were looked at.
    pub holds: Vec<HoldRow>,
}

/// Nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// A hold was placed while it was looked what to erase.
    #[error("a hold was placed or released meanwhile; begin again")]
    Holds,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Attempts of an integration that began until then, have left something that is kept still, and that no hold covers: the first of them.
    pub async fn due_attempts(
        &self,
        integration_id: &str,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<LeftBehind>, StoreError> {
        let mut db = self.snapshot().await?;
        let found = db.all(DUE, args![integration_id, until, i64::from(limit)]).await?;
        left_behind(&mut db, found).await
    }

    /// The next attempts of an integration, in the order of their making; those after `after`, where it is given.
    pub async fn attempts_after(
        &self,
        integration_id: &str,
        after: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<LeftBehind>, StoreError> {
        let mut db = self.snapshot().await?;
        let after = after.map_or(0, AttemptId::number);
        let found = db.all(ONE_BY_ONE, args![integration_id, after, i64::from(limit)]).await?;
        left_behind(&mut db, found).await
    }

    /// Lets go what attempts left, because its time is over; returns how much. What a hold covers by now stays.
    pub async fn expire(&self, attempts: Vec<AttemptId>) -> Result<u64, StoreError> {
        self.writer.write(move |tx| async move { expire(tx, &attempts).await }.boxed()).await
    }

    /// Lets attempts stay with a hold, because they show its person.
    pub async fn spare(&self, hold_id: &str, attempts: Vec<AttemptId>) -> Result<(), StoreError> {
        let hold_id = hold_id.to_owned();
        let spare = move |tx: &mut Tx| {
            for attempt in attempts {
                tx.db.write(SPARE, args![&hold_id, attempt.number()]);
            }
            Ok(())
        };
        self.writer.write(move |tx| std::future::ready(spare(tx)).boxed()).await
    }

    /// Erases, and tells it with numbers alone.
    pub async fn erase(&self, erasure: &Erasure, what: Vec<Erased>) -> Result<(), EraseError> {
        let erasure = erasure.clone();
        self.writer.write(move |tx| async move { erase(tx, &erasure, what).await }.boxed()).await
    }
}

async fn left_behind(db: &mut Db, found: Vec<super::sql::Row>) -> Result<Vec<LeftBehind>, StoreError> {
    let mut all = Vec::with_capacity(found.len());
    for row in found {
        let id = row.int("id")?;
        let steps = db.all(STEPS, args![id]).await?;
        let evidence = db.all(EVIDENCE, args![id]).await?;
        all.push(LeftBehind {
            attempt: AttemptId::of(id),
            job_id: row.text("job_id")?,
            user_id: row.maybe_text("user_id")?,
            message: row.maybe_text("message")?,
            steps: steps.iter().map(|row| row.json("record")).collect::<Result<_, _>>()?,
            evidence: evidence.iter().map(read_evidence).collect::<Result<_, _>>()?,
        });
    }
    Ok(all)
}

async fn expire(tx: &mut Tx, attempts: &[AttemptId]) -> Result<u64, StoreError> {
    let mut gone = 0;
    for attempt in attempts {
        gone += let_go(tx, *attempt, None, "its time was over").await?;
    }
    Ok(gone)
}

/// Lets go what an attempt left, all of it or these paths, but for what is held; returns how much.
async fn let_go(
    tx: &mut Tx,
    attempt: AttemptId,
    paths: Option<&BTreeSet<&str>>,
    why: &str,
) -> Result<u64, StoreError> {
    let mut names = Vec::new();
    for row in tx.db.all(KEPT, args![attempt.number()]).await? {
        let path = row.text("path")?;
        if paths.is_none_or(|paths| paths.contains(path.as_str())) {
            tx.db.write(GONE, args![attempt.number(), &path, tx.now, why]);
            names.push(row.text("artifact")?);
        }
    }
    for name in &names {
        artifact::let_go(tx, name);
    }
    tx.db.write(EMPTIED, args![attempt.number()]);
    Ok(u64::try_from(names.len()).unwrap_or(u64::MAX))
}

async fn erase(tx: &mut Tx, erasure: &Erasure, what: Vec<Erased>) -> Result<(), EraseError> {
    let Erasure { integration_id, people, reason, by, events, holds } = erasure;
    if hold::open(&mut tx.db, integration_id).await? != *holds {
        return Err(EraseError::Holds);
    }
    let why = format!("erased for: {reason}");
    let (mut files, mut steps) = (0, 0);
    let attempts = what.len();
    for Erased { attempt, paths, steps: rewritten, message } in what {
        let paths: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
        files += let_go(tx, attempt, Some(&paths), &why).await?;
        for step in rewritten {
            let number = i64::from(step.seq);
            tx.db.write(REWRITE, args![attempt.number(), number, &json!(step)]);
            steps += 1;
        }
        if message {
            tx.db.write(UNSAY, args![attempt.number(), &why]);
            tx.db.write(UNSAY_JOB, args![attempt.number(), &why]);
        }
    }
    let mut seqs = Vec::new();
    for id in people.iter().filter(|_| *events) {
        for row in tx.db.all(SAID, args![id, integration_id]).await? {
            let event = EventText::read(&row)?;
            tx.db.write(UNSAY_EVENT, args![event.seq, &event.digest()]);
            seqs.push(event.seq);
        }
    }
    let told = json!({
        "people": people, "reason": reason, "attempts": attempts, "files": files, "steps": steps, "events": seqs,
    });
    let mut told = NewEvent::new(ERASED, by).of(integration_id).with(told);
    if let [only] = people.as_slice() {
        told.target = Some(only.clone());
    }
    event::append(tx, told);
    Ok(())
}
