//! What somebody presents to be let in: only its hash is kept, and when it opens.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::StoreError;
use super::migrate::hex;
use super::sql::Row;
use crate::clock::Timestamp;

/// How exact "last used" is; a write for every request would cost more than it tells.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// When something that is presented opens, and when it did.
#[derive(Clone, Debug)]
pub struct Life {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Life {
    /// From now on, until then.
    pub(super) fn begin(now: Timestamp, expires_at: Option<Timestamp>) -> Self {
        Self { created_at: now, expires_at, last_used_at: None, revoked_at: None }
    }

    /// From the columns of these names, but for the first of them, which the caller names.
    pub(super) fn read(row: &Row, created_at: &'static str) -> Result<Self, StoreError> {
        Ok(Self {
            created_at: row.time(created_at)?,
            expires_at: row.maybe_time("expires_at")?,
            last_used_at: row.maybe_time("last_used_at")?,
            revoked_at: row.maybe_time("revoked_at")?,
        })
    }

    /// Whether it opens at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether a use at this moment is known already, as exactly as uses are.
    pub(super) fn knows_use(&self, now: Timestamp) -> bool {
        self.last_used_at.is_some_and(|used| now.since(used) < TOUCH_EVERY)
    }
}

/// What is kept of what is presented.
pub(super) fn hash(presented: &SecretString) -> String {
    hex(&Sha256::digest(presented.expose_secret()))
}

/// The row whose hash, in this column, is that of what was presented. Hashes are compared in constant time, and all of them, so the time it
/// takes tells nothing of what there is.
pub(super) fn presented(
    rows: Vec<Row>,
    column: &'static str,
    presented: &SecretString,
) -> Result<Option<Row>, StoreError> {
    let presented = hash(presented);
    let mut found = None;
    for row in rows {
        if bool::from(row.text(column)?.as_bytes().ct_eq(presented.as_bytes())) {
            found = Some(row);
        }
    }
    Ok(found)
}
