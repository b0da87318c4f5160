//! What the last sync of an integration found and nobody has dealt with since: accounts and groups that are not as wanted, and accounts of
//! people who were removed. A person decides on each of them, whatever became of the plan.

use futures::FutureExt as _;
use serde_json::json;

use super::apply::{Decision, Outcome, adopt, ask};
use super::{ItemKind, PlanItem, group, read_item};
use crate::clock::Timestamp;
use crate::scim::ResourceSchema;
use crate::store::Store;
use crate::store::account;
use crate::store::error::StoreError;
use crate::store::event::{self, NewEvent};
use crate::store::job;
use crate::store::sql::{Row, args, statements};
use crate::store::user;
use crate::store::writer::Tx;

statements! {
    LIST = "SELECT p.integration_id, p.made_at, i.* FROM plans p JOIN plan_items i ON i.plan_id = p.id WHERE ($1 = '' OR p.integration_id = $1) AND p.seq = (SELECT max(l.seq) FROM plans l WHERE l.integration_id = p.integration_id) AND i.kind IN (SELECT value FROM json_each($2)) AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.integration_id = p.integration_id AND j.lane = coalesce(i.user_id, i.group_id) AND j.changed_at > p.made_at) AND (i.kind <> 'orphan' OR i.outcome IS NULL OR i.outcome = 'reported') ORDER BY p.integration_id, i.number";
    DECIDED = "UPDATE plan_items SET outcome = $3 WHERE plan_id = $1 AND number = $2";
    COMES_BACK = "UPDATE users SET gone_at = NULL, left_at = $2, modified_at = $2, version = version + 1 WHERE id = $1";
}

/// The event of a job that is to put drift right.
pub(super) const CORRECTION_ASKED: &str = "drift.correction_asked";
/// The event of a job that is to remove an orphan.
const REMOVAL_ASKED: &str = "orphan.removal_asked";

/// A finding that nobody has dealt with.
#[derive(Clone, Debug)]
pub struct Unsettled {
    /// The integration.
    pub integration_id: String,
    /// The plan that it is in.
    pub plan_id: String,
    /// When it was found.
    pub found_at: Timestamp,
    /// What it is.
    pub item: PlanItem,
}

/// What is to become of the account of somebody who was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrphanEnd {
    /// It goes, as it was wanted when its user was removed.
    Remove,
    /// It becomes the account of a new user, whom the identity provider can import.
    Adopt,
}

impl Store {
    /// Accounts and groups that the last sync found otherwise than they are wanted, with what would make them so; of one integration, where
    /// one is given by its id.
    pub async fn drift(&self, integration: Option<&str>) -> Result<Vec<Unsettled>, StoreError> {
        let kinds = [
            ItemKind::Drift,
            ItemKind::Link,
            ItemKind::Gone,
            ItemKind::Missing,
            ItemKind::GroupDrift,
            ItemKind::GroupGone,
            ItemKind::GroupMissing,
        ];
        let mut found = self.unsettled(integration, &kinds).await?;
        // Where nothing differs, or nothing is wanted, nothing can be put right.
        found.retain(|one| !one.item.item.note.is_empty());
        Ok(found)
    }

    /// Accounts of people who were removed that the last sync found; of one integration, where one is given by its id.
    pub async fn orphans(&self, integration: Option<&str>) -> Result<Vec<Unsettled>, StoreError> {
        self.unsettled(integration, &[ItemKind::Orphan]).await
    }

    async fn unsettled(
        &self,
        integration: Option<&str>,
        kinds: &[ItemKind],
    ) -> Result<Vec<Unsettled>, StoreError> {
        let rows =
            self.reader().await?.all(LIST, args![integration.unwrap_or_default(), &json!(kinds)]).await?;
        rows.iter().map(read).collect()
    }

    /// Asks for the job that makes a drifted account, or group, as it is wanted. Gives what became of it, in words.
    pub async fn correct_drift(&self, found: &Unsettled, decision: &Decision) -> Result<String, StoreError> {
        let (found, decision) = (found.clone(), Decision { corrects: true, ..decision.clone() });
        self.writer.write(move |tx| async move { correct(tx, &found, &decision).await }.boxed()).await
    }

    /// Removes, or adopts, the account of somebody who was removed. Gives what became of it, in words. `schema` is that of the
    /// integration's users.
    pub async fn end_orphan(
        &self,
        found: &Unsettled,
        end: OrphanEnd,
        decision: &Decision,
        schema: &ResourceSchema,
    ) -> Result<String, StoreError> {
        let (found, decision, schema) = (found.clone(), decision.clone(), schema.clone());
        self.writer
            .write(move |tx| async move { end_orphan(tx, found, end, &decision, &schema).await }.boxed())
            .await
    }
}

/// Asks for the job of whoever it is that makes them as wanted.
pub(super) async fn ask_again(
    tx: &mut Tx,
    found: &Unsettled,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    let Some(user_id) = &found.item.item.user_id else { return group::correct(tx, found, decision).await };
    let user = user::find(&mut tx.db, &found.integration_id, user_id).await?;
    let Some(user) = user.filter(|user| user.gone_at.is_none()) else {
        return Ok(Outcome::left("left alone: the user is gone"));
    };
    if job::head(tx, &found.integration_id, user_id).await?.is_some() {
        return Ok(Outcome::left("left alone: a job is at it"));
    }
    ask(tx, &found.plan_id, user, CORRECTION_ASKED, decision).await
}

async fn correct(tx: &mut Tx, found: &Unsettled, decision: &Decision) -> Result<String, StoreError> {
    let outcome = ask_again(tx, found, decision).await?;
    let item = found.item.item.clone();
    let target = item.user_id.or(item.group_id).unwrap_or_default();
    settle(tx, found, (CORRECTION_ASKED, &target), decision, &outcome);
    Ok(outcome.words)
}

async fn end_orphan(
    tx: &mut Tx,
    found: Unsettled,
    end: OrphanEnd,
    decision: &Decision,
    schema: &ResourceSchema,
) -> Result<String, StoreError> {
    let item = found.item.item.clone();
    let target = item.user_id.clone().unwrap_or_default();
    let (kind, outcome) = match end {
        OrphanEnd::Remove => (REMOVAL_ASKED, remove(tx, &found, &target, decision).await?),
        OrphanEnd::Adopt => {
            let plan = (found.plan_id.as_str(), found.integration_id.as_str());
            ("orphan.adopted", adopt(tx, plan, item, decision, schema).await?)
        }
    };
    settle(tx, &found, (kind, &target), decision, &outcome);
    Ok(outcome.words)
}

/// The user comes back as one who is to go, with the account that was found.
async fn remove(
    tx: &mut Tx,
    found: &Unsettled,
    user_id: &str,
    decision: &Decision,
) -> Result<Outcome, StoreError> {
    let integration_id = &found.integration_id;
    let user = user::find(&mut tx.db, integration_id, user_id).await?;
    let Some(user) = user.filter(|user| user.gone_at.is_some()) else {
        return Ok(Outcome::left("left alone: the user is not gone any more"));
    };
    let Some(seen) = &found.item.item.account else {
        return Ok(Outcome::left("left alone: nothing was seen of the account"));
    };
    if user::holder(tx, integration_id, &user.user_name).await?.is_some() {
        return Ok(Outcome::left("left alone: somebody else has the user name; sync again"));
    }
    tx.db.write(COMES_BACK, args![user_id, tx.now]);
    account::put(tx, integration_id, user_id, seen, true);
    let Some(user) = user::find(&mut tx.db, integration_id, user_id).await? else {
        return Ok(Outcome::left("left alone: the user is gone"));
    };
    ask(tx, &found.plan_id, user, REMOVAL_ASKED, decision).await
}

/// Keeps what became of a finding, and tells of it. One that was left alone stays as it was.
fn settle(
    tx: &mut Tx,
    found: &Unsettled,
    (kind, target): (&str, &str),
    decision: &Decision,
    outcome: &Outcome,
) {
    if outcome.is_left {
        return;
    }
    tx.db.write(DECIDED, args![&found.plan_id, found.item.number, outcome.words.as_str()]);
    let told = json!({
        "plan": found.plan_id, "name": found.item.item.name, "reason": decision.reason, "outcome": outcome.words,
    });
    event::append(tx, NewEvent::new(kind, &decision.by).of(&found.integration_id).to(target).with(told));
}

fn read(row: &Row) -> Result<Unsettled, StoreError> {
    Ok(Unsettled {
        integration_id: row.text("integration_id")?,
        plan_id: row.text("plan_id")?,
        found_at: row.time("made_at")?,
        item: read_item(row)?,
    })
}
