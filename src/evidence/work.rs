//! What was done: jobs, their attempts, the steps of those; and by whom it was asked.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::PICTURES;
use super::export::ExportError;
use crate::clock::Timestamp;
use crate::store::{
    AttemptDetail, AttemptRow, EventRow, EvidenceRow, IntegrationRow, JobDetail, JobRow, Life, Store,
};
use crate::trace::{StepOutcome, StepRecord};

/// Who acts in an integration.
pub(super) struct Actors {
    tokens: HashMap<String, Life>,
    keys: BTreeSet<String>,
}

impl Actors {
    pub(super) async fn of(store: &Store, integration_id: &str) -> Result<Self, ExportError> {
        let tokens = store.list_tokens(integration_id).await?;
        let keys = store.list_operator_keys().await?;
        Ok(Self {
            tokens: tokens.into_iter().map(|token| (token.id, token.life)).collect(),
            keys: keys.into_iter().map(|key| key.name).collect(),
        })
    }

    /// Who an actor of the record is.
    pub(super) fn by(&self, actor: &str) -> Value {
        if let Some(id) = actor.strip_prefix("token ") {
            let life = self.tokens.get(id);
            return json!({
                "kind": "scim_token",
                "id": id,
                "made": life.map(|life| life.created_at.to_rfc3339()),
                "revoked": life.and_then(|life| time(life.revoked_at)),
            });
        }
        let kind = match actor {
            "operator" => "command_line",
            "usher" => "usher",
            name if self.keys.contains(name) => "operator_key",
            _ => "other",
        };
        json!({ "kind": kind, "name": actor })
    }
}

/// A picture that a story points at.
#[derive(Clone, Debug)]
pub(super) struct Pointed {
    pub(super) job: String,
    pub(super) attempt: i64,
    pub(super) step: i64,
    /// The name of the artifact.
    pub(super) artifact: String,
    /// Why it is not kept, where that is known.
    pub(super) missing: Option<String>,
}

/// Tells of the work in an integration.
pub(super) struct Work<'a> {
    pub(super) integration: &'a IntegrationRow,
    pub(super) actors: &'a Actors,
}

impl Work<'_> {
    /// A job with its attempts; what its steps show is noted in `pointed`.
    pub(super) fn job(&self, detail: &JobDetail, events: &[EventRow], pointed: &mut Vec<Pointed>) -> Value {
        let JobDetail { job, attempts } = detail;
        let asked = &job.cause;
        let received = asked["received_at_ms"].as_i64().map(Timestamp::from_ms);
        json!({
            "id": job.id,
            "kind": job.kind.as_str(),
            "asked": {
                "event": asked["event"],
                "by": asked["by"].as_str().map(|actor| self.actors.by(actor)),
                "received": time(received.or(Some(job.created_at))),
            },
            "wanted_version": job.wanted_version,
            "state": job.state.as_str(),
            "class": job.class,
            "message": job.message,
            "by_hand": job.by_hand,
            "made": job.created_at.to_rfc3339(),
            "ended": time(job.finished_at),
            "superseded_by": job.superseded_by,
            "done_since_received_ms": since(job, received),
            "events": events.iter().map(|event| json!({ "event": event.seq, "at": event.at.to_rfc3339(), "kind": event.kind, "by": self.actors.by(&event.actor) })).collect::<Vec<_>>(),
            "attempts": attempts.iter().map(|detail| self.attempt(job, detail, events, pointed)).collect::<Vec<_>>(),
        })
    }

    fn attempt(
        &self,
        job: &JobRow,
        detail: &AttemptDetail,
        events: &[EventRow],
        pointed: &mut Vec<Pointed>,
    ) -> Value {
        let attempt = &detail.attempt;
        let end = end_of(attempt, events);
        let told = |name: &str| end.map_or(Value::Null, |event| event.data[name].clone());
        let is_done = attempt.outcome.is_some_and(|outcome| outcome.as_str() == "done");
        let connector = match told("connector") {
            Value::Null => json!({ "name": self.integration.connector, "hash": attempt.connector_hash }),
            connector => connector,
        };
        json!({
            "number": attempt.number,
            "worker": attempt.worker,
            "connector": connector,
            "began": attempt.started_at.to_rfc3339(),
            "came_to_commit": time(attempt.committing_at),
            "ended": time(attempt.finished_at),
            "outcome": attempt.outcome.map(|outcome| outcome.as_str()),
            "class": attempt.class,
            "message": attempt.message,
            "event": end.map(|event| event.seq),
            "wanted": told("wanted"),
            "before": told("before"),
            "done": told("done"),
            "after": told("after"),
            "verified_by_reading": if is_done { time(attempt.finished_at) } else { None },
            "steps": detail.steps.iter().map(|one| step((job, attempt), detail, one, pointed)).collect::<Vec<_>>(),
        })
    }
}

/// A time that may be none.
pub(super) fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::to_rfc3339)
}

/// How long after it was received it was done, in milliseconds.
fn since(job: &JobRow, received: Option<Timestamp>) -> Option<u64> {
    let (ended, received) = (job.finished_at?, received?);
    u64::try_from(ended.since(received).as_millis()).ok()
}

/// The event that was written with the end of the attempt.
fn end_of<'e>(attempt: &AttemptRow, events: &'e [EventRow]) -> Option<&'e EventRow> {
    let kind = format!("job.{}", attempt.outcome?);
    events.iter().find(|event| event.kind == kind && Some(event.at) == attempt.finished_at)
}

fn step(
    (job, attempt): (&JobRow, &AttemptRow),
    detail: &AttemptDetail,
    step: &StepRecord,
    pointed: &mut Vec<Pointed>,
) -> Value {
    let never = |picture: &&EvidenceRow| picture.artifact.is_empty();
    let pictures: Vec<&EvidenceRow> = detail.pictures(step).filter(|picture| !never(picture)).collect();
    pointed.extend(pictures.iter().map(|picture| Pointed {
        job: job.id.clone(),
        attempt: attempt.number,
        step: i64::from(step.seq),
        artifact: picture.artifact.clone(),
        missing: picture.missing(),
    }));
    let (outcome, said) = match &step.outcome {
        StepOutcome::Ok => ("ok", None),
        StepOutcome::Skipped { why } => ("skipped", Some(why.clone())),
        StepOutcome::Failed { class, message } => ("failed", Some(format!("{class}: {message}"))),
    };
    json!({
        "number": step.seq,
        "depth": step.depth,
        "flow": step.flow,
        "place": step.place(),
        "words": step.words,
        "outcome": outcome,
        "detail": said,
        "not_kept": step.missing,
        "began": step.started_at.to_rfc3339(),
        "took_ms": step.total_ms,
        "pictures": pictures.iter().map(|picture| format!("{PICTURES}{}", picture.artifact)).collect::<Vec<_>>(),
    })
}
