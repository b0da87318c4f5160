//! What happened, in a sentence for people.

use serde_json::Value;

use crate::store::EventRow;

/// The kinds of events that somebody is told of, and what they are.
pub const KINDS: &[(&str, &str)] = &[
    ("breaker.opened", "an operation of a connector is not begun any more"),
    ("canary.failed", "a scheduled test of a login failed"),
    ("integration.paused", "an integration was paused, by Usher or by somebody"),
    ("job.needs_human", "a job is for a person to do in the app"),
    ("job.taken_over", "somebody does a job in the app instead of Usher"),
    ("leavers.held", "leavers are held, by the safeguard or by somebody"),
    ("leavers.late", "somebody should be without access already"),
    ("plan.held", "the safeguard holds what a sync found"),
    ("sync.failed", "a scheduled sync failed"),
];

/// The sentence; `integration` is its name.
pub(super) fn text(event: &EventRow, integration: &str) -> String {
    let said = |name: &str| match &event.data[name] {
        Value::String(text) => text.trim_end_matches('.').to_owned(),
        Value::Null => "no more is known".to_owned(),
        other => other.to_string(),
    };
    let words = match event.kind.as_str() {
        "breaker.opened" => {
            format!("`{}` is not begun any more ({}): {}", said("operation"), said("class"), said("message"))
        }
        "canary.failed" => format!("the test of the login failed ({}): {}", said("class"), said("message")),
        "sync.failed" => format!("the sync failed ({}): {}", said("class"), said("message")),
        "integration.paused" => format!("paused: {}", said("reason")),
        "leavers.held" => format!(
            "leavers are held ({} jobs): {}. `usher leavers list` shows them, `usher leavers release {integration} --reason WHY` lets them go",
            said("jobs"),
            said("reason")
        ),
        "job.needs_human" => format!("somebody has to do it in the app: {}", said("message")),
        "job.taken_over" => format!("somebody does a job in the app instead of Usher: {}", said("reason")),
        "leavers.late" => format!(
            "{} who left should be without access already, the first since {}. `usher leavers list` shows them",
            said("people"),
            said("since")
        ),
        "plan.held" => format!(
            "the safeguard holds what a sync found: {}. `usher plan show {}` shows it",
            said("why"),
            event.target.as_deref().unwrap_or("PLAN")
        ),
        kind => kind.to_owned(),
    };
    format!("{integration}: {words}.")
}
