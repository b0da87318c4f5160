//! Groups: the wanted SCIM groups and who is in them.
//!
//! Invariants: a member is a user that a client can see, once; a change of a group, or of who is in it, is one transaction and a new
//! version; a deleted user is in no group. Groups are changed one after the other, by the one writer, so that no change is lost.

mod list;

use std::collections::HashSet;

use futures::FutureExt as _;
use serde::Deserialize;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::job::{self, JobRequest, Work};
use super::page::{ListError, Start};
use super::sql::{Db, Row, args, statements};
use super::user;
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::scim::schema::fold;
use crate::scim::{Filter, Folded, Path, Position, ResourceSchema, SortOrder};

statements! {
    FIND = "SELECT * FROM groups WHERE integration_id = $1 AND id = $2";
    FIND_NAME = "SELECT * FROM groups WHERE integration_id = $1 AND display_name_key = $2";
    INSERT = "INSERT INTO groups (id, integration_id, display_name, display_name_key, external_id, resource, folded, version, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)";
    REPLACE = "UPDATE groups SET display_name = $2, display_name_key = $3, external_id = $4, resource = $5, folded = $6, version = version + 1, modified_at = $7 WHERE id = $1";
    DELETE = "DELETE FROM groups WHERE id = $1";
    EMPTY = "DELETE FROM members WHERE group_id = $1";
    KEEP_ONLY = "DELETE FROM members WHERE group_id = $1 AND user_id NOT IN (SELECT value FROM json_each($2))";
    JOIN = "INSERT INTO members (group_id, user_id) SELECT $1, e.value FROM json_each($2) AS e WHERE true ORDER BY e.key ON CONFLICT DO NOTHING";
    TOUCH_ALL = "UPDATE groups SET version = version + 1, modified_at = $2 WHERE id IN (SELECT group_id FROM members WHERE user_id = $1)";
    LEAVE_ALL = "DELETE FROM members WHERE user_id = $1";
    MEMBERS = "SELECT group_id, user_id FROM members WHERE group_id IN (SELECT value FROM json_each($1)) ORDER BY seq";
    IDS = "SELECT user_id FROM members WHERE group_id = $1 ORDER BY seq";
    OF_USERS = "SELECT m.user_id, g.id, g.display_name FROM members m JOIN groups g ON g.id = m.group_id WHERE m.user_id IN (SELECT value FROM json_each($1)) ORDER BY g.seq";
}

/// What an identity provider says of a group, without its members.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupBody {
    /// The name as it was written; unique in the integration regardless of case.
    pub display_name: String,
    /// The identity provider's own id.
    pub external_id: Option<String>,
    /// The resource, without `members` and what the server controls.
    pub resource: serde_json::Value,
    /// The same as it is compared: see [`Folded`].
    pub folded: Folded,
}

/// A wanted group.
#[derive(Clone, Debug)]
pub struct GroupRow {
    /// Its id, opaque, never used twice.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// What the identity provider said last.
    pub body: GroupBody,
    /// Grows by one with each change, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
}

/// A group that a user is in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupOf {
    /// The group.
    pub id: String,
    /// Its name.
    pub display: String,
}

/// A wanted group with those who are in it, in the order of their joining.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The group.
    pub group: GroupRow,
    /// The ids of its users; none where they were not asked for.
    pub members: Vec<String>,
}

/// A change of one group. `expected` is the version that the caller saw; `None` where it did not look.
#[derive(Clone, Debug)]
pub enum GroupChange {
    /// A new group.
    Insert {
        /// What it is.
        body: GroupBody,
        /// The ids of its users.
        members: Vec<String>,
    },
    /// Another body and other members for a group.
    Replace {
        /// The group.
        id: String,
        /// The version that is to be replaced.
        expected: Option<i64>,
        /// What it becomes.
        body: GroupBody,
        /// The ids of its users from now on.
        members: Vec<String>,
    },
    /// The end of a group.
    Delete {
        /// The group.
        id: String,
        /// The version that is to be deleted.
        expected: Option<i64>,
    },
}

/// The work that a change of a group is for those who are in it.
#[derive(Clone, Debug)]
pub struct MembersWork {
    /// The job of each.
    pub job: JobRequest,
    /// Of everybody, as where the group is given another name; else of those who come or go.
    pub everybody: bool,
}

/// The change was not recorded; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Another group of the integration has the name.
    #[error("the display name is taken")]
    NameTaken,
    /// The group is at another version than the caller saw.
    #[error("the group is at version {found}")]
    VersionConflict {
        /// The version it is at.
        found: i64,
    },
    /// There is no such group, or no longer.
    #[error("there is no such group")]
    NotFound,
    /// Not every member is a user.
    #[error("{} is no user", ids.first().map_or("somebody", String::as_str))]
    UnknownMembers {
        /// Those who are not.
        ids: Vec<String>,
    },
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which groups to list, and in which order.
#[derive(Clone, Copy, Debug)]
pub struct GroupQuery<'q> {
    /// Which ones; all of them without it.
    pub filter: Option<&'q Filter>,
    /// By what they are sorted; by their making without it.
    pub sort: Option<(&'q Path, SortOrder)>,
    /// Where those that are wanted begin.
    pub start: Start<'q>,
    /// How many are wanted, at most.
    pub limit: u32,
    /// What filter and path are written for.
    pub schema: &'q ResourceSchema,
    /// Whether their members are wanted too.
    pub with_members: bool,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct GroupPage {
    /// How many match in all.
    pub total: u64,
    /// Those of this page.
    pub groups: Vec<GroupView>,
    /// By cursor: where the next page begins, where there is one.
    pub next: Option<Position>,
    /// By cursor: where the page before it ends, where there may be one.
    pub previous: Option<Position>,
}

impl Store {
    /// Writes a change of a group and the event of it, all or nothing. Returns the group as it is now, or was. Where the group gives its
    /// members something, `work` asks for a job of each whom the change may concern.
    pub async fn record_group(
        &self,
        integration_id: &str,
        change: GroupChange,
        work: Option<MembersWork>,
        event: NewEvent,
    ) -> Result<GroupRow, GroupError> {
        let (integration_id, written) = (integration_id.to_owned(), (change, work, event));
        self.writer.write(move |tx| async move { record(tx, &integration_id, written).await }.boxed()).await
    }

    /// The groups that a user is in.
    pub async fn groups_of_user(&self, user_id: &str) -> Result<Vec<GroupOf>, StoreError> {
        let groups = of_users(&mut self.reader().await?, &json!([user_id]).to_string()).await?;
        Ok(groups.into_iter().map(|(_, group)| group).collect())
    }

    /// The group with this id; with its members where they are wanted.
    pub async fn view_group(
        &self,
        integration_id: &str,
        id: &str,
        with_members: bool,
    ) -> Result<Option<GroupView>, StoreError> {
        let mut db = self.snapshot().await?;
        let Some(group) = find(&mut db, integration_id, id).await? else { return Ok(None) };
        Ok(view(&mut db, vec![group], with_members).await?.pop())
    }

    /// The groups of an integration.
    ///
    /// # Errors
    /// [`ListError::Unsupported`]: the filter or the order asks for what is not kept.
    pub async fn list_groups(
        &self,
        integration_id: &str,
        query: &GroupQuery<'_>,
    ) -> Result<GroupPage, ListError> {
        list::page(&mut self.snapshot().await?, integration_id, query).await
    }
}

async fn record(
    tx: &mut Tx,
    integration_id: &str,
    (change, work, mut event): (GroupChange, Option<MembersWork>, NewEvent),
) -> Result<GroupRow, GroupError> {
    let before = match (&change, &work) {
        (GroupChange::Insert { .. }, _) | (_, None) => Vec::new(),
        (GroupChange::Replace { id, .. } | GroupChange::Delete { id, .. }, Some(_)) => ids(tx, id).await?,
    };
    let group = match change {
        GroupChange::Insert { body, members } => insert(tx, integration_id, &body, &members).await?,
        GroupChange::Replace { id, expected, body, members } => {
            current(tx, integration_id, &id, expected).await?;
            name_is_free(tx, integration_id, &body, Some(&id)).await?;
            let values = args![
                &id,
                &body.display_name,
                fold(&body.display_name),
                body.external_id.as_ref(),
                &body.resource,
                body.folded.as_str(),
                tx.now,
            ];
            tx.db.write(REPLACE, values);
            set_members(tx, integration_id, &id, &members).await?;
            find(&mut tx.db, integration_id, &id).await?.ok_or(GroupError::NotFound)?
        }
        GroupChange::Delete { id, expected } => {
            let group = current(tx, integration_id, &id, expected).await?;
            tx.db.write(EMPTY, args![&id]);
            tx.db.write(DELETE, args![&id]);
            group
        }
    };
    event.integration_id.get_or_insert_with(|| integration_id.to_owned());
    event.target.get_or_insert_with(|| group.id.clone());
    event::append(tx, event);
    if let Some(work) = work {
        let after = ids(tx, &group.id).await?;
        ask_for_jobs(tx, integration_id, (before, after), &work).await?;
    }
    Ok(group)
}

/// Asks for a job of each user whom a change of members concerns: those who came or went, or everybody.
async fn ask_for_jobs(
    tx: &mut Tx,
    integration_id: &str,
    (before, after): (Vec<String>, Vec<String>),
    work: &MembersWork,
) -> Result<(), GroupError> {
    let sets = [&before, &after].map(|ids| ids.iter().map(String::as_str).collect::<HashSet<&str>>());
    let [was_in, is_in] = sets;
    let concerned =
        |id: &&String| work.everybody || !(was_in.contains(id.as_str()) && is_in.contains(id.as_str()));
    let came_later = after.iter().filter(|id| !was_in.contains(id.as_str()));
    for id in before.iter().chain(came_later).filter(concerned) {
        let Some(user) = user::find(&mut tx.db, integration_id, id).await? else { continue };
        let wish = Work::Provision { user_id: user.id, wanted_version: user.version };
        job::enqueue(tx, integration_id, wish, work.job.clone()).await?;
    }
    Ok(())
}

async fn ids(tx: &mut Tx, group_id: &str) -> Result<Vec<String>, StoreError> {
    tx.db.all(IDS, args![group_id]).await?.iter().map(|row| row.text("user_id")).collect()
}

async fn insert(
    tx: &mut Tx,
    integration_id: &str,
    body: &GroupBody,
    members: &[String],
) -> Result<GroupRow, GroupError> {
    name_is_free(tx, integration_id, body, None).await?;
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

/// The group, where it is at the version that the caller saw.
async fn current(
    tx: &mut Tx,
    integration_id: &str,
    id: &str,
    expected: Option<i64>,
) -> Result<GroupRow, GroupError> {
    let group = find(&mut tx.db, integration_id, id).await?.ok_or(GroupError::NotFound)?;
    match expected {
        Some(expected) if expected != group.version => {
            Err(GroupError::VersionConflict { found: group.version })
        }
        _ => Ok(group),
    }
}

async fn name_is_free(
    tx: &mut Tx,
    integration_id: &str,
    body: &GroupBody,
    own: Option<&str>,
) -> Result<(), GroupError> {
    let holder = tx.db.one(FIND_NAME, args![integration_id, fold(&body.display_name)]).await?;
    let holder = holder.map(|row| row.text("id")).transpose()?;
    if holder.is_some_and(|holder| own != Some(holder.as_str())) {
        Err(GroupError::NameTaken)
    } else {
        Ok(())
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
pub(super) fn leave_all(tx: &mut Tx, user_id: &str) {
    tx.db.write(TOUCH_ALL, args![user_id, tx.now]);
    tx.db.write(LEAVE_ALL, args![user_id]);
}

/// The groups of these users, given as a JSON array of ids, each with its user.
pub(super) async fn of_users(db: &mut Db, ids: &str) -> Result<Vec<(String, GroupOf)>, StoreError> {
    let rows = db.all(OF_USERS, args![ids]).await?;
    let read = |row: &Row| {
        Ok((row.text("user_id")?, GroupOf { id: row.text("id")?, display: row.text("display_name")? }))
    };
    rows.iter().map(read).collect()
}

async fn find(db: &mut Db, integration_id: &str, id: &str) -> Result<Option<GroupRow>, StoreError> {
    db.one(FIND, args![integration_id, id]).await?.map(|row| read(&row)).transpose()
}

/// Puts the members beside the groups, where they are wanted.
async fn view(db: &mut Db, groups: Vec<GroupRow>, with_members: bool) -> Result<Vec<GroupView>, StoreError> {
    let mut views: Vec<GroupView> =
        groups.into_iter().map(|group| GroupView { group, members: Vec::new() }).collect();
    if !with_members {
        return Ok(views);
    }
    let ids = json!(views.iter().map(|view| &view.group.id).collect::<Vec<_>>()).to_string();
    for row in db.all(MEMBERS, args![&ids]).await? {
        let of = row.text("group_id")?;
        if let Some(view) = views.iter_mut().find(|view| view.group.id == of) {
            view.members.push(row.text("user_id")?);
        }
    }
    Ok(views)
}

fn read(row: &Row) -> Result<GroupRow, StoreError> {
    Ok(GroupRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        body: GroupBody {
            display_name: row.text("display_name")?,
            external_id: row.maybe_text("external_id")?,
            resource: row.json("resource")?,
            folded: Folded::from_stored(row.text("folded")?),
        },
        version: row.int("version")?,
        created_at: row.time("created_at")?,
        modified_at: row.time("modified_at")?,
    })
}
