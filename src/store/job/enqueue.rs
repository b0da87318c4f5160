//! Asking for work: makes sure that one job is pending in the lane that will see what is wanted now.

use futures::FutureExt as _;

use super::super::Store;
use super::super::error::StoreError;
use super::super::event::{self, NewEvent};
use super::super::sql::{args, statements};
use super::super::writer::Tx;
use super::{JobBrief, JobRow, JobState, Kind, read, reread, select_jobs};

statements! {
    HEAD = select_jobs!("WHERE j.integration_id = $1 AND j.lane = $2 AND j.state IN ('ready', 'running', 'retry', 'held', 'needs_human')");
    FOLLOWER = select_jobs!("WHERE j.integration_id = $1 AND j.lane = $2 AND j.state = 'blocked'");
    INSERT = "INSERT INTO jobs (id, integration_id, lane, kind, user_id, wanted_version, priority, state, due_at, cause, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $9)";
    JOIN = "UPDATE jobs SET wanted_version = $2, cause = $3, priority = CASE WHEN priority > $4 THEN $4 ELSE priority END, changed_at = $5 WHERE id = $1";
    RETRY_NOW = "UPDATE jobs SET state = 'ready', due_at = $2, tries = 0 WHERE id = $1";
    INHERIT = "UPDATE jobs SET priority = $2 WHERE id = $1 AND priority > $2";
}

/// How urgent a job is; the smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(i64);

impl Priority {
    /// Somebody who must lose access (R2).
    pub const LEAVER: Self = Self(0);
    /// Somebody waits at a screen for it.
    pub const INTERACTIVE: Self = Self(10);
    /// Everything else.
    pub const ORDINARY: Self = Self(50);

    pub(super) fn from_stored(value: i64) -> Self {
        Self(value)
    }

    pub(super) fn to_stored(self) -> i64 {
        self.0
    }
}

/// How work is asked for.
#[derive(Clone, Debug)]
pub struct JobRequest {
    /// How urgent it is.
    pub priority: Priority,
    /// What asks for it, as JSON.
    pub cause: serde_json::Value,
}

/// The work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// To make one account as it is wanted.
    Provision {
        /// The user whose account it is.
        user_id: String,
        /// The version of the user that asks for it.
        wanted_version: i64,
    },
    /// To check the settings and the service account's login.
    TestLogin,
}

impl Work {
    fn kind(&self) -> Kind {
        match self {
            Self::Provision { .. } => Kind::Provision,
            Self::TestLogin => Kind::TestLogin,
        }
    }

    fn user_id(&self) -> Option<&str> {
        match self {
            Self::Provision { user_id, .. } => Some(user_id),
            Self::TestLogin => None,
        }
    }

    fn wanted_version(&self) -> Option<i64> {
        match self {
            Self::Provision { wanted_version, .. } => Some(*wanted_version),
            Self::TestLogin => None,
        }
    }

    /// No user id is this word.
    fn lane(&self) -> &str {
        self.user_id().unwrap_or("integration")
    }
}

impl Store {
    /// Makes sure that a job for this work is pending, and returns it. Work that belongs to a change of a user goes
    /// with [`Store::record`].
    pub async fn request_job(
        &self,
        integration_id: &str,
        work: Work,
        request: JobRequest,
        by: &str,
    ) -> Result<JobRow, StoreError> {
        let (integration_id, by) = (integration_id.to_owned(), by.to_owned());
        self.writer.write(move |tx| ask(tx, integration_id, (work, request), by).boxed()).await
    }
}

async fn ask(
    tx: &mut Tx,
    integration_id: String,
    (work, request): (Work, JobRequest),
    by: String,
) -> Result<JobRow, StoreError> {
    let cause = request.cause.clone();
    let job = enqueue(tx, &integration_id, work, request).await?;
    let job = reread(tx, &job.id).await?;
    let mut event = NewEvent::new("job.requested", &by).of(&integration_id).with(cause);
    event.job_id = Some(job.id.clone());
    event.target = job.user_id.clone();
    event::append(tx, event);
    Ok(job)
}

/// Finds or makes the pending job of the lane, inside a transaction.
///
/// A head that is not running will see the wish when it runs: it is joined, and one that waited for its next try is
/// due at once. One that is held or with a person stays so: a newer wish is no decision. A running head may already
/// have read the old wish, so the wish waits as its follower. Whoever stands in front of a leaver is as urgent.
pub(in super::super) async fn enqueue(
    tx: &mut Tx,
    integration_id: &str,
    work: Work,
    request: JobRequest,
) -> Result<JobBrief, StoreError> {
    let lane = work.lane().to_owned();
    let head = tx.db.one(HEAD, args![integration_id, &lane]).await?.map(|row| read(&row)).transpose()?;
    Ok(match head {
        None => enqueue_first(tx, integration_id, &work, &request),
        Some(head) if head.state == JobState::Running => {
            tx.db.write(INHERIT, args![&head.id, request.priority.to_stored()]);
            let follower = tx.db.one(FOLLOWER, args![integration_id, &lane]).await?;
            match follower.map(|row| read(&row)).transpose()? {
                None => insert(tx, integration_id, (&work, &request), JobState::Blocked),
                Some(follower) => join(tx, follower, (&work, &request)),
            }
        }
        Some(head) => join(tx, head, (&work, &request)),
    })
}

/// Makes the job of a lane that has none.
pub(in super::super) fn enqueue_first(
    tx: &mut Tx,
    integration_id: &str,
    work: &Work,
    request: &JobRequest,
) -> JobBrief {
    insert(tx, integration_id, (work, request), JobState::Ready)
}

fn insert(
    tx: &mut Tx,
    integration_id: &str,
    (work, request): (&Work, &JobRequest),
    state: JobState,
) -> JobBrief {
    let id = tx.ids.next_with_prefix("job");
    let values = args![
        &id,
        integration_id,
        work.lane(),
        work.kind().as_str(),
        work.user_id(),
        work.wanted_version(),
        request.priority.to_stored(),
        state.as_str(),
        tx.now,
        &request.cause,
    ];
    tx.db.write(INSERT, values);
    tx.touched.job(&id);
    JobBrief { id, state, class: None, message: None, finished_at: None }
}

fn join(tx: &mut Tx, job: JobRow, (work, request): (&Work, &JobRequest)) -> JobBrief {
    let values = args![&job.id, work.wanted_version(), &request.cause, request.priority.to_stored(), tx.now];
    tx.db.write(JOIN, values);
    tx.touched.job(&job.id);
    let is_due = job.state == JobState::Retry;
    if is_due {
        tx.db.write(RETRY_NOW, args![&job.id, tx.now]);
    }
    let job = JobBrief::from(job);
    if is_due { JobBrief { state: JobState::Ready, ..job } } else { job }
}
