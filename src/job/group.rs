//! One group made as it is wanted: listed, planned, changed, listed again, until nothing is missing. Who is in it is not its matter.

use crate::account::Group;
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::reconcile::{self, GroupOperation, Protection};
use crate::run::Identity;
use crate::step::{Failure, Output};
use crate::store::GroupSeen;

use super::flows::Flows;
use super::provision::MayChange;
use super::terms;

/// How often the groups are listed before Usher gives up on this one ever becoming as wanted.
const ROUNDS: usize = 4;

/// What is wanted of which group.
pub(super) struct GroupAim<'a> {
    pub(super) integration: &'a Integration,
    /// Its name; none where it shall go.
    pub(super) wanted: Option<String>,
    /// The group as it was seen in an earlier job.
    pub(super) before: Option<Group>,
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
        let mut last: Option<GroupOperation> = None;
        for _round in 0..ROUNDS {
            let is_new = matches!(last, Some(GroupOperation::Create { .. }))
                || so_far.seen.as_ref().is_some_and(|seen| seen.is_new);
            let found = self.find(list(self.integration, flows).await?)?;
            so_far.seen = Some(GroupSeen { in_app: found.clone(), is_new: is_new && found.is_some() });
            let wanted = self.wanted.as_deref();
            let operation = reconcile::plan_group(wanted, found.as_ref(), &can, &self.protection)
                .map_err(|refusal| Failure::new(refusal.class, refusal.message))?;
            let Some(operation) = operation else { return Ok(()) };
            if last.as_ref() == Some(&operation) {
                break;
            }
            if self.may_change == MayChange::No {
                let message = format!("the integration's mode only lets Usher look; it would {operation}");
                return Err(Failure::new(FailureClass::Safeguard, message));
            }
            self.carry_out(flows, &operation).await?;
            so_far.done.push(operation.to_string());
            last = Some(operation);
        }
        let still = last.map(|operation| operation.to_string()).unwrap_or_default();
        let message = format!(
            "the app reported success, but its list of groups does not show it; still to do: {still}"
        );
        Err(Failure::new(FailureClass::VerifyMismatch, message))
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

    /// The group among those that the app lists: the one that was seen before, else, where it is wanted, one of its name that Usher keeps
    /// for no other. A group that was never seen is nobody's to remove.
    fn find(&self, listed: Listed) -> Result<Option<Group>, Failure> {
        let Listed { groups, complete } = listed;
        let is_same = |group: &&Group| match (&group.id, self.before.as_ref()) {
            (_, None) => false,
            (Some(id), Some(Group { id: Some(before), .. })) => id == before,
            (_, Some(before)) => group.name == before.name,
        };
        let is_kept = |group: &&Group| self.others.contains(group);
        let named = |group: &&Group, name: &str| group.name.to_lowercase() == name.to_lowercase();
        let mut found: Vec<&Group> = groups.iter().filter(is_same).collect();
        if let (true, Some(name)) = (found.is_empty(), self.wanted.as_deref()) {
            found = groups.iter().filter(|group| named(group, name) && !is_kept(group)).collect();
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

/// The app's list of groups.
#[derive(Debug)]
struct Listed {
    groups: Vec<Group>,
    /// Whether the page proved that nothing is missing (R18).
    complete: bool,
}

async fn list(integration: &Integration, flows: &mut Flows<'_>) -> Result<Listed, Failure> {
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
