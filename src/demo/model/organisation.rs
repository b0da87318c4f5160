//! The organisation and the rules of changing it.
//!
//! Invariants: every change goes through [`Organisation::commit`], which also appends to the record; a refused
//! request changes nothing; an active owner always remains; ids grow and are never used again.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::groups::{Group, Groups};
use super::listing::Entry;
use super::request::{By, Edit, Invitation, checked_email, checked_name};
use super::{Action, Change, Difference, Member, Refusal, Role, Status};

/// Members, teams, groups, seats, and what was changed.
#[derive(Debug)]
pub(in crate::demo) struct Organisation {
    members: BTreeMap<u64, Entry>,
    teams: Vec<String>,
    pub(super) groups: Groups,
    seats: usize,
    record: Vec<Change>,
    /// How many changes are recorded, for those who wait for one.
    recorded: watch::Sender<usize>,
    next_id: u64,
}

/// What a change leaves behind.
pub(super) enum Effect {
    Keep(Member),
    Drop(Member),
    AddTeam(String),
    KeepGroup(Group),
    DropGroup(u64),
    /// A member is in the group with this id from now on.
    Join(u64, Member),
    Leave(u64, Member),
}

impl Organisation {
    /// An organisation of these people; the record starts empty.
    pub(super) fn new(members: Vec<Member>, teams: Vec<String>, groups: Groups, seats: usize) -> Self {
        let next_id = members.iter().map(|member| member.id).max().unwrap_or(1000) + 1;
        let members = members.into_iter().map(|member| (member.id, Entry::new(member))).collect();
        Self { members, teams, groups, seats, record: Vec::new(), recorded: watch::Sender::new(0), next_id }
    }

    pub(in crate::demo) fn record(&self) -> &[Change] {
        &self.record
    }

    /// Follows how many changes are recorded.
    pub(in crate::demo) fn recorded(&self) -> watch::Receiver<usize> {
        self.recorded.subscribe()
    }

    /// Gives a team another name; not in the record, which is of members and groups.
    pub(in crate::demo) fn rename_team(&mut self, from: &str, to: &str) -> bool {
        let Some(team) = self.teams.iter_mut().find(|team| *team == from) else { return false };
        to.clone_into(team);
        let held = self.members.values_mut().flat_map(|entry| &mut entry.member.teams);
        held.filter(|team| *team == from).for_each(|team| to.clone_into(team));
        true
    }

    pub(in crate::demo) fn teams(&self) -> &[String] {
        &self.teams
    }

    pub(in crate::demo) fn seats(&self) -> usize {
        self.seats
    }

    /// Sets how many active and pending members there may be; those above it stay.
    pub(in crate::demo) fn set_seats(&mut self, seats: usize) {
        self.seats = seats;
    }

    pub(in crate::demo) fn seats_taken(&self) -> usize {
        self.members().filter(|member| member.status.holds_seat()).count()
    }

    /// Everybody, by id.
    pub(in crate::demo) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values().map(|entry| &entry.member)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.members.values()
    }

    pub(in crate::demo) fn find(&self, id: u64) -> Option<&Member> {
        self.members.get(&id).map(|entry| &entry.member)
    }

    /// The member with this address, whatever its case.
    pub(in crate::demo) fn find_by_email(&self, email: &str) -> Option<&Member> {
        let email = email.trim().to_lowercase();
        self.entries().find(|entry| entry.email == email).map(|entry| &entry.member)
    }

    pub(in crate::demo) fn find_by_invitation(&self, token: &str) -> Option<&Member> {
        self.members().find(|member| member.invitation.as_deref() == Some(token))
    }

    /// Invites somebody; without a name, the part of the address before the `@` stands in for it.
    pub(in crate::demo) fn invite(&mut self, by: &By, invitation: Invitation) -> Result<u64, Refusal> {
        let email = checked_email(&invitation.email)?;
        let typed = if invitation.name.trim().is_empty() {
            email.split('@').next().unwrap_or_default()
        } else {
            &invitation.name
        };
        let name = checked_name(typed)?;
        let role = Role::from_word(&invitation.role).ok_or(Refusal::UnknownChoice)?;
        if self.find_by_email(&email).is_some() {
            return Err(Refusal::AlreadyMember);
        }
        self.check_seat()?;
        let member = Member {
            id: self.next_id,
            name,
            email,
            role,
            teams: Vec::new(),
            status: Status::Pending,
            invitation: Some(invitation.token),
            since_ms: by.at_ms,
        };
        self.next_id += 1;
        let id = member.id;
        let changed = vec![
            Difference::appears("name", &member.name),
            Difference::appears("email", &member.email),
            Difference::appears("role", role.word()),
        ];
        self.commit(by, Action::Invited, Effect::Keep(member), changed);
        Ok(id)
    }

    /// Accepts an open invitation as the invited person.
    pub(in crate::demo) fn accept(&mut self, id: u64, at_ms: i64) -> Result<(), Refusal> {
        let mut member = self.in_status(id, Status::Pending)?;
        let by = By { actor: member.email.clone(), at_ms };
        member.invitation = None;
        self.move_to(&by, member, Status::Active, Action::Accepted);
        Ok(())
    }

    /// Saves the edit form; what is the same as before is not a change.
    pub(in crate::demo) fn edit(&mut self, by: &By, id: u64, edit: &Edit) -> Result<(), Refusal> {
        let before = self.find(id).cloned().ok_or(Refusal::Stale)?;
        let name = checked_name(&edit.name)?;
        let email = checked_email(&edit.email)?;
        let role = Role::from_word(&edit.role).ok_or(Refusal::UnknownChoice)?;
        if edit.teams.iter().any(|team| !self.teams.contains(team)) {
            return Err(Refusal::UnknownChoice);
        }
        if self.find_by_email(&email).is_some_and(|other| other.id != id) {
            return Err(Refusal::AlreadyMember);
        }
        if role != Role::Owner {
            self.check_not_last_owner(&before)?;
        }
        let teams: Vec<String> =
            self.teams.iter().filter(|team| edit.teams.contains(team)).cloned().collect();

        let mut after = Member { name, email, ..before.clone() };
        let changed = [
            Difference::between("name", &before.name, &after.name),
            Difference::between("email", &before.email, &after.email),
        ];
        self.commit_if_changed(by, Action::Updated, &after, changed);
        after.role = role;
        let changed = [Difference::between("role", before.role.word(), role.word())];
        self.commit_if_changed(by, Action::RoleChanged, &after, changed);
        after.teams = teams;
        let changed = [Difference::between("teams", &before.teams.join(", "), &after.teams.join(", "))];
        self.commit_if_changed(by, Action::TeamsChanged, &after, changed);
        Ok(())
    }

    /// Ends an active member's access and frees the seat.
    pub(in crate::demo) fn suspend(&mut self, by: &By, id: u64) -> Result<(), Refusal> {
        let member = self.in_status(id, Status::Active)?;
        self.check_not_last_owner(&member)?;
        self.move_to(by, member, Status::Suspended, Action::Suspended);
        Ok(())
    }

    /// Gives a suspended member access again; it takes a seat.
    pub(in crate::demo) fn reactivate(&mut self, by: &By, id: u64) -> Result<(), Refusal> {
        let member = self.in_status(id, Status::Suspended)?;
        self.check_seat()?;
        self.move_to(by, member, Status::Active, Action::Reactivated);
        Ok(())
    }

    /// Removes a member who is active or suspended.
    pub(in crate::demo) fn remove(&mut self, by: &By, id: u64) -> Result<(), Refusal> {
        let member = self.find(id).filter(|member| member.status != Status::Pending).cloned();
        let member = member.ok_or(Refusal::Stale)?;
        self.check_not_last_owner(&member)?;
        let changed = vec![Difference::vanishes("status", member.status.word())];
        self.commit(by, Action::Removed, Effect::Drop(member), changed);
        Ok(())
    }

    /// Withdraws an open invitation; the pending member is gone.
    pub(in crate::demo) fn cancel_invitation(&mut self, by: &By, id: u64) -> Result<(), Refusal> {
        let member = self.in_status(id, Status::Pending)?;
        let changed = vec![Difference::vanishes("status", member.status.word())];
        self.commit(by, Action::InvitationCancelled, Effect::Drop(member), changed);
        Ok(())
    }

    /// Sends an open invitation again; the link sent before no longer works.
    pub(in crate::demo) fn resend_invitation(
        &mut self,
        by: &By,
        id: u64,
        token: String,
    ) -> Result<(), Refusal> {
        let mut member = self.in_status(id, Status::Pending)?;
        member.invitation = Some(token);
        self.commit(by, Action::InvitationResent, Effect::Keep(member), Vec::new());
        Ok(())
    }

    /// Adds a team without members.
    pub(in crate::demo) fn add_team(&mut self, by: &By, name: &str) -> Result<(), Refusal> {
        let name = checked_name(name)?;
        if self.teams.iter().any(|team| team.to_lowercase() == name.to_lowercase()) {
            return Err(Refusal::TeamExists);
        }
        let changed = vec![Difference::appears("name", &name)];
        self.commit(by, Action::TeamAdded, Effect::AddTeam(name), changed);
        Ok(())
    }

    /// The one place that changes anything.
    pub(super) fn commit(&mut self, by: &By, action: Action, effect: Effect, changed: Vec<Difference>) {
        let (member_id, email) = match &effect {
            Effect::Keep(member)
            | Effect::Drop(member)
            | Effect::Join(_, member)
            | Effect::Leave(_, member) => (Some(member.id), member.email.clone()),
            Effect::AddTeam(_) | Effect::KeepGroup(_) | Effect::DropGroup(_) => (None, String::new()),
        };
        match effect {
            Effect::Keep(member) => drop(self.members.insert(member.id, Entry::new(member))),
            Effect::Drop(member) => {
                self.groups.leave_all(member.id);
                self.members.remove(&member.id);
            }
            Effect::AddTeam(name) => self.teams.push(name),
            Effect::KeepGroup(group) => self.groups.keep(group),
            Effect::DropGroup(id) => self.groups.drop_one(id),
            Effect::Join(id, member) => self.groups.join(id, member.id),
            Effect::Leave(id, member) => self.groups.leave(id, member.id),
        }
        let change = Change { at_ms: by.at_ms, actor: by.actor.clone(), action, member_id, email, changed };
        self.record.push(change);
        self.recorded.send_replace(self.record.len());
    }

    fn commit_if_changed<const N: usize>(
        &mut self,
        by: &By,
        action: Action,
        after: &Member,
        changed: [Option<Difference>; N],
    ) {
        let changed: Vec<Difference> = changed.into_iter().flatten().collect();
        if !changed.is_empty() {
            self.commit(by, action, Effect::Keep(after.clone()), changed);
        }
    }

    fn move_to(&mut self, by: &By, mut member: Member, status: Status, action: Action) {
        let changed = Difference::between("status", member.status.word(), status.word());
        member.status = status;
        self.commit(by, action, Effect::Keep(member), changed.into_iter().collect());
    }

    fn in_status(&self, id: u64, status: Status) -> Result<Member, Refusal> {
        self.find(id).filter(|member| member.status == status).cloned().ok_or(Refusal::Stale)
    }

    fn check_seat(&self) -> Result<(), Refusal> {
        if self.seats_taken() < self.seats { Ok(()) } else { Err(Refusal::NoSeat) }
    }

    fn check_not_last_owner(&self, member: &Member) -> Result<(), Refusal> {
        let is_active_owner = |member: &Member| member.role == Role::Owner && member.status == Status::Active;
        if is_active_owner(member) && self.members().filter(|other| is_active_owner(other)).count() == 1 {
            return Err(Refusal::LastOwner);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "organisation_tests.rs"]
mod tests;
