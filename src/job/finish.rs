//! From how an attempt ended to what is written of it.

use serde_json::{Map, Value, json};

use crate::failure::{FailureClass, Retry};
use crate::id::Entropy;
use crate::step::Failure;
use crate::store::{Claimed, Finish, Outcome, Seen, Trial};

use super::Workshop;
use super::after::{Committed, Next, after_failure};

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What was read last of what the job is about.
    pub(super) seen: Option<Seen>,
    /// What was done, in words.
    pub(super) done: Vec<String>,
    /// What else the record has of it: the connector, what was wanted, the account before and after.
    pub(super) facts: Map<String, Value>,
    /// Whether a reading shows what is wanted, or why not.
    pub(super) result: Result<(), Failure>,
    /// Whether the app may have been changed.
    pub(super) committed: Committed,
    /// What was found out about the operations that were tried.
    pub(super) trial: Trial,
    /// Whether what the connector cannot do is left to a person.
    pub(super) is_for_a_person: bool,
}

impl Ended {
    /// A job that only reads ended so; what it did, in words.
    pub(super) fn reading(result: Result<String, Failure>) -> Self {
        let (done, result) = match result {
            Ok(done) => (vec![done], Ok(())),
            Err(failure) => (Vec::new(), Err(failure)),
        };
        Self { done, result, ..Self::succeeded() }
    }

    /// It failed before anything was done.
    pub(super) fn failed(failure: Failure) -> Self {
        Self { result: Err(failure), ..Self::succeeded() }
    }

    /// Nothing had to be done.
    pub(super) fn succeeded() -> Self {
        Self {
            seen: None,
            done: Vec::new(),
            facts: Map::new(),
            result: Ok(()),
            committed: Committed::No,
            trial: Trial::default(),
            is_for_a_person: false,
        }
    }
}

/// What is written of it.
pub(super) fn finish(workshop: &Workshop, claimed: &Claimed, ended: Ended) -> Finish {
    let (seen, trial) = (ended.seen, ended.trial);
    let mut told = ended.facts;
    told.insert("done".to_owned(), json!(ended.done));
    let Err(failure) = ended.result else {
        let message = if ended.done.is_empty() {
            "nothing had to be changed".to_owned()
        } else {
            ended.done.join(", ")
        };
        return Finish { seen, told, trial, ..Finish::with(Outcome::Done { message: Some(message) }) };
    };
    let waits = trial.waits_for.is_some();
    let next =
        after_failure(failure.class, tries(claimed), ended.committed, jitter(workshop.entropy.as_ref()));
    let now = workshop.clock.now();
    let (class, message) = (failure.class, failure.to_string());
    told.insert("next".to_owned(), json!(format!("{next:?}")));
    let (outcome, pause) = match next {
        // It was not tried, and is not tried again before the operation is.
        _ if waits => (Outcome::Held { class, message }, None),
        Next::RetryIn(pause) => (Outcome::Retry { at: now.plus(pause), class, message }, None),
        Next::ReadFirst(pause) => (Outcome::Unknown { at: now.plus(pause), message }, None),
        Next::Fail if class == FailureClass::Unsupported && ended.is_for_a_person => {
            (Outcome::NeedsHuman { message: failure.message }, None)
        }
        Next::Fail if is_for_a_person_to_decide(class) => (Outcome::Held { class, message }, None),
        Next::Fail => (Outcome::Failed { class: final_class(class, ended.committed), message }, None),
        Next::PauseIntegration => {
            let reason = format!("{class}: {message}");
            (Outcome::Failed { class, message }, Some(reason))
        }
    };
    Finish { seen, told, trial, pause, ..Finish::with(outcome) }
}

/// What a job that is given up is said to have failed of. Where the app may have been changed and no reading told, that is
/// what matters, whatever kept the reading from telling.
fn final_class(class: FailureClass, committed: Committed) -> FailureClass {
    match (class, class.info().retry, committed) {
        (FailureClass::VerifyMismatch, ..) | (_, Retry::Never, _) | (_, _, Committed::No) => class,
        (_, _, Committed::Perhaps) => FailureClass::OutcomeUnknown,
    }
}

/// A refusal of Usher's own, which somebody may overrule.
fn is_for_a_person_to_decide(class: FailureClass) -> bool {
    matches!(class, FailureClass::Protected | FailureClass::LastAdmin | FailureClass::Safeguard)
}

/// How often the job was tried since it was last asked for, this time included.
fn tries(claimed: &Claimed) -> u32 {
    u32::try_from(claimed.job.tries.max(1)).unwrap_or(u32::MAX)
}

/// A number in 0..1.
fn jitter(entropy: &dyn Entropy) -> f64 {
    let mut byte = [0];
    entropy.fill(&mut byte);
    f64::from(byte[0]) / 256.0
}
