//! A user as a read shows it: as it is wanted or, once that failed or is known not to be so any more, as it was last seen in the app.

use serde_json::{Map, Value, json};

use crate::scim::Error;
use crate::store::{GroupOf, JobBrief, JobState, UserView};

use super::{Caller, Shown, stored};

pub(super) fn shown(caller: &Caller, view: UserView) -> Result<Shown, Error> {
    let UserView { user, account, job, groups: in_groups } = view;
    let mut resource = stored(user.resource, &user.id)?;
    let has_failed = job.as_ref().is_some_and(|job| {
        matches!(job.state, JobState::Failed | JobState::Held | JobState::NeedsHuman | JobState::Cancelled)
    });
    let attributes = resource.attributes_mut();
    match &account {
        Some(seen) => {
            let seen = (seen.status, &seen.attributes, &seen.entitlements);
            caller.integration.connector.overlay(seen, attributes);
        }
        // Nobody has seen the account: what was asked for is not so, and no more is claimed.
        None if has_failed => drop(attributes.insert("active".to_owned(), Value::Bool(!user.active))),
        None => {}
    }
    Ok(Shown {
        schema: caller.schema.clone(),
        resource: resource.with_list("groups", groups(&in_groups)),
        version: user.version,
        created: user.created_at,
        modified: user.modified_at,
        job,
    })
}

/// The groups of a user, as `groups` has them.
pub(super) fn groups(groups: &[GroupOf]) -> Vec<Value> {
    let one = |group: &GroupOf| json!({ "value": group.id, "display": group.display, "type": "direct" });
    groups.iter().map(one).collect()
}

/// A job as a client sees it.
pub(super) fn job(row: &JobBrief) -> Map<String, Value> {
    let mut job = Map::new();
    job.insert("state".to_owned(), row.state.as_str().into());
    let mut put = |name: &str, text: Option<String>| {
        job.extend(text.map(|text| (name.to_owned(), Value::String(text))));
    };
    put("class", row.class.map(|class| class.to_string()));
    put("detail", row.message.clone());
    put("jobId", Some(row.id.clone()));
    let verified = row.finished_at.filter(|_| row.state == JobState::Done);
    put("verifiedAt", verified.map(|at| at.to_rfc3339()));
    job
}
