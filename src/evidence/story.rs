//! The story of one person, one group, or the integration itself: what was asked, by whom and when, what was done for it, and what was seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::VERSION;
use super::export::ExportError;
use super::scope::Scope;
use super::work::{Actors, Pointed, Work, time};
use crate::store::{EventFilter, EventRow, GroupRow, IntegrationRow, Store, UserRow};

/// How many events are read at a time.
const CHUNK: u32 = 1000;

/// Whom, or what, a story is about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Person(Box<UserRow>),
    Group(Box<GroupRow>),
    Integration,
}

impl Subject {
    /// Who, or what, goes by this id.
    pub(super) async fn find(store: &Store, integration_id: &str, id: &str) -> Result<Self, ExportError> {
        if let Some(user) = store.find_user_or_tombstone(integration_id, id).await? {
            return Ok(Self::Person(Box::new(user)));
        }
        let group = store.find_group_or_tombstone(integration_id, id).await?;
        Ok(group.map_or(Self::Integration, |group| Self::Group(Box::new(group))))
    }

    /// The name of its file.
    pub(super) fn file(&self) -> String {
        match self {
            Self::Person(user) => format!("people/{}.json", user.id),
            Self::Group(group) => format!("groups/{}.json", group.id),
            Self::Integration => "integration.json".to_owned(),
        }
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Person(user) => Some(&user.id),
            Self::Group(group) => Some(&group.id),
            Self::Integration => None,
        }
    }
}

/// Tells stories of an integration.
pub(super) struct Storyteller<'a> {
    store: &'a Store,
    integration: &'a IntegrationRow,
    scope: &'a Scope,
    actors: Actors,
}

impl<'a> Storyteller<'a> {
    pub(super) async fn new(
        store: &'a Store,
        integration: &'a IntegrationRow,
        scope: &'a Scope,
    ) -> Result<Self, ExportError> {
        let actors = Actors::of(store, &integration.id).await?;
        Ok(Self { store, integration, scope, actors })
    }

    /// The story of a person or a group, with the pictures it points at. Beside the jobs that are named, those of the subject count that
    /// began in the scope.
    pub(super) async fn tell(
        &self,
        subject: &Subject,
        jobs: &BTreeSet<String>,
    ) -> Result<(Value, Vec<Pointed>), ExportError> {
        let mut events = Vec::new();
        let mut ids = jobs.clone();
        if let Some(id) = subject.id() {
            events = self.events(&EventFilter::Target(id.to_owned())).await?;
            events.retain(|event| self.scope.has(&self.integration.id, event.into()));
            if matches!(self.scope, Scope::People(_)) {
                ids.extend(self.store.jobs_of(&self.integration.id, id).await?);
            }
        }
        self.story(subject, &events, &ids).await
    }

    /// The story of the integration itself, of which these are the events.
    pub(super) async fn tell_integration(
        &self,
        mut events: Vec<EventRow>,
        jobs: &BTreeSet<String>,
    ) -> Result<(Value, Vec<Pointed>), ExportError> {
        events.sort_by_key(|event| event.seq);
        self.story(&Subject::Integration, &events, jobs).await
    }

    async fn story(
        &self,
        subject: &Subject,
        events: &[EventRow],
        jobs: &BTreeSet<String>,
    ) -> Result<(Value, Vec<Pointed>), ExportError> {
        let mut pointed = Vec::new();
        let mut details = Vec::new();
        for id in jobs {
            details.extend(self.store.show_job(id).await?);
        }
        details.sort_by_key(|detail| detail.job.seq);
        let work = Work { integration: self.integration, actors: &self.actors };
        let mut told = Vec::new();
        for detail in &details {
            let events = self.events(&EventFilter::Job(detail.job.id.clone())).await?;
            told.push(work.job(detail, &events, &mut pointed));
        }
        let about = match subject {
            Subject::Person(user) => json!({ "person": self.person(user).await? }),
            Subject::Group(group) => json!({ "group": self.group(group) }),
            Subject::Integration => json!({ "integration": self.integration.name }),
        };
        let mut story = json!({ "version": VERSION });
        if let (Some(story), Value::Object(about)) = (story.as_object_mut(), about) {
            story.extend(about);
        }
        story["events"] = events.iter().map(|event| self.event(event)).collect();
        story["jobs"] = Value::Array(told);
        Ok((story, pointed))
    }

    /// All events of that kind, first to last.
    async fn events(&self, filter: &EventFilter) -> Result<Vec<EventRow>, ExportError> {
        let mut events: Vec<EventRow> = Vec::new();
        loop {
            let before = events.last().map(|event| event.seq);
            let more = self.store.list_events(filter, before, CHUNK).await?;
            let is_last = more.len() < CHUNK as usize;
            events.extend(more);
            if is_last {
                events.reverse();
                return Ok(events);
            }
        }
    }

    async fn person(&self, user: &UserRow) -> Result<Value, ExportError> {
        let account = self.store.find_account(&user.integration_id, &user.id).await?;
        Ok(json!({
            "id": user.id,
            "user_name": user.user_name,
            "external_id": user.external_id,
            "wanted_now": { "active": user.active && user.deleted_at.is_none(), "resource": user.resource },
            "version": user.version,
            "created": user.created_at.to_rfc3339(),
            "changed": user.modified_at.to_rfc3339(),
            "to_be_without_access_since": time(user.left_at),
            "removal_asked": time(user.deleted_at),
            "seen_gone": time(user.gone_at),
            "last_seen": account.map(|row| json!({ "at": row.seen_at.to_rfc3339(), "account": row.seen })),
        }))
    }

    fn group(&self, group: &GroupRow) -> Value {
        json!({
            "id": group.id,
            "display_name": group.body.display_name,
            "external_id": group.body.external_id,
            "version": group.version,
            "created": group.created_at.to_rfc3339(),
            "changed": group.modified_at.to_rfc3339(),
            "removal_asked": time(group.deleted_at),
            "seen_gone": time(group.gone_at),
            "in_app": group.in_app,
        })
    }

    fn event(&self, event: &EventRow) -> Value {
        if event.erased {
            let said = "what it said was erased; a later event evidence.erased tells of it";
            return json!({
                "erased_event": event.seq,
                "at": event.at.to_rfc3339(),
                "kind": event.kind,
                "by": self.actors.by(&event.actor),
                "job": event.job_id,
                "told": { "reason": said },
            });
        }
        json!({
            "event": event.seq,
            "at": event.at.to_rfc3339(),
            "kind": event.kind,
            "by": self.actors.by(&event.actor),
            "job": event.job_id,
            "told": event.data,
        })
    }
}
