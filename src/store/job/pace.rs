//! How fast an integration may be worked in: the time between two jobs, the jobs of an hour, the hours of the week (R26).
//!
//! What holds an integration back is written into its row when a job begins, so that a claim only compares times. Leavers, and what
//! somebody waits for at a screen, keep the time between two jobs, and wait neither for the next hour nor for the morning.

use std::time::Duration;

use super::super::error::StoreError;
use super::super::policy::Policy;
use super::super::sql::{Db, Row, args, statements};
use super::super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    OVER = "SELECT id, policy FROM integrations WHERE open_until <= $1";
    OPEN = "UPDATE integrations SET open_from = $2, open_until = $3 WHERE id = $1";
    SET = "UPDATE integrations SET pace_ms = $2, hourly = $3, paced_until = CASE WHEN paced_until > $4 THEN $4 ELSE paced_until END, rationed_until = 0 WHERE id = $1";
    PACE = "UPDATE integrations SET paced_until = $2 WHERE id = $1";
    START = "INSERT INTO starts (integration_id, at) VALUES ($1, $2)";
    FORGET = "DELETE FROM starts WHERE integration_id = $1 AND at <= $2";
    // The job that began so many jobs ago makes room for the next one when it is an hour old.
    RATION = "UPDATE integrations SET rationed_until = coalesce((SELECT s.at + 3600000 FROM starts s WHERE s.integration_id = $1 ORDER BY s.at DESC LIMIT 1 OFFSET $2 - 1), 0) WHERE id = $1";
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Whether the hours of some integration are over.
pub(super) async fn is_over(db: &mut Db, now: Timestamp) -> Result<bool, StoreError> {
    Ok(db.one(OVER, args![now]).await?.is_some())
}

/// Looks up the next hours of the integrations whose hours are over.
pub(super) async fn open_again(tx: &mut Tx) -> Result<(), StoreError> {
    for row in tx.db.all(OVER, args![tx.now]).await? {
        let policy: Policy = row.json("policy")?;
        open(tx, &row.text("id")?, &policy);
    }
    Ok(())
}

/// A job of the integration in this row of a claim begins.
pub(super) fn began(tx: &mut Tx, row: &Row) -> Result<(), StoreError> {
    let integration_id = row.text("integration_id")?;
    let pace = row.int("pace_ms")?;
    if pace > 0 {
        let until = tx.now.plus(Duration::from_millis(u64::try_from(pace).unwrap_or(0)));
        tx.db.write(PACE, args![&integration_id, until]);
    }
    if let Some(hourly) = row.maybe_int("hourly")? {
        tx.db.write(START, args![&integration_id, tx.now]);
        let before = tx.now.as_ms().saturating_sub(i64::try_from(HOUR.as_millis()).unwrap_or(0));
        tx.db.write(FORGET, args![&integration_id, before]);
        tx.db.write(RATION, args![&integration_id, hourly]);
    }
    Ok(())
}

/// Lets a policy hold from now on.
pub(in super::super) fn set(tx: &mut Tx, integration_id: &str, policy: &Policy) {
    let pace = Duration::from_millis(policy.pace_ms);
    let ms = i64::try_from(policy.pace_ms).unwrap_or(i64::MAX);
    let hourly = policy.jobs_per_hour.map(i64::from);
    tx.db.write(SET, args![integration_id, ms, hourly, tx.now.plus(pace)]);
    if let Some(hourly) = hourly {
        tx.db.write(RATION, args![integration_id, hourly]);
    }
    open(tx, integration_id, policy);
}

fn open(tx: &mut Tx, integration_id: &str, policy: &Policy) {
    let hours = policy.working_hours.as_ref().map(|hours| hours.around(tx.now));
    tx.db.write(OPEN, args![integration_id, hours.map(|(from, _)| from), hours.map(|(_, until)| until)]);
}
