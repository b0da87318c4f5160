//! Waiting for what really happens, as long as the caller is willing to, and saying it.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use crate::failure::FailureClass;
use crate::scim::Error;
use crate::store::{Answering, JobBrief, JobState, Recorded, UserBody};

use super::record::recorded;
use super::{Caller, Intake, RETRY_AFTER_SECS, Shown, fault};

/// How many jobs are remembered that somebody has to ask for again.
const MOST_HELD: usize = 10_000;

impl Intake {
    /// The user as it was recorded, once its job has settled or the caller's patience is over.
    ///
    /// # Errors
    /// Why the job failed, with its class and what to do.
    pub(super) async fn settle(&self, caller: &Caller, change: Recorded) -> Result<Shown, Error> {
        let job = self.settled(caller, change.job.clone()).await?;
        recorded(caller, change, job)
    }

    /// The job as it is once it has settled or the caller's patience is over.
    ///
    /// # Errors
    /// Why it failed, with its class and what to do.
    pub(super) async fn settled(
        &self,
        caller: &Caller,
        job: Option<JobBrief>,
    ) -> Result<Option<JobBrief>, Error> {
        let patience = caller.patience;
        let does_wait = caller.answering == Answering::Hold || !patience.is_zero();
        let job = match job {
            Some(job) if does_wait => job,
            job => return Ok(job),
        };
        if job.state.is_settled() {
            return outcome(Some(job));
        }
        match tokio::time::timeout(patience, self.store.settled_job(&job.id)).await {
            Err(_) if caller.answering == Answering::Hold => Err(self.hold(&job)),
            // It goes on without the caller; the next read tells.
            Err(_) => Ok(Some(job)),
            Ok(Err(error)) => Err(fault(&error)),
            Ok(Ok(settled)) => outcome(settled.map(JobBrief::from)),
        }
    }
}

impl Intake {
    /// Tells the caller to ask again, and remembers that its next request is about this job.
    fn hold(&self, job: &JobBrief) -> Error {
        let mut held = self.held();
        // Callers that never ask again are forgotten some day; they are told of a new try then, which does no harm.
        if held.len() >= MOST_HELD {
            held.clear();
        }
        held.insert(job.id.clone());
        Error::too_many_requests(format!(
            "the change is recorded and being carried out ({}); ask again in {RETRY_AFTER_SECS} s for what became of it",
            job.id
        ))
    }

    /// What became of the change that the caller was told to ask for again; none where this is another request. A change that is still
    /// being carried out is waited for as before.
    pub(super) async fn outcome_of_held(
        &self,
        caller: &Caller,
        id: &str,
        body: &UserBody,
    ) -> Option<Result<Shown, Error>> {
        if caller.answering != Answering::Hold {
            return None;
        }
        let view = match self.store.view_user(&caller.integration.row.id, id).await {
            Ok(view) => view?,
            Err(error) => return Some(Err(fault(&error))),
        };
        let job = view.job.clone().filter(|_| view.user.is(body))?;
        if !self.held().remove(&job.id) {
            return None;
        }
        let change = Recorded { user: view.user, job: Some(job), groups: view.groups };
        Some(self.settle(caller, change).await)
    }

    fn held(&self) -> MutexGuard<'_, HashSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The job, or why it did not do what was asked.
fn outcome(settled: Option<JobBrief>) -> Result<Option<JobBrief>, Error> {
    match settled.as_ref().and_then(failure) {
        Some(error) => Err(error),
        None => Ok(settled),
    }
}

/// What a client is told of a job that did not do what was asked.
fn failure(job: &JobBrief) -> Option<Error> {
    let message = job.message.as_deref().unwrap_or("no more is known").trim_end_matches('.');
    match job.state {
        JobState::Failed | JobState::Held => {
            let class = job.class.unwrap_or(FailureClass::Internal);
            let info = class.info();
            let (verb, id) = (if job.state == JobState::Held { "release" } else { "retry" }, &job.id);
            let detail = format!(
                "{class}: {} {message}. To act: {}. Then retry this task, or `usher job {verb} {id}`",
                info.says, info.who_acts
            );
            Some(Error::with_status(status(class), detail))
        }
        JobState::NeedsHuman => {
            Some(Error::conflict(format!("a person has to do it: {message} (job {})", job.id)))
        }
        _ => None,
    }
}

/// The status of a failure: the client's own to mend, a clash with the app's state, or a fault on the way.
fn status(class: FailureClass) -> u16 {
    match class {
        FailureClass::InvalidValue | FailureClass::Unsupported => 400,
        FailureClass::SeatLimit
        | FailureClass::Protected
        | FailureClass::LastAdmin
        | FailureClass::Safeguard
        | FailureClass::AmbiguousMatch
        | FailureClass::IdentityMismatch => 409,
        _ => 500,
    }
}
