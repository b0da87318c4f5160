//! What becomes of what was asked for: jobs until nothing more happens to them, and why one did not do it.

use std::path::PathBuf;

use crate::artifact::ArtifactName;
use crate::cli::OPERATOR;
use crate::cli::pictures;
use crate::clock::{Clock as _, SystemClock};
use crate::connector::Connector;
use crate::failure::FailureClass;
use crate::intake::Shown;
use crate::operator::asked;
use crate::store::{AttemptDetail, AttemptOutcome, JobFilter, JobRow, JobState, OperateError, Work};
use crate::trace::StepOutcome;

use super::case::{End, Fault};
use super::sandbox::Sandbox;

/// A job that did what it was asked for.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) job: JobRow,
    /// The flows that changed something, in the order in which they ran.
    pub(super) flows: Vec<String>,
}

impl Sandbox {
    /// Has the account of a user compared again with what is wanted, though nothing new is.
    pub(super) async fn again(&self, user_id: &str) -> Result<Done, End> {
        let user = self.store().find_user(&self.integration_id, user_id).await?;
        let wanted_version = user.map_or(1, |user| user.version);
        self.carry_out(Work::Provision { user_id: user_id.to_owned(), wanted_version }).await
    }

    pub(super) async fn carry_out(&self, work: Work) -> Result<Done, End> {
        let job = self.request(&self.integration_id, work).await?;
        self.done(&job).await
    }

    /// Asks for work in any integration; the id of its job.
    pub(super) async fn request(&self, integration_id: &str, work: Work) -> Result<String, End> {
        let request = asked("contract.tested", OPERATOR);
        Ok(self.store().request_job(integration_id, work, request, OPERATOR).await?.id)
    }

    /// Waits for what a push led to: its own job, and those of others that follow from it.
    pub(super) async fn follow(&self, shown: &Shown) -> Result<Done, End> {
        let first = match &shown.job {
            Some(job) => Some(self.done(&job.id).await?),
            None => None,
        };
        let mut last = first;
        while let Some(job) = self.open_job().await? {
            let done = self.done(&job).await?;
            match &mut last {
                Some(last) => last.flows.extend(done.flows),
                None => last = Some(done),
            }
        }
        last.ok_or_else(|| End::of(FailureClass::Internal, "what was asked for made no job"))
    }

    /// A job that is still to do something by itself.
    async fn open_job(&self) -> Result<Option<String>, End> {
        let integration_id = Some(self.integration_id.clone());
        let filter = JobFilter { integration_id, state: None, before: None, limit: 100 };
        let jobs = self.store().list_jobs(&filter).await?;
        Ok(jobs.into_iter().find(|job| !job.state.is_settled()).map(|job| job.id))
    }

    /// The job once it did what it was asked for; else why not.
    pub(super) async fn done(&self, id: &str) -> Result<Done, End> {
        let job = self.settled(id).await?;
        let attempts = self.attempts(&job.id).await?;
        if job.state != JobState::Done {
            if !job.state.is_final() {
                // It would go on in another case.
                self.end(&job.id, "it did not do what it was asked for").await?;
            }
            return Err(End::Failed(Box::new(self.fault(&job, &attempts).await)));
        }
        let connector = self.integration().await?.connector;
        Ok(Done { flows: changing_flows(&connector, &attempts), job })
    }

    /// The job once nothing more happens to it by itself, or it is to be tried again only after a pause: that is not waited for, and it is
    /// ended.
    pub(super) async fn settled(&self, id: &str) -> Result<JobRow, End> {
        let mut id = id.to_owned();
        loop {
            let mut watch = self.store().watch_job(&id);
            let job = self.store().find_job(&id).await?;
            let job = job.ok_or_else(|| End::of(FailureClass::Internal, "the job is gone"))?;
            if let Some(next) = &job.superseded_by {
                next.clone_into(&mut id);
                continue;
            }
            let pauses = job.state == JobState::Retry && job.due_at > SystemClock.now();
            if pauses && self.end(&id, "its pause is not waited for").await? {
                return Ok(job);
            }
            if job.state.is_settled() {
                return Ok(job);
            }
            watch.changed().await;
        }
    }

    /// Ends a job that does not run; whether it could be ended.
    pub(super) async fn end(&self, id: &str, reason: &str) -> Result<bool, End> {
        match self.store().cancel_job(id, reason, OPERATOR).await {
            Ok(_) => Ok(true),
            Err(OperateError::Store(error)) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    pub(super) async fn attempts(&self, id: &str) -> Result<Vec<AttemptDetail>, End> {
        Ok(self.store().show_job(id).await?.map(|detail| detail.attempts).unwrap_or_default())
    }

    /// Why a job did not do what it was asked for, with the step that failed and its picture.
    pub(super) async fn fault(&self, job: &JobRow, attempts: &[AttemptDetail]) -> Fault {
        let of_attempt = |attempt: &'_ AttemptDetail| {
            let failed =
                attempt.steps.iter().rev().filter(|step| matches!(step.outcome, StepOutcome::Failed { .. }));
            failed.into_iter().find_map(|step| Some(attempt.picture(step)?.artifact.clone()))
        };
        let picture = match attempts.iter().rev().find_map(of_attempt) {
            Some(name) => self.save(&name, &job.id).await,
            None => None,
        };
        // One that was not begun any more says so; why, the attempt before says.
        let tried = attempts.iter().rev().map(|attempt| &attempt.attempt);
        let tried = tried.filter(|attempt| attempt.outcome != Some(AttemptOutcome::Held));
        let before = tried.filter(|_| job.waits_for.is_some()).find(|attempt| attempt.class.is_some());
        let (class, told) = match before {
            Some(attempt) => (attempt.class, attempt.message.clone()),
            None => (job.class, job.message.clone()),
        };
        let class = class.unwrap_or(FailureClass::Internal);
        let told = told.unwrap_or_else(|| format!("the job is {}", job.state));
        // A failure is told as its class and its step, and below that what is the matter.
        let (step, message) = match told.split_once('\n') {
            Some((head, below)) if head.starts_with(class.as_str()) => {
                let lines: Vec<&str> = below.lines().map(str::trim).collect();
                (head.split_once(" at ").map(|(_, step)| step.to_owned()), lines.join("\n"))
            }
            _ => (None, told),
        };
        Fault { class, message, step, picture }
    }

    /// Saves a picture where it stays after the run.
    async fn save(&self, name: &str, job: &str) -> Option<PathBuf> {
        let name: ArtifactName = name.parse().ok()?;
        let bytes = self.installation.artifacts.get(&name).await.ok()??;
        let path = self.pictures.folder().ok()?.join(format!("{job}.{}", name.extension()));
        pictures::write(&path, &bytes).ok()?;
        Some(path)
    }
}

/// The flows of these attempts that change something, each as often as it ran.
fn changing_flows(connector: &Connector, attempts: &[AttemptDetail]) -> Vec<String> {
    let steps = attempts.iter().flat_map(|attempt| &attempt.steps).filter(|row| row.depth == 0);
    let mut flows: Vec<String> = steps.map(|step| step.flow.clone()).collect();
    flows.dedup();
    flows.retain(|flow| {
        let purpose = connector.purpose(flow);
        purpose.changes_an_account() || purpose.is_about_a_group()
    });
    flows
}
