//! SCIM tokens: only the hash of one is ever kept.

use futures::FutureExt as _;
use secrecy::SecretString;

use super::Store;
use super::bearer::{self, Life};
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::integration::{self, IntegrationRow};
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
    /// When it opens it.
    pub life: Life,
}

impl TokenRow {
    /// Whether it opens its integration at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.life.is_valid(now)
    }
}

impl Store {
    /// Keeps a token's hash.
    pub async fn create_token(&self, new: NewToken, by: &str) -> Result<TokenRow, StoreError> {
        let by = by.to_owned();
        self.writer.write(move |tx| async move { create(tx, &new, &by).await }.boxed()).await
    }

    /// The token that was presented to the integration of that name, be it valid or not (ask [`TokenRow::is_valid`]), and the
    /// integration. The time it takes tells nothing of the tokens that exist.
    pub async fn find_token(
        &self,
        integration: &str,
        presented: &SecretString,
    ) -> Result<Option<(IntegrationRow, TokenRow)>, StoreError> {
        let rows = self.reader().await?.all(PRESENTED, args![integration]).await?;
        let Some(row) = bearer::presented(rows, "token_hash", presented)? else { return Ok(None) };
        let integration = integration::read(&row)?;
        let token = TokenRow {
            id: row.text("token_id")?,
            integration_id: integration.id.clone(),
            life: Life::read(&row, "token_created_at")?,
        };
        Ok(Some((integration, token)))
    }

    /// Notes that a token was used now; writes once a minute at most. Gives what is kept as its last use then.
    pub async fn touch_token(&self, token: &TokenRow) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.now();
        if token.life.knows_use(now) {
            return Ok(token.life.last_used_at);
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
    tx.db.write(INSERT, args![&id, &new.integration_id, bearer::hash(&new.token), tx.now, new.expires_at]);
    event::append(tx, NewEvent::new("token.created", by).of(&new.integration_id).to(&id));
    Ok(TokenRow { id, integration_id: new.integration_id.clone(), life: Life::begin(tx.now, new.expires_at) })
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

fn read(row: Row) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        life: Life::read(&row, "created_at")?,
    })
}
