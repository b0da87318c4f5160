//! Jobs: units of work, level-triggered. A job compares what is wanted with what is there when it runs, so one
//! pending job per lane is enough, however often the wish changes.
//!
//! A lane is one user's jobs, one group's, or those of an integration's login test. Its *head* is the job that may run, runs, waits
//! for its next try, or waits for a person; what came while the head was running waits as its one *follower*. Only a
//! head that is due is `ready`, so that a claim never searches a backlog. Two unique indexes keep this so.

pub(super) mod breaker;
mod claim;
mod enqueue;
mod finish;
mod guard;
mod lease;
mod list;
mod operate;
pub(super) mod pace;
mod rest;
pub(super) mod schedule;
mod vigil;

pub use self::breaker::{Breaker, Trial, Tripped};
pub use self::claim::{Claimed, LONGEST_PAUSE, SlotId};
pub use self::enqueue::{JobRequest, Priority, Work};
pub use self::finish::{Finish, Outcome, Seen};
pub use self::lease::{Held, Lease, LeaseError, Stranded};
pub use self::list::{JobDetail, JobFilter};
pub use self::operate::OperateError;
pub use self::vigil::Vigil;

pub(super) use self::claim::Claims;
pub(super) use self::enqueue::{Pending, Verdict, enqueue, enqueue_behind, head, is_head, pending_columns};
pub(super) use self::finish::Ends;
pub(super) use self::guard::{safeguard, unguard};
pub(super) use self::lease::held_by;
pub(super) use self::operate::check;

use std::collections::HashMap;

use super::error::StoreError;
use super::event::{self, NewEvent};
use super::sql::{Db, Row, args, statements};
use super::word::words;
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::failure::FailureClass;

/// A statement that reads whole jobs, each with the name of the user whose account it is about, or of the group.
macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT j.*, u.user_name, g.display_name AS group_name FROM jobs j LEFT JOIN users u ON u.id = j.user_id LEFT JOIN groups g ON g.id = j.group_id ",
            $rest
        )
    };
}
use select_jobs;

/// What a [`JobBrief`] has of `jobs AS j`, beside the columns of another table.
macro_rules! brief_columns {
    () => {
        "j.id AS job_id, j.state AS job_state, j.class AS job_class, j.message AS job_message, j.finished_at AS job_finished_at"
    };
}
pub(super) use brief_columns;

statements! {
    FIND = select_jobs!("WHERE j.id = $1");
    FIND_ALL = select_jobs!("WHERE j.id IN (SELECT value FROM json_each($1))");
    FOLLOWER = select_jobs!("WHERE j.integration_id = $1 AND j.lane = $2 AND j.state = 'blocked'");
    PROMOTE = "UPDATE jobs SET state = CASE WHEN waits_for = 'leavers' THEN 'held' ELSE 'ready' END, due_at = $3, changed_at = $3 WHERE integration_id = $1 AND lane = $2 AND state = 'blocked'";
}

/// Every statement of this part, for the test that prepares them.
#[cfg(test)]
pub(super) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [
        STATEMENTS,
        breaker::STATEMENTS,
        claim::STATEMENTS,
        enqueue::STATEMENTS,
        finish::STATEMENTS,
        guard::STATEMENTS,
        lease::STATEMENTS,
        list::STATEMENTS,
        operate::STATEMENTS,
        pace::STATEMENTS,
        rest::STATEMENTS,
        schedule::STATEMENTS,
        vigil::STATEMENTS,
    ]
    .concat()
}

/// Those that only PostgreSQL has.
#[cfg(test)]
pub(super) fn statements_of_postgres() -> Vec<(&'static str, &'static str)> {
    vec![("PICK_UNLOCKED", claim::PICK_UNLOCKED)]
}

words! {
    /// What a job is for.
    Kind("kind of job") {
        /// Makes one account as it is wanted.
        Provision = "provision",
        /// Makes one group as it is wanted.
        Group = "group",
        /// Checks the settings and the service account's login.
        TestLogin = "test_login",
        /// Reads every account and compares them with what is known.
        Sync = "sync",
    }
}

words! {
    /// Where a job stands.
    JobState("job state") {
        /// Head of its lane and due: a worker may claim it.
        Ready = "ready",
        /// Waits for the job that runs before it in its lane.
        Blocked = "blocked",
        /// A worker has it.
        Running = "running",
        /// Failed in a way that passes; becomes ready at its time.
        Retry = "retry",
        /// The app was read and is as wanted.
        Done = "done",
        /// Ended with a failure class.
        Failed = "failed",
        /// A safeguard waits for a person's decision.
        Held = "held",
        /// A person has to do it; a reading then closes it.
        NeedsHuman = "needs_human",
        /// Ended without a result, by a person or because a newer job took its place.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing more will happen by itself: a request that waits for the outcome can be answered.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Held | Self::NeedsHuman | Self::Cancelled)
    }

    /// Whether the job has ended for good.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A job.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its place in the order of making.
    pub seq: i64,
    /// Its id: `job_…`.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// What it is for.
    pub kind: Kind,
    /// The user whose account it is about.
    pub user_id: Option<String>,
    /// That user's name now.
    pub user_name: Option<String>,
    /// The group that it is about.
    pub group_id: Option<String>,
    /// That group's name now.
    pub group_name: Option<String>,
    /// The version of the user, or the group, that asked for it last; by the time it runs there may be a newer one.
    pub wanted_version: Option<i64>,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it stands.
    pub state: JobState,
    /// Why it failed last, or for good.
    pub class: Option<FailureClass>,
    /// The same in words.
    pub message: Option<String>,
    /// The job that took its place, where it was cancelled for a newer wish.
    pub superseded_by: Option<String>,
    /// Whether the outcome of an earlier attempt is unknown: nothing may be changed before a reading.
    pub read_first: bool,
    /// Whether a person does it: Usher only reads whether it is done.
    pub by_hand: bool,
    /// How often it was claimed.
    pub attempts: i64,
    /// How often it was claimed since it was last asked for.
    pub tries: i64,
    /// Grows with each claim; a write that carries an older one changes nothing.
    pub fence: i64,
    /// When it may run, or might have.
    pub due_at: Timestamp,
    /// What asked for it last.
    pub cause: serde_json::Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The operation of the connector that it waits for, while it is held for that; or `leavers`, until they are released.
    pub waits_for: Option<String>,
    /// How far the latest attempt has come with a list, as JSON.
    pub progress: Option<serde_json::Value>,
    lane: String,
    committing_at: Option<Timestamp>,
}

impl JobRow {
    /// Whom or what it is about, as events name it: the user, or the group.
    fn target(&self) -> Option<String> {
        self.user_id.clone().or_else(|| self.group_id.clone())
    }
}

/// What those who wait for a job are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobBrief {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: JobState,
    /// Why it failed last, or for good.
    pub class: Option<FailureClass>,
    /// The same in words.
    pub message: Option<String>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl From<JobRow> for JobBrief {
    fn from(job: JobRow) -> Self {
        let JobRow { id, state, class, message, finished_at, .. } = job;
        Self { id, state, class, message, finished_at }
    }
}

/// What a job waits for that the safeguard of leavers holds.
const LEAVERS: &str = "leavers";

/// Who does what a worker does, as events name it.
const WORKER: &str = "usher";

async fn find(db: &mut Db, id: &str) -> Result<Option<JobRow>, StoreError> {
    db.one(FIND, args![id]).await?.map(|row| read(&row)).transpose()
}

/// The jobs with these ids, by them.
async fn find_all(
    db: &mut Db,
    ids: impl Iterator<Item = &String>,
) -> Result<HashMap<String, JobRow>, StoreError> {
    let ids: Vec<&String> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = db.all(FIND_ALL, args![&serde_json::json!(ids)]).await?;
    rows.iter().map(|row| read(row).map(|job| (job.id.clone(), job))).collect()
}

/// The job that was just written.
async fn reread(tx: &mut Tx, id: &str) -> Result<JobRow, StoreError> {
    tx.touched.job(id);
    find(&mut tx.db, id).await?.ok_or_else(unwritten)
}

fn unwritten() -> StoreError {
    StoreError::Unreadable { column: "id", reason: "the job that was just written is gone".to_owned() }
}

async fn follower(tx: &mut Tx, job: &JobRow) -> Result<Option<JobRow>, StoreError> {
    tx.db.one(FOLLOWER, args![&job.integration_id, &job.lane]).await?.map(|row| read(&row)).transpose()
}

/// Makes the follower of a lane its head, held where the safeguard of leavers said so; the head must have ended before.
fn promote(tx: &mut Tx, ended: &JobRow, follower: &JobRow) {
    tx.db.write(PROMOTE, args![&ended.integration_id, &ended.lane, tx.now]);
    tx.touched.job(&follower.id);
}

/// Writes an event about a job.
fn tell(tx: &mut Tx, job: &JobRow, kind: &str, by: &str, data: serde_json::Value) {
    let mut event = NewEvent::new(kind, by).of(&job.integration_id).with(data);
    event.job_id = Some(job.id.clone());
    event.target = job.target();
    event::append(tx, event);
}

/// The job in a row to which one was joined by [`brief_columns!`]; none where there was none.
pub(super) fn beside(row: &Row) -> Result<Option<JobBrief>, StoreError> {
    let Some(id) = row.maybe_text("job_id")? else { return Ok(None) };
    Ok(Some(JobBrief {
        id,
        state: row.word("job_state")?,
        class: row.maybe_word("job_class")?,
        message: row.maybe_text("job_message")?,
        finished_at: row.maybe_time("job_finished_at")?,
    }))
}

fn read(row: &Row) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        seq: row.int("seq")?,
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        kind: row.word("kind")?,
        user_id: row.maybe_text("user_id")?,
        user_name: row.maybe_text("user_name")?,
        group_id: row.maybe_text("group_id")?,
        group_name: row.maybe_text("group_name")?,
        wanted_version: row.maybe_int("wanted_version")?,
        priority: Priority::from_stored(row.int("priority")?),
        state: row.word("state")?,
        class: row.maybe_word("class")?,
        message: row.maybe_text("message")?,
        superseded_by: row.maybe_text("superseded_by")?,
        read_first: row.flag("read_first")?,
        by_hand: row.flag("by_hand")?,
        attempts: row.int("attempts")?,
        tries: row.int("tries")?,
        fence: row.int("fence")?,
        due_at: row.time("due_at")?,
        cause: row.json("cause")?,
        created_at: row.time("created_at")?,
        changed_at: row.time("changed_at")?,
        finished_at: row.maybe_time("finished_at")?,
        waits_for: row.maybe_text("waits_for")?,
        progress: row.maybe_text("progress")?.map(|_| row.json("progress")).transpose()?,
        lane: row.text("lane")?,
        committing_at: row.maybe_time("committing_at")?,
    })
}
