//! Waiting for what really happens, as long as the caller is willing to, and saying it.

use crate::failure::FailureClass;
use crate::scim::Error;
use crate::store::{JobRow, JobState, Recorded};

use super::record::recorded;
use super::{Caller, Intake, Shown, fault};

impl Intake {
    /// The user as it was recorded, once its job has settled or the caller's patience is over.
    ///
    /// # Errors
    /// Why the job failed, with its class and what to do.
    pub(super) async fn settle(&self, caller: &Caller, change: Recorded) -> Result<Shown, Error> {
        let patience = caller.patience();
        let Some(job) = change.job.as_ref().filter(|_| !patience.is_zero()) else {
            return recorded(caller, &change, change.job.as_ref());
        };
        match tokio::time::timeout(patience, self.store.settled_job(&job.id)).await {
            // It goes on without the caller; the next read tells.
            Err(_) => recorded(caller, &change, Some(job)),
            Ok(Err(error)) => Err(fault(&error)),
            Ok(Ok(settled)) => match settled.as_ref().and_then(failure) {
                Some(error) => Err(error),
                None => recorded(caller, &change, settled.as_ref()),
            },
        }
    }
}

/// What a client is told of a job that did not do what was asked.
fn failure(job: &JobRow) -> Option<Error> {
    let message = job.message.as_deref().unwrap_or("no more is known").trim_end_matches('.');
    match job.state {
        JobState::Failed | JobState::Held => {
            let class = job.class.unwrap_or(FailureClass::Internal);
            let info = class.info();
            let detail = format!(
                "{class}: {} {message}. To act: {}. Then retry this task, or `usher job retry {}`",
                info.says, info.who_acts, job.id
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
