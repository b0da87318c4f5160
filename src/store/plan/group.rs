//! Findings about groups, taken over.

use serde_json::json;

use super::apply::{Decision, Outcome};
use super::unsettled::CORRECTION_ASKED;
use super::{ItemKind, NewItem, PlanRow, Unsettled};
use crate::store::error::StoreError;
use crate::store::event::{self, NewEvent};
use crate::store::group::{self, Taken};
use crate::store::job::{self, JobRequest, Priority, Work};
use crate::store::sql::{args, statements};
use crate::store::writer::Tx;

statements! {
    TOUCHED = "SELECT id FROM jobs WHERE integration_id = $1 AND lane = $2 AND changed_at > $3 LIMIT 1";
}

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
        return Ok(Outcome::left("left alone: a job is at it"));
    }
    if let Some(id) = &item.group_id
        && tx.db.one(TOUCHED, args![integration_id, id, plan.made_at]).await?.is_some()
    {
        return Ok(Outcome::left("left alone: a job was at it since"));
    }
    let in_app = item.in_app.as_ref().filter(|_| item.kind != ItemKind::GroupGone);
    let taken = group::take_over(tx, integration_id, (item.group_id.as_deref(), in_app), plan.made_at);
    let (id, kind, version) = match taken.await? {
        Taken::LeftAlone(why) => return Ok(Outcome::left(format!("left alone: {why}"))),
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
    match version.filter(|_| decision.corrects) {
        None => Ok(Outcome::said("noted")),
        Some(version) => ask(tx, (&plan.id, integration_id), (id, version), kind, decision).await,
    }
}

/// Asks for the job that makes a group as it is wanted that drifted.
pub(super) async fn correct(
    tx: &mut Tx,
    found: &Unsettled,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    let (id, integration_id) = (found.item.item.group_id.clone().unwrap_or_default(), &found.integration_id);
    let group = group::find(&mut tx.db, integration_id, &id).await?;
    let Some(group) = group.filter(|group| group.gone_at.is_none() && !group.is_found) else {
        return Ok(Outcome::left("left alone: the group is gone"));
    };
    if job::head(tx, integration_id, &id).await?.is_some() {
        return Ok(Outcome::left("left alone: a job is at it"));
    }
    let plan = (found.plan_id.as_str(), integration_id.as_str());
    ask(tx, plan, (id, group.version), CORRECTION_ASKED, decision).await
}

async fn ask(
    tx: &mut Tx,
    (plan_id, integration_id): (&str, &str),
    (id, wanted_version): (String, i64),
    kind: &str,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    let cause =
        json!({ "event": kind, "by": decision.by, "plan": plan_id, "received_at_ms": tx.now.as_ms() });
    let request = JobRequest { priority: Priority::ORDINARY, cause };
    let work = Work::Group { group_id: id, wanted_version };
    let job = job::enqueue(tx, integration_id, work, request).await?;
    Ok(Outcome { words: format!("noted; {} makes it as wanted", job.id), asks: true, is_left: false })
}
