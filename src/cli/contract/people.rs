//! To whom and to what the cases happen, from their making to their end.

use serde_json::{Map, Value};

use crate::account::Status;
use crate::failure::FailureClass;
use crate::store::SeenAccount;

use super::case::{Case, End};
use super::story::{JOINER, Suite};

/// Somebody in the app.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) id: String,
    pub(super) name: String,
    /// As they are wanted now.
    pub(super) resource: Map<String, Value>,
    /// As they were at the beginning.
    original: Map<String, Value>,
}

/// A group that was made.
#[derive(Clone, Debug)]
pub(super) struct GroupMade {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) members: Vec<String>,
}

impl Suite {
    /// The one to whom most happens: the account that was lent, else one that the suite makes.
    pub(super) async fn subject(&mut self) -> Result<Person, End> {
        if let Some(member) = &self.member {
            return Ok(member.clone());
        }
        let Some(name) = self.asked.member.clone() else { return self.joiner().await };
        self.read_all_once().await?;
        let everybody = self.sandbox.everybody().await?;
        let is_it = |(_, resource, seen): &&(String, Value, SeenAccount)| {
            let names = self.connector.account.match_by.iter().filter_map(|name| seen.attributes.get(name));
            let mut names = names.map(String::as_str).chain(resource["userName"].as_str());
            names.any(|one| one.eq_ignore_ascii_case(&name))
        };
        let found = everybody.iter().find(is_it);
        let Some((id, Value::Object(resource), _)) = found else {
            return Err(End::of(FailureClass::InvalidValue, format!("the list shows no account `{name}`")));
        };
        let resource = resource.clone();
        let person = Person { number: JOINER, id: id.clone(), name, original: resource.clone(), resource };
        self.member = Some(person.clone());
        Ok(person)
    }

    /// Somebody whom the suite makes; made now, where nobody did.
    pub(super) async fn joiner(&mut self) -> Result<Person, End> {
        let why_not = self.report.why_not(&Case::Invite.name());
        let known = self.people.iter().find(|person| person.number == JOINER).cloned();
        let is_there = match &known {
            Some(joiner) => self.sandbox.seen(&joiner.id).await?.status != Status::Absent,
            None => false,
        };
        match (known, why_not) {
            // Though something was wrong with the invitation, the account may be there.
            (Some(joiner), None) => return Ok(joiner),
            (Some(joiner), Some(_)) if is_there => return Ok(joiner),
            (_, Some(why)) => return Err(End::skipped(format!("there is nobody to try it on: {why}"))),
            (None, None) => {}
        }
        if !self.connector.can("invite") {
            let why = "the connector invites nobody; `--member` names an account that may be changed";
            return Err(End::skipped(why));
        }
        self.make(JOINER).await.map(|(person, _)| person)
    }

    /// Makes somebody, and gives what was done for that.
    pub(super) async fn make(&mut self, number: usize) -> Result<(Person, Vec<String>), End> {
        let connector = self.sandbox.integration().await?.connector;
        let resource = self.asked.mark.user(&connector, number);
        let shown = self.sandbox.push(None, &resource).await?;
        let id = shown.resource.id().unwrap_or_default().to_owned();
        let name = self.asked.mark.user_name(number);
        let person = Person { number, id, name, original: resource.clone(), resource };
        self.people.push(person.clone());
        let done = self.sandbox.follow(&shown).await?;
        Ok((person, done.flows))
    }

    /// Wants a person so from now on; gives the flows that ran, and what was seen then. What cannot be reached is wanted no longer, so that
    /// it is told once.
    pub(super) async fn want(
        &mut self,
        person: &mut Person,
        resource: Map<String, Value>,
    ) -> Result<(Vec<String>, SeenAccount), End> {
        let before = person.resource.clone();
        match self.reach(person, resource).await {
            Ok(flows) => Ok((flows, self.sandbox.seen(&person.id).await?)),
            Err(end) => {
                // Where that fails too, the next case tells.
                drop(self.reach(person, before).await);
                Err(end)
            }
        }
    }

    async fn reach(&mut self, person: &mut Person, resource: Map<String, Value>) -> Result<Vec<String>, End> {
        person.resource = resource;
        for known in self.people.iter_mut().chain(&mut self.member).filter(|known| known.id == person.id) {
            known.resource.clone_from(&person.resource);
        }
        let shown = self.sandbox.push(Some(&person.id), &person.resource).await?;
        Ok(self.sandbox.follow(&shown).await?.flows)
    }

    /// Takes everybody and everything out of the app that the suite made, and makes the account that was lent as it was.
    pub(super) async fn put_back(&mut self) {
        if let Some(group) = self.group.clone() {
            let gone = match self.sandbox.delete_group(&group.id).await {
                Ok(shown) => self.sandbox.follow(&shown).await.map(drop),
                Err(end) => Err(end),
            };
            self.group = None;
            self.tell_left(gone, &format!("the group {}", group.name));
        }
        if let Some(mut member) = self.member.clone() {
            let back = match member.original.clone() {
                original if original == member.resource => Ok(()),
                original => self.want(&mut member, original).await.map(drop),
            };
            self.member = None;
            self.tell_left(back, &format!("{} is not as it was", member.name));
        }
        while let Some(person) = self.people.first().cloned() {
            let gone = self.take_out(&person).await;
            self.people.remove(0);
            self.tell_left(gone, &person.name);
        }
    }

    fn tell_left(&mut self, done: Result<(), End>, what: &str) {
        if let Err(end) = done {
            self.report.left_behind.push(format!("{what}: {}", end.words()));
        }
    }

    /// Leaves whom and what was not put back yet as it is.
    pub(super) fn leave_behind(&mut self) {
        let group = self.group.take().map(|group| format!("the group {}", group.name));
        let member = self.member.take().map(|member| format!("{} may not be as it was", member.name));
        let people = std::mem::take(&mut self.people).into_iter().map(|person| person.name);
        self.report.left_behind.extend(group.into_iter().chain(member).chain(people));
    }

    /// Takes somebody out of the app.
    async fn take_out(&self, person: &Person) -> Result<(), End> {
        // What stopped an operation before is no reason not to try it now.
        self.sandbox.make_ready().await?;
        let shown = self.sandbox.delete(&person.id).await?;
        self.sandbox.follow(&shown).await?;
        match self.sandbox.seen(&person.id).await?.status {
            Status::Absent => Ok(()),
            status => Err(End::skipped(format!("{status}; the connector removes nobody"))),
        }
    }
}
