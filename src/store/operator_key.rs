//! The keys of operators: who may ask over HTTP, and for what. Only the hash of one is ever kept.

use futures::FutureExt as _;
use secrecy::SecretString;
use serde_json::json;

use super::Store;
use super::bearer::{self, Life};
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::sql::{Row, args, statements};
use super::word::words;
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    INSERT = "INSERT INTO operator_keys (id, name, role, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "SELECT * FROM operator_keys WHERE id = $1";
    NAMED = "SELECT id FROM operator_keys WHERE name = $1";
    LIST = "SELECT * FROM operator_keys ORDER BY seq";
    TOUCH = "UPDATE operator_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    REVOKE = "UPDATE operator_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// Who else does things, as events name them: no key may pass for one of these.
const TAKEN: [&str; 3] = ["cli", "operator", "usher"];

words! {
    /// What the holder of a key may do.
    OperatorRole("role") {
        /// Looks at everything.
        Auditor = "auditor",
        /// Acts, too.
        Admin = "admin",
    }
}

/// A key to be kept.
#[derive(Clone, Debug)]
pub struct NewOperatorKey {
    /// Its name: who does what is done with it, as events name them.
    pub name: String,
    /// What its holder may do.
    pub role: OperatorRole,
    /// The key: 256 random bits, as text. Only its hash is kept.
    pub key: SecretString,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A key, without the key.
#[derive(Clone, Debug)]
pub struct OperatorKeyRow {
    /// Its id.
    pub id: String,
    /// Its name, which no other key has, or ever had.
    pub name: String,
    /// What its holder may do.
    pub role: OperatorRole,
    /// When it opens.
    pub life: Life,
}

/// The key cannot be made so.
#[derive(Debug, thiserror::Error)]
pub enum OperatorKeyError {
    /// Another key has the name, or had it: events tell of it.
    #[error("there is, or was, a key named `{0}`; events go on to name it, so choose another")]
    NameTaken(String),
    /// The name could not be told from others that events name.
    #[error(
        "`{0}` cannot name a key: use up to 63 small letters, digits and hyphens, a letter or digit first; not {taken}",
        taken = TAKEN.join(", ")
    )]
    BadName(String),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Keeps a key's hash.
    pub async fn create_operator_key(
        &self,
        new: NewOperatorKey,
        by: &str,
    ) -> Result<OperatorKeyRow, OperatorKeyError> {
        if !super::integration::is_name(&new.name) || TAKEN.contains(&new.name.as_str()) {
            return Err(OperatorKeyError::BadName(new.name));
        }
        let by = by.to_owned();
        self.writer.write(move |tx| async move { create(tx, new, &by).await }.boxed()).await
    }

    /// The key that was presented, be it valid or not. The time it takes tells nothing of the keys that exist.
    pub async fn find_operator_key(
        &self,
        presented: &SecretString,
    ) -> Result<Option<OperatorKeyRow>, StoreError> {
        let rows = self.reader().await?.all(LIST, &[]).await?;
        bearer::presented(rows, "hash", presented)?.map(|row| read(&row)).transpose()
    }

    /// Notes that a key was used now; writes once a minute at most.
    pub async fn touch_operator_key(&self, key: &OperatorKeyRow) -> Result<(), StoreError> {
        if key.life.knows_use(self.clock.now()) {
            return Ok(());
        }
        let id = key.id.clone();
        let write = move |tx: &mut Tx| {
            tx.db.write(TOUCH, args![&id, tx.now]);
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(write(tx)).boxed()).await
    }

    /// Every key, oldest first.
    pub async fn list_operator_keys(&self) -> Result<Vec<OperatorKeyRow>, StoreError> {
        self.reader().await?.all(LIST, &[]).await?.iter().map(read).collect()
    }

    /// Revokes a key for good; `None` where there is none. A revoked one keeps its first time.
    pub async fn revoke_operator_key(
        &self,
        id: &str,
        by: &str,
    ) -> Result<Option<OperatorKeyRow>, StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { revoke(tx, &id, &by).await }.boxed()).await
    }
}

async fn create(tx: &mut Tx, new: NewOperatorKey, by: &str) -> Result<OperatorKeyRow, OperatorKeyError> {
    let NewOperatorKey { name, role, key, expires_at } = new;
    if tx.db.one(NAMED, args![&name]).await?.is_some() {
        return Err(OperatorKeyError::NameTaken(name));
    }
    let id = tx.ids.next_with_prefix("key");
    let values = args![&id, &name, role.as_str(), bearer::hash(&key), tx.now, expires_at];
    tx.db.write(INSERT, values);
    let event = NewEvent::new("operator_key.created", by).to(&id);
    event::append(tx, event.with(json!({ "name": name, "role": role })));
    Ok(OperatorKeyRow { id, name, role, life: Life::begin(tx.now, expires_at) })
}

async fn revoke(tx: &mut Tx, id: &str, by: &str) -> Result<Option<OperatorKeyRow>, StoreError> {
    let revoked = tx.db.change(REVOKE, args![id, tx.now]).await? > 0;
    let Some(key) = tx.db.one(FIND, args![id]).await?.as_ref().map(read).transpose()? else {
        return Ok(None);
    };
    if revoked {
        let event = NewEvent::new("operator_key.revoked", by).to(id);
        event::append(tx, event.with(json!({ "name": key.name })));
    }
    Ok(Some(key))
}

fn read(row: &Row) -> Result<OperatorKeyRow, StoreError> {
    Ok(OperatorKeyRow {
        id: row.text("id")?,
        name: row.text("name")?,
        role: row.word("role")?,
        life: Life::read(row, "created_at")?,
    })
}
