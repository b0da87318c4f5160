//! All users of an integration, as a comparison with the app needs them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::account::{self, SeenAccount, seen_columns};
use crate::store::error::StoreError;
use crate::store::group::GroupOf;
use crate::store::job::is_head;
use crate::store::sql::{args, statements};
use crate::store::user::{UserRow, in_groups, read, user_columns};

statements! {
    KNOWN = concat!("SELECT ", user_columns!(), ", ", seen_columns!(), ", a.seen_at, ", in_groups!(), ", EXISTS (SELECT 1 FROM jobs j WHERE j.integration_id = u.integration_id AND j.lane = u.id AND (j.state = 'blocked' OR ", is_head!(), ")) AS is_pending, (SELECT j.id FROM jobs j WHERE j.integration_id = u.integration_id AND j.lane = u.id AND j.state = 'needs_human' AND j.by_hand = 1) AS by_hand FROM users AS u LEFT JOIN accounts AS a ON a.integration_id = u.integration_id AND a.user_id = u.id WHERE u.integration_id = $1 AND u.seq > $2 ORDER BY u.seq LIMIT $3 + 0");
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
    /// The job of the user that a person does, where one does it.
    pub by_hand: Option<String>,
}

impl KnownUser {
    /// What is another one as soon as somebody changed the user, read the account, or asked for a job.
    pub fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let groups: Vec<&str> = self.groups.iter().map(|group| group.id.as_str()).collect();
        (self.user.version, self.user.gone_at.map(Timestamp::as_ms), self.is_pending, groups)
            .hash(&mut hasher);
        self.seen_at.map(Timestamp::as_ms).hash(&mut hasher);
        hasher.finish()
    }
}

impl Store {
    /// All users of an integration, of one moment, those who are gone included, in the order of their making: each is given to `take`, so that
    /// they are never all in memory but for what is kept of them.
    pub async fn each_known_user(
        &self,
        integration_id: &str,
        mut take: impl FnMut(KnownUser) + Send,
    ) -> Result<(), StoreError> {
        let mut db = self.snapshot().await?;
        let mut after = 0;
        loop {
            let rows = db.all(KNOWN, args![integration_id, after, PART]).await?;
            for row in &rows {
                after = row.int("seq")?;
                take(KnownUser {
                    user: read(row)?,
                    seen: account::beside(row)?,
                    seen_at: row.maybe_time("seen_at")?,
                    groups: row.json("in_groups")?,
                    is_pending: row.truth("is_pending")?,
                    by_hand: row.maybe_text("by_hand")?,
                });
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }
}
