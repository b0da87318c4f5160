//! Groups that a sync found in the app, and those that it found otherwise than they were known.

use serde_json::json;

use super::{GroupRow, find, record, replica};
use crate::account::Group;
use crate::clock::Timestamp;
use crate::scim::schema::fold;
use crate::scim::{Folded, ResourceSchema};
use crate::store::error::StoreError;
use crate::store::job::is_head;
use crate::store::sql::{Db, Row, args, statements};
use crate::store::writer::Tx;

statements! {
    KNOWN = concat!("SELECT u.*, EXISTS (SELECT 1 FROM jobs j WHERE j.integration_id = u.integration_id AND j.lane = u.id AND (j.state = 'blocked' OR ", is_head!(), ")) AS is_pending, (SELECT j.id FROM jobs j WHERE j.integration_id = u.integration_id AND j.lane = u.id AND j.state = 'needs_human' AND j.by_hand = 1) AS by_hand FROM groups AS u WHERE u.integration_id = $1 AND u.gone_at IS NULL ORDER BY u.seq");
    HOLDER = "SELECT id FROM groups WHERE integration_id = $1 AND display_name_key = $2 AND gone_at IS NULL";
    INSERT = "INSERT INTO groups (id, integration_id, display_name, display_name_key, resource, folded, version, created_at, modified_at, app_id, app_name, found) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $9, 1)";
    FOLLOW = "UPDATE groups SET display_name = $2, display_name_key = $3, resource = $4, folded = $5, version = version + 1, modified_at = $6, app_id = $7, app_name = $8 WHERE id = $1";
    END = "UPDATE groups SET version = version + 1, modified_at = $2, deleted_at = $2, gone_at = $2 WHERE id = $1";
    // Where somebody is in a found group and was not seen in it, or was seen in it and is not.
    TOUCH = "UPDATE groups SET version = version + 1, modified_at = $2 WHERE integration_id = $1 AND found = 1 AND gone_at IS NULL AND (EXISTS (SELECT 1 FROM members m JOIN accounts a ON a.integration_id = $1 AND a.user_id = m.user_id WHERE m.group_id = groups.id AND NOT EXISTS (SELECT 1 FROM json_each(a.groups) AS e WHERE e.value = groups.app_name)) OR EXISTS (SELECT 1 FROM accounts a JOIN users u ON u.id = a.user_id AND u.visible = 1, json_each(a.groups) AS e WHERE a.integration_id = $1 AND e.value = groups.app_name AND NOT EXISTS (SELECT 1 FROM members m WHERE m.group_id = groups.id AND m.user_id = a.user_id)))";
    LEAVE = "DELETE FROM members WHERE group_id IN (SELECT id FROM groups WHERE integration_id = $1 AND found = 1 AND gone_at IS NULL) AND NOT EXISTS (SELECT 1 FROM accounts a, json_each(a.groups) AS e WHERE a.integration_id = $1 AND a.user_id = members.user_id AND e.value = (SELECT g.app_name FROM groups g WHERE g.id = members.group_id))";
    JOIN = "INSERT INTO members (group_id, user_id) SELECT g.id, a.user_id FROM accounts a JOIN users u ON u.id = a.user_id AND u.visible = 1, json_each(a.groups) AS e, groups g WHERE a.integration_id = $1 AND g.integration_id = $1 AND g.found = 1 AND g.gone_at IS NULL AND g.app_name = e.value ORDER BY u.seq ON CONFLICT DO NOTHING";
}

/// A group as a comparison with the app needs to know it.
#[derive(Clone, Debug)]
pub struct KnownGroup {
    /// The group.
    pub group: GroupRow,
    /// Whether a job for it has not ended.
    pub is_pending: bool,
    /// The job of it that a person does, where one does it.
    pub by_hand: Option<String>,
}

pub(super) async fn known(db: &mut Db, integration_id: &str) -> Result<Vec<KnownGroup>, StoreError> {
    let rows = db.all(KNOWN, args![integration_id]).await?;
    let known = |row: &Row| {
        let (is_pending, by_hand) = (row.truth("is_pending")?, row.maybe_text("by_hand")?);
        Ok(KnownGroup { group: super::read(row)?, is_pending, by_hand })
    };
    rows.iter().map(known).collect()
}

/// What became of a finding about a group.
pub(in crate::store) enum Taken {
    /// A group was made of it.
    Adopted(String),
    /// It is known now.
    Noted(Box<GroupRow>),
    /// Not taken over; why.
    LeftAlone(&'static str),
}

/// Takes over that the group is in the app so, or not at all: a new one, or the one with that id. What was changed since `made_at`, or has a
/// job at it, is left alone by the caller.
pub(in crate::store) async fn take_over(
    tx: &mut Tx,
    integration_id: &str,
    (id, in_app): (Option<&str>, Option<&Group>),
    made_at: Timestamp,
) -> Result<Taken, StoreError> {
    let Some(id) = id else {
        return match in_app {
            Some(group) => adopt(tx, integration_id, group).await,
            None => Ok(Taken::LeftAlone("there is nothing to take over")),
        };
    };
    let known = find(&mut tx.db, integration_id, id).await?.filter(|group| group.gone_at.is_none());
    let Some(known) = known else { return Ok(Taken::LeftAlone("the group is gone")) };
    if known.modified_at > made_at {
        return Ok(Taken::LeftAlone("it was changed since"));
    }
    match (known.is_found, in_app) {
        (true, None) => {
            tx.db.write(END, args![id, tx.now]);
            record::empty(tx, id);
        }
        (true, Some(group)) => {
            let holder = holder(tx, integration_id, &group.name).await?;
            if holder.is_some_and(|holder| holder != id) {
                return Ok(Taken::LeftAlone("another group here has its name"));
            }
            let (resource, folded) = resource(&group.name);
            let key = fold(&group.name);
            let values =
                args![id, &group.name, key, &resource, folded, tx.now, group.id.as_ref(), &group.name];
            tx.db.write(FOLLOW, values);
        }
        (false, in_app) => replica::see(tx, id, in_app),
    }
    Ok(Taken::Noted(Box::new(known)))
}

/// Makes a group of one in the app. Nobody is in it before [`members_as_seen`].
async fn adopt(tx: &mut Tx, integration_id: &str, group: &Group) -> Result<Taken, StoreError> {
    if holder(tx, integration_id, &group.name).await?.is_some() {
        return Ok(Taken::LeftAlone("a group here has its name"));
    }
    let id = tx.ids.next();
    let (resource, folded) = resource(&group.name);
    let key = fold(&group.name);
    let values = args![
        &id,
        integration_id,
        &group.name,
        key,
        &resource,
        folded,
        tx.now,
        group.id.as_ref(),
        &group.name
    ];
    tx.db.write(INSERT, values);
    Ok(Taken::Adopted(id))
}

async fn holder(tx: &mut Tx, integration_id: &str, name: &str) -> Result<Option<String>, StoreError> {
    let row = tx.db.one(HOLDER, args![integration_id, fold(name)]).await?;
    row.map(|row| row.text("id")).transpose()
}

/// Puts everybody into the found groups that they were last seen in, and nobody else.
pub(in crate::store) fn members_as_seen(tx: &mut Tx, integration_id: &str) {
    tx.db.write(TOUCH, args![integration_id, tx.now]);
    tx.db.write(LEAVE, args![integration_id]);
    tx.db.write(JOIN, args![integration_id]);
}

/// The SCIM group of a group of that name in the app, and the same as it is compared.
fn resource(name: &str) -> (serde_json::Value, String) {
    let mut attributes = serde_json::Map::new();
    attributes.insert("displayName".to_owned(), json!(name));
    let folded = Folded::of(&attributes, &ResourceSchema::group());
    (attributes.into(), folded.as_str().to_owned())
}
