//! The operations that a job tries: which it must not begin, and what it found out about the others.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::failure::FailureClass;
use crate::step::Failure;
use crate::store::{Breaker, JobRow, Kind, Trial, Tripped};

use super::after::opens_at;

/// What one attempt tries.
#[derive(Debug)]
pub(super) struct Trials {
    job_id: String,
    tries_all: bool,
    breakers: Vec<Breaker>,
    /// The operation that was begun last: what fails after it fails for what it read or did.
    last: Option<String>,
    /// The one that ended badly, and not well since; perhaps something was read after it.
    failed: Option<String>,
    worked: BTreeSet<String>,
    waits_for: Option<String>,
}

impl Trials {
    pub(super) fn new(job: &JobRow, breakers: Vec<Breaker>) -> Self {
        // Whoever tests the login wants to know whether it works again; it changes nothing.
        let tries_all = job.kind == Kind::TestLogin;
        let job_id = job.id.clone();
        Self {
            job_id,
            tries_all,
            breakers,
            last: None,
            failed: None,
            worked: BTreeSet::new(),
            waits_for: None,
        }
    }

    /// Whether this operation may be begun.
    pub(super) fn begin(&mut self, operation: &str) -> Result<(), Failure> {
        let open = self
            .breakers
            .iter()
            .find(|breaker| breaker.operation == operation && breaker.stops(&self.job_id) && !self.tries_all);
        let Some(breaker) = open else {
            self.last = Some(operation.to_owned());
            return Ok(());
        };
        self.waits_for = Some(operation.to_owned());
        Err(Failure::new(breaker.class, held(breaker)))
    }

    /// It was begun and has ended.
    pub(super) fn end(&mut self, operation: &str, worked: bool) {
        if worked {
            self.worked.insert(operation.to_owned());
            self.failed.take_if(|failed| failed == operation);
        } else {
            self.worked.remove(operation);
            self.failed = Some(operation.to_owned());
        }
    }

    /// What was found out, where the job ended so.
    pub(super) fn found(
        &self,
        result: &Result<(), Failure>,
        connector_hash: &str,
        credentials_at: Option<Timestamp>,
    ) -> Trial {
        let tripped = result.as_ref().err().filter(|_| self.waits_for.is_none()).and_then(|failure| {
            Some(Tripped {
                operation: self.failed.clone().or_else(|| self.last.clone())?,
                class: failure.class,
                message: failure.to_string(),
                opens_at: opens_at(failure.class)?,
                connector_hash: connector_hash.to_owned(),
                credentials_at,
            })
        });
        let failed = tripped.as_ref().map(|tripped| &tripped.operation);
        // Most operations never failed; of them there is nothing to be written.
        let worked = self.breakers.iter().map(|breaker| &breaker.operation);
        let worked =
            worked.filter(|operation| self.worked.contains(*operation) && Some(*operation) != failed);
        Trial { worked: worked.cloned().collect(), tripped, waits_for: self.waits_for.clone() }
    }
}

/// Why the operation is not begun, and who can do what about it.
fn held(breaker: &Breaker) -> String {
    let Breaker { operation, failures, message, .. } = breaker;
    let since = breaker.opened_at.map_or_else(String::new, |at| format!(" since {}", at.to_rfc3339()));
    let cure = match breaker.class {
        FailureClass::PermissionDenied => "give the service account what it needs",
        _ => "mend the connector",
    };
    format!(
        "`{operation}` is not begun any more{since}: it failed {failures} times in a row, last with: {message}; {cure}, or release one job to try it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(operation: &str, probe: Option<&str>) -> Breaker {
        Breaker {
            integration_id: "i".to_owned(),
            operation: operation.to_owned(),
            failures: 3,
            opened_at: Some(Timestamp::from_ms(0)),
            class: FailureClass::UiDrift,
            message: "no button".to_owned(),
            connector_hash: "hash".to_owned(),
            credentials_at: None,
            probe: probe.map(str::to_owned),
        }
    }

    fn trials(breakers: Vec<Breaker>) -> Trials {
        let (job_id, worked) = ("job".to_owned(), BTreeSet::new());
        Trials { job_id, tries_all: false, breakers, last: None, failed: None, worked, waits_for: None }
    }

    fn drift() -> Result<(), Failure> {
        Err(Failure::new(FailureClass::UiDrift, "no table"))
    }

    #[test]
    fn what_is_open_is_not_begun_unless_by_its_probe() {
        let mut stopped = trials(vec![breaker("invite", Some("another"))]);
        assert!(stopped.begin("read_account").is_ok());
        stopped.end("read_account", true);
        let refused = stopped.begin("invite").unwrap_err();
        assert!(refused.message.contains("`invite` is not begun any more since 1970"), "{}", refused.message);
        let trial = stopped.found(&Err(refused), "hash", None);
        assert_eq!((trial.waits_for.as_deref(), trial.tripped, trial.worked), (Some("invite"), None, vec![]));

        let mut probe = trials(vec![breaker("invite", Some("job"))]);
        assert!(probe.begin("invite").is_ok());
        probe.end("invite", true);
        assert_eq!(probe.found(&Ok(()), "hash", None).worked, ["invite"]);
        let mut test = Trials { tries_all: true, ..trials(vec![breaker("login", None)]) };
        assert!(test.begin("login").is_ok());
    }

    #[test]
    fn the_operation_that_was_begun_last_is_the_one_that_failed() {
        let mut trials = trials(vec![breaker("read_account", Some("job"))]);
        for operation in ["login", "read_account"] {
            trials.begin(operation).unwrap();
            trials.end(operation, true);
        }
        // It did all its steps, and what it read makes no sense.
        let trial = trials.found(&drift(), "hash-2", None);
        let tripped = trial.tripped.unwrap();
        assert_eq!((tripped.operation.as_str(), tripped.opens_at), ("read_account", 3));
        assert_eq!((tripped.connector_hash.as_str(), trial.worked), ("hash-2", vec![]));
        // What is read after an operation failed does not take its place.
        trials.begin("change_role").unwrap();
        trials.end("change_role", false);
        trials.begin("read_account").unwrap();
        trials.end("read_account", true);
        let trial = trials.found(&drift(), "hash", None);
        assert_eq!(trial.tripped.map(|tripped| tripped.operation).as_deref(), Some("change_role"));
        assert_eq!(trial.worked, ["read_account"]);
        let slow = Err(Failure::new(FailureClass::Timeout, "slow"));
        assert_eq!(trials.found(&slow, "hash", None).tripped, None);
    }
}
