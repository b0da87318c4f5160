//! The groups of the app beside those that are known.

use std::collections::HashMap;

use crate::account::Group;
use crate::integration::Integration;
use crate::job::Workshop;
use crate::job::attempt::internal;
use crate::job::flows::Flows;
use crate::job::group::list_groups;
use crate::reconcile::{GroupComparison, GroupFinding, KnownGroup, Protection, compare_groups};
use crate::step::Failure;
use crate::store::{self, ItemKind, NewItem};

/// What the list of groups showed.
#[derive(Debug, Default)]
pub(super) struct OfGroups {
    pub(super) compared: GroupComparison,
    /// Jobs of groups that a person does, and that seem to be done.
    pub(super) jobs_that_seem_done: Vec<String>,
    /// Why nothing is concluded from the list.
    pub(super) doubt: Option<String>,
}

/// Lists the groups, where the connector can, and compares them with what is known.
pub(super) async fn read_and_compare(
    workshop: &Workshop,
    integration: &Integration,
    flows: &mut Flows<'_>,
    protection: &Protection,
) -> Result<OfGroups, Failure> {
    if !integration.connector.lists_groups() {
        return Ok(OfGroups::default());
    }
    let known = || async {
        let known = workshop.store.known_groups(&integration.row.id).await;
        known.map_err(|error| internal(&error))
    };
    let before: HashMap<String, store::KnownGroup> =
        known().await?.into_iter().map(|one| (one.group.id.clone(), one)).collect();
    let listed = list_groups(integration, flows).await?;
    if !listed.complete {
        let doubt =
            "nothing is concluded from the list of groups: nothing proves that it was whole".to_owned();
        return Ok(OfGroups { doubt: Some(doubt), ..OfGroups::default() });
    }
    // Whatever was changed while the list was read may be another group by now.
    let is_as_before = |now: &store::KnownGroup| {
        let mark = |one: &store::KnownGroup| (one.group.version, one.group.in_app.clone(), one.is_pending);
        before.get(&now.group.id).is_some_and(|before| mark(before) == mark(now))
    };
    let now = known().await?;
    let by_hand: HashMap<String, String> =
        now.iter().filter_map(|one| Some((one.group.id.clone(), one.by_hand.clone()?))).collect();
    let known = now.into_iter().map(|one| KnownGroup {
        is_pending: one.is_pending || !is_as_before(&one),
        wanted: one.group.deleted_at.is_none().then_some(one.group.body.display_name),
        id: one.group.id,
        in_app: one.group.in_app,
        is_found: one.group.is_found,
    });
    let compared = compare_groups(&known.collect::<Vec<_>>(), listed.groups, protection);
    let jobs = compared.seems_done.iter().filter_map(|id| by_hand.get(id).cloned());
    Ok(OfGroups { jobs_that_seem_done: jobs.collect(), doubt: None, compared })
}

/// The groups that Usher keeps, as they are in the app now. Of one that is gone nobody can be a member.
pub(super) fn as_listed(kept: Vec<(String, Group)>, compared: &GroupComparison) -> Vec<(String, Group)> {
    let mut now: HashMap<&str, Option<&Group>> = HashMap::new();
    for finding in &compared.findings {
        match finding {
            GroupFinding::Link { id, group } | GroupFinding::Drift { id, group, .. } => {
                now.insert(id, Some(group));
            }
            GroupFinding::Gone { id, .. } => {
                now.insert(id, None);
            }
            GroupFinding::Adopt { .. }
            | GroupFinding::Follow { .. }
            | GroupFinding::Missing { .. }
            | GroupFinding::Conflict { .. } => {}
        }
    }
    let current = |(id, before): (String, Group)| match now.get(id.as_str()) {
        None => Some((id, before)),
        Some(now) => now.map(|group| (id, group.clone())),
    };
    kept.into_iter().filter_map(current).collect()
}

/// What is kept of a finding about a group.
pub(super) fn item(finding: GroupFinding) -> NewItem {
    let (kind, group_id, group, note) = match finding {
        GroupFinding::Adopt { group } => (ItemKind::AdoptGroup, None, group, String::new()),
        GroupFinding::Follow { id, group } => {
            (ItemKind::AdoptGroup, Some(id), group, "it goes by this name, or id, now".to_owned())
        }
        GroupFinding::Link { id, group } => (ItemKind::LinkGroup, Some(id), group, String::new()),
        GroupFinding::Drift { id, group, wanted } => {
            let note = wanted.map_or("remove the group".to_owned(), |name| format!("rename it to {name}"));
            (ItemKind::GroupDrift, Some(id), group, note)
        }
        GroupFinding::Gone { id, before, is_found } => {
            // Nothing is wanted of one that was only known from the app.
            let note = if is_found { "" } else { "make it again" };
            (ItemKind::GroupGone, Some(id), before, note.to_owned())
        }
        GroupFinding::Missing { id, name } => {
            let group = Group { id: None, name };
            (ItemKind::GroupMissing, Some(id), group, "make it".to_owned())
        }
        GroupFinding::Conflict { group } => {
            let note = "another group of the app goes by the same name".to_owned();
            (ItemKind::GroupConflict, None, group, note)
        }
    };
    NewItem {
        kind,
        user_id: None,
        name: group.name.clone(),
        note,
        account: None,
        resource: None,
        corrects: false,
        group_id,
        in_app: Some(group).filter(|_| kind != ItemKind::GroupMissing),
    }
}
