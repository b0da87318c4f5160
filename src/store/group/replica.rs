//! Groups in the app: what was last seen of them there, who shall be in them, and when those are told.

use serde_json::json;

use super::{GroupRow, find, record};
use crate::account::{Group, Membership};
use crate::store::error::StoreError;
use crate::store::job::{self, JobRequest, Lease, LeaseError, Priority, Work};
use crate::store::sql::{Db, Row, args, statements};
use crate::store::user;
use crate::store::writer::Tx;

statements! {
    MEMBERSHIPS = "SELECT g.app_id, g.app_name, EXISTS (SELECT 1 FROM members m WHERE m.group_id = g.id AND m.user_id = $2) AS is_wanted FROM groups g WHERE g.integration_id = $1 AND g.app_name IS NOT NULL AND g.deleted_at IS NULL AND g.found = 0 ORDER BY g.seq";
    KEPT = "SELECT id, app_id, app_name FROM groups WHERE integration_id = $1 AND app_name IS NOT NULL AND deleted_at IS NULL AND found = 0 ORDER BY seq";
    OTHERS = "SELECT app_id, app_name FROM groups WHERE integration_id = $1 AND app_name IS NOT NULL AND gone_at IS NULL AND id <> $2 ORDER BY seq";
    SEE = "UPDATE groups SET app_id = $2, app_name = $3 WHERE id = $1";
    MAKING = "UPDATE groups SET making = $2, app_id = CASE WHEN $3 = 1 THEN app_id END, app_name = CASE WHEN $3 = 1 THEN app_name END WHERE id = $1";
    MADE = "UPDATE groups SET making = NULL WHERE id = $1";
    ALL_MOVE = "INSERT INTO moves (group_id, user_id) SELECT group_id, user_id FROM members WHERE group_id = $1 ON CONFLICT DO NOTHING";
    MOVED = "SELECT user_id FROM moves WHERE group_id = $1 ORDER BY user_id";
    FOLLOWED = "DELETE FROM moves WHERE group_id = $1";
    GONE = "UPDATE groups SET gone_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL AND gone_at IS NULL";
}

/// What a job saw of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSeen {
    /// The group; none where it is not in the app.
    pub in_app: Option<Group>,
    /// Whether the job made it: then nobody is in it yet.
    pub is_new: bool,
    /// Whether the connector can put accounts into groups, or take them out.
    pub members_follow: bool,
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
        let is_wanted = row.truth("is_wanted")?;
        memberships.extend(in_app(&row)?.map(|group| Membership { group, is_wanted }));
    }
    Ok(memberships)
}

/// The groups that Usher keeps in the app, by their ids here.
pub(super) async fn kept(db: &mut Db, integration_id: &str) -> Result<Vec<(String, Group)>, StoreError> {
    let mut kept = Vec::new();
    for row in db.all(KEPT, args![integration_id]).await? {
        let id = row.text("id")?;
        kept.extend(in_app(&row)?.map(|group| (id, group)));
    }
    Ok(kept)
}

pub(super) async fn others(db: &mut Db, integration_id: &str, id: &str) -> Result<Vec<Group>, StoreError> {
    let rows = db.all(OTHERS, args![integration_id, id]).await?;
    rows.iter().filter_map(|row| in_app(row).transpose()).collect()
}

/// Notes that the next flow may give the app the group under this name; whether it is there under another one.
pub(super) async fn making(
    tx: &mut Tx,
    held: &Lease,
    id: &str,
    (name, is_there): (&str, bool),
) -> Result<(), LeaseError> {
    job::held_by(tx, held).await?;
    tx.db.write(MAKING, args![id, name, is_there]);
    Ok(())
}

/// How the job of a group ended, as far as it matters to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Ended {
    /// The app was read and is as wanted.
    Done,
    /// The same, and nothing newer is wanted.
    DoneForGood,
    /// Otherwise.
    Otherwise,
}

/// Keeps what a job saw of its group. Where the group is as wanted, those who came or went since it last was follow; where it is another
/// one than before, everybody in it. A deleted group that is gone frees its name, and nobody is in it.
pub(in crate::store) async fn keep(
    tx: &mut Tx,
    (integration_id, id): (&str, &str),
    seen: Option<&GroupSeen>,
    ended: Ended,
) -> Result<(), StoreError> {
    let Some(before) = find(&mut tx.db, integration_id, id).await? else { return Ok(()) };
    if let Some(seen) = seen {
        let group = seen.in_app.as_ref();
        see(tx, id, group);
        if group.is_some() || ended != Ended::Otherwise {
            tx.db.write(MADE, args![id]);
        }
        let same = |before: &Group, now: &Group| before.id == now.id;
        let was_there = before.in_app.as_ref().zip(group).is_some_and(|(before, now)| same(before, now));
        if group.is_some() && seen.members_follow && (!was_there || seen.is_new) {
            tx.db.write(ALL_MOVE, args![id]);
        }
        if group.is_some() && seen.members_follow && ended != Ended::Otherwise && before.deleted_at.is_none()
        {
            members_follow(tx, &before).await?;
        }
    }
    if ended == Ended::DoneForGood && before.deleted_at.is_some() && before.gone_at.is_none() {
        tx.db.write(GONE, args![id, tx.now]);
        record::empty(tx, id);
    }
    Ok(())
}

/// Keeps what was seen of a group in the app.
pub(super) fn see(tx: &mut Tx, id: &str, in_app: Option<&Group>) {
    let (app_id, name) = (in_app.and_then(|group| group.id.as_ref()), in_app.map(|group| &group.name));
    tx.db.write(SEE, args![id, app_id, name]);
}

/// Asks for a job of everybody who came or went.
async fn members_follow(tx: &mut Tx, group: &GroupRow) -> Result<(), StoreError> {
    let cause = json!({ "event": "group.replicated", "group": group.id });
    let request = JobRequest { priority: Priority::ORDINARY, cause };
    let moved = tx.db.all(MOVED, args![&group.id]).await?;
    tx.db.write(FOLLOWED, args![&group.id]);
    for row in moved {
        provision(tx, &group.integration_id, &row.text("user_id")?, &request).await?;
    }
    Ok(())
}

/// Asks for a job of a user who is not gone: the account that goes by their name may be somebody else's by now. Nor of one who leaves:
/// whatever is to be done for them is asked for already, or held.
pub(super) async fn provision(
    tx: &mut Tx,
    integration_id: &str,
    user_id: &str,
    request: &JobRequest,
) -> Result<(), StoreError> {
    let user = user::find(&mut tx.db, integration_id, user_id).await?;
    let Some(user) = user.filter(|user| user.gone_at.is_none() && user.left_at.is_none()) else {
        return Ok(());
    };
    let wish = Work::Provision { user_id: user.id, wanted_version: user.version };
    job::enqueue(tx, integration_id, wish, request.clone()).await.map(drop)
}
