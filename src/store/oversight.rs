//! What is to be known of an integration to say how it stands: how it was read last, what does not go on, who waits.

use super::Store;
use super::error::StoreError;
use super::job::{Breaker, JobState, breaker};
use super::leaver;
use super::sql::{Row, args, statements};
use crate::clock::Timestamp;
use crate::failure::FailureClass;

statements! {
    // Tests of the login and syncs have lanes of their own.
    LAST_READING = "SELECT j.state, j.class, j.message, j.finished_at, (SELECT a.connector_hash FROM attempts a WHERE a.job_id = j.id ORDER BY a.number DESC LIMIT 1) AS connector_hash FROM jobs j WHERE j.integration_id = $1 AND j.lane IN ('integration', 'sync') AND j.state IN ('done', 'failed') ORDER BY j.finished_at DESC, j.seq DESC LIMIT 1";
    WAITING = "SELECT coalesce(sum(CASE WHEN state = 'held' THEN 1 ELSE 0 END), 0) AS held, coalesce(sum(CASE WHEN state = 'needs_human' THEN 1 ELSE 0 END), 0) AS needs_human FROM jobs WHERE integration_id = $1 AND state IN ('held', 'needs_human')";
    OPEN_PLAN = "SELECT id FROM plans WHERE integration_id = $1 AND state IN ('held', 'proposed') ORDER BY seq DESC LIMIT 1";
    OPEN_JOBS = "SELECT state, count(*) AS jobs FROM jobs WHERE integration_id = $1 AND state IN ('ready', 'blocked', 'running', 'retry', 'held', 'needs_human') GROUP BY state";
}

/// What is known of an integration.
#[derive(Clone, Debug, Default)]
pub struct Oversight {
    /// The test of the login, or the sync, that ended last.
    pub last_reading: Option<Reading>,
    /// The operations of the connector that failed and have not succeeded since.
    pub breakers: Vec<Breaker>,
    /// How many jobs are held.
    pub held: u64,
    /// How many jobs are with a person.
    pub needs_human: u64,
    /// The plan that waits for a decision.
    pub open_plan: Option<String>,
    /// How many people should be without access for longer than the policy allows, and are not known to be.
    pub late: u64,
    /// Since when the first of them should be.
    pub late_since: Option<Timestamp>,
}

/// A reading of the app for its own sake.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Done, or failed.
    pub state: JobState,
    /// Why it failed.
    pub class: Option<FailureClass>,
    /// The same in words; of one that went well, what was read.
    pub message: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// The connector that it was done with.
    pub connector_hash: Option<String>,
}

impl Store {
    /// What is known of an integration, of one moment. Whoever should be without access since `late` or before, is late.
    pub async fn oversight(&self, integration_id: &str, late: Timestamp) -> Result<Oversight, StoreError> {
        let mut db = self.snapshot().await?;
        let mut oversight = Oversight {
            breakers: breaker::of_integration(&mut db, integration_id).await?,
            ..Oversight::default()
        };
        if let Some(row) = db.one(LAST_READING, args![integration_id]).await? {
            oversight.last_reading = Some(reading(&row)?);
        }
        if let Some(row) = db.one(WAITING, args![integration_id]).await? {
            oversight.held = count(&row, "held")?;
            oversight.needs_human = count(&row, "needs_human")?;
        }
        if let Some(row) = db.one(OPEN_PLAN, args![integration_id]).await? {
            oversight.open_plan = Some(row.text("id")?);
        }
        let since_ever = Timestamp::from_ms(i64::MIN);
        (oversight.late, oversight.late_since) =
            leaver::waiting(&mut db, integration_id, (since_ever, late)).await?;
        Ok(oversight)
    }
}

impl Store {
    /// How many jobs of an integration have not ended, by where they stand.
    pub async fn open_jobs(&self, integration_id: &str) -> Result<Vec<(JobState, u64)>, StoreError> {
        let rows = self.reader().await?.all(OPEN_JOBS, args![integration_id]).await?;
        rows.iter().map(|row| Ok((row.word("state")?, count(row, "jobs")?))).collect()
    }

    /// How many people should be without access and are not known to be, and since when the first of them.
    pub async fn waiting_leavers(
        &self,
        integration_id: &str,
    ) -> Result<(u64, Option<Timestamp>), StoreError> {
        let ever = (Timestamp::from_ms(i64::MIN), self.clock.now());
        leaver::waiting(&mut self.reader().await?, integration_id, ever).await
    }
}

fn count(row: &Row, column: &'static str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or(0))
}

fn reading(row: &Row) -> Result<Reading, StoreError> {
    Ok(Reading {
        state: row.word("state")?,
        class: row.maybe_word("class")?,
        message: row.maybe_text("message")?,
        at: row.maybe_time("finished_at")?,
        connector_hash: row.maybe_text("connector_hash")?,
    })
}
