//! Takes what a run tells: its steps with their pictures, the pages of lists, and the mark before the commit step.

use async_trait::async_trait;

use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::store::{LeaseError, Store};
use crate::trace::{ListedPage, NotAllowed, Picture, Pictures, Progress, StepOutcome, StepRecord, Witness};

use super::deposit::Deposit;
use super::lease::HeldLease;
use super::pages::Pages;

/// The witness of one attempt.
pub(super) struct JobWitness<'a> {
    store: &'a Store,
    lease: &'a HeldLease,
    pub(super) deposit: Deposit,
    pictures: Pictures,
    /// The highest number of a step so far, and what it was before this run: each run counts its steps from 1.
    highest: u32,
    before_run: u32,
    /// The steps of this run.
    pub(super) steps: Vec<StepRecord>,
    /// The pages of the list that is read, where they are kept.
    pub(super) pages: Option<Pages<'a>>,
    /// Whether a commit step was announced, and not taken back; what failed after that may have changed the app.
    pub(super) has_committed: bool,
    /// The same before this run.
    had_committed: bool,
}

impl<'a> JobWitness<'a> {
    pub(super) fn new(store: &'a Store, lease: &'a HeldLease, deposit: Deposit, pictures: Pictures) -> Self {
        let (highest, before_run, steps) = (0, 0, Vec::new());
        Self {
            store,
            lease,
            deposit,
            pictures,
            highest,
            before_run,
            steps,
            pages: None,
            has_committed: false,
            had_committed: false,
        }
    }

    /// Keeps the pages of lists from now on.
    pub(super) fn keep_pages(&mut self, clock: SharedClock, connector_hash: String, since: i64) {
        self.pages = Some(Pages::new((self.store, self.lease), clock, connector_hash, since));
    }

    /// The steps that come next are those of another run.
    pub(super) fn begin_run(&mut self) {
        self.before_run = self.highest;
        self.had_committed = self.has_committed;
        self.steps.clear();
    }

    /// The run has ended and certainly sent nothing that changes the app, whatever was announced.
    pub(super) async fn sent_nothing(&mut self) {
        if self.has_committed == self.had_committed {
            return;
        }
        match self.store.retract_committing(&self.lease.lease).await {
            Ok(()) => self.has_committed = self.had_committed,
            // It stays possible that the app was changed, and is read first.
            Err(error) => tracing::warn!(%error, "the announcement of a commit step was not taken back"),
        }
    }
}

#[async_trait]
impl Witness for JobWitness<'_> {
    async fn step(&mut self, mut record: StepRecord, pictures: Vec<Picture>) {
        if let (StepOutcome::Failed { .. }, Some(pages)) = (&record.outcome, &mut self.pages) {
            pages.write().await;
        }
        record.seq += self.before_run;
        self.highest = self.highest.max(record.seq);
        self.steps.push(record.clone());
        self.deposit.step(record, pictures).await;
    }

    fn pictures(&self) -> Pictures {
        self.pictures
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
        // What led here is on record before anything is changed.
        self.deposit.flush().await;
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
