//! Users with what stands beside them: account, latest job, groups. One statement, so that all of it is of one moment.

use super::{UserView, in_groups, read, user_columns};
use crate::store::account::{self, seen_columns};
use crate::store::error::StoreError;
use crate::store::job::{self, brief_columns};
use crate::store::sql::{Db, Row, args, statements};

/// The columns of `users AS u` and of what is joined to it, then `$rest`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            " SELECT ",
            user_columns!(),
            ", ",
            seen_columns!(),
            ", ",
            brief_columns!(),
            ", ",
            in_groups!(),
            $rest
        )
    };
}

/// The latest job of each of `users AS u` and the account, where that failed, or where a sync found it otherwise since; then `$rest`.
macro_rules! beside {
    ($rest:literal) => {
        concat!(
            " LEFT JOIN jobs AS j ON j.seq = (SELECT l.seq FROM jobs l WHERE l.integration_id = u.integration_id AND l.lane = u.id AND l.superseded_by IS NULL ORDER BY l.seq DESC LIMIT 1) LEFT JOIN accounts AS a ON a.integration_id = u.integration_id AND a.user_id = u.id AND (j.state IN ('failed', 'held', 'needs_human', 'cancelled') OR (a.differs = 1 AND (j.state IS NULL OR j.state = 'done')))",
            $rest
        )
    };
}

/// What is read of `users AS u`.
pub(super) const SELECT: &str = select!("");
/// What is joined to `users AS u`.
pub(super) const BESIDE: &str = beside!("");

statements! {
    ONE = concat!(select!(" FROM users AS u"), beside!(" WHERE u.integration_id = $1 AND u.id = $2 AND u.visible = 1"));
    // Only what is listed is joined, not what is passed over. `s` is the stretch of places in which the one after $2 of all stands, and
    // how many come before it. A bare parameter as a limit would have SQLite plan the statement anew for each other number.
    STRETCH = concat!("WITH s AS (SELECT first, passed FROM (SELECT stretch * 1024 AS first, visible, sum(visible) OVER (ORDER BY stretch) - visible AS passed FROM user_counts WHERE integration_id = $1) AS c WHERE passed <= $2 AND $2 < passed + visible)", select!(", (SELECT CAST(coalesce(sum(visible), 0) AS BIGINT) FROM user_counts WHERE integration_id = $1) AS total FROM (SELECT * FROM users WHERE integration_id = $1 AND visible = 1 AND seq >= (SELECT first FROM s) ORDER BY seq LIMIT $3 + 0 OFFSET coalesce((SELECT $2 - passed FROM s), 0)) AS u"), beside!(" ORDER BY u.seq"));
}

/// The user with this id, where a client can see it.
pub(super) async fn one(db: &mut Db, integration_id: &str, id: &str) -> Result<Option<UserView>, StoreError> {
    db.one(ONE, args![integration_id, id]).await?.map(|row| view(&row)).transpose()
}

/// At most `limit` of those who can be seen, in the order of making, after `passed`; each row with the `total` of all.
pub(super) async fn stretch(
    db: &mut Db,
    integration_id: &str,
    passed: i64,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    db.all(STRETCH, args![integration_id, passed, i64::from(limit)]).await
}

/// The user in a row of [`SELECT`].
pub(super) fn view(row: &Row) -> Result<UserView, StoreError> {
    Ok(UserView {
        user: read(row)?,
        account: account::beside(row)?,
        job: job::beside(row)?,
        groups: row.json("in_groups")?,
    })
}
