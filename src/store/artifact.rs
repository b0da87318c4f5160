//! What is known of stored bytes. The bytes themselves are in `artifact`.
//!
//! Bytes are needed as long as evidence that is not gone names them, of whichever attempt. What nothing needs is marked, its bytes are
//! removed, and only then the row goes: whoever is killed in between leaves a row by which another goes on.

use std::collections::HashSet;

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::sql::{args, statements};
use super::writer::Tx;

statements! {
    NOTE = "INSERT INTO artifacts (name, bytes, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET unneeded = 0";
    MARK = "UPDATE artifacts SET unneeded = 1 WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM evidence WHERE artifact = $1 AND gone_at IS NULL)";
    UNNEEDED = "SELECT name FROM artifacts WHERE unneeded = 1 AND name > $1 ORDER BY name LIMIT $2 + 0";
    IS_UNNEEDED = "SELECT 1 AS one FROM artifacts WHERE name = $1 AND unneeded = 1";
    FORGET = "DELETE FROM artifacts WHERE name = $1 AND unneeded = 1";
    KNOWN = "SELECT name FROM artifacts WHERE name IN (SELECT value FROM json_each($1))";
}

/// Stored bytes to be remembered.
#[derive(Clone, Debug)]
pub struct NewArtifact {
    /// Their name: hash and extension.
    pub name: String,
    /// How many there are.
    pub bytes: u64,
}

impl Store {
    /// The names of bytes that nothing needs any more, those after `after` in the order of their names.
    pub async fn unneeded_artifacts(&self, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let rows = self.reader().await?.all(UNNEEDED, args![after, i64::from(limit)]).await?;
        rows.iter().map(|row| row.text("name")).collect()
    }

    /// Whether nothing needs these bytes still: they may have been noted again meanwhile.
    pub async fn is_unneeded(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.reader().await?.one(IS_UNNEEDED, args![name]).await?.is_some())
    }

    /// Forgets bytes that were removed; returns those that were noted again while they were.
    pub async fn forget_artifacts(&self, names: Vec<String>) -> Result<Vec<String>, StoreError> {
        let forget = async |tx: &mut Tx, names: Vec<String>| {
            let mut lost = Vec::new();
            for name in names {
                let is_forgotten = tx.db.change(FORGET, args![&name]).await? > 0;
                // Another gateway may have forgotten it already.
                if !is_forgotten && tx.db.one(KNOWN, args![&json!([&name])]).await?.is_some() {
                    lost.push(name);
                }
            }
            Ok(lost)
        };
        self.writer.write(move |tx| async move { forget(tx, names).await }.boxed()).await
    }

    /// Those of these names that are known.
    pub async fn known_artifacts(&self, names: &[String]) -> Result<HashSet<String>, StoreError> {
        let rows = self.reader().await?.all(KNOWN, args![&json!(names)]).await?;
        rows.iter().map(|row| row.text("name")).collect()
    }
}

pub(super) fn note(tx: &mut Tx, artifact: &NewArtifact) {
    let bytes = i64::try_from(artifact.bytes).unwrap_or(i64::MAX);
    tx.db.write(NOTE, args![&artifact.name, bytes, tx.now]);
}

/// Marks bytes whose evidence is gone, unless other evidence needs them.
pub(super) fn let_go(tx: &mut Tx, name: &str) {
    tx.db.write(MARK, args![name]);
}
