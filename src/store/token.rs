//! SCIM tokens: only the hash of one is ever kept.

use std::time::Duration;

use futures::FutureExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::integration::{self, IntegrationRow};
use super::migrate::hex;
use super::sql::{Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    INSERT = "INSERT INTO tokens (id, integration_id, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    FIND = "SELECT * FROM tokens WHERE id = $1";
    PRESENTED = "SELECT i.*, t.id AS token_id, t.hash AS token_hash, t.created_at AS token_created_at, t.expires_at, t.last_used_at, t.revoked_at FROM integrations i JOIN tokens t ON t.integration_id = i.id WHERE i.name = $1 ORDER BY t.seq";
    OF_INTEGRATION = "SELECT * FROM tokens WHERE integration_id = $1 ORDER BY seq";
    TOUCH = "UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    REVOKE = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

/// How exact "last used" is; a write for every request would cost more than it tells.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A token to be kept.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The integration it opens.
    pub integration_id: String,
    /// The token: 256 random bits, as text. Only its hash is kept.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A token, without the token.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its id, which may be shown.
    pub id: String,
    /// The integration it opens.
    pub integration_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl TokenRow {
    /// Whether it opens its integration at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl Store {
    /// Keeps a token's hash.
    pub async fn create_token(&self, new: NewToken, by: &str) -> Result<TokenRow, StoreError> {
        let by = by.to_owned();
        self.writer.write(move |tx| async move { create(tx, &new, &by).await }.boxed()).await
    }

    /// The token that was presented to the integration of that name, be it valid or not (ask [`TokenRow::is_valid`]), and the
    /// integration. Hashes are compared in constant time, and all of them, so the time it takes tells nothing of the
    /// tokens that exist.
    pub async fn find_token(
        &self,
        integration: &str,
        presented: &SecretString,
    ) -> Result<Option<(IntegrationRow, TokenRow)>, StoreError> {
        let presented = hash(presented);
        let mut found = None;
        for row in self.reader().await?.all(PRESENTED, args![integration]).await? {
            if bool::from(row.text("token_hash")?.as_bytes().ct_eq(presented.as_bytes())) {
                found = Some(row);
            }
        }
        let Some(row) = found else { return Ok(None) };
        let integration = integration::read(&row)?;
        let token = TokenRow {
            id: row.text("token_id")?,
            integration_id: integration.id.clone(),
            created_at: row.time("token_created_at")?,
            expires_at: row.maybe_time("expires_at")?,
            last_used_at: row.maybe_time("last_used_at")?,
            revoked_at: row.maybe_time("revoked_at")?,
        };
        Ok(Some((integration, token)))
    }

    /// Notes that a token was used now; writes once a minute at most. Gives what is kept as its last use then.
    pub async fn touch_token(&self, token: &TokenRow) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.now();
        if token.last_used_at.is_some_and(|used| now.since(used) < TOUCH_EVERY) {
            return Ok(token.last_used_at);
        }
        let id = token.id.clone();
        self.writer
            .write(move |tx| async move { Ok::<_, StoreError>(touch(tx, &id)) }.boxed())
            .await
            .map(Some)
    }

    /// Every token of the integration, oldest first.
    pub async fn list_tokens(&self, integration_id: &str) -> Result<Vec<TokenRow>, StoreError> {
        self.reader().await?.all(OF_INTEGRATION, args![integration_id]).await?.into_iter().map(read).collect()
    }

    /// Revokes a token for good; `None` where there is none. A revoked one keeps its first time.
    pub async fn revoke_token(&self, id: &str, by: &str) -> Result<Option<TokenRow>, StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { revoke(tx, &id, &by).await }.boxed()).await
    }
}

async fn create(tx: &mut Tx, new: &NewToken, by: &str) -> Result<TokenRow, StoreError> {
    let id = tx.ids.next_with_prefix("token");
    tx.touched.configuration = true;
    tx.db.write(INSERT, args![&id, &new.integration_id, hash(&new.token), tx.now, new.expires_at]);
    event::append(tx, NewEvent::new("token.created", by).of(&new.integration_id).to(&id));
    Ok(TokenRow {
        id,
        integration_id: new.integration_id.clone(),
        created_at: tx.now,
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
    })
}

fn touch(tx: &mut Tx, id: &str) -> Timestamp {
    tx.db.write(TOUCH, args![id, tx.now]);
    tx.now
}

async fn revoke(tx: &mut Tx, id: &str, by: &str) -> Result<Option<TokenRow>, StoreError> {
    tx.touched.configuration = true;
    let revoked = tx.db.change(REVOKE, args![id, tx.now]).await? > 0;
    let Some(token) = tx.db.one(FIND, args![id]).await?.map(read).transpose()? else { return Ok(None) };
    if revoked {
        event::append(tx, NewEvent::new("token.revoked", by).of(&token.integration_id).to(id));
    }
    Ok(Some(token))
}

fn hash(token: &SecretString) -> String {
    hex(&Sha256::digest(token.expose_secret()))
}

fn read(row: Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        created_at: row.time("created_at")?,
        expires_at: row.maybe_time("expires_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
    })
}
