//! Findings about groups, taken over.

use serde_json::json;

use super::apply::{Decision, Outcome};
use super::{ItemKind, NewItem, PlanRow};
use crate::store::error::StoreError;
use crate::store::event::{self, NewEvent};
use crate::store::group::{self, Taken};
use crate::store::job::{self, JobRequest, Priority, Work};
use crate::store::writer::Tx;

/// Keeps what was seen of a group, unless somebody changed it since, or a job is at it.
pub(super) async fn take_over(
    tx: &mut Tx,
    plan: &PlanRow,
    item: NewItem,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    let integration_id = &plan.integration_id;
    if let Some(id) = &item.group_id
        && job::head(tx, integration_id, id).await?.is_some()
    {
        return Ok(Outcome::said("left alone: a job is at it"));
    }
    let in_app = item.in_app.as_ref().filter(|_| item.kind != ItemKind::GroupGone);
    let taken = group::take_over(tx, integration_id, (item.group_id.as_deref(), in_app), plan.made_at);
    let (id, kind, version) = match taken.await? {
        Taken::LeftAlone(why) => return Ok(Outcome::said(format!("left alone: {why}"))),
        Taken::Adopted(id) => (id, "group.adopted", None),
        Taken::Noted(group) => {
            let kind = match item.kind {
                ItemKind::AdoptGroup => "group.followed",
                ItemKind::LinkGroup => "group.linked",
                ItemKind::GroupGone => "group.gone",
                _ => "group.drifted",
            };
            // Of what is only known from the app nothing is wanted that could be put right.
            (group.id, kind, Some(group.version).filter(|_| !group.is_found && !item.note.is_empty()))
        }
    };
    let told = json!({ "plan": plan.id, "name": item.name, "differs": item.note });
    event::append(tx, NewEvent::new(kind, &decision.by).of(integration_id).to(&id).with(told));
    if kind == "group.adopted" {
        return Ok(Outcome::said(format!("adopted as group {id}")));
    }
    let Some(wanted_version) = version.filter(|_| decision.corrects) else {
        return Ok(Outcome::said("noted"));
    };
    let cause =
        json!({ "event": kind, "by": decision.by, "plan": plan.id, "received_at_ms": tx.now.as_ms() });
    let request = JobRequest { priority: Priority::ORDINARY, cause };
    let work = Work::Group { group_id: id, wanted_version };
    let job = job::enqueue(tx, integration_id, work, request).await?;
    Ok(Outcome { words: format!("noted; {} makes it as wanted", job.id), asks: true })
}
