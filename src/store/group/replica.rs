//! Groups in the app: what was last seen of them there, who shall be in them, and when those are told.

use serde_json::json;

use super::{GroupRow, find, record};
use crate::account::{Group, Membership};
use crate::store::error::StoreError;
use crate::store::job::{self, JobRequest, Priority, Work};
use crate::store::sql::{Db, Row, args, statements};
use crate::store::user;
use crate::store::writer::Tx;

statements! {
    MEMBERSHIPS = "SELECT g.app_id, g.app_name, EXISTS (SELECT 1 FROM members m WHERE m.group_id = g.id AND m.user_id = $2) AS is_wanted FROM groups g WHERE g.integration_id = $1 AND g.app_name IS NOT NULL AND g.deleted_at IS NULL ORDER BY g.seq";
    OTHERS = "SELECT app_id, app_name FROM groups WHERE integration_id = $1 AND app_name IS NOT NULL AND gone_at IS NULL AND id <> $2 ORDER BY seq";
    SEE = "UPDATE groups SET app_id = $2, app_name = $3 WHERE id = $1";
    GONE = "UPDATE groups SET gone_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL AND gone_at IS NULL";
}

/// What a job saw of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSeen {
    /// The group; none where it is not in the app.
    pub in_app: Option<Group>,
    /// Whether the job made it: then nobody is in it yet.
    pub is_new: bool,
}

/// What was last seen of the group in a row of `groups`.
pub(super) fn in_app(row: &Row) -> Result<Option<Group>, StoreError> {
    let Some(name) = row.maybe_text("app_name")? else { return Ok(None) };
    Ok(Some(Group { id: row.maybe_text("app_id")?, name }))
}

pub(super) async fn memberships(
    db: &mut Db,
    integration_id: &str,
    user_id: &str,
) -> Result<Vec<Membership>, StoreError> {
    let mut memberships = Vec::new();
    for row in db.all(MEMBERSHIPS, args![integration_id, user_id]).await? {
        let is_wanted = row.flag("is_wanted")?;
        memberships.extend(in_app(&row)?.map(|group| Membership { group, is_wanted }));
    }
    Ok(memberships)
}

pub(super) async fn others(db: &mut Db, integration_id: &str, id: &str) -> Result<Vec<Group>, StoreError> {
    let rows = db.all(OTHERS, args![integration_id, id]).await?;
    rows.iter().filter_map(|row| in_app(row).transpose()).collect()
}

/// Keeps what a job saw of its group. Where it is there and was not before, or is another one, those who are in it follow.
pub(in crate::store) async fn keep(
    tx: &mut Tx,
    integration_id: &str,
    id: &str,
    seen: &GroupSeen,
) -> Result<(), StoreError> {
    let Some(before) = find(&mut tx.db, integration_id, id).await? else { return Ok(()) };
    let group = seen.in_app.as_ref();
    let (app_id, name) = (group.and_then(|group| group.id.as_ref()), group.map(|group| &group.name));
    tx.db.write(SEE, args![id, app_id, name]);
    let same = |before: &Group, now: &Group| before.id == now.id;
    let was_there = before.in_app.as_ref().zip(group).is_some_and(|(before, now)| same(before, now));
    if group.is_some() && before.deleted_at.is_none() && (!was_there || seen.is_new) {
        members_follow(tx, &before).await?;
    }
    Ok(())
}

/// Notes that a deleted group is gone: its name is free, and nobody is in it. Does nothing to a group that is wanted.
pub(in crate::store) async fn gone(tx: &mut Tx, integration_id: &str, id: &str) -> Result<(), StoreError> {
    tx.db.write(GONE, args![id, tx.now]);
    if find(&mut tx.db, integration_id, id).await?.is_some_and(|group| group.gone_at.is_some()) {
        record::empty(tx, id);
    }
    Ok(())
}

/// Asks for a job of everybody who is in the group.
async fn members_follow(tx: &mut Tx, group: &GroupRow) -> Result<(), StoreError> {
    let request = JobRequest {
        priority: Priority::ORDINARY,
        cause: json!({ "event": "group.replicated", "group": group.id, "received_at_ms": tx.now.as_ms() }),
    };
    for id in record::members(tx, &group.id).await? {
        provision(tx, &group.integration_id, &id, &request).await?;
    }
    Ok(())
}

/// Asks for a job of a user.
pub(super) async fn provision(
    tx: &mut Tx,
    integration_id: &str,
    user_id: &str,
    request: &JobRequest,
) -> Result<(), StoreError> {
    let Some(user) = user::find(&mut tx.db, integration_id, user_id).await? else { return Ok(()) };
    let wish = Work::Provision { user_id: user.id, wanted_version: user.version };
    job::enqueue(tx, integration_id, wish, request.clone()).await.map(drop)
}
