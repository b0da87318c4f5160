//! Credentials: the sealed secrets of an integration's service account. They are opened outside.

use futures::FutureExt as _;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::sql::{Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::vault::Sealed;

statements! {
    ANY = "SELECT key_id FROM credentials UNION ALL SELECT key_id FROM hooks LIMIT 1";
    PUT = "INSERT INTO credentials (integration_id, field, key_id, sealed, changed_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (integration_id, field) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, changed_at = excluded.changed_at, code_window = NULL";
    TAKE_WINDOW = "UPDATE credentials SET code_window = CASE WHEN code_window >= $2 THEN code_window + 1 ELSE $2 END WHERE integration_id = $1 AND field = 'totp' RETURNING code_window";
    OF_INTEGRATION = "SELECT * FROM credentials WHERE integration_id = $1 ORDER BY field";
}

/// A sealed secret to be kept.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Which of the connector's secrets it is: `password`, `totp`.
    pub field: String,
    /// The secret, sealed for this integration and field.
    pub sealed: Sealed,
}

/// A sealed secret.
#[derive(Clone, Debug)]
pub struct CredentialRow {
    /// The integration whose service account it belongs to.
    pub integration_id: String,
    /// Which of the connector's secrets it is.
    pub field: String,
    /// The secret, sealed for this integration and field.
    pub sealed: Sealed,
    /// When it was put there.
    pub changed_at: Timestamp,
}

impl Store {
    /// Whether anything sealed is kept: a credential, or an address at which somebody is told.
    pub async fn has_credentials(&self) -> Result<bool, StoreError> {
        Ok(self.reader().await?.one(ANY, &[]).await?.is_some())
    }

    /// Takes the first window of one-time codes from `from` on that nobody took before, whichever worker; it counts as used.
    pub async fn take_code_window(&self, integration_id: &str, from: i64) -> Result<i64, StoreError> {
        let id = integration_id.to_owned();
        self.writer.write(move |tx| async move { take_window(tx, &id, from).await }.boxed()).await
    }

    /// Keeps secrets of an integration, in the place of those that have the same fields.
    pub async fn put_credentials(
        &self,
        integration_id: &str,
        credentials: Vec<NewCredential>,
        by: &str,
    ) -> Result<(), StoreError> {
        let (integration_id, by) = (integration_id.to_owned(), by.to_owned());
        self.writer
            .write(move |tx| async move { put(tx, &integration_id, &credentials, &by).await }.boxed())
            .await
    }

    /// The sealed secrets of an integration, by field.
    pub async fn credentials(&self, integration_id: &str) -> Result<Vec<CredentialRow>, StoreError> {
        self.reader().await?.all(OF_INTEGRATION, args![integration_id]).await?.into_iter().map(read).collect()
    }
}

async fn put(
    tx: &mut Tx,
    integration_id: &str,
    credentials: &[NewCredential],
    by: &str,
) -> Result<(), StoreError> {
    for NewCredential { field, sealed } in credentials {
        let values = args![integration_id, field, sealed.key_id(), sealed.as_bytes(), tx.now];
        tx.db.write(PUT, values);
    }
    let fields: Vec<_> = credentials.iter().map(|credential| &credential.field).collect();
    let data = serde_json::json!({ "fields": fields });
    event::append(tx, NewEvent::new("credential.changed", by).of(integration_id).with(data));
    Ok(())
}

async fn take_window(tx: &mut Tx, integration_id: &str, from: i64) -> Result<i64, StoreError> {
    match tx.db.one(TAKE_WINDOW, args![integration_id, from]).await? {
        Some(row) => row.int("code_window"),
        None => Ok(from),
    }
}

fn read(row: Row) -> Result<CredentialRow, StoreError> {
    Ok(CredentialRow {
        integration_id: row.text("integration_id")?,
        field: row.text("field")?,
        sealed: Sealed::from_parts(row.text("key_id")?, row.bytes("sealed")?),
        changed_at: row.time("changed_at")?,
    })
}
