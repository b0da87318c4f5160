//! The operations that a job tries: which it must not begin, and what it found out about the others.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::failure::FailureClass;
use crate::step::Failure;
use crate::store::{Breaker, Trial, Tripped};

use super::after::opens_at;

/// What one attempt tries.
#[derive(Debug)]
pub(super) struct Trials {
    job_id: String,
    breakers: Vec<Breaker>,
    /// The operation that was begun last: what fails after it fails for what it read or did.
    last: Option<String>,
    worked: BTreeSet<String>,
    waits_for: Option<String>,
}

impl Trials {
    pub(super) fn new(job_id: &str, breakers: Vec<Breaker>) -> Self {
        let job_id = job_id.to_owned();
        Self { job_id, breakers, last: None, worked: BTreeSet::new(), waits_for: None }
    }

    /// Whether this operation may be begun.
    pub(super) fn begin(&mut self, operation: &str) -> Result<(), Failure> {
        let open = self
            .breakers
            .iter()
            .find(|breaker| breaker.operation == operation && breaker.stops(&self.job_id));
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
        } else {
            self.worked.remove(operation);
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
                operation: self.last.clone()?,
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
