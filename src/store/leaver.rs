//! Those who must lose access: since when (R2), and whether a person has to look before anybody's is taken away (R17).
//!
//! The leavers of an integration are *held* from the moment on in which more people were to lose access within the window than its
//! policy allows, or in which somebody said so, until somebody releases them. Held is not dropped: each job stands in its lane, and each
//! clock runs on. What a worker has begun goes on.

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::job::{self, JobBrief, Verdict, beside, brief_columns};
use super::policy::Policy;
use super::sql::{Db, Row, args, statements};
use super::user::UserRow;
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    STAND = "SELECT policy, leavers_held_why, leavers_since FROM integrations WHERE id = $1";
    LEFT = "SELECT count(*) AS people FROM users WHERE integration_id = $1 AND left_at > $2";
    WANTED = "SELECT CAST(coalesce(sum(wanted), 0) AS BIGINT) AS people FROM user_counts WHERE integration_id = $1";
    START_CLOCK = "UPDATE users SET left_at = $2 WHERE id = $1";
    STOP_CLOCK = "UPDATE users SET left_at = NULL WHERE id = $1";
    HOLD = "UPDATE integrations SET leavers_held_at = $2, leavers_held_why = $3 WHERE id = $1 AND leavers_held_at IS NULL";
    RELEASE = "UPDATE integrations SET leavers_held_at = NULL, leavers_held_why = NULL, leavers_since = $2 WHERE id = $1 AND leavers_held_at IS NOT NULL";
    // One that waits for an operation would go on by itself when that works again.
    NOT_BEGUN = "SELECT j.id FROM users u JOIN jobs j ON j.integration_id = u.integration_id AND j.lane = u.id WHERE u.integration_id = $1 AND u.left_at IS NOT NULL AND (j.state IN ('ready', 'retry', 'blocked') OR (j.state = 'held' AND j.waits_for <> 'leavers')) ORDER BY j.seq";
    HELD = "SELECT j.id FROM users u JOIN jobs j ON j.integration_id = u.integration_id AND j.lane = u.id WHERE u.integration_id = $1 AND u.left_at IS NOT NULL AND j.state IN ('held', 'blocked') AND j.waits_for = 'leavers' ORDER BY u.left_at, j.seq";
    ALL = "SELECT id, policy, late_told FROM integrations ORDER BY id";
    WAITING = "SELECT count(*) AS people, min(u.left_at) AS since FROM users u JOIN jobs j ON j.integration_id = u.integration_id AND j.lane = u.id AND j.state <> 'done' WHERE u.integration_id = $1 AND u.left_at > $2 AND u.left_at <= $3 AND u.gone_at IS NULL AND NOT EXISTS (SELECT 1 FROM jobs l WHERE l.integration_id = j.integration_id AND l.lane = j.lane AND l.seq > j.seq)";
    TOLD = "UPDATE integrations SET late_told = $3 WHERE id = $1 AND late_told = $2";
    LIST = concat!("SELECT u.integration_id, u.id AS user_id, u.user_name, u.left_at, ", brief_columns!(), " FROM users u JOIN jobs j ON j.integration_id = u.integration_id AND j.lane = u.id AND j.state <> 'done' WHERE u.left_at IS NOT NULL AND u.gone_at IS NULL AND (CAST($1 AS TEXT) IS NULL OR u.integration_id = $1) AND NOT EXISTS (SELECT 1 FROM jobs l WHERE l.integration_id = j.integration_id AND l.lane = j.lane AND l.seq > j.seq) ORDER BY CASE WHEN j.state = 'held' THEN 0 ELSE 1 END, u.left_at, u.seq LIMIT $2 + 0");
}

/// Somebody who is to be without access, and is not known to be.
#[derive(Clone, Debug)]
pub struct Leaver {
    /// The integration.
    pub integration_id: String,
    /// The user.
    pub user_id: String,
    /// Its name.
    pub user_name: String,
    /// When it was asked for: since then the clock runs.
    pub left_at: Timestamp,
    /// The job that takes the access away, and where it stands.
    pub job: JobBrief,
}

impl Store {
    /// Takes nobody's access away in this integration until they are released; what runs goes on. Leavers who are held already stay so
    /// for their first reason. Returns whether they were not held before.
    pub async fn hold_leavers(
        &self,
        integration_id: &str,
        reason: &str,
        by: &str,
    ) -> Result<bool, StoreError> {
        let (id, reason, by) = (integration_id.to_owned(), reason.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { hold(tx, &id, &reason, &by).await }.boxed()).await
    }

    /// Lets those go who were held; whoever left until now counts no more. Returns how many jobs go on; none where nobody is held.
    pub async fn release_leavers(
        &self,
        integration_id: &str,
        reason: &str,
        by: &str,
    ) -> Result<Option<usize>, StoreError> {
        let (id, reason, by) = (integration_id.to_owned(), reason.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { release(tx, &id, &reason, &by).await }.boxed()).await
    }

    /// Tells of those who wait for longer than their integration's policy allows, of each once. Several may call it.
    pub async fn tell_of_late_leavers(&self) -> Result<(), StoreError> {
        let rows = self.reader().await?.all(ALL, &[]).await?;
        for row in rows {
            let patience = row.json::<Policy>("policy")?.leaver_patience();
            let late = Late {
                integration_id: row.text("id")?,
                told: row.time("late_told")?,
                until: self.clock.now().minus(patience),
            };
            if late.people(&mut self.reader().await?).await?.0 > 0 {
                self.writer.write(move |tx| async move { late.tell(tx).await }.boxed()).await?;
            }
        }
        Ok(())
    }

    /// Those who are to be without access and are not known to be; those who are held first, then who waits longest.
    pub async fn leavers(&self, integration_id: Option<&str>, limit: u32) -> Result<Vec<Leaver>, StoreError> {
        let values = args![integration_id, i64::from(limit)];
        self.reader().await?.all(LIST, values).await?.iter().map(read).collect()
    }
}

/// Keeps the clock of a user of whom something is wanted, and says what the safeguard makes of the wish. `is_pending`: whether a job of
/// the user has not ended.
pub(super) async fn weigh(tx: &mut Tx, user: &mut UserRow, is_pending: bool) -> Result<Verdict, StoreError> {
    let leaves = !user.active || user.deleted_at.is_some();
    match user.left_at {
        None if !leaves => Ok(Verdict::Go),
        Some(_) if !leaves => {
            tx.db.write(STOP_CLOCK, args![&user.id]);
            user.left_at = None;
            Ok(Verdict::Lift)
        }
        // The same wish once more: its job stands where it stands, by itself or by a person's decision.
        Some(_) if is_pending => Ok(Verdict::Go),
        _ => {
            start_clock(tx, user);
            let why = match held(tx, &user.integration_id).await? {
                Some(why) => Some(why),
                None => too_many(tx, &user.integration_id).await?,
            };
            Ok(why.map_or(Verdict::Go, Verdict::Hold))
        }
    }
}

/// Lets the clock of a leaver run from now on, if it does not.
pub(super) fn start_clock(tx: &mut Tx, user: &mut UserRow) {
    if user.left_at.is_none() {
        tx.db.write(START_CLOCK, args![&user.id, tx.now]);
        user.left_at = Some(tx.now);
    }
}

/// Why the leavers of an integration are held, where they are.
pub(super) async fn held(tx: &mut Tx, integration_id: &str) -> Result<Option<String>, StoreError> {
    let row = tx.db.one(STAND, args![integration_id]).await?;
    Ok(row.map(|row| row.maybe_text("leavers_held_why")).transpose()?.flatten())
}

/// Holds the leavers of an integration where they are too many, and says why.
async fn too_many(tx: &mut Tx, integration_id: &str) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.db.one(STAND, args![integration_id]).await? else { return Ok(None) };
    let limit = row.json::<Policy>("policy")?.leavers;
    let since = tx.now.minus(limit.window()).max(row.time("leavers_since")?);
    let left = people(tx.db.one(LEFT, args![integration_id, since]).await?)?;
    if !limit.may_be_too_many(left) {
        return Ok(None);
    }
    let of = left + people(tx.db.one(WANTED, args![integration_id]).await?)?;
    let Some(why) = limit.objection(left, of) else { return Ok(None) };
    hold(tx, integration_id, &why, "usher").await?;
    Ok(Some(why))
}

/// How many of those who left in this time, its begin not included, are not known to be without access; and since when the first of them
/// should be.
pub(super) async fn waiting(
    db: &mut Db,
    integration_id: &str,
    (after, until): (Timestamp, Timestamp),
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let row = db.one(WAITING, args![integration_id, after, until]).await?;
    let since = row.as_ref().map(|row| row.maybe_time("since")).transpose()?.flatten();
    Ok((people(row)?, since))
}

/// Those who left in a while and wait still.
struct Late {
    integration_id: String,
    /// Whoever left until then has been told of.
    told: Timestamp,
    until: Timestamp,
}

impl Late {
    async fn people(&self, db: &mut Db) -> Result<(u64, Option<Timestamp>), StoreError> {
        waiting(db, &self.integration_id, (self.told, self.until)).await
    }

    async fn tell(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let (people, since) = self.people(&mut tx.db).await?;
        let values = args![&self.integration_id, self.told, self.until];
        if people == 0 || tx.db.change(TOLD, values).await? == 0 {
            return Ok(());
        }
        let data = json!({ "people": people, "since": since.map(Timestamp::to_rfc3339) });
        event::append(tx, NewEvent::new("leavers.late", "usher").of(&self.integration_id).with(data));
        Ok(())
    }
}

fn people(row: Option<Row>) -> Result<u64, StoreError> {
    let people = row.map_or(Ok(0), |row| row.int("people"))?;
    Ok(u64::try_from(people).unwrap_or(0))
}

async fn hold(tx: &mut Tx, integration_id: &str, reason: &str, by: &str) -> Result<bool, StoreError> {
    if tx.db.change(HOLD, args![integration_id, tx.now, reason]).await? == 0 {
        return Ok(false);
    }
    tx.touched.configuration = true;
    let ids = ids(tx, NOT_BEGUN, integration_id).await?;
    let data = json!({ "reason": reason, "jobs": ids.len() });
    event::append(tx, NewEvent::new("leavers.held", by).of(integration_id).with(data));
    job::safeguard(tx, &ids, reason, by).await?;
    Ok(true)
}

async fn release(
    tx: &mut Tx,
    integration_id: &str,
    reason: &str,
    by: &str,
) -> Result<Option<usize>, StoreError> {
    if tx.db.change(RELEASE, args![integration_id, tx.now]).await? == 0 {
        return Ok(None);
    }
    tx.touched.configuration = true;
    let ids = ids(tx, HELD, integration_id).await?;
    let data = json!({ "reason": reason, "jobs": ids.len() });
    event::append(tx, NewEvent::new("leavers.released", by).of(integration_id).with(data));
    job::unguard(tx, &ids, reason, by).await?;
    Ok(Some(ids.len()))
}

async fn ids(tx: &mut Tx, select: &'static str, integration_id: &str) -> Result<Vec<String>, StoreError> {
    tx.db.all(select, args![integration_id]).await?.iter().map(|row| row.text("id")).collect()
}

fn read(row: &Row) -> Result<Leaver, StoreError> {
    let no_job = || StoreError::Unreadable { column: "job_id", reason: "no job is there".to_owned() };
    Ok(Leaver {
        integration_id: row.text("integration_id")?,
        user_id: row.text("user_id")?,
        user_name: row.text("user_name")?,
        left_at: row.time("left_at")?,
        job: beside(row)?.ok_or_else(no_job)?,
    })
}
