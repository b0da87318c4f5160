//! A sync: reads every account and every group of the app, compares them with every user and group that is known, and keeps what it found
//! as a plan.
//!
//! A list that is not proved to be complete ends it before anything is concluded (R18). Where too many users would be found to have
//! lost their accounts, a safeguard holds the plan (S17); else, in an integration that is live, what was found becomes known at once.
//! Nothing is ever changed in the app by a sync; where Usher has the say in an entitlement, it asks for the jobs that put it right (R21).

mod entitlements;
mod groups;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::account::{Group, Membership, Observed, Status};
use crate::connector::Connector;
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::reconcile::{
    Comparison, Finding, GroupComparison, Known, Operation, Protection, Refusal, Rules, compare,
};
use crate::step::Failure;
use crate::store::{
    Claimed, Decision, ItemKind, KnownUser, LeaseError, Mode, NewItem, NewPlan, PlanCounts, PlanState,
    Safeguard, SeenAccount,
};

use self::groups::OfGroups;
use super::Workshop;
use super::attempt::{internal, protection};
use super::finish::Ended;
use super::flows::Flows;
use super::provision::list_accounts;
use super::terms;

/// Who decides where no person does.
const USHER: &str = "usher";

pub(super) async fn sync(
    workshop: &Workshop,
    integration: &Integration,
    flows: &mut Flows<'_>,
    claimed: &Claimed,
) -> Ended {
    Ended::reading(read_and_compare(workshop, integration, flows, claimed).await)
}

async fn read_and_compare(
    workshop: &Workshop,
    integration: &Integration,
    flows: &mut Flows<'_>,
    claimed: &Claimed,
) -> Result<String, Failure> {
    let (store, id) = (&workshop.store, &integration.row.id);
    let since = store.last_event().await.map_err(|error| internal(&error))?;
    let mut marks = HashMap::new();
    let mark = |known: KnownUser| {
        marks.insert(known.user.id.clone(), known.mark());
    };
    store.each_known_user(id, mark).await.map_err(|error| internal(&error))?;
    let protection = protection(integration, flows.username());
    // The short lists first: how far the long one is, is what is told last.
    let mut doubts = entitlements::read_and_keep(workshop, integration, flows, claimed).await?;
    // What accounts show is understood by what was listed just now.
    let again = workshop.integrations.get(id).await.map_err(|error| internal(&error))?;
    let integration = again.as_ref().unwrap_or(integration);
    let of_groups = groups::read_and_compare(workshop, integration, flows, &protection).await?;
    doubts.extend(of_groups.doubt.clone());
    flows.keep_pages(since);
    let list = list_accounts(integration, flows).await?;
    let busy = match flows.older_than() {
        None => HashSet::new(),
        Some(since) => store.targets_since(id, since).await.map_err(|error| internal(&error))?,
    };
    let accounts = believed(integration, list.accounts, list.complete)?;
    let read = Reading { marks, busy, accounts, of_groups, protection };
    conclude(workshop, integration, claimed, read, &doubts).await
}

/// What was read of the app, and what was known before.
struct Reading {
    marks: HashMap<String, u64>,
    busy: HashSet<String>,
    accounts: Vec<Observed>,
    of_groups: OfGroups,
    protection: Protection,
}

/// Compares what was read with what is known, keeps the plan, and takes it over where no person has to look.
async fn conclude(
    workshop: &Workshop,
    integration: &Integration,
    claimed: &Claimed,
    read: Reading,
    doubts: &[String],
) -> Result<String, Failure> {
    let (store, connector) = (&workshop.store, &integration.connector);
    let (count, listed) = (read.accounts.len(), read.of_groups.compared.listed);
    let plan = compare_all(workshop, integration, read).await?;
    let kept = store.keep_plan(&claimed.lease, plan).await.map_err(|error| match error {
        LeaseError::Lost => Failure::new(FailureClass::Internal, "the claim was taken back"),
        LeaseError::Store(error) => internal(&error),
    })?;
    let groups = if connector.lists_groups() { format!(" and {listed} groups") } else { String::new() };
    let doubts: String = doubts.iter().map(|doubt| format!("; {doubt}")).collect();
    let read = format!("read {count} accounts{groups}; plan {}", kept.id);
    if kept.state == PlanState::Held {
        let why = kept.why.unwrap_or_default();
        return Ok(format!("{read} is held: {why}{doubts}"));
    }
    if integration.row.policy.mode != Mode::Live {
        let mode = integration.row.policy.mode;
        return Ok(format!("{read} waits for a person: the integration is in mode {mode}{doubts}"));
    }
    let decision = Decision { by: USHER.to_owned(), reason: None, corrects: false };
    let applied = store.apply_plan(&kept.id, &decision, &connector.user_schema()).await;
    applied.map_err(|error| internal(&error))?;
    Ok(format!("{read} is applied{doubts}"))
}

async fn compare_all(
    workshop: &Workshop,
    integration: &Integration,
    Reading { marks, busy, accounts, of_groups, protection }: Reading,
) -> Result<NewPlan, Failure> {
    let (store, id, connector) = (&workshop.store, &integration.row.id, &integration.connector);
    let kept = store.kept_groups(id).await.map_err(|error| internal(&error))?;
    let kept = groups::as_listed(kept, &of_groups.compared);
    let (mut known, mut by_hand) = (Vec::new(), HashMap::new());
    let take = |user: KnownUser| {
        by_hand.extend(user.by_hand.clone().map(|job| (user.user.id.clone(), job)));
        known.push(known_as(integration, undisturbed((&marks, &busy), user), &kept));
    };
    store.each_known_user(id, take).await.map_err(|error| internal(&error))?;
    let groups: Vec<Group> = kept.into_iter().map(|(_, group)| group).collect();
    let (can, count) = (terms::capabilities(connector), accounts.len());
    let rules =
        Rules { match_by: &connector.account.match_by, can: &can, protection: &protection, groups: &groups };
    let compared = compare(&known, accounts, rules);
    let mut seems_done = of_groups.jobs_that_seem_done;
    seems_done.extend(compared.seems_done.iter().filter_map(|user_id| by_hand.remove(user_id)));
    let plan = plan(integration, &known, count, (compared, of_groups.compared));
    Ok(NewPlan { seems_done, ..plan })
}

/// The accounts of a list from which something may be concluded.
fn believed(
    integration: &Integration,
    accounts: Vec<Observed>,
    is_complete: bool,
) -> Result<Vec<Observed>, Failure> {
    let doubtful = |why: &str| {
        let message =
            format!("{} accounts were read, but {why}; nothing is concluded from the list", accounts.len());
        Err(Failure::new(FailureClass::UiDrift, message))
    };
    if !is_complete {
        return doubtful("nothing on the page proves that these are all");
    }
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    for account in &accounts {
        let name = name_of(&integration.connector, account).to_lowercase();
        if name.is_empty() {
            return doubtful("one of them shows nothing by which it could be known");
        }
        if account.id.as_ref().is_some_and(|id| !ids.insert(id)) || !names.insert(name) {
            return doubtful("one of them is there twice, so that another may be missing");
        }
    }
    Ok(accounts)
}

/// A user after the list was read. With whoever has another mark than before, another session was busy meanwhile: what the list says of
/// them may be older than what is known, and they are left alone. So are those to whom something happened since pages of the list were read
/// by an earlier attempt (`busy`).
fn undisturbed((marks, busy): (&HashMap<String, u64>, &HashSet<String>), known: KnownUser) -> KnownUser {
    let is_busy = busy.contains(&known.user.id) || marks.get(&known.user.id) != Some(&known.mark());
    KnownUser { is_pending: known.is_pending || is_busy, ..known }
}

/// A user as it is compared. One whose wish the connector does not take any more is left alone, as one with work pending.
fn known_as(integration: &Integration, known: KnownUser, kept: &[(String, Group)]) -> Known {
    let KnownUser { user, seen, groups, is_pending, .. } = known;
    let connector = &integration.connector;
    let granted = terms::granted(&integration.row.policy.grants, &groups);
    let is_in = kept.iter().filter(|(id, _)| groups.iter().any(|of| of.id == *id));
    let is_in = is_in.map(|(_, group)| Membership { group: group.clone(), is_wanted: true }).collect();
    let seen = seen.map(terms::kept);
    let (user_id, is_over) = (user.id.clone(), user.gone_at.is_some());
    match terms::wanted(connector, &user, &granted, is_in) {
        Ok(wanted) => Known { user_id, wanted, seen, is_pending, is_over },
        Err(_) => {
            let attributes = seen.as_ref().map(|seen| seen.attributes.clone()).unwrap_or_default();
            Known { user_id, wanted: terms::nothing(attributes), seen, is_pending: !is_over, is_over }
        }
    }
}

fn name_of(connector: &Connector, account: &Observed) -> String {
    terms::identity(connector, &account.attributes).cloned().unwrap_or_default()
}

/// What is kept of a comparison.
fn plan(
    integration: &Integration,
    known: &[Known],
    accounts: usize,
    (compared, of_groups): (Comparison, GroupComparison),
) -> NewPlan {
    // Those too whose accounts may be away: a short list is short of them as well.
    let is_away = |seen: &Observed| seen.status == Status::Absent;
    let lost = compared.findings.iter().filter(|finding| matches!(finding, Finding::Gone { .. })).count()
        + compared.as_wanted.iter().filter(|(_, seen)| is_away(seen)).count();
    let by_id: BTreeMap<&str, &Known> = known.iter().map(|one| (one.user_id.as_str(), one)).collect();
    let counts = PlanCounts {
        accounts,
        as_wanted: compared.as_wanted.len(),
        pending: compared.pending,
        protected: compared.protected,
        had_account: compared.had_account,
        groups: of_groups.listed,
        ..PlanCounts::default()
    };
    let items = compared.findings.into_iter().map(|finding| item(integration, &by_id, finding));
    let items: Vec<NewItem> = items.collect();
    let limit = integration.row.policy.safeguard;
    let (gone, were_there) = (of_groups.gone(), of_groups.were_there);
    let held = objection(limit, counts.had_account, (lost, &items)).or_else(|| {
        let is_much = limit.holds(gone as u64, were_there as u64);
        is_much.then(|| {
            format!("{gone} of {were_there} groups would be found gone; more than the safeguard allows")
        })
    });
    let items = items.into_iter().chain(of_groups.findings.into_iter().map(groups::item)).collect();
    let is_held = held.is_some();
    let as_wanted = compared.as_wanted.iter().filter(|(_, seen)| !is_held || !is_away(seen));
    let as_wanted = as_wanted.map(|(user_id, seen)| (user_id.clone(), beside(&by_id, Some(user_id), seen)));
    NewPlan {
        integration_id: integration.row.id.clone(),
        held,
        counts,
        items,
        as_wanted: as_wanted.collect(),
        seems_done: Vec::new(),
    }
}

/// Why a person has to look before the plan is applied; `lost` of those who had an account would be found without one. A page that is
/// misread shows everybody without an account, or with the wrong role.
fn objection(limit: Safeguard, of: usize, (lost, items): (usize, &[NewItem])) -> Option<String> {
    let put_right = items.iter().filter(|item| item.corrects).count();
    let kinds =
        [(lost, "would be found without an account"), (put_right, "would have their entitlements put right")];
    let (count, words) = kinds.into_iter().find(|(count, _)| limit.holds(*count as u64, of as u64))?;
    Some(format!("{count} of {of} users {words}; more than the safeguard allows"))
}

fn item(integration: &Integration, known: &BTreeMap<&str, &Known>, finding: Finding) -> NewItem {
    let connector = &integration.connector;
    let of = |kind, user_id: Option<String>, account: Observed, note: String| NewItem {
        kind,
        name: name_of(connector, &account),
        note,
        account: Some(beside(known, user_id.as_ref(), &account)),
        user_id,
        resource: None,
        corrects: false,
        group_id: None,
        in_app: None,
    };
    match finding {
        Finding::Adopt { account } => {
            let resource = connector.resource(&account).map(serde_json::Value::Object);
            let note = if resource.is_some() { "" } else { "it shows nothing that could be a user name" };
            NewItem { resource, ..of(ItemKind::Adopt, None, account, note.to_owned()) }
        }
        Finding::Link { user_id, account, to_do } => {
            of(ItemKind::Link, Some(user_id), account, in_words(&to_do))
        }
        Finding::Drift { user_id, account, to_do } => {
            let corrects = to_do.as_ref().is_ok_and(|to_do| has_the_say(integration, to_do));
            NewItem { corrects, ..of(ItemKind::Drift, Some(user_id), account, in_words(&to_do)) }
        }
        Finding::Gone { user_id } => {
            let before = known.get(user_id.as_str()).and_then(|one| one.seen.clone()).unwrap_or_default();
            let note = format!("it was {} when it was last seen", before.status);
            NewItem { account: None, ..of(ItemKind::Gone, Some(user_id), before, note) }
        }
        Finding::Missing { user_id, to_do } => {
            let wanted = known.get(user_id.as_str()).map(|one| one.wanted.attributes.clone());
            let account = Observed { attributes: wanted.unwrap_or_default(), ..Observed::absent() };
            let note = in_words(&to_do);
            NewItem { account: None, ..of(ItemKind::Missing, Some(user_id), account, note) }
        }
        Finding::Orphan { user_id, account } => {
            let note = format!("{}, though its user was removed", account.status);
            let resource = connector.resource(&account).map(serde_json::Value::Object);
            NewItem { resource, ..of(ItemKind::Orphan, Some(user_id), account, note) }
        }
        Finding::Conflict { user_id, account } => {
            let note = "it goes by the name of a user whose account is another one".to_owned();
            of(ItemKind::Conflict, Some(user_id), account, note)
        }
        Finding::Unknown { account, entitlement, key } => {
            let note = format!("its {entitlement} `{key}` is not declared by the connector");
            of(ItemKind::Unknown, None, account, note)
        }
    }
}

/// What is kept of an account: what the list does not show is as a reading of the account alone showed it.
fn beside(known: &BTreeMap<&str, &Known>, user_id: Option<&String>, account: &Observed) -> SeenAccount {
    let mut seen = terms::seen(account);
    let before = user_id.and_then(|id| known.get(id.as_str())).and_then(|one| one.seen.as_ref());
    let Some(before) = before.filter(|before| account.status != Status::Absent && before.id == account.id)
    else {
        return seen;
    };
    for (name, value) in &before.attributes {
        seen.attributes.entry(name.clone()).or_insert_with(|| value.clone());
    }
    for (name, keys) in &before.entitlements {
        seen.entitlements.entry(name.clone()).or_insert_with(|| keys.clone());
    }
    seen.groups = seen.groups.or_else(|| before.groups.clone());
    seen
}

/// Whether Usher has the say in everything that differs.
fn has_the_say(integration: &Integration, to_do: &[Operation]) -> bool {
    let authoritative = &integration.row.policy.authoritative;
    let is_ours = |operation: &Operation| {
        operation.entitlement().is_some_and(|one| authoritative.iter().any(|name| name == one))
    };
    !to_do.is_empty() && to_do.iter().all(is_ours)
}

/// What differs; nothing where nothing does.
fn in_words(to_do: &Result<Vec<Operation>, Refusal>) -> String {
    match to_do {
        Ok(operations) => operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Err(refusal) => refusal.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::store::UserRow;

    fn known(id: &str, seen_at: Option<i64>) -> KnownUser {
        let at = Timestamp::from_ms(0);
        let user = UserRow {
            id: id.to_owned(),
            integration_id: "acme".to_owned(),
            user_name: id.to_owned(),
            external_id: None,
            active: true,
            resource: serde_json::json!({}),
            version: 1,
            created_at: at,
            modified_at: at,
            deleted_at: None,
            gone_at: None,
            left_at: None,
        };
        let seen = seen_at.map(|_| SeenAccount::absent());
        KnownUser {
            user,
            seen,
            seen_at: seen_at.map(Timestamp::from_ms),
            groups: Vec::new(),
            is_pending: false,
            by_hand: None,
        }
    }

    #[test]
    fn whoever_was_made_or_read_while_the_list_was_is_left_alone() {
        let before = vec![
            known("same", Some(1)),
            known("made", None),
            known("read again", Some(1)),
            known("since", Some(1)),
        ];
        let after = vec![
            known("same", Some(1)),
            known("made", Some(2)),
            known("read again", Some(2)),
            known("new", Some(2)),
            known("since", Some(1)),
        ];
        let busy = HashSet::from(["since".to_owned()]);
        let marks = before.into_iter().map(|known| (known.user.id.clone(), known.mark())).collect();
        let pending = after.into_iter().map(|known| undisturbed((&marks, &busy), known).is_pending);
        assert_eq!(pending.collect::<Vec<_>>(), [false, true, true, true, true]);
    }
}
