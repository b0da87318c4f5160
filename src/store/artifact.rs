//! What is known of stored bytes: how many, and how long they are kept. The bytes themselves are in `artifact`.

use futures::FutureExt as _;

use super::Store;
use super::error::StoreError;
use super::sql::{args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    // The longest keeping wins: the same picture may belong to two attempts.
    NOTE = "INSERT INTO artifacts (name, bytes, created_at, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET expires_at = CASE WHEN artifacts.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL WHEN excluded.expires_at > artifacts.expires_at THEN excluded.expires_at ELSE artifacts.expires_at END";
    EXPIRED = "SELECT name FROM artifacts WHERE held = 0 AND expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2";
    FORGET = "DELETE FROM artifacts WHERE name = $1 AND held = 0 AND expires_at <= $2";
}

/// Stored bytes to be remembered.
#[derive(Clone, Debug)]
pub struct NewArtifact {
    /// Their name: hash and extension.
    pub name: String,
    /// How many there are.
    pub bytes: u64,
    /// Until when they are kept; `None` for ever.
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// Remembers stored bytes; those already known are kept for the longer of both times.
    pub async fn note_artifacts(&self, artifacts: Vec<NewArtifact>) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                note(tx, &artifacts);
                async { Ok(()) }.boxed()
            })
            .await
    }

    /// The names of bytes whose time is over, `limit` at most, those longest over first.
    pub async fn expired_artifacts(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        let rows = self.reader().await?.all(EXPIRED, args![self.clock.now(), i64::from(limit)]).await?;
        rows.iter().map(|row| row.text("name")).collect()
    }

    /// Forgets bytes whose time is over; returns whether it did. Remove them only then: they may have been noted
    /// again meanwhile.
    pub async fn forget_artifact(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.writer
            .write(move |tx| async move { Ok(tx.db.change(FORGET, args![&name, tx.now]).await? > 0) }.boxed())
            .await
    }
}

pub(super) fn note(tx: &mut Tx, artifacts: &[NewArtifact]) {
    for artifact in artifacts {
        let bytes = i64::try_from(artifact.bytes).unwrap_or(i64::MAX);
        tx.db.write(NOTE, args![&artifact.name, bytes, tx.now, artifact.expires_at]);
    }
}
