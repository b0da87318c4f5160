//! The rules around the commit step: what must hold before it, and what a failure means after it.

use super::explain::GuardFor;
use super::runner::Runner;
use super::{Committed, Report};
use crate::browser::Guard;
use crate::failure::FailureClass;
use crate::step::{Failure, Output, Role, Told};
use crate::trace::NotAllowed;

impl Runner<'_> {
    /// Whether the step that is going on is the commit step.
    pub(super) fn is_commit(&self) -> bool {
        self.notes.as_ref().is_some_and(|notes| notes.role == Role::Commit)
    }

    /// What the page must show at the very moment of the commit.
    pub(super) fn guards(&self) -> Result<(Vec<Guard>, Vec<GuardFor>), Failure> {
        let mut guards = Vec::new();
        let mut purposes = Vec::new();
        if let Some(tenant) = &self.book.tenant {
            guards.push(Guard::Present { locator: self.rendered(tenant)? });
            purposes.push(GuardFor::Tenant);
        }
        if !self.identity.subject.is_empty() {
            guards.push(Guard::Identity { texts: self.identity.subject.clone() });
            purposes.push(GuardFor::Identity);
        }
        if let Some(group) = &self.identity.group {
            guards.push(Guard::Shown { texts: vec![group.clone()] });
            purposes.push(GuardFor::Group);
        }
        Ok((guards, purposes))
    }

    /// Everything that comes before the commit: it is the only one, its picture is being taken, the witness allows it.
    pub(super) async fn prepare_commit(&mut self) -> Result<(), Failure> {
        if self.committed == Committed::Yes {
            return Err(Failure::new(FailureClass::Internal, "a second commit step on the same path"));
        }
        if self.only_shows() {
            self.check_commit().await?;
            self.stop_before_commit().await;
            return Err(Failure::new(FailureClass::Internal, "the run ends before its commit step"));
        }
        let last = self.tell_untold().await;
        self.picture_before(last).await;
        let allowed = self.witness.before_commit().await;
        allowed.map_err(|refusal| not_allowed(&refusal))
    }

    /// `failure` as it is reported: once the app may have been changed, only the app's own refusal is certain.
    pub(super) fn after_commit(&self, mut failure: Failure) -> Failure {
        let certain = failure.told == Told::ByApp || failure.class == FailureClass::OutcomeUnknown;
        if self.committed == Committed::Yes && !certain {
            failure.message = format!("after the commit step: {}: {}", failure.class, failure.message);
            failure.class = FailureClass::OutcomeUnknown;
        }
        failure
    }

    /// The report of the run.
    pub(super) fn report(mut self, ended: Result<(), Failure>) -> Report {
        let outcome = match ended {
            Ok(()) => Ok(std::mem::take::<Output>(&mut self.output)),
            Err(failure) => {
                let mut failure = self.after_commit(failure);
                failure.message = self.redactor.redact(&failure.message);
                Err(failure)
            }
        };
        Report { outcome, committed: self.committed, drifted: self.drifted }
    }
}

/// The failure of a run that must not go on.
pub(super) fn not_allowed(refusal: &NotAllowed) -> Failure {
    Failure::new(refusal.class, format!("the run was stopped: {}", refusal.reason))
}
