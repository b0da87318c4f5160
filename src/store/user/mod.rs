//! Users: the wanted SCIM resources. A change, the job that makes it so and the events of it are one transaction.
//!
//! A deleted user is a wish that its account goes. Until a job has seen the account gone, the row keeps its user name, so
//! that no other row, with a lane of its own, can ask for the same account: whoever asks for that name again takes up this
//! row. When the removal is given up (failed, held, with a person, cancelled) the user can be seen again. Who can be seen is
//! kept in the column `visible`, by triggers, beside the changes of users and jobs that decide it.

mod list;
mod view;

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::account::AccountRow;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::group::{self, GroupOf};
use super::job::{self, JobRequest, JobRow, Work};
use super::page::{ListError, Start};
use super::sql::{Db, Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::scim::schema::fold;
use crate::scim::{Filter, Folded, Path, Position, ResourceSchema, SortOrder};

statements! {
    FIND = "SELECT * FROM users WHERE integration_id = $1 AND id = $2";
    FIND_VISIBLE = "SELECT * FROM users WHERE integration_id = $1 AND id = $2 AND visible = 1";
    FIND_NAME = "SELECT * FROM users WHERE integration_id = $1 AND user_name_key = $2 AND gone_at IS NULL";
    FIND_EXTERNAL = "SELECT id FROM users WHERE integration_id = $1 AND external_id = $2 AND id <> $3 AND gone_at IS NULL AND deleted_at IS NULL ORDER BY seq LIMIT 1";
    INSERT = "INSERT INTO users (id, integration_id, user_name, user_name_key, external_id, active, resource, folded, version, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)";
    REPLACE = "UPDATE users SET user_name = $2, user_name_key = $3, external_id = $4, active = $5, resource = $6, folded = $7, version = version + 1, modified_at = $8, deleted_at = NULL WHERE id = $1";
    DELETE = "UPDATE users SET active = 0, version = version + 1, modified_at = $2, deleted_at = $2 WHERE id = $1";
    GONE = "UPDATE users SET gone_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL AND gone_at IS NULL";
    ADD_EMAIL = "INSERT INTO user_emails (user_id, integration_id, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    FORGET_EMAILS = "DELETE FROM user_emails WHERE user_id = $1";
    ARE_VISIBLE = "SELECT id FROM users WHERE integration_id = $1 AND visible = 1 AND id IN (SELECT value FROM json_each($2))";
}

/// Every statement of this part, for the test that prepares them.
#[cfg(test)]
pub(super) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [STATEMENTS, list::STATEMENTS, view::STATEMENTS].concat()
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
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Its id, opaque, never used twice.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// What the identity provider said last.
    pub body: UserBody,
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
}

/// A wanted user beside what was seen in the app and the latest job of it.
#[derive(Clone, Debug)]
pub struct UserView {
    /// What is wanted.
    pub user: UserRow,
    /// What was last seen.
    pub account: Option<AccountRow>,
    /// The latest job: pending, or how it ended.
    pub job: Option<JobRow>,
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
    pub job: Option<JobRow>,
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
        list::page(&mut self.snapshot().await?, integration_id, query).await
    }
}

async fn record(tx: &mut Tx, change: Change) -> Result<Recorded, RecordError> {
    let integration_id = change.integration_id;
    let is_new = matches!(change.user, UserChange::Insert(_));
    let id = match change.user {
        UserChange::Insert(body) => insert(tx, &integration_id, &body).await?,
        UserChange::Replace { id, expected, body } => {
            replace(tx, &integration_id, (id, expected), &body).await?
        }
        UserChange::Delete { id, expected } => {
            alive(tx, &integration_id, &id, expected).await?;
            tx.db.change(DELETE, args![&id, tx.now]).await?;
            group::leave_all(tx, &id).await?;
            if change.job.is_none() {
                gone(tx, &id).await?;
            }
            id
        }
    };
    let user = find(&mut tx.db, &integration_id, &id).await?.ok_or(RecordError::NotFound)?;
    let job = match change.job {
        Some(request) => {
            let work = Work::Provision { user_id: id.clone(), wanted_version: user.version };
            Some(job::enqueue(tx, &integration_id, work, request).await?)
        }
        None => None,
    };
    for mut event in change.events {
        event.integration_id.get_or_insert_with(|| integration_id.clone());
        event.target.get_or_insert_with(|| id.clone());
        event.job_id = event.job_id.or_else(|| job.as_ref().map(|job| job.id.clone()));
        event::append(tx, event).await?;
    }
    let groups =
        if is_new { Vec::new() } else { group::of_users(&mut tx.db, &json!([&id]).to_string()).await? };
    let groups = groups.into_iter().map(|(_, group)| group).collect();
    Ok(Recorded { user, job, groups })
}

async fn insert(tx: &mut Tx, integration_id: &str, body: &UserBody) -> Result<String, RecordError> {
    let holder = holder(tx, integration_id, &body.user_name).await?;
    if let Some(holder) = &holder {
        let ids = (&holder.body.external_id, &body.external_id);
        let is_other = matches!(ids, (Some(one), Some(other)) if one != other);
        if holder.deleted_at.is_none() || is_other {
            return Err(RecordError::UserNameTaken { by: holder.id.clone() });
        }
    }
    if let Some(external_id) = &body.external_id {
        let but = holder.as_ref().map_or("", |holder| holder.id.as_str());
        if let Some(row) = tx.db.one(FIND_EXTERNAL, args![integration_id, external_id, but]).await? {
            return Err(RecordError::ExternalIdTaken { by: row.text("id")? });
        }
    }
    if let Some(holder) = holder {
        write(tx, integration_id, &holder.id, body).await?;
        return Ok(holder.id);
    }
    let id = tx.ids.next();
    let values = args![
        &id,
        integration_id,
        &body.user_name,
        fold(&body.user_name),
        body.external_id.as_ref(),
        body.active,
        &body.resource,
        body.folded.as_str(),
        tx.now,
    ];
    tx.db.change(INSERT, values).await?;
    add_emails(tx, integration_id, &id, body).await?;
    Ok(id)
}

async fn replace(
    tx: &mut Tx,
    integration_id: &str,
    (id, expected): (String, Option<i64>),
    body: &UserBody,
) -> Result<String, RecordError> {
    alive(tx, integration_id, &id, expected).await?;
    if let Some(holder) = holder(tx, integration_id, &body.user_name).await?.filter(|user| user.id != id) {
        return Err(RecordError::UserNameTaken { by: holder.id });
    }
    write(tx, integration_id, &id, body).await?;
    Ok(id)
}

async fn write(tx: &mut Tx, integration_id: &str, id: &str, body: &UserBody) -> Result<(), StoreError> {
    let values = args![
        id,
        &body.user_name,
        fold(&body.user_name),
        body.external_id.as_ref(),
        body.active,
        &body.resource,
        body.folded.as_str(),
        tx.now,
    ];
    tx.db.change(REPLACE, values).await?;
    tx.db.change(FORGET_EMAILS, args![id]).await?;
    add_emails(tx, integration_id, id, body).await
}

/// Keeps the addresses where they are looked up.
async fn add_emails(tx: &mut Tx, integration_id: &str, id: &str, body: &UserBody) -> Result<(), StoreError> {
    for email in body.folded.emails() {
        tx.db.change(ADD_EMAIL, args![id, integration_id, email]).await?;
    }
    Ok(())
}

/// Notes that the account of a deleted user is gone: its name is free. Does nothing to a user that is wanted.
pub(super) async fn gone(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    tx.db.change(GONE, args![id, tx.now]).await?;
    Ok(())
}

async fn alive(
    tx: &mut Tx,
    integration_id: &str,
    id: &str,
    expected: Option<i64>,
) -> Result<(), RecordError> {
    let user = find_visible(&mut tx.db, integration_id, id).await?;
    let found = user.ok_or(RecordError::NotFound)?.version;
    if expected.is_some_and(|expected| expected != found) {
        return Err(RecordError::VersionConflict { found });
    }
    Ok(())
}

/// Who has the name.
async fn holder(tx: &mut Tx, integration_id: &str, name: &str) -> Result<Option<UserRow>, StoreError> {
    tx.db.one(FIND_NAME, args![integration_id, fold(name)]).await?.map(|row| read(&row)).transpose()
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

fn read(row: &Row) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        body: UserBody {
            user_name: row.text("user_name")?,
            external_id: row.maybe_text("external_id")?,
            active: row.flag("active")?,
            resource: row.json("resource")?,
            folded: Folded::from_stored(row.text("folded")?),
        },
        version: row.int("version")?,
        created_at: row.time("created_at")?,
        modified_at: row.time("modified_at")?,
        deleted_at: row.maybe_time("deleted_at")?,
        gone_at: row.maybe_time("gone_at")?,
    })
}
