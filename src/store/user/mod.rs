//! Users: the wanted SCIM resources. A change, the job that makes it so and the events of it are one transaction.
//!
//! A deleted user is a wish that its account goes. Until a job has seen the account gone, the row keeps its user name, so
//! that no other row, with a lane of its own, can ask for the same account: whoever asks for that name again takes up this
//! row. When the removal is given up (failed, held, with a person, cancelled) the user can be seen again. Who can be seen is
//! kept in the column `visible`, by triggers, beside the changes of users and jobs that decide it.

mod list;
mod record;
mod view;

use futures::FutureExt as _;

use super::Store;
use super::account::SeenAccount;
use super::error::StoreError;
use super::event::NewEvent;
use super::group::GroupOf;
use super::job::{JobBrief, JobRequest};
use super::page::{ListError, Start};
use super::sql::{Db, Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::scim::schema::fold;
pub(super) use record::{holder, record};

use crate::scim::{Filter, Folded, Path, Position, ResourceSchema, SortOrder};

/// What a [`UserRow`] has of `users AS u`.
macro_rules! user_columns {
    () => {
        "u.seq, u.id, u.integration_id, u.user_name, u.external_id, u.active, u.resource, u.version, u.created_at, u.modified_at, u.deleted_at, u.gone_at, u.left_at"
    };
}
pub(super) use user_columns;

/// The groups of `users AS u`, as JSON.
macro_rules! in_groups {
    () => {
        "(SELECT '[' || coalesce(string_agg('{\"id\":' || json_quote(g.id) || ',\"display\":' || json_quote(g.display_name) || ',\"is_found\":' || CASE WHEN g.found = 1 THEN 'true' ELSE 'false' END || '}', ',' ORDER BY g.seq), '') || ']' FROM members m JOIN groups g ON g.id = m.group_id AND g.visible = 1 WHERE m.user_id = u.id) AS in_groups"
    };
}
pub(super) use in_groups;

macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT ", user_columns!(), " FROM users AS u WHERE u.integration_id = $1 AND ", $rest)
    };
}
use select_users;

statements! {
    FIND = select_users!("u.id = $2");
    FIND_VISIBLE = select_users!("u.id = $2 AND u.visible = 1");
    EVER_NAMED = select_users!("u.user_name_key = $2 ORDER BY u.seq");
    GONE = "UPDATE users SET gone_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL AND gone_at IS NULL";
    ARE_VISIBLE = "SELECT id FROM users WHERE integration_id = $1 AND visible = 1 AND id IN (SELECT value FROM json_each($2))";
}

/// Every statement of this part, for the test that prepares them.
#[cfg(test)]
pub(super) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [STATEMENTS, list::STATEMENTS, record::STATEMENTS, view::STATEMENTS].concat()
}

/// What an identity provider says of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserBody {
    /// The user name as it was written; unique in the integration regardless of case while the user is alive.
    pub user_name: String,
    /// The identity provider's own id.
    pub external_id: Option<String>,
    /// Whether the person may get in.
    pub active: bool,
    /// The resource, without what the server controls (`id`, `meta`).
    pub resource: serde_json::Value,
    /// The same as it is compared: see [`Folded`].
    pub folded: Folded,
}

/// A wanted user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserRow {
    /// Its id, opaque, never used twice.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// The user name, as the identity provider wrote it last.
    pub user_name: String,
    /// The identity provider's own id.
    pub external_id: Option<String>,
    /// Whether the person may get in.
    pub active: bool,
    /// The resource, without what the server controls (`id`, `meta`).
    pub resource: serde_json::Value,
    /// Grows by one with each change, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// When its removal was asked for; the row stays as a tombstone (R19).
    pub deleted_at: Option<Timestamp>,
    /// When a job had seen that the account is gone.
    pub gone_at: Option<Timestamp>,
    /// Since when the person is to be without access, where that was asked for: a leaver's clock (R2).
    pub left_at: Option<Timestamp>,
}

impl UserRow {
    /// Whether it is what was said last.
    pub fn is(&self, body: &UserBody) -> bool {
        self.resource == body.resource
    }
}

/// A wanted user beside the latest job of it and, where that did not do what is wanted, what was seen in the app.
#[derive(Clone, Debug)]
pub struct UserView {
    /// What is wanted.
    pub user: UserRow,
    /// What was last seen, where the latest job failed, is held or with a person, or was cancelled; or where a sync has found since that
    /// it is not as it is wanted.
    pub account: Option<SeenAccount>,
    /// The latest job: pending, or how it ended.
    pub job: Option<JobBrief>,
    /// The groups that the user is in.
    pub groups: Vec<GroupOf>,
}

/// A change of one user, and what is written with it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The integration.
    pub integration_id: String,
    /// The change.
    pub user: UserChange,
    /// The work it causes; `None` where the app need not know.
    pub job: Option<JobRequest>,
    /// What is told of it. Integration, target and job are filled in where they are missing.
    pub events: Vec<NewEvent>,
}

/// A change of one user. `expected` is the version that the caller saw; `None` where it did not look.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// A new user; or a deleted one whose account is not gone yet, of the same name and, where both have one, the same
    /// external id: it is taken up again under its own id.
    Insert(UserBody),
    /// Another body for a user.
    Replace {
        /// The user.
        id: String,
        /// The version that is to be replaced.
        expected: Option<i64>,
        /// What it becomes.
        body: UserBody,
    },
    /// The end of a user; a tombstone stays.
    Delete {
        /// The user.
        id: String,
        /// The version that is to be deleted.
        expected: Option<i64>,
    },
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The user as it is now.
    pub user: UserRow,
    /// The job that will make it so, new or already pending.
    pub job: Option<JobBrief>,
    /// The groups that the user is in.
    pub groups: Vec<GroupOf>,
}

/// The change was not recorded; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Another user of the integration has the name, or had it and is not gone yet.
    #[error("the user name is taken")]
    UserNameTaken {
        /// Who has it.
        by: String,
    },
    /// Another user of the integration is the same person for the identity provider. A second one would be a twin.
    #[error("the external id is taken")]
    ExternalIdTaken {
        /// Who has it.
        by: String,
    },
    /// The user is at another version than the caller saw.
    #[error("the user is at version {found}")]
    VersionConflict {
        /// The version it is at.
        found: i64,
    },
    /// There is no such user, or no longer.
    #[error("there is no such user")]
    NotFound,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which users to list, and in which order.
#[derive(Clone, Copy, Debug)]
pub struct UserQuery<'q> {
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
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// How many match in all.
    pub total: u64,
    /// Those of this page.
    pub users: Vec<UserView>,
    /// By cursor: where the next page begins, where there is one.
    pub next: Option<Position>,
    /// By cursor: where the page before it ends, where there may be one.
    pub previous: Option<Position>,
}

impl Store {
    /// Writes a change, its job and its events, all or nothing.
    pub async fn record(&self, change: Change) -> Result<Recorded, RecordError> {
        self.writer.write(move |tx| async move { record(tx, change).await }.boxed()).await
    }

    /// The user with this id, where a client can see it.
    pub async fn find_user(&self, integration_id: &str, id: &str) -> Result<Option<UserRow>, StoreError> {
        find_visible(&mut self.reader().await?, integration_id, id).await
    }

    /// The user with this id, be it alive or not: a deleted user's account still has to go.
    pub async fn find_user_or_tombstone(
        &self,
        integration_id: &str,
        id: &str,
    ) -> Result<Option<UserRow>, StoreError> {
        find(&mut self.reader().await?, integration_id, id).await
    }

    /// Everybody of this name, first to last, be they alive or not.
    pub async fn users_ever_named(
        &self,
        integration_id: &str,
        name: &str,
    ) -> Result<Vec<UserRow>, StoreError> {
        let rows = self.reader().await?.all(EVER_NAMED, args![integration_id, fold(name)]).await?;
        rows.iter().map(read).collect()
    }

    /// The user with this id, where a client can see it, with its account and latest job.
    pub async fn view_user(&self, integration_id: &str, id: &str) -> Result<Option<UserView>, StoreError> {
        view::one(&mut self.reader().await?, integration_id, id).await
    }

    /// The users that a client can see, with their accounts and latest jobs.
    ///
    /// # Errors
    /// [`ListError::Unsupported`]: the filter or the order asks for what is not kept.
    pub async fn list_users(
        &self,
        integration_id: &str,
        query: &UserQuery<'_>,
    ) -> Result<UserPage, ListError> {
        match list::at_once(&mut self.reader().await?, integration_id, query).await? {
            Some(page) => Ok(page),
            None => list::page(&mut self.snapshot().await?, integration_id, query).await,
        }
    }
}

/// Notes that the account of a deleted user is gone: its name is free. Does nothing to a user that is wanted.
pub(super) fn gone(tx: &mut Tx, id: &str) {
    tx.db.write(GONE, args![id, tx.now]);
}

async fn find_visible(db: &mut Db, integration_id: &str, id: &str) -> Result<Option<UserRow>, StoreError> {
    db.one(FIND_VISIBLE, args![integration_id, id]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn find(db: &mut Db, integration_id: &str, id: &str) -> Result<Option<UserRow>, StoreError> {
    db.one(FIND, args![integration_id, id]).await?.map(|row| read(&row)).transpose()
}

/// Those of these ids, given as a JSON array, that a client can see as users.
pub(super) async fn visible_ids(
    db: &mut Db,
    integration_id: &str,
    ids: &str,
) -> Result<Vec<String>, StoreError> {
    db.all(ARE_VISIBLE, args![integration_id, ids]).await?.iter().map(|row| row.text("id")).collect()
}

pub(super) fn read(row: &Row) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        user_name: row.text("user_name")?,
        external_id: row.maybe_text("external_id")?,
        active: row.flag("active")?,
        resource: row.json("resource")?,
        version: row.int("version")?,
        created_at: row.time("created_at")?,
        modified_at: row.time("modified_at")?,
        deleted_at: row.maybe_time("deleted_at")?,
        gone_at: row.maybe_time("gone_at")?,
        left_at: row.maybe_time("left_at")?,
    })
}
