//! A decision on a plan, and what it lets become known.

use futures::FutureExt as _;
use serde_json::json;

use super::{
    ItemKind, NewItem, PlanItem, PlanRow, PlanState, Unsettled, find, group, read_item, tell, unsettled,
};
use crate::account::Status;
use crate::scim::{Folded, ResourceSchema};
use crate::store::Store;
use crate::store::account::{self, SeenAccount};
use crate::store::error::StoreError;
use crate::store::event::{self, NewEvent};
use crate::store::group::members_as_seen;
use crate::store::job::{self, JobRequest, JobState, Priority, Verdict, Work};
use crate::store::leaver;
use crate::store::sql::{args, statements};
use crate::store::user::{self, Change, RecordError, UserBody, UserChange, UserRow};
use crate::store::writer::Tx;

statements! {
    UNDONE = "SELECT * FROM plan_items WHERE plan_id = $1 AND outcome IS NULL ORDER BY number LIMIT $2 + 0";
    DONE = "UPDATE plan_items SET outcome = $3 WHERE plan_id = $1 AND number = $2";
    DECIDE = "UPDATE plans SET state = $2, decided_at = $3, decided_by = $4, reason = $5 WHERE id = $1";
    ACCOUNT_SEEN = "SELECT seen_at FROM accounts WHERE integration_id = $1 AND user_id = $2";
}

/// How many findings one transaction takes over.
const AT_ONCE: i64 = 200;

/// What somebody decides.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Who.
    pub by: String,
    /// Why; needed where a safeguard holds the plan.
    pub reason: Option<String>,
    /// Whether jobs are asked for that make what differs as it is wanted; where Usher has the say in it, they are in any case.
    pub corrects: bool,
}

/// A plan that was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The plan as it is now.
    pub plan: PlanRow,
    /// How many jobs were asked for.
    pub jobs: usize,
}

/// A plan cannot be decided on so.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// There is none with that id.
    #[error("there is no such plan; `usher plan list` shows them")]
    NotFound,
    /// It was decided on before.
    #[error("the plan is {0}")]
    Decided(PlanState),
    /// A safeguard holds it.
    #[error("a safeguard holds the plan ({0}); say why it is right with --reason")]
    Held(String),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes over what a plan found: accounts become users, users have the accounts that were seen. What an earlier call that broke off had
    /// done is not done again. `schema` is that of the integration's users.
    pub async fn apply_plan(
        &self,
        id: &str,
        decision: &Decision,
        schema: &ResourceSchema,
    ) -> Result<Applied, DecideError> {
        let mut jobs = 0;
        loop {
            let (id, decision, schema) = (id.to_owned(), decision.clone(), schema.clone());
            let done =
                self.writer.write(move |tx| async move { part(tx, &id, &decision, &schema).await }.boxed());
            let (plan, asked) = done.await?;
            jobs += asked;
            if let Some(plan) = plan {
                return Ok(Applied { plan, jobs });
            }
        }
    }

    /// Leaves what is known as it is.
    pub async fn reject_plan(&self, id: &str, decision: &Decision) -> Result<PlanRow, DecideError> {
        let (id, decision) = (id.to_owned(), decision.clone());
        self.writer.write(move |tx| async move { reject(tx, &id, &decision).await }.boxed()).await
    }
}

async fn reject(tx: &mut Tx, id: &str, decision: &Decision) -> Result<PlanRow, DecideError> {
    let plan = open(tx, id).await?;
    decide(tx, plan, PlanState::Rejected, decision).await
}

async fn open(tx: &mut Tx, id: &str) -> Result<PlanRow, DecideError> {
    let plan = find(&mut tx.db, id).await?.ok_or(DecideError::NotFound)?;
    match plan.state {
        PlanState::Proposed | PlanState::Held => Ok(plan),
        state => Err(DecideError::Decided(state)),
    }
}

async fn decide(
    tx: &mut Tx,
    plan: PlanRow,
    state: PlanState,
    decision: &Decision,
) -> Result<PlanRow, DecideError> {
    let values = args![&plan.id, state.as_str(), tx.now, &decision.by, decision.reason.as_ref()];
    tx.db.write(DECIDE, values);
    let data = json!({ "reason": decision.reason, "corrects": decision.corrects });
    tell(tx, &plan, &format!("plan.{state}"), &decision.by, data);
    Ok(find(&mut tx.db, &plan.id).await?.unwrap_or(plan))
}

/// Takes a part over; gives the plan once there is nothing left, and how many jobs were asked for.
async fn part(
    tx: &mut Tx,
    id: &str,
    decision: &Decision,
    schema: &ResourceSchema,
) -> Result<(Option<PlanRow>, usize), DecideError> {
    let plan = open(tx, id).await?;
    if let (PlanState::Held, None) = (plan.state, &decision.reason) {
        return Err(DecideError::Held(plan.why.unwrap_or_default()));
    }
    let rows = tx.db.all(UNDONE, args![id, AT_ONCE]).await?;
    let items: Vec<PlanItem> = rows.iter().map(read_item).collect::<Result<_, _>>()?;
    if items.is_empty() {
        members_as_seen(tx, &plan.integration_id);
        return Ok((Some(decide(tx, plan, PlanState::Applied, decision).await?), 0));
    }
    let mut jobs = 0;
    for PlanItem { number, item, .. } in items {
        let outcome = take_over(tx, &plan, item, decision, schema).await?;
        jobs += usize::from(outcome.asks);
        tx.db.write(DONE, args![id, number, outcome.words.as_str()]);
    }
    Ok((None, jobs))
}

/// What became of a finding.
pub(super) struct Outcome {
    pub(super) words: String,
    /// Whether a job was asked for.
    pub(super) asks: bool,
    /// Whether nothing came of it.
    pub(super) is_left: bool,
}

impl Outcome {
    pub(super) fn said(words: impl Into<String>) -> Self {
        Self { words: words.into(), asks: false, is_left: false }
    }

    /// Nothing came of it, for this reason.
    pub(super) fn left(words: impl Into<String>) -> Self {
        Self { is_left: true, ..Self::said(words) }
    }
}

async fn take_over(
    tx: &mut Tx,
    plan: &PlanRow,
    item: NewItem,
    decision: &Decision,
    schema: &ResourceSchema,
) -> Result<Outcome, StoreError> {
    match item.kind {
        ItemKind::Adopt => adopt(tx, (&plan.id, &plan.integration_id), item, decision, schema).await,
        ItemKind::Link | ItemKind::Gone | ItemKind::Drift => see(tx, plan, item, decision).await,
        ItemKind::Missing | ItemKind::GroupMissing => missing(tx, plan, item, decision).await,
        ItemKind::AdoptGroup | ItemKind::LinkGroup | ItemKind::GroupGone | ItemKind::GroupDrift => {
            group::take_over(tx, plan, item, decision).await
        }
        ItemKind::Orphan | ItemKind::Conflict | ItemKind::Unknown | ItemKind::GroupConflict => {
            Ok(Outcome::said("reported"))
        }
    }
}

/// Makes a user of an account: what is wanted of it is what it is.
pub(super) async fn adopt(
    tx: &mut Tx,
    (plan_id, integration_id): (&str, &str),
    item: NewItem,
    decision: &Decision,
    schema: &ResourceSchema,
) -> Result<Outcome, StoreError> {
    let (Some(serde_json::Value::Object(resource)), Some(seen)) = (item.resource, item.account) else {
        return Ok(Outcome::left("not adopted: it shows nothing that could be a user name"));
    };
    let name = resource.get("userName").and_then(serde_json::Value::as_str).unwrap_or_default();
    // Not taken up again where somebody wished them gone since: that wish stands.
    if user::holder(tx, integration_id, name).await?.is_some() {
        return Ok(Outcome::left("not adopted: the user name is taken"));
    }
    let body = UserBody {
        user_name: name.to_owned(),
        external_id: None,
        active: resource.get("active").and_then(serde_json::Value::as_bool).unwrap_or(true),
        folded: Folded::of(&resource, schema),
        resource: resource.into(),
    };
    let event =
        NewEvent::new("user.adopted", &decision.by).with(json!({ "plan": plan_id, "app_id": seen.app_id }));
    let change = Change {
        integration_id: integration_id.to_owned(),
        user: UserChange::Insert(body),
        job: None,
        events: vec![event],
    };
    match user::record(tx, change).await {
        Ok(recorded) => {
            account::put(tx, integration_id, &recorded.user.id, &seen, false);
            Ok(Outcome::said(format!("adopted as user {}", recorded.user.id)))
        }
        Err(RecordError::Store(error)) => Err(error),
        Err(refused) => Ok(Outcome::left(format!("not adopted: {refused}"))),
    }
}

/// What was not there before either is known already; all that can be done is to make it.
async fn missing(
    tx: &mut Tx,
    plan: &PlanRow,
    item: NewItem,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    if !decision.corrects {
        return Ok(Outcome::said("reported"));
    }
    let found = Unsettled {
        integration_id: plan.integration_id.clone(),
        plan_id: plan.id.clone(),
        found_at: plan.made_at,
        item: PlanItem { number: 0, item, outcome: None },
    };
    unsettled::ask_again(tx, &found, decision).await
}

/// Keeps what was seen of a user's account, unless somebody has looked at it since, or is at it.
async fn see(tx: &mut Tx, plan: &PlanRow, item: NewItem, decision: &Decision) -> Result<Outcome, StoreError> {
    let integration_id = &plan.integration_id;
    let user_id = item.user_id.unwrap_or_default();
    let Some(user) =
        user::find(&mut tx.db, integration_id, &user_id).await?.filter(|user| user.gone_at.is_none())
    else {
        return Ok(Outcome::left("left alone: the user is gone"));
    };
    if job::head(tx, integration_id, &user_id).await?.is_some() {
        return Ok(Outcome::left("left alone: a job is at it"));
    }
    let seen_at = tx.db.one(ACCOUNT_SEEN, args![integration_id, &user_id]).await?;
    if seen_at.map(|row| row.time("seen_at")).transpose()?.is_some_and(|at| at > plan.made_at) {
        return Ok(Outcome::left("left alone: it was read again since"));
    }
    let seen = item.account.unwrap_or_else(SeenAccount::absent);
    account::put(tx, integration_id, &user_id, &seen, !item.note.is_empty());
    let kind = match (item.kind, seen.status) {
        (ItemKind::Link, _) => "account.linked",
        (_, Status::Absent) => "account.gone",
        _ => "account.drifted",
    };
    let told = json!({ "plan": plan.id, "differs": item.note });
    event::append(tx, NewEvent::new(kind, &decision.by).of(integration_id).to(&user_id).with(told));
    if !(decision.corrects || item.corrects) || item.note.is_empty() {
        return Ok(Outcome::said("noted"));
    }
    ask(tx, &plan.id, user, kind, decision).await
}

/// Asks for the job that makes a user's account as it is wanted.
pub(super) async fn ask(
    tx: &mut Tx,
    plan_id: &str,
    mut user: UserRow,
    kind: &str,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    let priority =
        if user.active && user.deleted_at.is_none() { Priority::ORDINARY } else { Priority::LEAVER };
    let cause =
        json!({ "event": kind, "by": decision.by, "plan": plan_id, "received_at_ms": tx.now.as_ms() });
    let integration_id = user.integration_id.clone();
    let work = Work::Provision { user_id: user.id.clone(), wanted_version: user.version };
    // Whoever decided on the plan saw how many they are; that leavers are held is another decision.
    let mut verdict = Verdict::Go;
    if priority == Priority::LEAVER {
        leaver::start_clock(tx, &mut user);
        verdict = leaver::held(tx, &integration_id).await?.map_or(verdict, Verdict::Hold);
    }
    let request = JobRequest { priority, cause };
    let job = job::enqueue_behind(tx, &integration_id, None, (&work, &request), verdict).await?;
    let becomes = if job.state == JobState::Held { "is held" } else { "makes it as wanted" };
    Ok(Outcome { words: format!("noted; {} {becomes}", job.id), asks: true, is_left: false })
}
