//! Legal holds: what must neither expire nor be erased, until somebody releases it.

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::sql::{Db, Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    INSERT = "INSERT INTO holds (id, integration_id, user_id, job_id, reason, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    RELEASE = "UPDATE holds SET released_at = $2 WHERE id = $1 AND released_at IS NULL";
    FIND = "SELECT * FROM holds WHERE id = $1";
    ALL = "SELECT * FROM holds ORDER BY seq";
    OPEN = "SELECT * FROM holds WHERE integration_id = $1 AND released_at IS NULL ORDER BY seq";
}

/// A hold that covers an attempt `a`, as a condition on `h`.
macro_rules! covers {
    () => {
        "h.integration_id = a.integration_id AND h.released_at IS NULL AND ((h.user_id IS NULL AND h.job_id IS NULL) OR h.job_id = a.job_id OR h.user_id = (SELECT j.user_id FROM jobs j WHERE j.id = a.job_id) OR EXISTS (SELECT 1 FROM spared s WHERE s.hold_id = h.id AND s.attempt_id = a.id))"
    };
}
pub(super) use covers;

/// What is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// Everything of the integration.
    Integration,
    /// What is of one person, or shows them.
    Person(String),
    /// What is of one job.
    Job(String),
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its id.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// What it covers.
    pub covered: Covered,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// Since when it does not hold any more.
    pub released_at: Option<Timestamp>,
}

impl Store {
    /// Holds what is kept, and what will be.
    pub async fn hold_evidence(
        &self,
        integration_id: &str,
        covered: Covered,
        (reason, by): (&str, &str),
    ) -> Result<HoldRow, StoreError> {
        let (integration_id, reason, by) = (integration_id.to_owned(), reason.to_owned(), by.to_owned());
        let hold = move |tx: &mut Tx| {
            let id = format!("hold_{}", tx.ids.next());
            let (user, job) = match &covered {
                Covered::Integration => (None, None),
                Covered::Person(user) => (Some(user), None),
                Covered::Job(job) => (None, Some(job)),
            };
            tx.db.write(INSERT, args![&id, &integration_id, user, job, &reason, &by, tx.now]);
            tell(tx, "evidence.held", (&id, &integration_id, &covered), (&reason, &by));
            HoldRow { id, integration_id, covered, reason, made_by: by, made_at: tx.now, released_at: None }
        };
        self.writer.write(move |tx| std::future::ready(Ok(hold(tx))).boxed()).await
    }

    /// Releases a hold. Returns it as it was; none where there is no such, or it was released before.
    pub async fn release_evidence(
        &self,
        id: &str,
        (reason, by): (&str, &str),
    ) -> Result<Option<HoldRow>, StoreError> {
        let (id, reason, by) = (id.to_owned(), reason.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { release(tx, &id, (&reason, &by)).await }.boxed()).await
    }

    /// All holds, those that were released too, in the order of their making.
    pub async fn list_evidence_holds(&self) -> Result<Vec<HoldRow>, StoreError> {
        self.reader().await?.all(ALL, &[]).await?.iter().map(read).collect()
    }

    /// The holds of an integration that are not released.
    pub async fn open_evidence_holds(&self, integration_id: &str) -> Result<Vec<HoldRow>, StoreError> {
        open(&mut self.reader().await?, integration_id).await
    }
}

/// The holds of an integration that are not released.
pub(super) async fn open(db: &mut Db, integration_id: &str) -> Result<Vec<HoldRow>, StoreError> {
    db.all(OPEN, args![integration_id]).await?.iter().map(read).collect()
}

async fn release(tx: &mut Tx, id: &str, told: (&str, &str)) -> Result<Option<HoldRow>, StoreError> {
    if tx.db.change(RELEASE, args![id, tx.now]).await? == 0 {
        return Ok(None);
    }
    let hold = tx.db.one(FIND, args![id]).await?.as_ref().map(read).transpose()?;
    if let Some(hold) = &hold {
        tell(tx, "evidence.released", (&hold.id, &hold.integration_id, &hold.covered), told);
    }
    Ok(hold)
}

fn tell(tx: &mut Tx, kind: &str, (id, integration, covered): (&str, &str, &Covered), told: (&str, &str)) {
    let (reason, by) = told;
    let mut event = NewEvent::new(kind, by).of(integration).with(json!({ "hold": id, "reason": reason }));
    match covered {
        Covered::Integration => {}
        Covered::Person(user) => event.target = Some(user.clone()),
        Covered::Job(job) => event.job_id = Some(job.clone()),
    }
    event::append(tx, event);
}

fn read(row: &Row) -> Result<HoldRow, StoreError> {
    let covered = match (row.maybe_text("user_id")?, row.maybe_text("job_id")?) {
        (Some(user), _) => Covered::Person(user),
        (None, Some(job)) => Covered::Job(job),
        (None, None) => Covered::Integration,
    };
    Ok(HoldRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        covered,
        reason: row.text("reason")?,
        made_by: row.text("made_by")?,
        made_at: row.time("made_at")?,
        released_at: row.maybe_time("released_at")?,
    })
}
