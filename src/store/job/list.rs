//! Looking at jobs, and waiting for one to settle.

use super::super::Store;
use super::super::attempt::{self, AttemptDetail};
use super::super::error::StoreError;
use super::super::sql::{args, statements};
use super::{JobRow, JobState, find, read, select_jobs};
use crate::failure::FailureClass;

statements! {
    LIST = select_jobs!("WHERE j.seq < $1 ORDER BY j.seq DESC LIMIT $2");
    LIST_INTEGRATION = select_jobs!("WHERE j.integration_id = $3 AND j.seq < $1 ORDER BY j.seq DESC LIMIT $2");
    OF_LANE = "SELECT j.id FROM jobs j WHERE j.integration_id = $1 AND j.lane = $2 ORDER BY j.seq";
    LIST_READY = select_jobs!("WHERE j.state = 'ready' AND (CAST($3 AS TEXT) IS NULL OR j.integration_id = $3) AND j.seq < $1 ORDER BY j.seq DESC LIMIT $2");
    // Those that are done are the most; the latest of them are found by going back.
    LIST_DONE = select_jobs!("WHERE j.state = 'done' AND (CAST($3 AS TEXT) IS NULL OR j.integration_id = $3) AND j.seq < $1 ORDER BY j.seq DESC LIMIT $2");
    LIST_NOTABLE = select_jobs!("WHERE j.state = $4 AND j.state IN ('blocked', 'running', 'retry', 'failed', 'held', 'needs_human', 'cancelled') AND (CAST($3 AS TEXT) IS NULL OR j.integration_id = $3) AND j.seq < $1 ORDER BY j.seq DESC LIMIT $2");
    FAILED = "SELECT j.id FROM jobs j WHERE j.integration_id = $1 AND j.state = 'failed' AND (CAST($2 AS TEXT) IS NULL OR j.class = $2) AND NOT EXISTS (SELECT 1 FROM jobs l WHERE l.integration_id = j.integration_id AND l.lane = j.lane AND l.seq > j.seq) ORDER BY j.seq";
}

/// Which jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only those of this integration (its id).
    pub integration_id: Option<String>,
    /// Only those that stand here.
    pub state: Option<JobState>,
    /// Only those made before the one with this `seq`.
    pub before: Option<i64>,
    /// This many at most.
    pub limit: u32,
}

/// A job with everything that was done for it.
#[derive(Clone, Debug)]
pub struct JobDetail {
    /// The job.
    pub job: JobRow,
    /// Its attempts, first to last, each with its steps.
    pub attempts: Vec<AttemptDetail>,
}

impl Store {
    /// The job with this id.
    pub async fn find_job(&self, id: &str) -> Result<Option<JobRow>, StoreError> {
        find(&mut self.reader().await?, id).await
    }

    /// The job with this id, its attempts and their steps.
    pub async fn show_job(&self, id: &str) -> Result<Option<JobDetail>, StoreError> {
        let mut db = self.snapshot().await?;
        match find(&mut db, id).await? {
            Some(job) => Ok(Some(JobDetail { attempts: attempt::of_job(&mut db, id).await?, job })),
            None => Ok(None),
        }
    }

    /// Jobs, newest first.
    pub async fn list_jobs(&self, filter: &JobFilter) -> Result<Vec<JobRow>, StoreError> {
        let mut db = self.reader().await?;
        let (before, limit) = (filter.before.unwrap_or(i64::MAX), i64::from(filter.limit));
        let rows = match (&filter.integration_id, filter.state) {
            (None, None) => db.all(LIST, args![before, limit]).await,
            (Some(id), None) => db.all(LIST_INTEGRATION, args![before, limit, id]).await,
            (id, Some(JobState::Ready)) => db.all(LIST_READY, args![before, limit, id.as_ref()]).await,
            (id, Some(JobState::Done)) => db.all(LIST_DONE, args![before, limit, id.as_ref()]).await,
            (id, Some(state)) => {
                db.all(LIST_NOTABLE, args![before, limit, id.as_ref(), state.as_str()]).await
            }
        };
        rows?.iter().map(read).collect()
    }

    /// The ids of all jobs of a user, or of a group, first to last.
    pub async fn jobs_of(&self, integration_id: &str, id: &str) -> Result<Vec<String>, StoreError> {
        let rows = self.reader().await?.all(OF_LANE, args![integration_id, id]).await?;
        rows.iter().map(|row| row.text("id")).collect()
    }

    /// The ids of the jobs of an integration that failed (with this class), and after which nothing more was asked of the same lane; oldest
    /// first.
    pub async fn failed_jobs(
        &self,
        integration_id: &str,
        class: Option<FailureClass>,
    ) -> Result<Vec<String>, StoreError> {
        let class = class.map(FailureClass::as_str);
        let rows = self.reader().await?.all(FAILED, args![integration_id, class]).await?;
        rows.iter().map(|row| row.text("id")).collect()
    }

    /// Waits until the job has settled and returns it; `None` where there is no such job. Follows a job that took its
    /// place. Waits for as long as it takes: the caller bounds it.
    pub async fn settled_job(&self, id: &str) -> Result<Option<JobRow>, StoreError> {
        let mut id = id.to_owned();
        loop {
            let mut watch = self.watch_job(&id);
            let job = loop {
                match self.find_job(&id).await? {
                    Some(job) if !job.state.is_settled() => watch.changed().await,
                    other => break other,
                }
            };
            match job.as_ref().and_then(|job| job.superseded_by.clone()) {
                Some(next) => id = next,
                None => return Ok(job),
            }
        }
    }
}
