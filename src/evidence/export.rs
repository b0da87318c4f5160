//! Gathers a bundle and writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::chain::{ChainFiles, Ends, EventLine};
use super::package::{PackageError, PackageWriter, Packed};
use super::scope::Scope;
use super::story::{Storyteller, Subject};
use super::words::{in_words, in_words_of};
use super::work::Pointed;
use super::{ABOUT, EXPORTED, PICTURES, VERSION};
use crate::artifact::{ArtifactError, ArtifactName, Artifacts};
use crate::clock::Timestamp;
use crate::integration::Integration;
use crate::store::{ChainHead, EventRow, EventText, IntegrationRow, NewEvent, Store, StoreError, chained};

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// So many events of so many were read.
    Events(i64, i64),
    /// So many stories of so many are told.
    Stories(usize, usize),
}

/// What was exported.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The files and their digest.
    pub packed: Packed,
    /// How many events it is about.
    pub events: usize,
    /// How many people, groups and integrations.
    pub stories: usize,
    /// How many pictures.
    pub pictures: usize,
    /// How many pictures are missing.
    pub missing: usize,
}

/// There is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It would be empty.
    #[error("nothing is recorded of that")]
    Nothing,
    /// The record itself is not sound.
    #[error(
        "event {0} is not as it was written, or one before it is missing: what is taken from there is no evidence; `usher db check` tells more"
    )]
    Broken(i64),
    /// The bundle cannot be written.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A picture cannot be read; one that is not there is no error.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Exports from these.
#[derive(Clone, Copy)]
pub struct Exporter<'a> {
    /// What is recorded.
    pub store: &'a Store,
    /// The pictures.
    pub artifacts: &'a Artifacts,
    /// The integration.
    pub integration: &'a Integration,
    /// When it is exported.
    pub at: Timestamp,
    /// Who exports it, as the record shall name them.
    pub by: &'a str,
}

/// What the events are about.
#[derive(Default)]
struct Found {
    events: usize,
    /// The jobs, by whom or what they are of.
    jobs: BTreeMap<String, BTreeSet<String>>,
    subjects: BTreeMap<String, Subject>,
    /// What happened to the integration itself, and the jobs of that.
    own: Vec<EventRow>,
    own_jobs: BTreeSet<String>,
}

impl Exporter<'_> {
    /// Writes a bundle of that scope to `to`: an archive where that ends in `.tar.gz`, else a folder. `tell` hears how far it is. That it
    /// was exported is an event, which is not in it.
    ///
    /// # Errors
    /// There is nothing to export, the record is not sound, or something cannot be read or written.
    pub async fn export(
        &self,
        scope: &Scope,
        to: &Path,
        tell: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Exported, ExportError> {
        let first = self.first(scope).await?.ok_or(ExportError::Nothing)?;
        let mut package = PackageWriter::create(to, self.at)?;
        package.add("README.txt", include_bytes!("README.txt"))?;
        let (found, ends) = self.events(scope, first, &mut package, tell).await?;
        let mut bundle = Bundle { package, pictures: 0, missing: Vec::new() };
        let teller = Storyteller::new(self.store, self.row(), scope).await?;
        let mut stories = found.subjects.len();
        for (index, (id, subject)) in found.subjects.iter().enumerate() {
            let (story, pointed) = teller.tell(subject, &found.jobs[id]).await?;
            self.keep(&mut bundle, &subject.file(), &story, pointed).await?;
            tell(Stage::Stories(index + 1, stories));
        }
        if !found.own.is_empty() {
            stories += 1;
            let (story, pointed) = teller.tell_integration(found.own, &found.own_jobs).await?;
            self.keep(&mut bundle, &Subject::Integration.file(), &story, pointed).await?;
        }
        let Bundle { mut package, pictures, missing } = bundle;
        let about = json!({
            "format": "usher evidence",
            "version": VERSION,
            "usher": env!("CARGO_PKG_VERSION"),
            "exported": self.at.to_rfc3339(),
            "integration": { "id": self.row().id, "name": self.row().name },
            "connector_now": {
                "name": self.integration.connector.name,
                "version": self.integration.connector.version,
                "hash": self.integration.connector.hash,
            },
            "scope": scope.json(),
            "chain": ends,
            "events": found.events,
            "stories": stories,
            "pictures": pictures,
            "missing": missing,
        });
        package.add(ABOUT, &pretty(&about))?;
        let packed = package.finish()?;
        self.record(scope, &packed, found.events).await?;
        Ok(Exported { packed, events: found.events, stories, pictures, missing: missing.len() })
    }

    /// Who took people's data along is told by the record, and of which bundle.
    async fn record(&self, scope: &Scope, packed: &Packed, events: usize) -> Result<(), ExportError> {
        let told = json!({ "scope": scope.json(), "events": events, "digest": packed.digest });
        let event = NewEvent::new(EXPORTED, self.by).of(&self.row().id).with(told);
        let event = match scope {
            Scope::People(people) if people.len() == 1 => event.to(&people[0].id),
            _ => event,
        };
        Ok(self.store.append_event(event).await?)
    }

    fn row(&self) -> &IntegrationRow {
        &self.integration.row
    }

    /// The place of the first event.
    async fn first(&self, scope: &Scope) -> Result<Option<i64>, ExportError> {
        let id = &self.row().id;
        match scope {
            Scope::Time { from, until } => Ok(self.store.first_event_within(id, (*from, *until)).await?),
            Scope::People(people) => {
                let mut first = None;
                for user in people {
                    let found = self.store.first_event_of(id, &user.id).await?;
                    first = first.into_iter().chain(found).min();
                }
                Ok(first)
            }
        }
    }

    /// Writes the events from the first on, and checks on the way that their chain holds.
    async fn events(
        &self,
        scope: &Scope,
        first: i64,
        package: &mut PackageWriter,
        tell: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<(Found, Ends), ExportError> {
        let spool = |error| PackageError::file("the events", error);
        let mut files = ChainFiles::new().map_err(spool)?;
        let end = self.store.chain_head().await?;
        let mut head = self.before(first).await?;
        let ends = Ends { first, before: head.hash.clone(), events: end.events, hash: end.hash.clone() };
        let mut found = Found::default();
        while head.events < end.events {
            let events = self.store.events_after(head.events).await?;
            if events.is_empty() {
                return Err(ExportError::Broken(end.events));
            }
            for (event, kept) in events.into_iter().filter(|(event, _)| event.seq <= end.events) {
                let digest = event.digest();
                let hash = chained(&head.hash, &digest);
                if event.seq != head.events + 1 || hash != kept {
                    return Err(ExportError::Broken(event.seq));
                }
                let before =
                    std::mem::replace(&mut head, ChainHead { events: event.seq, hash: hash.clone() });
                if scope.has(&self.row().id, (&event).into()) {
                    self.note(&mut found, &event).await?;
                    match event.erased {
                        // What it said cannot be shown; the chain goes on past it.
                        Some(_) => files.other(&event, digest).map_err(spool)?,
                        None => {
                            found.events += 1;
                            files.event(&EventLine { event, before: before.hash, hash }).map_err(spool)?;
                        }
                    }
                } else {
                    files.other(&event, digest).map_err(spool)?;
                }
            }
            tell(Stage::Events(head.events + 1 - first, end.events + 1 - first));
        }
        files.pack(package)?;
        Ok((found, ends))
    }

    /// The chain as it was before that event.
    async fn before(&self, first: i64) -> Result<ChainHead, ExportError> {
        if first <= 1 {
            return Ok(ChainHead::default());
        }
        match self.store.event_hashes_after(first - 2).await?.into_iter().next() {
            Some((events, hash)) if events == first - 1 => Ok(ChainHead { events, hash }),
            _ => Err(ExportError::Broken(first)),
        }
    }

    /// Notes whom, or what, an event is about.
    async fn note(&self, found: &mut Found, event: &EventText) -> Result<(), ExportError> {
        if let Some(target) = &event.target {
            if !found.subjects.contains_key(target) {
                let subject = Subject::find(self.store, &self.row().id, target).await?;
                if !matches!(subject, Subject::Integration) {
                    found.subjects.insert(target.clone(), subject);
                    found.jobs.insert(target.clone(), BTreeSet::new());
                }
            }
            if let Some(jobs) = found.jobs.get_mut(target) {
                jobs.extend(event.job_id.clone());
                return Ok(());
            }
        }
        found.own_jobs.extend(event.job_id.clone());
        found.own.push(row(event));
        Ok(())
    }

    /// Puts a story and its pictures into the bundle.
    async fn keep(
        &self,
        bundle: &mut Bundle,
        file: &str,
        story: &Value,
        pointed: Vec<Pointed>,
    ) -> Result<(), ExportError> {
        bundle.package.add(file, &pretty(story))?;
        bundle.package.add(&in_words_of(file), in_words(story).as_bytes())?;
        for Pointed { job, attempt, step, artifact, missing } in pointed {
            let name = format!("{PICTURES}{artifact}");
            if bundle.package.has(&name) {
                continue;
            }
            let kept = match missing {
                Some(why) => Err(why),
                None => self.picture(&artifact).await?,
            };
            let why = match kept {
                Ok(bytes) => {
                    bundle.package.add(&name, &bytes)?;
                    bundle.pictures += 1;
                    continue;
                }
                Err(why) => why,
            };
            let missing =
                json!({ "picture": name, "job": job, "attempt": attempt, "step": step, "why": why });
            bundle.missing.push(missing);
        }
        Ok(())
    }

    /// A picture, or why it is missing.
    async fn picture(&self, artifact: &str) -> Result<Result<Vec<u8>, String>, ExportError> {
        let Ok(name) = artifact.parse::<ArtifactName>() else {
            return Ok(Err("it has no name that one has".to_owned()));
        };
        Ok(match self.artifacts.get(&name).await? {
            None => Err("it is not there any more, and nothing tells why".to_owned()),
            Some(bytes) if ArtifactName::of(&bytes, name.extension()) != name => {
                Err("it is not what it was".to_owned())
            }
            Some(bytes) => Ok(bytes),
        })
    }
}

/// A bundle on its way.
struct Bundle {
    package: PackageWriter,
    pictures: usize,
    missing: Vec<Value>,
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

fn row(event: &EventText) -> EventRow {
    let EventText { seq, at, kind, actor, integration_id, target, job_id, data, erased } = event.clone();
    let data = serde_json::from_str(&data).unwrap_or(Value::String(data));
    EventRow {
        seq,
        at,
        kind,
        actor,
        integration_id,
        target,
        job_id,
        data,
        hash: String::new(),
        erased: erased.is_some(),
    }
}
