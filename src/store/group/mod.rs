//! Groups: the wanted SCIM groups and who is in them.
//!
//! Invariants: a member is a user that a client can see, once; a change of a group, or of who is in it, is one transaction and a new
//! version; a deleted user is in no group. Groups are changed one after the other, by the one writer, so that no change is lost.
//!
//! Where the connector makes groups in the app, a group has jobs of its own, in a lane of its own, and what they saw of it is kept
//! beside it. A deleted group keeps its name and its members until a job has seen it gone. Who is in the group follows in the lanes of
//! those users, once the group is there.
//!
//! A group that a sync found in the app is one that a client can see, with those who are in it there; nothing is wanted of it before a
//! client changes it.

mod found;
mod list;
mod record;
mod replica;

pub use self::found::KnownGroup;
pub use self::replica::GroupSeen;

pub(super) use self::found::{Taken, members_as_seen, take_over};
pub(super) use self::record::leave_all;
pub(super) use self::replica::{Ended, keep};

use std::collections::HashMap;

use futures::FutureExt as _;
use serde::Deserialize;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::event::NewEvent;
use super::job::{self, JobBrief, JobRequest, Lease, LeaseError, brief_columns};
use super::page::{ListError, Start};
use super::sql::{Db, Row, args, statements};
use crate::account::{Group, Membership};
use crate::clock::Timestamp;
use crate::scim::{Filter, Folded, Path, Position, ResourceSchema, SortOrder};

/// The columns of `groups AS u` that a [`GroupRow`] has.
macro_rules! select_groups {
    ($rest:literal) => {
        concat!("SELECT u.* FROM groups AS u WHERE u.integration_id = $1 AND ", $rest)
    };
}
use select_groups;

statements! {
    FIND = select_groups!("u.id = $2");
    FIND_VISIBLE = select_groups!("u.id = $2 AND u.visible = 1");
    MEMBERS = "SELECT group_id, user_id FROM members WHERE group_id IN (SELECT value FROM json_each($1)) ORDER BY seq";
    JOBS = concat!("SELECT u.id AS group_id, ", brief_columns!(), " FROM groups AS u JOIN jobs AS j ON j.seq = (SELECT l.seq FROM jobs l WHERE l.integration_id = u.integration_id AND l.lane = u.id AND l.superseded_by IS NULL ORDER BY l.seq DESC LIMIT 1) WHERE u.id IN (SELECT value FROM json_each($1))");
    OF_USERS = "SELECT m.user_id, g.id, g.display_name, g.found FROM members m JOIN groups g ON g.id = m.group_id AND g.deleted_at IS NULL WHERE m.user_id IN (SELECT value FROM json_each($1)) ORDER BY g.seq";
}

/// Every statement of this part, for the test that prepares them.
#[cfg(test)]
pub(super) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [STATEMENTS, found::STATEMENTS, record::STATEMENTS, replica::STATEMENTS].concat()
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
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When that was fulfilled.
    pub gone_at: Option<Timestamp>,
    /// What was last seen of it in the app; none where it was not there, or nobody has looked.
    pub in_app: Option<Group>,
    /// The name under which it may be in the app since: made, or renamed, and not seen yet.
    pub making: Option<String>,
    /// Whether it was found in the app and nobody pushed it since: then nothing is wanted of it, and it is what the app shows.
    pub is_found: bool,
}

/// A group that a user is in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupOf {
    /// The group.
    pub id: String,
    /// Its name.
    pub display: String,
    /// Whether it was only found in the app: then being in it is no wish, and gives nothing.
    pub is_found: bool,
}

/// A wanted group with those who are in it, in the order of their joining.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// The group.
    pub group: GroupRow,
    /// The ids of its users; none where they were not asked for.
    pub members: Vec<String>,
    /// The latest job of the group itself.
    pub job: Option<JobBrief>,
}

/// A change of one group. `expected` is the version that the caller saw; `None` where it did not look.
#[derive(Clone, Debug)]
pub enum GroupChange {
    /// A new group; or a deleted one of that name that is not gone yet, which is wanted again.
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

/// The work that a change of a group is.
#[derive(Clone, Debug)]
pub struct GroupWork {
    /// How each job of it is asked for.
    pub job: JobRequest,
    /// Whether the group itself is made in the app.
    pub replicates: bool,
    /// The users whose accounts hang on it otherwise, as where it gives them something: they are told at once.
    pub concerns: Concerned,
}

/// Whose accounts hang on a change of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concerned {
    /// Nobody's.
    Nobody,
    /// Those of users who come or go.
    WhoMoves,
    /// Those of everybody who is in it, or was.
    Everybody,
}

/// The change was not recorded; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Another group of the integration has the name, or had it and is not gone yet.
    #[error("the display name is taken")]
    NameTaken {
        /// The group that has it.
        by: String,
        /// Whether the group that had it is being removed.
        is_leaving: bool,
    },
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
    /// Writes a change of a group, its jobs and the event of it, all or nothing. Returns the group as it is now, or was, with the job
    /// of the group itself.
    pub async fn record_group(
        &self,
        integration_id: &str,
        change: GroupChange,
        work: Option<GroupWork>,
        event: NewEvent,
    ) -> Result<(GroupRow, Option<JobBrief>), GroupError> {
        let (integration_id, written) = (integration_id.to_owned(), (change, work, event));
        self.writer
            .write(move |tx| async move { record::record(tx, &integration_id, written).await }.boxed())
            .await
    }

    /// The group with this id, be it there or deleted.
    pub async fn find_group_or_tombstone(
        &self,
        integration_id: &str,
        id: &str,
    ) -> Result<Option<GroupRow>, StoreError> {
        find(&mut self.reader().await?, integration_id, id).await
    }

    /// The groups of an integration, those that are to go included, as a comparison with the app needs them.
    pub async fn known_groups(&self, integration_id: &str) -> Result<Vec<KnownGroup>, StoreError> {
        found::known(&mut self.reader().await?, integration_id).await
    }

    /// The groups of an integration that are in the app, and whether this user is wanted in each. Not those that are to go.
    pub async fn memberships(
        &self,
        integration_id: &str,
        user_id: &str,
    ) -> Result<Vec<Membership>, StoreError> {
        replica::memberships(&mut self.reader().await?, integration_id, user_id).await
    }

    /// The groups of an integration that are in the app and are to be, by their ids here, each as it was last seen there.
    pub async fn kept_groups(&self, integration_id: &str) -> Result<Vec<(String, Group)>, StoreError> {
        replica::kept(&mut self.reader().await?, integration_id).await
    }

    /// Notes, on the disk before it returns, that the next flow may give the app this group under this name: make it or, where it
    /// `is_there` under another one, rename it.
    pub async fn making_group(
        &self,
        held: &Lease,
        id: &str,
        name: &str,
        is_there: bool,
    ) -> Result<(), LeaseError> {
        let (held, id, name) = (held.clone(), id.to_owned(), name.to_owned());
        self.writer
            .write(move |tx| async move { replica::making(tx, &held, &id, (&name, is_there)).await }.boxed())
            .await
    }

    /// What other groups of the integration than this one are in the app.
    pub async fn other_groups_in_app(
        &self,
        integration_id: &str,
        id: &str,
    ) -> Result<Vec<Group>, StoreError> {
        replica::others(&mut self.reader().await?, integration_id, id).await
    }

    /// The groups that a user is wanted in; not those that are to go, whether they can or not.
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
        let found = db.one(FIND_VISIBLE, args![integration_id, id]).await?;
        let Some(group) = found.map(|row| read(&row)).transpose()? else { return Ok(None) };
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

/// The groups of these users, given as a JSON array of ids, each with its user.
pub(super) async fn of_users(db: &mut Db, ids: &str) -> Result<Vec<(String, GroupOf)>, StoreError> {
    let rows = db.all(OF_USERS, args![ids]).await?;
    let read = |row: &Row| {
        let (id, display) = (row.text("id")?, row.text("display_name")?);
        Ok((row.text("user_id")?, GroupOf { id, display, is_found: row.flag("found")? }))
    };
    rows.iter().map(read).collect()
}

pub(super) async fn find(
    db: &mut Db,
    integration_id: &str,
    id: &str,
) -> Result<Option<GroupRow>, StoreError> {
    db.one(FIND, args![integration_id, id]).await?.map(|row| read(&row)).transpose()
}

/// Puts the latest job beside each group, and the members where they are wanted.
async fn view(db: &mut Db, groups: Vec<GroupRow>, with_members: bool) -> Result<Vec<GroupView>, StoreError> {
    let ids = json!(groups.iter().map(|group| &group.id).collect::<Vec<_>>()).to_string();
    let mut jobs = HashMap::new();
    for row in db.all(JOBS, args![&ids]).await? {
        jobs.extend(job::beside(&row)?.map(|job| row.text("group_id").map(|id| (id, job))).transpose()?);
    }
    let with_job = |group: GroupRow| {
        let job = jobs.remove(&group.id);
        GroupView { group, members: Vec::new(), job }
    };
    let mut views: Vec<GroupView> = groups.into_iter().map(with_job).collect();
    if !with_members {
        return Ok(views);
    }
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
        deleted_at: row.maybe_time("deleted_at")?,
        gone_at: row.maybe_time("gone_at")?,
        in_app: replica::in_app(row)?,
        making: row.maybe_text("making")?,
        is_found: row.flag("found")?,
    })
}
