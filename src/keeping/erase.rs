//! Erases what shows one person.

use super::look::{ERASED, Look, Shown};
use super::who::Who;
use crate::artifact::{ArtifactError, Artifacts};
use crate::connector::Connector;
use crate::store::{
    Covered, EraseError, Erased, Erasure, HoldRow, LeftBehind, PICTURES, RECORDING, Store, StoreError,
};
use crate::trace::{StepOutcome, StepRecord};

/// How many attempts are looked at together.
const PART: u32 = 50;

/// Erases from these.
#[derive(Clone, Copy, Debug)]
pub struct Eraser<'a> {
    /// What is recorded.
    pub store: &'a Store,
    /// The bytes.
    pub artifacts: &'a Artifacts,
    /// The connector of the integration, which says what a person is known by in the app.
    pub connector: &'a Connector,
    /// The integration.
    pub integration_id: &'a str,
    /// Whether what events said of the person goes too; that they happened stays.
    pub events: bool,
}

/// How much is erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of how many attempts something is.
    pub attempts: usize,
    /// Of those, how many were of the person's own jobs.
    pub own: usize,
    /// Pictures.
    pub pictures: usize,
    /// Pages.
    pub pages: usize,
    /// Files of recordings.
    pub recordings: usize,
    /// Steps.
    pub steps: usize,
}

/// Nothing is erased.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A hold covers some of it.
    #[error("{} covers some of it: {}; `usher evidence release` ends it", .0.id, .0.reason)]
    Held(Box<HoldRow>),
    /// It could not be looked at what shows the person.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// It could not be erased.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Eraser<'_> {
    /// Erases what shows them, or only counts it. The bytes are let go; whoever removes what is not needed removes them.
    ///
    /// # Errors
    /// A hold covers some of it; nothing is erased then. Or something could not be read or written.
    pub async fn erase(self, who: &Who, (reason, by): (&str, &str), is_dry: bool) -> Result<Counts, Refused> {
        let holds = self.store.open_evidence_holds(self.integration_id).await?;
        let held = self.held(&holds).await?;
        let (mut counts, mut what, mut after) = (Counts::default(), Vec::new(), None);
        loop {
            let part = self.store.attempts_after(self.integration_id, after, PART).await?;
            let Some(last) = part.last() else { break };
            after = Some(last.attempt);
            for left in &part {
                let shown = Look { artifacts: self.artifacts }.at(left, who).await?;
                let shown = Shown { steps: not_yet(left, &shown.steps), ..shown };
                if shown.is_nothing() {
                    continue;
                }
                if let Some(hold) = self.hold_on(left, who, &held).await? {
                    return Err(Refused::Held(Box::new(hold)));
                }
                counts.add(left, &shown, who);
                what.push(erased(left, shown, reason));
            }
        }
        if !is_dry {
            let erasure = Erasure {
                integration_id: self.integration_id.to_owned(),
                people: who.ids.clone(),
                reason: reason.to_owned(),
                by: by.to_owned(),
                events: self.events,
                holds,
            };
            self.store.erase(&erasure, what).await?;
        }
        Ok(counts)
    }

    /// The holds, each with the person whom it is about.
    async fn held(self, holds: &[HoldRow]) -> Result<Vec<(HoldRow, Option<Who>)>, StoreError> {
        let mut held = Vec::new();
        for hold in holds {
            let who = match &hold.covered {
                Covered::Person(id) => {
                    let person = self.store.find_user_or_tombstone(self.integration_id, id).await?;
                    Some(Who::of(self.store, self.connector, person.as_slice()).await?)
                }
                _ => None,
            };
            held.push((hold.clone(), who));
        }
        Ok(held)
    }

    /// The first hold that covers an attempt.
    async fn hold_on(
        self,
        left: &LeftBehind,
        who: &Who,
        held: &[(HoldRow, Option<Who>)],
    ) -> Result<Option<HoldRow>, ArtifactError> {
        for (hold, person) in held {
            let covers = match &hold.covered {
                Covered::Integration => true,
                Covered::Job(id) => *id == left.job_id,
                Covered::Person(id) if who.ids.contains(id) => true,
                Covered::Person(_) => match person {
                    Some(person) => !Look { artifacts: self.artifacts }.at(left, person).await?.is_nothing(),
                    None => false,
                },
            };
            if covers {
                return Ok(Some(hold.clone()));
            }
        }
        Ok(None)
    }
}

impl Counts {
    fn add(&mut self, left: &LeftBehind, shown: &Shown, who: &Who) {
        self.attempts += 1;
        self.own += usize::from(left.user_id.as_ref().is_some_and(|id| who.ids.contains(id)));
        self.steps += shown.steps.len();
        for path in &shown.paths {
            let count = match path {
                path if path.starts_with(PICTURES) => &mut self.pictures,
                path if path.starts_with(RECORDING) => &mut self.recordings,
                _ => &mut self.pages,
            };
            *count += 1;
        }
    }
}

/// What is written in the place of words that are erased.
fn said(reason: &str) -> String {
    format!("{ERASED}{reason}")
}

/// Those of the steps that are not erased already.
fn not_yet(left: &LeftBehind, steps: &[u32]) -> Vec<u32> {
    let is_erased = |step: &&StepRecord| step.words.starts_with(ERASED) && step.values.is_empty();
    let erased: Vec<u32> = left.steps.iter().filter(is_erased).map(|step| step.seq).collect();
    steps.iter().filter(|seq| !erased.contains(seq)).copied().collect()
}

fn erased(left: &LeftBehind, shown: Shown, reason: &str) -> Erased {
    let steps = left.steps.iter().filter(|step| shown.steps.contains(&step.seq));
    Erased {
        attempt: left.attempt,
        steps: steps.map(|step| blank(step, reason)).collect(),
        paths: shown.paths,
        message: shown.message,
    }
}

/// A step of which is left what it was in the connector, when it was and how it ended.
fn blank(step: &StepRecord, reason: &str) -> StepRecord {
    let outcome = match &step.outcome {
        StepOutcome::Ok => StepOutcome::Ok,
        StepOutcome::Skipped { .. } => StepOutcome::Skipped { why: said(reason) },
        StepOutcome::Failed { class, .. } => StepOutcome::Failed { class: *class, message: said(reason) },
    };
    StepRecord {
        words: said(reason),
        outcome,
        url: String::new(),
        values: Default::default(),
        console: Vec::new(),
        dialogs: Vec::new(),
        requests: Vec::new(),
        missing: step.missing.as_ref().map(|_| said(reason)),
        ..step.clone()
    }
}
