//! Keeps what a run tells: a row per step with its picture, and the mark before the commit step.
//!
//! Evidence never fails a job and holds none up for long: a picture that cannot be kept is missed, and its step says so. Once a
//! bucket fails, the attempt's further ones are not tried.

use async_trait::async_trait;

use crate::artifact::{ArtifactError, Artifacts};
use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::store::{AttemptId, LeaseError, NewArtifact, NewStep, StepOutcome as Stored, StepRow, Store};
use crate::trace::{ListedPage, NotAllowed, Picture, Progress, StepOutcome, StepRecord, Witness};

use super::lease::HeldLease;
use super::pages::Pages;

/// The witness of one attempt.
pub(super) struct JobWitness<'a> {
    store: &'a Store,
    artifacts: &'a Artifacts,
    lease: &'a HeldLease,
    attempt: AttemptId,
    /// The highest number of a step so far, and what it was before this run: each run counts its steps from 1.
    highest: i64,
    before_run: i64,
    /// Whether a bucket failed, which may have taken a while.
    is_given_up: bool,
    /// The pages of the list that is read, where they are kept.
    pub(super) pages: Option<Pages<'a>>,
    /// Whether a commit step was announced; what failed after that may have changed the app.
    pub(super) has_committed: bool,
}

impl<'a> JobWitness<'a> {
    pub(super) fn new(
        store: &'a Store,
        artifacts: &'a Artifacts,
        lease: &'a HeldLease,
        attempt: AttemptId,
    ) -> Self {
        Self {
            store,
            artifacts,
            lease,
            attempt,
            highest: 0,
            before_run: 0,
            is_given_up: false,
            pages: None,
            has_committed: false,
        }
    }

    /// Keeps the pages of lists from now on.
    pub(super) fn keep_pages(&mut self, clock: SharedClock, connector_hash: String, since: i64) {
        self.pages = Some(Pages::new((self.store, self.lease), clock, connector_hash, since));
    }

    /// The steps that come next are those of another run.
    pub(super) fn begin_run(&mut self) {
        self.before_run = self.highest;
    }

    /// Keeps the pictures; gives the name of the last, and what is missing.
    async fn keep(&mut self, pictures: Vec<Picture>) -> (Option<String>, Option<String>) {
        let mut kept = Vec::new();
        let mut missing = None;
        for picture in pictures {
            if self.is_given_up {
                let why = "the picture was not kept: it was not tried, since one before it failed";
                missing = Some(why.to_owned());
                continue;
            }
            let bytes = u64::try_from(picture.jpeg.len()).unwrap_or(u64::MAX);
            match self.artifacts.put(picture.jpeg, "jpeg").await {
                Ok(name) => {
                    kept.push(NewArtifact { name: name.as_str().to_owned(), bytes, expires_at: None });
                }
                Err(error) => {
                    self.is_given_up = !matches!(error, ArtifactError::File { .. });
                    tracing::warn!(%error, "a picture was not kept");
                    missing = Some(format!("the picture was not kept: {error}"));
                }
            }
        }
        let last = kept.last().map(|artifact| artifact.name.clone());
        if !kept.is_empty()
            && let Err(error) = self.store.note_artifacts(kept).await
        {
            tracing::warn!(%error, "a picture was not noted");
        }
        (last, missing)
    }
}

#[async_trait]
impl Witness for JobWitness<'_> {
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>) {
        let (picture, missing) = self.keep(pictures).await;
        let (outcome, detail) = match record.outcome {
            StepOutcome::Ok => (Stored::Ok, missing),
            StepOutcome::Skipped { why } => (Stored::Skipped, Some(why)),
            StepOutcome::Failed { class, message } => {
                if let Some(pages) = &mut self.pages {
                    pages.write().await;
                }
                let missing = missing.map(|missing| format!("\n{missing}")).unwrap_or_default();
                (Stored::Failed, Some(format!("{class}: {message}{missing}")))
            }
        };
        let step = NewStep {
            flow: record.flow,
            place: format!("{}:{}", record.file, record.line),
            words: record.words,
            outcome,
            detail,
            started_at: record.started_at,
            duration_ms: record.total_ms,
            picture,
            page: None,
        };
        let number = self.before_run + i64::from(record.seq);
        self.highest = self.highest.max(number);
        let row = StepRow { number, depth: i64::from(record.depth), step };
        if let Err(error) = self.store.add_steps(&self.lease.lease, self.attempt, vec![row]).await {
            tracing::warn!(%error, "a step was not written");
        }
    }

    async fn listed(&mut self, list: &str, page: ListedPage) {
        if let Some(pages) = &mut self.pages {
            pages.listed(list, page).await;
        }
    }

    async fn left_off(&mut self, list: &str) -> Vec<ListedPage> {
        match &mut self.pages {
            Some(pages) => pages.left_off(list).await,
            None => Vec::new(),
        }
    }

    async fn progress(&mut self, progress: Progress) {
        // The first page, and then some: a write each page would cost more than it tells.
        if progress.pages != 1 && !progress.pages.is_multiple_of(10) {
            return;
        }
        if let Err(error) = self.store.note_progress(&self.lease.lease, serde_json::json!(progress)).await {
            tracing::warn!(%error, "how far a list was read was not noted");
        }
    }

    async fn may_go_on(&mut self) -> Result<(), NotAllowed> {
        self.lease.check()
    }

    async fn before_commit(&mut self) -> Result<(), NotAllowed> {
        self.lease.check()?;
        let marked = self.store.mark_committing(&self.lease.lease).await.map_err(|error| match error {
            LeaseError::Lost => NotAllowed {
                class: FailureClass::Internal,
                reason: "the claim on this job was taken back; somebody else has it".to_owned(),
            },
            LeaseError::Store(error) => NotAllowed {
                class: FailureClass::Internal,
                reason: format!("the commit step cannot be announced: {error}"),
            },
        });
        marked?;
        self.has_committed = true;
        // Writing took time; what was safe before may not be any more.
        self.lease.check()
    }

    async fn committed(&mut self) {}
}
