//! Plans: what a reading of all accounts found that was not known so, for a person to decide on, and what became of it.
//!
//! A newer plan of an integration takes the place of one that is still open: it has seen more. What a plan writes is what is *known*; what
//! it lets be changed in the app goes through jobs, each of which reads and compares anew.

mod apply;
mod group;
mod known;
mod unsettled;

use std::collections::BTreeMap;

use futures::FutureExt as _;
use serde::{Deserialize, Serialize};

use super::Store;
use super::account::{self, SeenAccount};
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::job::{self, Lease, LeaseError};
use super::sql::{Db, Row, args, statements};
use super::word::words;
use super::writer::Tx;
use crate::account::Group;
use crate::clock::Timestamp;

pub use apply::{Applied, DecideError, Decision};
pub use known::KnownUser;
pub use unsettled::{OrphanEnd, Unsettled};

statements! {
    FIND = "SELECT * FROM plans WHERE id = $1";
    LIST = "SELECT * FROM plans WHERE $1 = '' OR integration_id = $1 ORDER BY seq DESC LIMIT $2 + 0";
    OF_JOB = "SELECT * FROM plans WHERE integration_id = $1 AND job_id = $2 ORDER BY seq DESC LIMIT 1";
    OPEN = "SELECT * FROM plans WHERE integration_id = $1 AND state IN ('proposed', 'held')";
    SUPERSEDE = "UPDATE plans SET state = 'superseded', decided_at = $2 WHERE integration_id = $1 AND state IN ('proposed', 'held')";
    INSERT = "INSERT INTO plans (id, integration_id, job_id, state, why, counts, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ADD = "INSERT INTO plan_items (plan_id, number, kind, user_id, name, note, account, resource, corrects, group_id, in_app) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    ITEMS = "SELECT * FROM plan_items WHERE plan_id = $1 ORDER BY number";
}

/// How many writes go to the database at once.
const AT_ONCE: i64 = 500;

/// Every statement of this part, for the test that prepares them.
#[cfg(test)]
pub(super) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [STATEMENTS, apply::STATEMENTS, group::STATEMENTS, known::STATEMENTS, unsettled::STATEMENTS].concat()
}

words! {
    /// Where a plan stands.
    PlanState("state of a plan") {
        /// Waits for a person, who may apply it.
        Proposed = "proposed",
        /// A safeguard holds it: whoever applies it says why.
        Held = "held",
        /// What it found is what is known.
        Applied = "applied",
        /// A person did not want it.
        Rejected = "rejected",
        /// A newer one took its place.
        Superseded = "superseded",
    }
}

words! {
    /// What was found.
    ItemKind("kind of finding") {
        /// An account of somebody who is not known: becomes a user.
        Adopt = "adopt",
        /// The account of a user whose account was not known.
        Link = "link",
        /// The account that a user had is not there any more.
        Gone = "gone",
        /// A user who is to have an account and had none before either.
        Missing = "missing",
        /// An account that is not as it is wanted.
        Drift = "drift",
        /// The account of somebody who was removed.
        Orphan = "orphan",
        /// An account that may be a user's and may not.
        Conflict = "conflict",
        /// An account holds what the connector does not declare.
        Unknown = "unknown",
        /// A group of the app that is not known, or goes by another name than it was: becomes a group here, with those who are in it.
        AdoptGroup = "adopt_group",
        /// The group in the app of one that is wanted and was not known to be there.
        LinkGroup = "link_group",
        /// A group that is not there any more.
        GroupGone = "group_gone",
        /// A group that is wanted and was not there before either.
        GroupMissing = "group_missing",
        /// A group that is not as it is wanted.
        GroupDrift = "group_drift",
        /// Several groups of the app go by one name.
        GroupConflict = "group_conflict",
    }
}

/// How many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCounts {
    /// Accounts that were read.
    pub accounts: usize,
    /// Users whose accounts are as wanted.
    pub as_wanted: usize,
    /// Users with work pending, who were left alone.
    pub pending: usize,
    /// Accounts that are protected and belong to nobody.
    pub protected: usize,
    /// Users who had an account before.
    pub had_account: usize,
    /// Groups that were read.
    #[serde(default)]
    pub groups: usize,
    /// What was found, by its kind.
    pub found: BTreeMap<String, usize>,
}

/// A plan to be kept.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// The integration.
    pub integration_id: String,
    /// Why a safeguard holds it; none where it may be applied.
    pub held: Option<String>,
    /// How many there were.
    pub counts: PlanCounts,
    /// What was found, in its order.
    pub items: Vec<NewItem>,
    /// What was seen of users whose accounts are as wanted.
    pub as_wanted: Vec<(String, SeenAccount)>,
    /// Jobs that a person does and that seem to be done: each is checked by a reading of its own.
    pub seems_done: Vec<String>,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What.
    pub kind: ItemKind,
    /// The user whom it concerns.
    pub user_id: Option<String>,
    /// By what a person knows the account.
    pub name: String,
    /// What differs or is the matter, in words.
    pub note: String,
    /// The account as it was read; none where it is gone.
    pub account: Option<SeenAccount>,
    /// Of an account to adopt: the SCIM user that it becomes.
    pub resource: Option<serde_json::Value>,
    /// Of drift: whether it is put right without anybody's word (R21).
    pub corrects: bool,
    /// The group that it concerns; none where it concerns an account, or a group that is not known.
    pub group_id: Option<String>,
    /// Of a group: the group in the app.
    pub in_app: Option<Group>,
}

/// A plan.
#[derive(Clone, Debug)]
pub struct PlanRow {
    /// Its id: `plan_…`.
    pub id: String,
    /// The integration.
    pub integration_id: String,
    /// The job that read the accounts.
    pub job_id: String,
    /// Where it stands.
    pub state: PlanState,
    /// Why a safeguard held it.
    pub why: Option<String>,
    /// How many there were.
    pub counts: PlanCounts,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was applied or rejected, or a newer one came.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// What was found, and what became of it.
#[derive(Clone, Debug)]
pub struct PlanItem {
    /// Its place in the plan, from 1.
    pub number: i64,
    /// What was found.
    pub item: NewItem,
    /// What became of it; none as long as nothing did.
    pub outcome: Option<String>,
}

impl Store {
    /// Keeps a plan, in the place of an open one of the same integration, and what was seen of those whose accounts are as wanted.
    pub async fn keep_plan(&self, held: &Lease, plan: NewPlan) -> Result<PlanRow, LeaseError> {
        let held = held.clone();
        self.writer.write(move |tx| async move { keep(tx, &held, plan).await }.boxed()).await
    }

    /// The plan with this id.
    pub async fn find_plan(&self, id: &str) -> Result<Option<PlanRow>, StoreError> {
        find(&mut self.reader().await?, id).await
    }

    /// The plan that a job of an integration made; the latest, where it was begun anew.
    pub async fn plan_of_job(&self, job: &job::JobRow) -> Result<Option<PlanRow>, StoreError> {
        let row = self.reader().await?.one(OF_JOB, args![&job.integration_id, &job.id]).await?;
        row.as_ref().map(read).transpose()
    }

    /// The latest plans, newest first; of one integration, where one is given by its id.
    pub async fn list_plans(
        &self,
        integration: Option<&str>,
        limit: u32,
    ) -> Result<Vec<PlanRow>, StoreError> {
        let values = args![integration.unwrap_or_default(), i64::from(limit)];
        self.reader().await?.all(LIST, values).await?.iter().map(read).collect()
    }

    /// What a plan found.
    pub async fn plan_items(&self, id: &str) -> Result<Vec<PlanItem>, StoreError> {
        self.reader().await?.all(ITEMS, args![id]).await?.iter().map(read_item).collect()
    }
}

async fn keep(tx: &mut Tx, held: &Lease, plan: NewPlan) -> Result<PlanRow, LeaseError> {
    job::held_by(tx, held).await?;
    let id = tx.ids.next_with_prefix("plan");
    for row in tx.db.all(OPEN, args![&plan.integration_id]).await? {
        let old = read(&row)?;
        tell(tx, &old, "plan.superseded", "usher", serde_json::json!({ "by": id }));
    }
    tx.db.write(SUPERSEDE, args![&plan.integration_id, tx.now]);
    let mut counts = plan.counts;
    for item in &plan.items {
        *counts.found.entry(item.kind.as_str().to_owned()).or_default() += 1;
    }
    let state = if plan.held.is_some() { PlanState::Held } else { PlanState::Proposed };
    let row = PlanRow {
        id,
        integration_id: plan.integration_id,
        job_id: held.job_id.clone(),
        state,
        why: plan.held,
        counts,
        made_at: tx.now,
        decided_at: None,
        decided_by: None,
        reason: None,
    };
    let counts = serde_json::json!(row.counts);
    let values =
        args![&row.id, &row.integration_id, &row.job_id, state.as_str(), row.why.as_ref(), &counts, tx.now];
    tx.db.write(INSERT, values);
    for (number, item) in (1_i64..).zip(&plan.items) {
        let account = item.account.as_ref().map(|account| serde_json::json!(account).to_string());
        let resource = item.resource.as_ref().map(ToString::to_string);
        let in_app = item.in_app.as_ref().map(|group| serde_json::json!(group).to_string());
        let values = args![
            &row.id,
            number,
            item.kind.as_str(),
            item.user_id.as_ref(),
            &item.name,
            &item.note,
            account.as_ref(),
            resource.as_ref(),
            item.corrects,
            item.group_id.as_ref(),
            in_app.as_ref(),
        ];
        tx.db.write(ADD, values);
        // A plan of very many findings does not gather in memory.
        if number % AT_ONCE == 0 {
            tx.db.flush().await?;
        }
    }
    for (number, (user_id, seen)) in (1_i64..).zip(&plan.as_wanted) {
        account::put(tx, &row.integration_id, user_id, seen, false);
        if number % AT_ONCE == 0 {
            tx.db.flush().await?;
        }
    }
    for id in &plan.seems_done {
        job::check(tx, id, "usher").await?;
    }
    let data = serde_json::json!({ "findings": plan.items.len(), "counts": row.counts, "why": row.why });
    tell(tx, &row, if state == PlanState::Held { "plan.held" } else { "plan.made" }, "usher", data);
    Ok(row)
}

async fn find(db: &mut Db, id: &str) -> Result<Option<PlanRow>, StoreError> {
    db.one(FIND, args![id]).await?.map(|row| read(&row)).transpose()
}

fn tell(tx: &mut Tx, plan: &PlanRow, kind: &str, by: &str, data: serde_json::Value) {
    let mut event = NewEvent::new(kind, by).of(&plan.integration_id).to(&plan.id).with(data);
    event.job_id = Some(plan.job_id.clone());
    event::append(tx, event);
}

fn read(row: &Row) -> Result<PlanRow, StoreError> {
    Ok(PlanRow {
        id: row.text("id")?,
        integration_id: row.text("integration_id")?,
        job_id: row.text("job_id")?,
        state: row.word("state")?,
        why: row.maybe_text("why")?,
        counts: row.json("counts")?,
        made_at: row.time("made_at")?,
        decided_at: row.maybe_time("decided_at")?,
        decided_by: row.maybe_text("decided_by")?,
        reason: row.maybe_text("reason")?,
    })
}

fn read_item(row: &Row) -> Result<PlanItem, StoreError> {
    let account = row.maybe_text("account")?.map(|_| row.json("account")).transpose()?;
    let resource = row.maybe_text("resource")?.map(|_| row.json("resource")).transpose()?;
    Ok(PlanItem {
        number: row.int("number")?,
        item: NewItem {
            kind: row.word("kind")?,
            user_id: row.maybe_text("user_id")?,
            name: row.text("name")?,
            note: row.text("note")?,
            account,
            resource,
            corrects: row.flag("corrects")?,
            group_id: row.maybe_text("group_id")?,
            in_app: row.maybe_text("in_app")?.map(|_| row.json("in_app")).transpose()?,
        },
        outcome: row.maybe_text("outcome")?,
    })
}
