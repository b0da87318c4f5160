//! Groups: people under a name, apart from the teams that requests are routed to.
//!
//! Invariants: no two groups share a name, whatever its case; no name has a comma, as the members table shows names
//! between commas; whoever is in a group is a member; ids grow and are never used again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::organisation::Effect;
use super::request::{By, checked_email, checked_name};
use super::{Action, Difference, Organisation, Refusal};

/// The first group's id; far from the members', so that no test takes one for the other.
const FIRST_ID: u64 = 501;

/// People under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The app's own id; it never changes and is never used again.
    pub id: u64,
    /// The name as typed, trimmed.
    pub name: String,
    /// The ids of those who are in it.
    pub members: BTreeSet<u64>,
}

/// Every group, by id. Rules are for [`Organisation`]; this only keeps.
#[derive(Debug)]
pub(super) struct Groups {
    by_id: BTreeMap<u64, Group>,
    next_id: u64,
}

impl Organisation {
    /// Every group, by id.
    pub(in crate::demo) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.by_id.values()
    }

    /// Every group, by name.
    pub(in crate::demo) fn groups_by_name(&self) -> Vec<&Group> {
        by_name(self.groups())
    }

    /// The names of the groups that a member is in, in order.
    pub(in crate::demo) fn groups_of(&self, member_id: u64) -> Vec<&str> {
        let groups = by_name(self.groups().filter(|group| group.members.contains(&member_id)));
        groups.into_iter().map(|group| group.name.as_str()).collect()
    }

    pub(in crate::demo) fn find_group(&self, id: u64) -> Option<&Group> {
        self.groups.by_id.get(&id)
    }

    /// Adds a group without members.
    pub(in crate::demo) fn add_group(&mut self, by: &By, name: &str) -> Result<u64, Refusal> {
        let name = self.checked_group_name(name, None)?;
        let changed = vec![Difference::appears("group", &name)];
        let group = Group { id: self.groups.next_id, name, members: BTreeSet::new() };
        let id = group.id;
        self.commit(by, Action::GroupAdded, Effect::KeepGroup(group), changed);
        Ok(id)
    }

    /// Gives a group another name; the same name is not a change.
    pub(in crate::demo) fn rename_group(&mut self, by: &By, id: u64, name: &str) -> Result<(), Refusal> {
        let group = self.group(id)?.clone();
        let name = self.checked_group_name(name, Some(id))?;
        if let Some(changed) = Difference::between("group", &group.name, &name) {
            let effect = Effect::KeepGroup(Group { name, ..group });
            self.commit(by, Action::GroupRenamed, effect, vec![changed]);
        }
        Ok(())
    }

    /// Ends a group; those who were in it stay members.
    pub(in crate::demo) fn delete_group(&mut self, by: &By, id: u64) -> Result<(), Refusal> {
        let changed = vec![Difference::vanishes("group", &self.group(id)?.name)];
        self.commit(by, Action::GroupRemoved, Effect::DropGroup(id), changed);
        Ok(())
    }

    /// Puts the member with this address, whatever its case and the member's status, into a group.
    pub(in crate::demo) fn add_to_group(&mut self, by: &By, id: u64, email: &str) -> Result<(), Refusal> {
        let group = self.group(id)?;
        let member = self.find_by_email(&checked_email(email)?).ok_or(Refusal::NobodyThere)?.clone();
        if group.members.contains(&member.id) {
            return Err(Refusal::InGroupAlready);
        }
        let changed = vec![Difference::appears("group", &group.name)];
        self.commit(by, Action::GroupJoined, Effect::Join(id, member), changed);
        Ok(())
    }

    /// Takes a member out of a group.
    pub(in crate::demo) fn take_out_of_group(
        &mut self,
        by: &By,
        id: u64,
        member_id: u64,
    ) -> Result<(), Refusal> {
        let group = self.group(id)?;
        let member = self.find(member_id).filter(|member| group.members.contains(&member.id));
        let member = member.ok_or(Refusal::NotInGroup)?.clone();
        let changed = vec![Difference::vanishes("group", &group.name)];
        self.commit(by, Action::GroupLeft, Effect::Leave(id, member), changed);
        Ok(())
    }

    fn group(&self, id: u64) -> Result<&Group, Refusal> {
        self.find_group(id).ok_or(Refusal::GroupGone)
    }

    /// The name that group `of`, or a new one, may have.
    fn checked_group_name(&self, typed: &str, of: Option<u64>) -> Result<String, Refusal> {
        let name = checked_name(typed)?;
        if name.contains(',') {
            return Err(Refusal::CommaInName);
        }
        let lower = name.to_lowercase();
        let is_taken = self.groups().any(|group| Some(group.id) != of && group.name.to_lowercase() == lower);
        if is_taken { Err(Refusal::GroupExists) } else { Ok(name) }
    }
}

impl Groups {
    /// Groups of these names and members, with ids in this order.
    pub(super) fn new(groups: Vec<(&str, BTreeSet<u64>)>) -> Self {
        let mut kept = Self { by_id: BTreeMap::new(), next_id: FIRST_ID };
        for (name, members) in groups {
            kept.keep(Group { id: kept.next_id, name: name.to_owned(), members });
        }
        kept
    }

    /// Adds a group, or puts it in the place of the one with its id.
    pub(super) fn keep(&mut self, group: Group) {
        self.next_id = self.next_id.max(group.id + 1);
        self.by_id.insert(group.id, group);
    }

    pub(super) fn drop_one(&mut self, id: u64) {
        self.by_id.remove(&id);
    }

    pub(super) fn join(&mut self, id: u64, member_id: u64) {
        if let Some(group) = self.by_id.get_mut(&id) {
            group.members.insert(member_id);
        }
    }

    pub(super) fn leave(&mut self, id: u64, member_id: u64) {
        if let Some(group) = self.by_id.get_mut(&id) {
            group.members.remove(&member_id);
        }
    }

    /// Forgets somebody who is no member any more.
    pub(super) fn leave_all(&mut self, member_id: u64) {
        for group in self.by_id.values_mut() {
            group.members.remove(&member_id);
        }
    }
}

fn by_name<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<&'a Group> {
    let mut groups: Vec<&Group> = groups.collect();
    groups.sort_by_cached_key(|group| (group.name.to_lowercase(), group.id));
    groups
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
