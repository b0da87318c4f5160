//! One group made as it is wanted: listed, planned, changed, listed again, until nothing is missing. Who is in it is not its matter.

use crate::account::Group;
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::reconcile::{self, Capabilities, GroupOperation, Protection};
use crate::run::Identity;
use crate::step::{Failure, Output, Told};
use crate::store::{GroupSeen, Lease, Store};

use super::after::Committed;
use super::flows::Flows;
use super::provision::MayChange;
use super::terms;

/// How often the groups are listed before Usher gives up on this one ever becoming as wanted.
const ROUNDS: usize = 4;

/// What is wanted of which group.
pub(super) struct GroupAim<'a> {
    pub(super) integration: &'a Integration,
    pub(super) store: &'a Store,
    pub(super) lease: &'a Lease,
    pub(super) id: String,
    /// Its name; none where it shall go.
    pub(super) wanted: Option<String>,
    /// The group as it was seen in an earlier job, then as it may have been made or renamed by one.
    pub(super) before: Vec<Group>,
    /// The other groups that Usher keeps in the app.
    pub(super) others: Vec<Group>,
    pub(super) protection: Protection,
    pub(super) may_change: MayChange,
}

/// What one attempt at a group came to.
#[derive(Debug)]
pub(super) struct Replicated {
    /// The group as it was listed last; none where it was never listed.
    pub(super) seen: Option<GroupSeen>,
    /// What was done, in words.
    pub(super) done: Vec<String>,
    /// Whether the last list shows what is wanted, or why not.
    pub(super) result: Result<(), Failure>,
}

impl GroupAim<'_> {
    /// Makes the group as it is wanted.
    pub(super) async fn reach(&self, flows: &mut Flows<'_>) -> Replicated {
        let mut replicated = Replicated { seen: None, done: Vec::new(), result: Ok(()) };
        replicated.result = self.rounds(flows, &mut replicated).await;
        replicated
    }

    async fn rounds(&self, flows: &mut Flows<'_>, so_far: &mut Replicated) -> Result<(), Failure> {
        let can = terms::capabilities(&self.integration.connector);
        let (mut last, mut is_new) = (None::<GroupOperation>, false);
        for _round in 0..ROUNDS {
            is_new |= matches!(last, Some(GroupOperation::Create { .. }));
            let sought =
                Sought { wanted: self.wanted.as_deref(), before: &self.before, others: &self.others };
            let found = sought.find(list_groups(self.integration, flows).await?)?;
            let connector = &self.integration.connector;
            so_far.seen = Some(GroupSeen {
                in_app: found.clone(),
                is_new: is_new && found.is_some(),
                members_follow: connector.moves_members(),
            });
            let wanted = self.wanted.as_deref();
            let operation = reconcile::plan_group(wanted, found.as_ref(), &can, &self.protection)
                .map_err(|refusal| Failure::new(refusal.class, refusal.message))?;
            let Some(operation) = operation else { return Ok(()) };
            if last.as_ref() == Some(&operation) {
                break;
            }
            let name = self.wanted.as_ref().or(found.as_ref().map(|found| &found.name));
            self.may_change.these(&operation.to_string(), name.map_or("-", String::as_str))?;
            if let GroupOperation::Create { name } | GroupOperation::Rename { name, .. } = &operation {
                let noted = self.store.making_group(self.lease, &self.id, name, found.is_some()).await;
                noted.map_err(|error| Failure::new(FailureClass::Internal, error.to_string()))?;
                // What was listed no longer holds, and that it is new is known from what was noted.
                so_far.seen = None;
            }
            if let Err(failure) = self.carry_out(flows, &operation).await {
                // As with accounts: what the app refused may be the same change, sent again by Chromium.
                if failure.told != Told::ByApp
                    || flows.committed() == Committed::No
                    || self.is_missing(&operation, flows, &sought, &can).await
                {
                    return Err(failure);
                }
            }
            so_far.done.push(operation.to_string());
            last = Some(operation);
        }
        let still = last.map(|operation| operation.to_string()).unwrap_or_default();
        let message = format!(
            "the app reported success, but its list of groups does not show it; still to do: {still}"
        );
        Err(Failure::new(FailureClass::VerifyMismatch, message))
    }

    /// Whether the operation that the app refused is still to be done.
    async fn is_missing(
        &self,
        operation: &GroupOperation,
        flows: &mut Flows<'_>,
        sought: &Sought<'_>,
        can: &Capabilities,
    ) -> bool {
        let Ok(found) = list_groups(self.integration, flows).await.and_then(|listed| sought.find(listed))
        else {
            return true;
        };
        let plan = reconcile::plan_group(self.wanted.as_deref(), found.as_ref(), can, &self.protection);
        plan.map_or(true, |plan| plan.as_ref() == Some(operation))
    }

    async fn carry_out(&self, flows: &mut Flows<'_>, operation: &GroupOperation) -> Result<(), Failure> {
        let name = match operation {
            GroupOperation::Create { name } => name,
            GroupOperation::Rename { group, .. } | GroupOperation::Remove { group } => &group.name,
        };
        let identity = Identity { subject: vec![name.clone()], group: None };
        let scope = terms::group_scope(self.integration, operation);
        flows.run(operation.flow(), scope, identity).await.outcome.map(drop)
    }
}

/// Which group of the app is meant.
struct Sought<'a> {
    /// Its name; none where it shall go.
    wanted: Option<&'a str>,
    /// What was known of it before, the likeliest first.
    before: &'a [Group],
    /// The other groups that Usher keeps in the app.
    others: &'a [Group],
}

impl Sought<'_> {
    /// The group among those that the app lists: the one that was there before, else, where it is wanted, one of its name that Usher keeps
    /// for no other. A group that was never there before is nobody's to remove.
    fn find(&self, listed: Listed) -> Result<Option<Group>, Failure> {
        let Listed { groups, complete } = listed;
        let is_free = |group: &&Group| !self.others.iter().any(|other| is_same(other, group));
        let as_before = |before: &Group| {
            let by_id = |group: &&Group| before.id.is_some() && group.id.is_some();
            let is_it = |group: &&Group| is_same(before, group) && (by_id(group) || is_free(group));
            groups.iter().filter(is_it).collect::<Vec<&Group>>()
        };
        let mut found = self.before.iter().map(as_before).find(|found| !found.is_empty()).unwrap_or_default();
        if let (true, Some(name)) = (found.is_empty(), self.wanted) {
            let is_named = |group: &&Group| group.name.to_lowercase() == name.to_lowercase();
            found = groups.iter().filter(|group| is_named(group) && is_free(group)).collect();
            if found.len() > 1 && found.iter().filter(|group| group.name == name).count() == 1 {
                found.retain(|group| group.name == name);
            }
        }
        match (found.as_slice(), complete) {
            ([group], _) => Ok(Some((*group).clone())),
            ([], true) => Ok(None),
            ([], false) => Err(Failure::new(
                FailureClass::UiDrift,
                "the group is not on the list, and nothing on the page proves that the list was complete",
            )),
            (several, _) => Err(Failure::new(
                FailureClass::AmbiguousMatch,
                format!("{} groups on the list go by this name", several.len()),
            )),
        }
    }
}

/// Whether both are the same group of the app: by its id, where both have one.
fn is_same(one: &Group, other: &Group) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        _ => one.name == other.name,
    }
}

/// The app's list of groups.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) groups: Vec<Group>,
    /// Whether the page proved that nothing is missing (R18).
    pub(super) complete: bool,
}

pub(super) async fn list_groups(integration: &Integration, flows: &mut Flows<'_>) -> Result<Listed, Failure> {
    let report = flows.run("list_groups", terms::scope(integration), Identity::default()).await;
    let Output { rows, complete, .. } = report.outcome?;
    let nameless = || {
        let message = "the flow `list_groups` listed a group without a `name`";
        Failure::new(FailureClass::UiDrift, message)
    };
    let groups = rows.into_iter().map(|mut row| {
        let name = row.remove("name").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let id = row.remove("id").filter(|id| !id.is_empty());
        Ok(Group { id, name: name.ok_or_else(nameless)? })
    });
    Ok(Listed { groups: groups.collect::<Result<_, _>>()?, complete })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(text: &str) -> Group {
        match text.split_once(':') {
            Some((id, name)) => Group { id: Some(id.to_owned()), name: name.to_owned() },
            None => Group { id: None, name: text.to_owned() },
        }
    }

    #[test]
    fn a_group_is_found_by_what_it_was_and_never_taken_from_another() {
        for (wanted, before, others, listed, expected) in [
            (Some("Ops"), None, "", "1:Sales 2:Ops", "2:Ops"),
            (Some("Ops"), None, "", "1:Sales 2:OPS", "2:OPS"),
            (Some("Ops"), None, "", "1:OPS 2:Ops", "2:Ops"),
            (Some("Ops"), None, "", "1:OPS 2:ops", "ambiguous_match"),
            (Some("Ops"), None, "", "1:Sales", ""),
            (Some("Ops"), Some("7:Ops"), "", "7:Renamed 8:Ops", "7:Renamed"),
            (Some("Ops"), Some("7:Ops"), "", "8:Ops", "8:Ops"),
            (Some("Night"), Some("Ops"), "", "Ops Sales", "Ops"),
            (Some("Night"), Some("Ops"), "", "Night Sales", "Night"),
            // Somebody renamed the group of another by hand.
            (Some("Ops"), None, "7:Field", "7:Ops", ""),
            (Some("Night"), Some("Ops"), "Ops", "Ops", ""),
            // It is to go: only what was there before goes, or may have been made by Usher.
            (None, Some("7:Ops"), "", "7:Renamed", "7:Renamed"),
            (None, Some("7:Ops"), "", "8:Ops", ""),
            (None, Some("Ops"), "", "8:Ops", "8:Ops"),
            (None, None, "", "8:Ops", ""),
            // It was renamed, and nobody saw it.
            (None, Some("Ops Night"), "", "Night Sales", "Night"),
            (Some("Third"), Some("Ops Night"), "", "Night Sales", "Night"),
            (Some("Third"), Some("Ops Night"), "Night", "Night Sales", ""),
        ] {
            let groups = |text: &str| text.split_whitespace().map(group).collect::<Vec<_>>();
            let (before, others) = (before.map(groups).unwrap_or_default(), groups(others));
            let sought = Sought { wanted, before: &before, others: &others };
            let listed = Listed { groups: groups(listed), complete: true };
            let found = match sought.find(listed) {
                Ok(found) => found.unwrap_or_default(),
                Err(failure) => group(failure.class.as_str()),
            };
            assert_eq!(found, group(expected), "{wanted:?} {before:?} {others:?}");
        }
        let sought = Sought { wanted: Some("Ops"), before: &[], others: &[] };
        let short = sought.find(Listed { groups: Vec::new(), complete: false });
        assert_eq!(short.unwrap_err().class, FailureClass::UiDrift);
    }
}
