//! Recording changes of groups and of who is in them, with the jobs of it.

use std::collections::HashSet;

use serde_json::json;

use super::{
    Concerned, GroupBody, GroupChange, GroupError, GroupRow, GroupWork, find, replica, select_groups,
};
use crate::scim::schema::fold;
use crate::store::error::StoreError;
use crate::store::event::{self, NewEvent};
use crate::store::job::{self, JobBrief, Work};
use crate::store::sql::{Row, args, statements};
use crate::store::user;
use crate::store::writer::Tx;

statements! {
    FIND_NAME = select_groups!("u.display_name_key = $2 AND u.gone_at IS NULL");
    INSERT = "INSERT INTO groups (id, integration_id, display_name, display_name_key, external_id, resource, folded, version, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)";
    REPLACE = "UPDATE groups SET display_name = $2, display_name_key = $3, external_id = $4, resource = $5, folded = $6, version = version + 1, modified_at = $7, deleted_at = NULL, found = 0 WHERE id = $1";
    DELETE = "UPDATE groups SET version = version + 1, modified_at = $2, deleted_at = $2, gone_at = $3, found = 0 WHERE id = $1";
    EMPTY = "DELETE FROM members WHERE group_id = $1";
    KEEP_ONLY = "DELETE FROM members WHERE group_id = $1 AND user_id NOT IN (SELECT value FROM json_each($2))";
    JOIN = "INSERT INTO members (group_id, user_id) SELECT $1, e.value FROM json_each($2) AS e WHERE true ORDER BY e.key ON CONFLICT DO NOTHING";
    TOUCH_ALL = "UPDATE groups SET version = version + 1, modified_at = $2 WHERE id IN (SELECT group_id FROM members WHERE user_id = $1)";
    LEAVE_ALL = "DELETE FROM members WHERE user_id = $1";
    MOVE = "INSERT INTO moves (group_id, user_id) SELECT $1, e.value FROM json_each($2) AS e WHERE true ON CONFLICT DO NOTHING";
    STAY = "DELETE FROM moves WHERE group_id = $1";
    FOLLOW_NONE = "DELETE FROM moves WHERE user_id = $1";
    IDS = "SELECT user_id FROM members WHERE group_id = $1 ORDER BY seq";
}

pub(super) async fn record(
    tx: &mut Tx,
    integration_id: &str,
    (change, work, mut event): (GroupChange, Option<GroupWork>, NewEvent),
) -> Result<(GroupRow, Option<JobBrief>), GroupError> {
    let existing = match &change {
        GroupChange::Insert { body, .. } => holder(tx, integration_id, body).await?.map(|holder| holder.id),
        GroupChange::Replace { id, .. } | GroupChange::Delete { id, .. } => Some(id.clone()),
    };
    let (mut before, mut comes_back, mut was_found) = (Vec::new(), false, false);
    if let (Some(id), Some(_)) = (existing, &work) {
        before = members(tx, &id).await?;
        let was = find(&mut tx.db, integration_id, &id).await?;
        comes_back = was.as_ref().is_some_and(|group| group.deleted_at.is_some());
        was_found = was.is_some_and(|group| group.is_found);
    }
    let replicates = work.as_ref().is_some_and(|work| work.replicates);
    let group = match change {
        GroupChange::Insert { body, members } => insert(tx, integration_id, &body, &members).await?,
        GroupChange::Replace { id, expected, body, members } => {
            replace(tx, (integration_id, &id), expected, (&body, &members)).await?
        }
        GroupChange::Delete { id, expected } => {
            delete(tx, (integration_id, &id), expected, replicates).await?
        }
    };
    event.integration_id.get_or_insert_with(|| integration_id.to_owned());
    event.target.get_or_insert_with(|| group.id.clone());
    event::append(tx, event);
    let Some(mut work) = work else { return Ok((group, None)) };
    if was_found && work.concerns == Concerned::WhoMoves {
        // What it gives was given to nobody as long as nobody had pushed it.
        work.concerns = Concerned::Everybody;
    }
    let job = if replicates { Some(ask_for_job(tx, &group, &work).await?) } else { None };
    let after = members(tx, &group.id).await?;
    ask_for_members_jobs(tx, &group, (before, after), &work, comes_back).await?;
    Ok((group, job))
}

/// Asks for a job of the group itself.
async fn ask_for_job(tx: &mut Tx, group: &GroupRow, work: &GroupWork) -> Result<JobBrief, StoreError> {
    let wish = Work::Group { group_id: group.id.clone(), wanted_version: group.version };
    job::enqueue(tx, &group.integration_id, wish, work.job.clone()).await
}

/// Asks for a job of each user whom a change concerns, and notes who follows the group once it is in the app as wanted.
async fn ask_for_members_jobs(
    tx: &mut Tx,
    group: &GroupRow,
    (before, after): (Vec<String>, Vec<String>),
    work: &GroupWork,
    comes_back: bool,
) -> Result<(), GroupError> {
    let sets = [&before, &after].map(|ids| ids.iter().map(String::as_str).collect::<HashSet<&str>>());
    let [was_in, is_in] = sets;
    let stays = |id: &String| was_in.contains(id.as_str()) && is_in.contains(id.as_str());
    let came_later = after.iter().filter(|id| !was_in.contains(id.as_str()));
    let all: Vec<&String> = before.iter().chain(came_later).collect();
    // What was done while it was to go is not known of anybody.
    let moved: Vec<&String> = all.iter().copied().filter(|id| comes_back || !stays(id)).collect();
    if work.replicates && group.deleted_at.is_none() && !moved.is_empty() {
        tx.db.write(MOVE, args![&group.id, json!(moved).to_string()]);
    }
    let concerned = match work.concerns {
        Concerned::Nobody => Vec::new(),
        Concerned::WhoMoves => moved,
        Concerned::Everybody => all,
    };
    for id in concerned {
        replica::provision(tx, &group.integration_id, id, &work.job).await?;
    }
    Ok(())
}

/// The ids of those who are in a group.
pub(super) async fn members(tx: &mut Tx, group_id: &str) -> Result<Vec<String>, StoreError> {
    tx.db.all(IDS, args![group_id]).await?.iter().map(|row| row.text("user_id")).collect()
}

async fn insert(
    tx: &mut Tx,
    integration_id: &str,
    body: &GroupBody,
    members: &[String],
) -> Result<GroupRow, GroupError> {
    match holder(tx, integration_id, body).await? {
        // Who comes back while the removal goes on is the same group, in the same lane.
        Some(Holder { id, is_leaving: true }) => {
            return replace(tx, (integration_id, &id), None, (body, members)).await;
        }
        Some(Holder { id: by, is_leaving }) => return Err(GroupError::NameTaken { by, is_leaving }),
        None => {}
    }
    let id = tx.ids.next();
    let values = args![
        &id,
        integration_id,
        &body.display_name,
        fold(&body.display_name),
        body.external_id.as_ref(),
        &body.resource,
        body.folded.as_str(),
        tx.now,
    ];
    tx.db.write(INSERT, values);
    set_members(tx, integration_id, &id, members).await?;
    find(&mut tx.db, integration_id, &id).await?.ok_or(GroupError::NotFound)
}

async fn replace(
    tx: &mut Tx,
    (integration_id, id): (&str, &str),
    expected: Option<i64>,
    (body, members): (&GroupBody, &[String]),
) -> Result<GroupRow, GroupError> {
    current(tx, integration_id, id, expected).await?;
    name_is_free(tx, integration_id, body, id).await?;
    let values = args![
        id,
        &body.display_name,
        fold(&body.display_name),
        body.external_id.as_ref(),
        &body.resource,
        body.folded.as_str(),
        tx.now,
    ];
    tx.db.write(REPLACE, values);
    set_members(tx, integration_id, id, members).await?;
    find(&mut tx.db, integration_id, id).await?.ok_or(GroupError::NotFound)
}

/// Deletes a group: at once, or, where it has to be removed from the app first, as a wish.
async fn delete(
    tx: &mut Tx,
    (integration_id, id): (&str, &str),
    expected: Option<i64>,
    replicates: bool,
) -> Result<GroupRow, GroupError> {
    current(tx, integration_id, id, expected).await?;
    tx.db.write(DELETE, args![id, tx.now, (!replicates).then_some(tx.now)]);
    if !replicates {
        empty(tx, id);
    }
    find(&mut tx.db, integration_id, id).await?.ok_or(GroupError::NotFound)
}

/// Takes everybody out of a group.
pub(super) fn empty(tx: &mut Tx, id: &str) {
    tx.db.write(EMPTY, args![id]);
    tx.db.write(STAY, args![id]);
}

/// The group, where it is at the version that the caller saw.
async fn current(
    tx: &mut Tx,
    integration_id: &str,
    id: &str,
    expected: Option<i64>,
) -> Result<GroupRow, GroupError> {
    let group = find(&mut tx.db, integration_id, id).await?.filter(|group| group.gone_at.is_none());
    let group = group.ok_or(GroupError::NotFound)?;
    match expected {
        Some(expected) if expected != group.version => {
            Err(GroupError::VersionConflict { found: group.version })
        }
        _ => Ok(group),
    }
}

/// Who has a name.
struct Holder {
    id: String,
    /// It was deleted, and is being removed from the app.
    is_leaving: bool,
}

async fn holder(tx: &mut Tx, integration_id: &str, body: &GroupBody) -> Result<Option<Holder>, StoreError> {
    let row = tx.db.one(FIND_NAME, args![integration_id, fold(&body.display_name)]).await?;
    let holder = |row: Row| Ok(Holder { id: row.text("id")?, is_leaving: !row.flag("visible")? });
    row.map(holder).transpose()
}

async fn name_is_free(
    tx: &mut Tx,
    integration_id: &str,
    body: &GroupBody,
    own: &str,
) -> Result<(), GroupError> {
    match holder(tx, integration_id, body).await? {
        Some(Holder { id, is_leaving }) if own != id => Err(GroupError::NameTaken { by: id, is_leaving }),
        _ => Ok(()),
    }
}

/// Makes these users, and nobody else, the members.
async fn set_members(
    tx: &mut Tx,
    integration_id: &str,
    id: &str,
    members: &[String],
) -> Result<(), GroupError> {
    let ids = json!(members).to_string();
    tx.db.write(KEEP_ONLY, args![id, &ids]);
    if members.is_empty() {
        return Ok(());
    }
    let known = user::visible_ids(&mut tx.db, integration_id, &ids).await?;
    let known: HashSet<&str> = known.iter().map(String::as_str).collect();
    let unknown: Vec<String> = members.iter().filter(|id| !known.contains(id.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(GroupError::UnknownMembers { ids: unknown });
    }
    tx.db.write(JOIN, args![id, &ids]);
    Ok(())
}

/// Takes a user out of every group.
pub(in crate::store) fn leave_all(tx: &mut Tx, user_id: &str) {
    tx.db.write(TOUCH_ALL, args![user_id, tx.now]);
    tx.db.write(LEAVE_ALL, args![user_id]);
    tx.db.write(FOLLOW_NONE, args![user_id]);
}
