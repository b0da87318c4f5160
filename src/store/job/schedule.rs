//! What is done again and again: an integration's canary and its syncs, by the recurrences of its policy.

use futures::FutureExt as _;

use super::super::Store;
use super::super::error::StoreError;
use super::super::policy::Policy;
use super::super::sql::{args, statements};
use super::super::word::words;
use super::super::writer::Tx;
use super::JobRow;
use super::enqueue::{JobRequest, Priority, Work, ask};
use crate::calendar::Recurrence;

statements! {
    DUE = "SELECT integration_id, kind, cron FROM schedules WHERE next_at <= $1 ORDER BY integration_id, kind";
    // What was asked for before keeps its time, so that a policy can be changed without missing it.
    PUT = "INSERT INTO schedules (integration_id, kind, cron, next_at) VALUES ($1, $2, $3, $4) ON CONFLICT (integration_id, kind) DO UPDATE SET cron = excluded.cron, next_at = CASE WHEN schedules.cron = excluded.cron THEN schedules.next_at ELSE excluded.next_at END";
    REMOVE = "DELETE FROM schedules WHERE integration_id = $1 AND kind = $2";
    NEXT = "UPDATE schedules SET next_at = $3 WHERE integration_id = $1 AND kind = $2";
}

words! {
    /// What a schedule asks for.
    Scheduled("kind of schedule") {
        /// A test of the login, which reads the list of accounts and changes nothing.
        Canary = "canary",
        /// A sync.
        Sync = "sync",
    }
}

impl Store {
    /// Asks for the jobs whose time has come, each once however often it was missed, and returns them. Several may call it: each time is
    /// one's.
    pub async fn ask_scheduled(&self) -> Result<Vec<JobRow>, StoreError> {
        if self.reader().await?.one(DUE, args![self.clock.now()]).await?.is_none() {
            return Ok(Vec::new());
        }
        self.writer.write(|tx| ask_due(tx).boxed()).await
    }
}

async fn ask_due(tx: &mut Tx) -> Result<Vec<JobRow>, StoreError> {
    let mut jobs = Vec::new();
    for row in tx.db.all(DUE, args![tx.now]).await? {
        let (integration_id, kind) = (row.text("integration_id")?, row.word::<Scheduled>("kind")?);
        let recurrence: Recurrence = row.word("cron")?;
        tx.db.write(NEXT, args![&integration_id, kind.as_str(), recurrence.after(tx.now)]);
        let work = match kind {
            Scheduled::Canary => Work::TestLogin,
            Scheduled::Sync => Work::Sync,
        };
        let cause = serde_json::json!({ "schedule": kind, "at": recurrence });
        let request = JobRequest { priority: Priority::ORDINARY, cause };
        jobs.push(ask(tx, integration_id, (work, request), "schedule".to_owned()).await?);
    }
    Ok(jobs)
}

/// Lets a policy's schedules hold from now on.
pub(in super::super) fn set(tx: &mut Tx, integration_id: &str, policy: &Policy) {
    for (kind, recurrence) in [(Scheduled::Canary, &policy.canary), (Scheduled::Sync, &policy.sync)] {
        match recurrence {
            Some(recurrence) => {
                let next = recurrence.after(tx.now);
                tx.db.write(PUT, args![integration_id, kind.as_str(), recurrence.to_string(), next]);
            }
            None => tx.db.write(REMOVE, args![integration_id, kind.as_str()]),
        }
    }
}
