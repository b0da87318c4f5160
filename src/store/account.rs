//! Accounts: what was last seen in the app, and when.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::sql::{Db, Row, args, statements};
use super::writer::Tx;
use crate::account::{Attributes, Entitlements, Status};
use crate::clock::Timestamp;

statements! {
    FIND = "SELECT * FROM accounts WHERE integration_id = $1 AND user_id = $2";
    FORGET_UNLINKED = "DELETE FROM accounts WHERE integration_id = $1 AND app_id = $2 AND user_id IS NULL";
    PUT = "INSERT INTO accounts (integration_id, user_id, app_id, status, attributes, entitlements, groups, complete, differs, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (integration_id, user_id) DO UPDATE SET app_id = excluded.app_id, status = excluded.status, attributes = excluded.attributes, entitlements = excluded.entitlements, groups = excluded.groups, complete = excluded.complete, differs = excluded.differs, seen_at = excluded.seen_at";
}

/// What a [`SeenAccount`] has of `accounts AS a`, beside the columns of another table.
macro_rules! seen_columns {
    () => {
        "a.app_id, a.status, a.attributes, a.entitlements, a.groups, a.complete"
    };
}
pub(super) use seen_columns;

/// A reading of one person's account in the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAccount {
    /// The app's own immutable id (R8), where it has one.
    pub app_id: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What the app shows of the account.
    pub attributes: Attributes,
    /// What the account holds.
    pub entitlements: Entitlements,
    /// The names of the groups that it is in; none where the reading did not show them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<String>>,
    /// Whether the reading saw everything, so that what is missing in it is missing in the app (R18).
    pub complete: bool,
}

impl SeenAccount {
    /// There is none.
    pub fn absent() -> Self {
        let (attributes, entitlements) = Default::default();
        Self { app_id: None, status: Status::Absent, attributes, entitlements, groups: None, complete: true }
    }
}

/// What was last seen of an account.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// The integration.
    pub integration_id: String,
    /// The wanted user it belongs to; `None` where nobody is matched to it.
    pub user_id: Option<String>,
    /// What was seen.
    pub seen: SeenAccount,
    /// When it was seen.
    pub seen_at: Timestamp,
}

impl Store {
    /// What was last seen of this user's account.
    pub async fn find_account(
        &self,
        integration_id: &str,
        user_id: &str,
    ) -> Result<Option<AccountRow>, StoreError> {
        find(&mut self.reader().await?, integration_id, user_id).await
    }
}

pub(super) async fn find(
    db: &mut Db,
    integration_id: &str,
    user_id: &str,
) -> Result<Option<AccountRow>, StoreError> {
    db.one(FIND, args![integration_id, user_id]).await?.map(|row| read(&row)).transpose()
}

/// The account in a row to which one was joined by [`seen_columns!`]; none where there was none.
pub(super) fn beside(row: &Row) -> Result<Option<SeenAccount>, StoreError> {
    row.maybe_text("status")?.map(|_| seen(row)).transpose()
}

/// Keeps a reading of a user's account; `differs`: whether it is known not to be as it is wanted. A row of the same account that nobody was matched to goes.
pub(super) fn put(tx: &mut Tx, integration_id: &str, user_id: &str, seen: &SeenAccount, differs: bool) {
    if let Some(app_id) = &seen.app_id {
        tx.db.write(FORGET_UNLINKED, args![integration_id, app_id]);
    }
    let values = args![
        integration_id,
        user_id,
        seen.app_id.as_ref(),
        seen.status.as_str(),
        &json!(seen.attributes),
        &json!(seen.entitlements),
        seen.groups.as_ref().map(|groups| json!(groups).to_string()),
        seen.complete,
        differs,
        tx.now,
    ];
    tx.db.write(PUT, values);
}

fn read(row: &Row) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        integration_id: row.text("integration_id")?,
        user_id: row.maybe_text("user_id")?,
        seen: seen(row)?,
        seen_at: row.time("seen_at")?,
    })
}

fn seen(row: &Row) -> Result<SeenAccount, StoreError> {
    Ok(SeenAccount {
        app_id: row.maybe_text("app_id")?,
        status: row.word("status")?,
        attributes: row.json("attributes")?,
        entitlements: row.json("entitlements")?,
        groups: row.maybe_text("groups")?.map(|_| row.json("groups")).transpose()?,
        complete: row.flag("complete")?,
    })
}
