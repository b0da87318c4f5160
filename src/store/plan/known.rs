//! All users of an integration, as a comparison with the app needs them.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::account::{self, SeenAccount, seen_columns};
use crate::store::error::StoreError;
use crate::store::group::GroupOf;
use crate::store::job::is_head;
use crate::store::sql::{args, statements};
use crate::store::user::{UserRow, in_groups, read, user_columns};

statements! {
    KNOWN = concat!("SELECT ", user_columns!(), ", ", seen_columns!(), ", a.seen_at, ", in_groups!(), ", EXISTS (SELECT 1 FROM jobs j WHERE j.integration_id = u.integration_id AND j.lane = u.id AND (j.state = 'blocked' OR ", is_head!(), ")) AS is_pending FROM users AS u LEFT JOIN accounts AS a ON a.integration_id = u.integration_id AND a.user_id = u.id WHERE u.integration_id = $1 AND u.seq > $2 ORDER BY u.seq LIMIT $3 + 0");
}

/// How many are read at once.
const PART: i64 = 1000;

/// A user, with what stands beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownUser {
    /// The user; one who is gone too.
    pub user: UserRow,
    /// What was last seen of the account.
    pub seen: Option<SeenAccount>,
    /// When that was.
    pub seen_at: Option<Timestamp>,
    /// The groups that the user is in.
    pub groups: Vec<GroupOf>,
    /// Whether a job for the user has not ended.
    pub is_pending: bool,
}

impl Store {
    /// All users of an integration, of one moment, those who are gone included, in the order of their making.
    pub async fn known_users(&self, integration_id: &str) -> Result<Vec<KnownUser>, StoreError> {
        let mut db = self.snapshot().await?;
        let (mut known, mut after) = (Vec::new(), 0);
        loop {
            let rows = db.all(KNOWN, args![integration_id, after, PART]).await?;
            for row in &rows {
                after = row.int("seq")?;
                known.push(KnownUser {
                    user: read(row)?,
                    seen: account::beside(row)?,
                    seen_at: row.maybe_time("seen_at")?,
                    groups: row.json("in_groups")?,
                    is_pending: row.truth("is_pending")?,
                });
            }
            if rows.is_empty() {
                return Ok(known);
            }
        }
    }
}
