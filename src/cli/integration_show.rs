//! `usher integration show`: how an integration is set up, and what keeps jobs of it from beginning.

use serde_json::{Value, json};

use crate::server::Installation;
use crate::store::{Breaker, JobFilter, JobState};

use super::Exit;
use super::context::Context;
use super::integration::find;
use super::output::table;

/// The states of jobs that somebody has to look after, or that are still to come.
const COUNTED: [JobState; 6] = [
    JobState::Ready,
    JobState::Blocked,
    JobState::Running,
    JobState::Retry,
    JobState::Held,
    JobState::NeedsHuman,
];

/// As many as are counted one by one.
const AT_MOST: u32 = 1000;

pub(super) async fn run(context: &Context, installation: &Installation, name: &str) -> anyhow::Result<Exit> {
    let found = find(installation, name).await?;
    let row = &found.row;
    let breakers = installation.store.breakers(&row.id).await?;
    let (standing, reasons) = installation.integrations.standing(&found).await?;
    let mut jobs = serde_json::Map::new();
    for state in COUNTED {
        let filter = JobFilter {
            integration_id: Some(row.id.clone()),
            state: Some(state),
            before: None,
            limit: AT_MOST,
        };
        jobs.insert(state.as_str().to_owned(), installation.store.list_jobs(&filter).await?.len().into());
    }
    let shown = json!({
        "id": row.id,
        "name": row.name,
        "connector": found.connector.name,
        "connector_hash": found.connector.hash,
        "state": standing,
        "stands": standing.to_string(),
        "reasons": reasons,
        "settings": row.settings,
        "policy": row.policy,
        "paused": row.paused_at.map(|at| json!({ "since": at.to_rfc3339(), "reason": row.pause_reason })),
        "leavers_held": row.leavers_held_at.map(|at| json!({ "since": at.to_rfc3339(), "reason": row.leavers_held_why })),
        "operations": breakers.iter().map(operation).collect::<Vec<_>>(),
        "jobs": jobs,
    });
    context.format.print(&shown, in_words)?;
    Ok(Exit::Done)
}

fn operation(breaker: &Breaker) -> Value {
    json!({
        "operation": breaker.operation,
        "failures": breaker.failures,
        "stopped_since": breaker.opened_at.map(|at| at.to_rfc3339()),
        "class": breaker.class,
        "message": breaker.message,
        "tried_by": breaker.probe,
    })
}

fn in_words(shown: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines =
        vec![format!("{}  {}  {}", text(&shown["name"]), text(&shown["connector"]), text(&shown["stands"]))];
    lines.extend(
        shown["reasons"].as_array().into_iter().flatten().map(|reason| format!("  {}", text(reason))),
    );
    for operation in shown["operations"].as_array().into_iter().flatten() {
        // Those that are stopped are among the reasons.
        if operation["stopped_since"].is_null() {
            let (name, failures) = (text(&operation["operation"]), &operation["failures"]);
            lines
                .push(format!("`{name}` failed, {failures} in a row, last: {}", text(&operation["message"])));
        }
    }
    let rows = |member: &str| -> Vec<Vec<String>> {
        let members = shown[member].as_object().into_iter().flatten();
        members.map(|(name, value)| vec![name.clone(), text(value)]).collect()
    };
    for (member, head) in [("jobs", "JOBS"), ("settings", "SETTING"), ("policy", "POLICY")] {
        lines.push(format!("\n{}", table(&[head, ""], &rows(member))));
    }
    lines.join("\n")
}
