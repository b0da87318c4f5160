//! What a person may do with a job: try it again, hold it, release it, do it instead of Usher, cancel it, let it go before or behind others.

use futures::FutureExt as _;

use super::super::Store;
use super::super::error::StoreError;
use super::super::group;
use super::super::listed;
use super::super::sql::{args, statements};
use super::super::user;
use super::super::writer::Tx;
use super::breaker;
use super::enqueue::Priority;
use super::{JobRow, JobState, find, follower, promote, read, reread, select_jobs, tell};

statements! {
    PENDING = select_jobs!("WHERE j.integration_id = $1 AND j.lane = $2 AND j.state IN ('ready', 'running', 'retry', 'held', 'needs_human')");
    MAKE_READY = "UPDATE jobs SET state = 'ready', due_at = $2, tries = 0, superseded_by = NULL, waits_for = NULL, finished_at = NULL, changed_at = $2 WHERE id = $1";
    GO_ON_ITSELF = "UPDATE jobs SET by_hand = 0 WHERE id = $1";
    TAKE_OVER = "UPDATE jobs SET state = 'needs_human', by_hand = 1, class = NULL, message = $2, waits_for = NULL, superseded_by = NULL, finished_at = NULL, changed_at = $3 WHERE id = $1";
    HOLD = "UPDATE jobs SET state = 'held', class = NULL, message = $2, changed_at = $3 WHERE id = $1";
    PRIORITY = "UPDATE jobs SET priority = $2, changed_at = $3 WHERE id = $1";
    CANCEL = "UPDATE jobs SET state = 'cancelled', message = $2, finished_at = $3, changed_at = $3 WHERE id = $1";
}

/// The job was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such job.
    #[error("there is no such job")]
    NotFound,
    /// It does not stand where this can be done.
    #[error("the job is {0}")]
    WrongState(JobState),
    /// A newer job of the same account, or group, is pending and will do what this one would.
    #[error("job {by} is pending for the same account or group")]
    Pending {
        /// The newer job.
        by: String,
    },
    /// The account, or the group, was removed as it was wanted, and may be another one by now.
    #[error("the {0} of the job is gone; nothing is left to do")]
    Gone(&'static str),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person wants of a job.
#[derive(Clone, Debug)]
enum Wish {
    Retry,
    Hold { reason: String },
    Release { reason: String },
    TakeOver { reason: String },
    Check,
    Cancel { reason: String },
    Priority(Priority),
}

impl Store {
    /// Makes a job that failed, was cancelled, or waits for its next try ready now. What was unknown stays to be read
    /// first.
    pub async fn retry_job(&self, id: &str, by: &str) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::Retry, by).await
    }

    /// Lets a held job, or one that a person had to do, go on: it compares anew.
    pub async fn release_job(&self, id: &str, reason: &str, by: &str) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::Release { reason: reason.to_owned() }, by).await
    }

    /// Leaves a job to a person, who does it in the app: Usher only reads whether it is done.
    pub async fn take_job(&self, id: &str, reason: &str, by: &str) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::TakeOver { reason: reason.to_owned() }, by).await
    }

    /// Reads whether a job is done that a person does; it ends only where it is.
    pub async fn check_job(&self, id: &str, by: &str) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::Check, by).await
    }

    /// Lets a job that has not begun wait until somebody releases it.
    pub async fn hold_job(&self, id: &str, reason: &str, by: &str) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::Hold { reason: reason.to_owned() }, by).await
    }

    /// Lets a job that has not ended go before, or behind, others of its integration.
    pub async fn prioritize_job(
        &self,
        id: &str,
        priority: Priority,
        by: &str,
    ) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::Priority(priority), by).await
    }

    /// Ends a job that is not running and has not ended.
    pub async fn cancel_job(&self, id: &str, reason: &str, by: &str) -> Result<JobRow, OperateError> {
        self.operate(id, Wish::Cancel { reason: reason.to_owned() }, by).await
    }

    async fn operate(&self, id: &str, wish: Wish, by: &str) -> Result<JobRow, OperateError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.writer.write(move |tx| operate(tx, id, wish, by).boxed()).await
    }
}

/// Has a job checked that a person does; nothing happens where nobody does it any more.
pub(in super::super) async fn check(tx: &mut Tx, id: &str, by: &str) -> Result<(), StoreError> {
    match operate(tx, id.to_owned(), Wish::Check, by.to_owned()).await {
        Err(OperateError::Store(error)) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn operate(tx: &mut Tx, id: String, wish: Wish, by: String) -> Result<JobRow, OperateError> {
    let job = find(&mut tx.db, &id).await?.ok_or(OperateError::NotFound)?;
    let (kind, reason) = match wish {
        Wish::Retry => {
            again(tx, &job, &[JobState::Failed, JobState::Cancelled, JobState::Retry]).await?;
            ("job.retried", None)
        }
        Wish::Hold { reason } => {
            if !matches!(job.state, JobState::Ready | JobState::Retry) {
                return Err(OperateError::WrongState(job.state));
            }
            tx.db.write(HOLD, args![&job.id, &reason, tx.now]);
            ("job.held", Some(reason))
        }
        Wish::Priority(priority) => {
            if job.state.is_final() {
                return Err(OperateError::WrongState(job.state));
            }
            tx.db.write(PRIORITY, args![&job.id, priority.to_stored(), tx.now]);
            ("job.prioritized", Some(priority.to_string()))
        }
        Wish::Release { reason } => {
            again(tx, &job, &[JobState::Held, JobState::NeedsHuman]).await?;
            tx.db.write(GO_ON_ITSELF, args![&job.id]);
            if let Some(operation) = &job.waits_for {
                // Somebody says that it may be tried, whatever changed.
                breaker::probe(tx, &job, operation);
            }
            ("job.released", Some(reason))
        }
        Wish::TakeOver { reason } => {
            let from = [JobState::Ready, JobState::Retry, JobState::Held, JobState::Failed];
            again(tx, &job, &from).await?;
            tx.db.write(TAKE_OVER, args![&job.id, &reason, tx.now]);
            ("job.taken_over", Some(reason))
        }
        Wish::Check => {
            again(tx, &job, &[JobState::NeedsHuman]).await?;
            ("job.checked", None)
        }
        Wish::Cancel { reason } => {
            cancel(tx, &job, &reason).await?;
            ("job.cancelled", Some(reason))
        }
    };
    tell(tx, &job, kind, &by, serde_json::json!({ "was": job.state, "reason": reason }));
    Ok(reread(tx, &id).await?)
}

async fn again(tx: &mut Tx, job: &JobRow, from: &[JobState]) -> Result<(), OperateError> {
    if !from.contains(&job.state) {
        return Err(OperateError::WrongState(job.state));
    }
    if let Some(user_id) = &job.user_id
        && user::find(&mut tx.db, &job.integration_id, user_id)
            .await?
            .is_none_or(|user| user.gone_at.is_some())
    {
        return Err(OperateError::Gone("user"));
    }
    if let Some(group_id) = &job.group_id
        && group::find(&mut tx.db, &job.integration_id, group_id)
            .await?
            .is_none_or(|group| group.gone_at.is_some())
    {
        return Err(OperateError::Gone("group"));
    }
    let pending = tx.db.one(PENDING, args![&job.integration_id, &job.lane]).await?;
    if let Some(pending) = pending.map(|row| read(&row)).transpose()?.filter(|pending| pending.id != job.id) {
        return Err(OperateError::Pending { by: pending.id });
    }
    tx.db.write(MAKE_READY, args![&job.id, tx.now]);
    Ok(())
}

async fn cancel(tx: &mut Tx, job: &JobRow, reason: &str) -> Result<(), OperateError> {
    if job.state == JobState::Running || job.state.is_final() {
        return Err(OperateError::WrongState(job.state));
    }
    tx.db.write(CANCEL, args![&job.id, reason, tx.now]);
    listed::forget(tx, &job.id);
    if job.state != JobState::Blocked
        && let Some(follower) = follower(tx, job).await?
    {
        promote(tx, job, &follower);
    }
    Ok(())
}
