//! Asking for work: makes sure that one job is pending in the lane that will see what is wanted now.

use std::fmt;
use std::str::FromStr;

use futures::FutureExt as _;

use super::super::Store;
use super::super::error::StoreError;
use super::super::event::{self, NewEvent};
use super::super::sql::{Row, args, statements};
use super::super::word::UnknownWord;
use super::super::writer::Tx;
use super::{JobBrief, JobRow, JobState, Kind, LEAVERS, beside, brief_columns, reread};
use crate::failure::FailureClass;

/// What a [`Pending`] has of `jobs AS j`, beside the columns of another table.
macro_rules! pending_columns {
    () => {
        concat!(brief_columns!(), ", j.priority AS job_priority, j.waits_for AS job_waits_for")
    };
}
pub(in super::super) use pending_columns;

/// Whether `jobs AS j` is the head of its lane, in the words of the index.
macro_rules! is_head {
    () => {
        "j.state IN ('ready', 'running', 'retry', 'held', 'needs_human')"
    };
}
pub(in super::super) use is_head;

statements! {
    HEAD = concat!("SELECT ", pending_columns!(), " FROM jobs j WHERE j.integration_id = $1 AND j.lane = $2 AND ", is_head!());
    FOLLOWER = concat!("SELECT ", pending_columns!(), " FROM jobs j WHERE j.integration_id = $1 AND j.lane = $2 AND j.state = 'blocked'");
    INSERT = "INSERT INTO jobs (id, integration_id, lane, kind, user_id, group_id, wanted_version, priority, state, due_at, cause, class, message, waits_for, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $10, $10)";
    JOIN = "UPDATE jobs SET wanted_version = $2, cause = $3, changed_at = $4 WHERE id = $1";
    RETRY_NOW = "UPDATE jobs SET state = 'ready', by_hand = 0, due_at = $2, tries = 0 WHERE id = $1";
    STAND = "UPDATE jobs SET state = $2, class = $3, message = $4, waits_for = $5, by_hand = 0, changed_at = $6 WHERE id = $1";
    INHERIT = "UPDATE jobs SET priority = $2 WHERE id = $1 AND priority > $2";
}

/// How urgent a job is; the smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(i64);

impl Priority {
    /// Somebody who must lose access (R2).
    pub const LEAVER: Self = Self(0);
    /// Somebody waits at a screen for it.
    pub const INTERACTIVE: Self = Self(10);
    /// Everything else.
    pub const ORDINARY: Self = Self(50);

    /// Their names.
    const NAMES: [(&str, Self); 3] =
        [("leaver", Self::LEAVER), ("interactive", Self::INTERACTIVE), ("ordinary", Self::ORDINARY)];

    pub(super) fn from_stored(value: i64) -> Self {
        Self(value)
    }

    pub(super) fn to_stored(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, priority)| priority == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Priority {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == word).map(|(_, priority)| *priority);
        found.ok_or_else(|| UnknownWord { list: "priority", word: word.to_owned() })
    }
}

/// How work is asked for.
#[derive(Clone, Debug)]
pub struct JobRequest {
    /// How urgent it is.
    pub priority: Priority,
    /// What asks for it, as JSON.
    pub cause: serde_json::Value,
}

/// The work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// To make one account as it is wanted.
    Provision {
        /// The user whose account it is.
        user_id: String,
        /// The version of the user that asks for it.
        wanted_version: i64,
    },
    /// To make one group as it is wanted.
    Group {
        /// The group.
        group_id: String,
        /// The version of the group that asks for it.
        wanted_version: i64,
    },
    /// To check the settings and the service account's login.
    TestLogin,
    /// To read every account and compare them with what is known.
    Sync,
}

impl Work {
    fn kind(&self) -> Kind {
        match self {
            Self::Provision { .. } => Kind::Provision,
            Self::Group { .. } => Kind::Group,
            Self::TestLogin => Kind::TestLogin,
            Self::Sync => Kind::Sync,
        }
    }

    fn user_id(&self) -> Option<&str> {
        match self {
            Self::Provision { user_id, .. } => Some(user_id),
            Self::Group { .. } | Self::TestLogin | Self::Sync => None,
        }
    }

    fn group_id(&self) -> Option<&str> {
        match self {
            Self::Group { group_id, .. } => Some(group_id),
            Self::Provision { .. } | Self::TestLogin | Self::Sync => None,
        }
    }

    fn wanted_version(&self) -> Option<i64> {
        match self {
            Self::Provision { wanted_version, .. } | Self::Group { wanted_version, .. } => {
                Some(*wanted_version)
            }
            Self::TestLogin | Self::Sync => None,
        }
    }

    /// Ids are drawn from one source, so that no user's is a group's; and none is one of these words.
    fn lane(&self) -> &str {
        match self {
            Self::Provision { user_id: id, .. } | Self::Group { group_id: id, .. } => id,
            Self::TestLogin => "integration",
            Self::Sync => "sync",
        }
    }
}

/// What the safeguard of leavers makes of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// It has nothing to say.
    Go,
    /// A person has to look first, for this reason.
    Hold(String),
    /// Nobody's access is to be taken away any more: what it held goes on.
    Lift,
}

/// Where a verdict puts a job.
struct Stand {
    state: JobState,
    class: Option<FailureClass>,
    message: Option<String>,
    waits_for: Option<&'static str>,
}

impl Stand {
    /// Where it puts one that stands here and waits for that; none where it leaves it as it is. One that waits behind another is held
    /// once it is its turn.
    fn of(verdict: Verdict, state: JobState, waits_for: Option<&str>) -> Option<Self> {
        let is_held = waits_for == Some(LEAVERS);
        let held = |state, why| {
            let class = Some(FailureClass::Safeguard);
            Some(Self { state, class, message: Some(why), waits_for: Some(LEAVERS) })
        };
        let free = |state| Some(Self { state, class: None, message: None, waits_for: None });
        match (verdict, state) {
            (
                Verdict::Hold(why),
                JobState::Ready | JobState::Retry | JobState::Held | JobState::NeedsHuman,
            ) if !is_held => held(JobState::Held, why),
            (Verdict::Hold(why), JobState::Blocked) if !is_held => held(state, why),
            (Verdict::Lift, JobState::Held) if is_held => free(JobState::Ready),
            (Verdict::Lift, JobState::Blocked) if is_held => free(state),
            _ => None,
        }
    }

    fn new(state: JobState) -> Self {
        Self { state, class: None, message: None, waits_for: None }
    }
}

impl Store {
    /// Makes sure that a job for this work is pending, and returns it. Work that belongs to a change of a user goes
    /// with [`Store::record`].
    pub async fn request_job(
        &self,
        integration_id: &str,
        work: Work,
        request: JobRequest,
        by: &str,
    ) -> Result<JobRow, StoreError> {
        let (integration_id, by) = (integration_id.to_owned(), by.to_owned());
        self.writer.write(move |tx| ask(tx, integration_id, (work, request), by).boxed()).await
    }
}

pub(super) async fn ask(
    tx: &mut Tx,
    integration_id: String,
    (work, request): (Work, JobRequest),
    by: String,
) -> Result<JobRow, StoreError> {
    let cause = request.cause.clone();
    let job = enqueue(tx, &integration_id, work, request).await?;
    let job = reread(tx, &job.id).await?;
    let mut event = NewEvent::new("job.requested", &by).of(&integration_id).with(cause);
    event.job_id = Some(job.id.clone());
    event.target = job.target();
    event::append(tx, event);
    Ok(job)
}

/// A job that has not ended.
#[derive(Debug)]
pub(in super::super) struct Pending {
    job: JobBrief,
    priority: Priority,
    waits_for: Option<String>,
}

impl Pending {
    /// The job in a row to which one was joined by [`pending_columns!`]; none where there was none.
    pub(in super::super) fn beside(row: &Row) -> Result<Option<Self>, StoreError> {
        let Some(job) = beside(row)? else { return Ok(None) };
        let priority = Priority::from_stored(row.int("job_priority")?);
        Ok(Some(Self { job, priority, waits_for: row.maybe_text("job_waits_for")? }))
    }
}

/// Finds or makes the pending job of the lane, inside a transaction.
pub(in super::super) async fn enqueue(
    tx: &mut Tx,
    integration_id: &str,
    work: Work,
    request: JobRequest,
) -> Result<JobBrief, StoreError> {
    let head = head(tx, integration_id, work.lane()).await?;
    enqueue_behind(tx, integration_id, head, (&work, &request), Verdict::Go).await
}

/// The head of a lane, if it has one.
pub(in super::super) async fn head(
    tx: &mut Tx,
    integration_id: &str,
    lane: &str,
) -> Result<Option<Pending>, StoreError> {
    let head = tx.db.one(HEAD, args![integration_id, lane]).await?;
    Ok(head.map(|row| Pending::beside(&row)).transpose()?.flatten())
}

/// The same behind the `head` of the lane, if it has one.
///
/// A head that is not running will see the wish when it runs: it is joined, and one that waited for its next try is
/// due at once. One that is held or with a person stays so: a newer wish is no decision, except that nothing is left to be held
/// where nobody is to go any more, and that a leaver waits for no person. A running head may already have read the old wish, so the wish waits as its follower. Whoever
/// stands in front of a leaver is as urgent.
pub(in super::super) async fn enqueue_behind(
    tx: &mut Tx,
    integration_id: &str,
    head: Option<Pending>,
    (work, request): (&Work, &JobRequest),
    verdict: Verdict,
) -> Result<JobBrief, StoreError> {
    let asked = (work, request);
    let Some(head) = head else {
        return Ok(insert(tx, integration_id, asked, (JobState::Ready, verdict)));
    };
    if head.job.state != JobState::Running {
        return Ok(join(tx, head, asked, verdict));
    }
    tx.db.write(INHERIT, args![&head.job.id, request.priority.to_stored()]);
    let follower = tx.db.one(FOLLOWER, args![integration_id, work.lane()]).await?;
    Ok(match follower.map(|row| Pending::beside(&row)).transpose()?.flatten() {
        None => insert(tx, integration_id, asked, (JobState::Blocked, verdict)),
        Some(follower) => join(tx, follower, asked, verdict),
    })
}

fn insert(
    tx: &mut Tx,
    integration_id: &str,
    (work, request): (&Work, &JobRequest),
    (state, verdict): (JobState, Verdict),
) -> JobBrief {
    let id = tx.ids.next_with_prefix("job");
    let stand = Stand::of(verdict, state, None).unwrap_or_else(|| Stand::new(state));
    let Stand { state, class, message, waits_for } = stand;
    let values = args![
        &id,
        integration_id,
        work.lane(),
        work.kind().as_str(),
        work.user_id(),
        work.group_id(),
        work.wanted_version(),
        request.priority.to_stored(),
        state.as_str(),
        tx.now,
        &request.cause,
        class.map(FailureClass::as_str),
        message.as_ref(),
        waits_for,
    ];
    tx.db.write(INSERT, values);
    tx.touched.job(&id);
    JobBrief { id, state, class, message, finished_at: None }
}

fn join(tx: &mut Tx, pending: Pending, (work, request): (&Work, &JobRequest), verdict: Verdict) -> JobBrief {
    let Pending { job, priority, waits_for } = pending;
    tx.db.write(JOIN, args![&job.id, work.wanted_version(), &request.cause, tx.now]);
    if request.priority < priority {
        tx.db.write(INHERIT, args![&job.id, request.priority.to_stored()]);
    }
    tx.touched.job(&job.id);
    if let Some(stand) = Stand::of(verdict, job.state, waits_for.as_deref()) {
        let Stand { state, class, message, waits_for } = stand;
        let values = args![
            &job.id,
            state.as_str(),
            class.map(FailureClass::as_str),
            message.as_ref(),
            waits_for,
            tx.now,
        ];
        tx.db.write(STAND, values);
        return JobBrief { state, class, message, ..job };
    }
    // Nobody waits for a person to do something else before they lose access.
    let is_leaver = request.priority == Priority::LEAVER;
    if job.state != JobState::Retry && !(is_leaver && job.state == JobState::NeedsHuman) {
        return job;
    }
    tx.db.write(RETRY_NOW, args![&job.id, tx.now]);
    JobBrief { state: JobState::Ready, ..job }
}
