//! Finishing: the outcome of an attempt, what was seen in the app, and the events of it, in one transaction that the
//! fence guards. Attempts that end at the same time are written together.

use std::collections::HashMap;

use futures::FutureExt as _;

use super::super::Store;
use super::super::account::{self, SeenAccount};
use super::super::attempt::{self, AttemptOutcome};
use super::super::error::StoreError;
use super::super::gather::Gather;
use super::super::group::{self, GroupSeen};
use super::super::integration;
use super::super::listed;
use super::super::sql::{args, statements};
use super::super::user;
use super::super::writer::{Tx, Writer};
use super::breaker::{self, Trial};
use super::lease::{Lease, LeaseError, free};
use super::{JobRow, JobState, Kind, LEAVERS, WORKER, find_all, guard, promote, read, tell};
use crate::clock::Timestamp;
use crate::failure::FailureClass;

statements! {
    SETTLE = "UPDATE jobs SET state = $2, class = $3, message = $4, due_at = $5, read_first = $6, finished_at = $7, changed_at = $8, tries = $9 WHERE id = $1";
    HAND_OVER = "UPDATE jobs SET by_hand = 1 WHERE id = $1";
    SUPERSEDE = "UPDATE jobs SET state = 'cancelled', superseded_by = $2, finished_at = $3, changed_at = $3 WHERE id = $1";
    INHERIT = "UPDATE jobs SET read_first = $2, priority = CASE WHEN priority > $3 THEN $3 ELSE priority END WHERE id = $1";
    ABSORB = "UPDATE jobs SET wanted_version = $2, cause = $3, priority = CASE WHEN priority > $4 THEN $4 ELSE priority END WHERE id = $1";
    ENDING = concat!(
        "SELECT j.*, u.user_name, g.display_name AS group_name, e.held_fence, e.head_id FROM (",
        "SELECT s.job_id AS id, s.fence AS held_fence, NULL AS head_id FROM slots s WHERE s.job_id IN (SELECT value FROM json_each($1))",
        " UNION ALL SELECT b.id, NULL, h.id FROM jobs h JOIN jobs b ON b.integration_id = h.integration_id AND b.lane = h.lane AND b.state = 'blocked' WHERE h.id IN (SELECT value FROM json_each($1))",
        ") AS e JOIN jobs j ON j.id = e.id LEFT JOIN users u ON u.id = j.user_id LEFT JOIN groups g ON g.id = j.group_id"
    );
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The app was read and is as wanted.
    Done {
        /// What is worth knowing of it.
        message: Option<String>,
    },
    /// It ends here.
    Failed {
        /// Why.
        class: FailureClass,
        /// The same in words; never a secret.
        message: String,
    },
    /// Nothing was changed; it is tried again at a time.
    Retry {
        /// When.
        at: Timestamp,
        /// Why.
        class: FailureClass,
        /// The same in words; never a secret.
        message: String,
    },
    /// It is not known whether the app was changed; a reading decides (R7).
    Unknown {
        /// When to read.
        at: Timestamp,
        /// What is known; never a secret.
        message: String,
    },
    /// A safeguard waits for a person's decision.
    Held {
        /// Why.
        class: FailureClass,
        /// The same in words.
        message: String,
    },
    /// A person has to do it.
    NeedsHuman {
        /// What.
        message: String,
    },
    /// Handed back undone, as a worker that is drained does; it counts as no try.
    Requeue {
        /// Why.
        message: String,
    },
}

/// What an attempt saw in the app.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The user's account.
    Account(SeenAccount),
    /// The group.
    Group(GroupSeen),
}

impl Seen {
    fn group(&self) -> Option<&GroupSeen> {
        match self {
            Self::Group(seen) => Some(seen),
            Self::Account(_) => None,
        }
    }
}

/// The end of an attempt, and what is written with it.
#[derive(Clone, Debug)]
pub struct Finish {
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen last of what the job is about.
    pub seen: Option<Seen>,
    /// What its event tells beside the class; never a secret.
    pub told: serde_json::Map<String, serde_json::Value>,
    /// Whether the session stays open: then its slot rests with the worker.
    pub rests: bool,
    /// What was found out about operations of the connector.
    pub trial: Trial,
    /// Pauses the integration for this reason, before another job of it can be claimed (R24).
    pub pause: Option<String>,
}

impl Finish {
    /// Ends so, with nothing else to write.
    pub fn with(outcome: Outcome) -> Self {
        Self {
            outcome,
            seen: None,
            told: serde_json::Map::new(),
            rests: false,
            trial: Trial::default(),
            pause: None,
        }
    }
}

type Answer = Result<JobRow, LeaseError>;

/// Where the ends of attempts are written.
#[derive(Clone, Debug)]
pub(in super::super) struct Ends(Gather<(Lease, Finish), Answer>);

impl Ends {
    pub(in super::super) fn start(writer: Writer) -> Self {
        Self(Gather::start(move |ends| write(writer.clone(), ends).boxed()))
    }
}

/// Writes them together; where that fails each by itself, so that none fails for the fault of another.
async fn write(writer: Writer, ends: Vec<(Lease, Finish)>) -> Vec<Answer> {
    let count = ends.len();
    let all = ends.clone();
    match writer.write(move |tx| async move { end_all(tx, all).await }.boxed()).await {
        Ok(answers) => answers,
        Err(error) if count == 1 => vec![Err(LeaseError::Store(error))],
        Err(_) => {
            let mut answers = Vec::with_capacity(count);
            for end in ends {
                let one = writer.write(move |tx| async move { end_all(tx, vec![end]).await }.boxed()).await;
                let lost = || Err(LeaseError::Lost);
                answers.push(
                    one.map_or_else(|error| Err(error.into()), |mut one| one.pop().unwrap_or_else(lost)),
                );
            }
            answers
        }
    }
}

impl Store {
    /// Writes the end of an attempt, frees the slot, and lets the follower of the lane go on. Returns the job as it
    /// is then.
    ///
    /// Where a newer wish waits behind it, a job that would be tried again gives way to it (`cancelled`, with
    /// `superseded_by`), and one that is held takes the wish over instead.
    pub async fn finish(&self, held: &Lease, finish: Finish) -> Result<JobRow, LeaseError> {
        self.ends.0.ask((held.clone(), finish)).await?
    }
}

/// What an outcome makes of the job.
struct Settled {
    state: JobState,
    word: AttemptOutcome,
    class: Option<FailureClass>,
    message: Option<String>,
    due_at: Option<Timestamp>,
}

fn settle(outcome: Outcome) -> Settled {
    use AttemptOutcome as Word;
    let settled = |state, word, class, message, due_at| Settled { state, word, class, message, due_at };
    match outcome {
        Outcome::Done { message } => settled(JobState::Done, Word::Done, None, message, None),
        Outcome::Failed { class, message } => {
            settled(JobState::Failed, Word::Failed, Some(class), Some(message), None)
        }
        Outcome::Retry { at, class, message } => {
            settled(JobState::Retry, Word::Retry, Some(class), Some(message), Some(at))
        }
        Outcome::Unknown { at, message } => settled(
            JobState::Retry,
            Word::Unknown,
            Some(FailureClass::OutcomeUnknown),
            Some(message),
            Some(at),
        ),
        Outcome::Held { class, message } => {
            settled(JobState::Held, Word::Held, Some(class), Some(message), None)
        }
        Outcome::NeedsHuman { message } => {
            settled(JobState::NeedsHuman, Word::NeedsHuman, None, Some(message), None)
        }
        Outcome::Requeue { message } => settled(JobState::Ready, Word::Requeued, None, Some(message), None),
    }
}

/// What is known of a job whose attempt ends.
struct Ending {
    job: JobRow,
    follower: Option<JobRow>,
}

/// An error ends it for all; who has no lease any more is told so, and nothing of theirs is written.
async fn end_all(tx: &mut Tx, ends: Vec<(Lease, Finish)>) -> Result<Vec<Answer>, StoreError> {
    let ids: Vec<&String> = ends.iter().map(|(held, _)| &held.job_id).collect();
    let ids = serde_json::json!(ids);
    let (mut held, mut followers) = (HashMap::new(), HashMap::new());
    for row in tx.db.all(ENDING, args![&ids]).await? {
        let job = read(&row)?;
        match row.maybe_text("head_id")? {
            Some(head) => drop(followers.insert(head, job)),
            None => drop(held.insert((job.id.clone(), row.int("held_fence")?), job)),
        }
    }
    let mut ended = Vec::with_capacity(ends.len());
    for (Lease { job_id, fence }, finish) in ends {
        // Taken out: who says it twice has lost it with the first time.
        let Some(job) = held.remove(&(job_id.clone(), fence)) else {
            ended.push(None);
            continue;
        };
        end(tx, Ending { follower: followers.remove(&job_id), job }, finish).await?;
        tx.touched.job(&job_id);
        ended.push(Some(job_id));
    }
    let mut jobs = find_all(&mut tx.db, ended.iter().flatten()).await?;
    Ok(ended.into_iter().map(|id| id.and_then(|id| jobs.remove(&id)).ok_or(LeaseError::Lost)).collect())
}

async fn end(tx: &mut Tx, Ending { job, follower }: Ending, finish: Finish) -> Result<(), StoreError> {
    free(tx, &job.id, finish.rests);
    let settled = settle(finish.outcome);
    attempt::end(tx, &job, settled.word, (settled.class, settled.message.as_deref()));
    // A reading costs little; a change made twice cannot be taken back.
    let read_first = job.read_first || job.committing_at.is_some() || settled.word == AttemptOutcome::Unknown;
    let is_requeued = settled.word == AttemptOutcome::Requeued;
    let values = args![
        &job.id,
        settled.state.as_str(),
        settled.class.map(FailureClass::as_str),
        settled.message.as_deref(),
        settled.due_at.unwrap_or(tx.now),
        read_first && !settled.state.is_final(),
        settled.state.is_final().then_some(tx.now),
        tx.now,
        // Who is told to go on later has not tried.
        if is_requeued { (job.tries - 1).max(0) } else { job.tries },
    ];
    tx.db.write(SETTLE, values);
    if job.kind == Kind::Sync && settled.state.is_final() {
        listed::forget(tx, &job.id);
    }
    if settled.state == JobState::NeedsHuman {
        tx.db.write(HAND_OVER, args![&job.id]);
    }
    let mut told = finish.told;
    told.extend(settled.class.map(|class| ("class".to_owned(), class.as_str().into())));
    if settled.state == JobState::NeedsHuman {
        told.insert("message".to_owned(), serde_json::json!(settled.message));
    }
    tell(tx, &job, &format!("job.{}", settled.word), WORKER, told.into());
    if settled.state == JobState::Failed
        && let Some(schedule) = job.cause.get("schedule").and_then(serde_json::Value::as_str)
    {
        let data = serde_json::json!({ "class": settled.class, "message": settled.message });
        tell(tx, &job, &format!("{schedule}.failed"), WORKER, data);
    }
    if let (Some(Seen::Account(seen)), Some(user_id)) = (&finish.seen, &job.user_id) {
        account::put(tx, &job.integration_id, user_id, seen, false);
    }
    if let Some(group_id) = &job.group_id {
        let seen = finish.seen.as_ref().and_then(Seen::group);
        let ended = match (settled.state, &follower) {
            (JobState::Done, None) => group::Ended::DoneForGood,
            (JobState::Done, Some(_)) => group::Ended::Done,
            _ => group::Ended::Otherwise,
        };
        group::keep(tx, (&job.integration_id, group_id), seen, ended).await?;
    }
    if let Some(reason) = &finish.pause {
        integration::pause(tx, &job.integration_id, reason, "usher").await?;
    }
    let guarded = make_way(tx, &job, follower, (settled.state, read_first));
    // Who waits for leavers to be released does not go on because an operation works again.
    let trial = Trial { waits_for: finish.trial.waits_for.filter(|_| guarded.is_none()), ..finish.trial };
    if let Some(why) = guarded {
        guard::safeguard(tx, std::slice::from_ref(&job.id), &why, WORKER).await?;
    }
    breaker::note(tx, &job, trial).await
}

/// Ends a job whose place another one takes.
fn supersede(tx: &mut Tx, job: &JobRow, by: &JobRow) {
    tx.db.write(SUPERSEDE, args![&job.id, &by.id, tx.now]);
    if job.kind == Kind::Sync {
        listed::forget(tx, &job.id);
    }
    tell(tx, job, "job.superseded", WORKER, serde_json::json!({ "by": by.id }));
}

/// Settles who goes on in the lane: the job, or the wish that came while it ran. Where the job takes a wish over that the safeguard of
/// leavers holds: why it does.
fn make_way(
    tx: &mut Tx,
    job: &JobRow,
    follower: Option<JobRow>,
    (state, read_first): (JobState, bool),
) -> Option<String> {
    let Some(follower) = follower else {
        // Without a newer wish behind it, what was found as wanted is the wish that stands: perhaps that the account goes.
        if let (JobState::Done, Some(user_id)) = (state, &job.user_id) {
            user::gone(tx, user_id);
        }
        return None;
    };
    match state {
        JobState::Done | JobState::Failed | JobState::Cancelled => promote(tx, job, &follower),
        // The head keeps its place; the follower's wish is what it will find.
        JobState::Ready | JobState::Running | JobState::Blocked => {}
        JobState::Retry => {
            supersede(tx, job, &follower);
            tx.db.write(INHERIT, args![&follower.id, read_first, job.priority.to_stored()]);
            promote(tx, job, &follower);
        }
        JobState::Held | JobState::NeedsHuman => {
            supersede(tx, &follower, job);
            let priority = follower.priority.to_stored();
            tx.db.write(ABSORB, args![&job.id, follower.wanted_version, &follower.cause, priority]);
            tx.touched.job(&follower.id);
            if follower.waits_for.as_deref() == Some(LEAVERS) {
                return Some(follower.message.unwrap_or_default());
            }
        }
    }
    None
}
