//! What an author sees of a run: each step before it begins, and the commit step that is shown instead of done.

use tokio::time::Instant;

use super::Reach;
use super::commit::not_allowed;
use super::runner::Runner;
use crate::browser::{Action, PageError, Target};
use crate::step::{At, Failure, Stage, Step};
use crate::trace::{Moment, NextStep, Preview};

impl Runner<'_> {
    /// Tells the witness that the step is about to begin. What it makes of that takes no time from the run.
    pub(super) async fn announce(&mut self, step: &Step) -> Result<(), Failure> {
        let preview = self.witness.preview();
        let Some(notes) = self.notes.as_ref().filter(|_| preview != Preview::Nothing) else { return Ok(()) };
        let (seq, depth, doing) = (notes.seq, notes.depth, notes.doing.clone());
        self.tell_untold().await;
        let matches = if preview == Preview::Matches { self.matches(step).await } else { Vec::new() };
        let At { file, line, words, .. } = self.at(step, &doing);
        let next = NextStep { seq, depth, file, line, words, commit: self.is_commit(), matches };
        let (paused, began) = (Instant::now(), self.clock.elapsed());
        self.witness.begins(next).await.map_err(|refusal| not_allowed(&refusal))?;
        self.deadline += paused.elapsed();
        self.wait_began = Instant::now();
        let took = self.clock.elapsed().saturating_sub(began);
        if let Some(notes) = &mut self.notes {
            notes.began += took;
        }
        Ok(())
    }

    /// What the locators of the step match now. What cannot be asked yet is left out.
    async fn matches(&self, step: &Step) -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        for locator in step.effect.locators() {
            let stage: &dyn Stage = self;
            let Ok(target) = stage.target(locator) else { continue };
            if let Ok(matches) = self.page.matches(&target).await {
                let elements = matches.elements.iter().map(|element| self.redactor.redact(element));
                found.push((self.redactor.redact(&target.locator.to_string()), elements.collect()));
            }
        }
        found
    }

    /// Whether this step is to be shown and not done.
    pub(super) fn only_shows(&self) -> bool {
        self.is_commit() && self.limits.reach == Reach::Commit
    }

    /// Marks the element of the commit step, with everything checked that would be checked before it is used, and takes its
    /// picture. The run ends there.
    pub(super) async fn show_commit(&mut self, target: &Target, action: &Action) -> Result<(), Failure> {
        let (guards, purposes) = self.guards()?;
        loop {
            let wait = self.now_waiting();
            let error = match self.page.show(target, action, &guards, &wait).await {
                Ok(_) => break,
                Err(error) => error,
            };
            match error.cause() {
                PageError::Watched(index) => self.meet(*index).await?,
                _ => return Err(self.failure_of(&error, Some(target), &purposes).await),
            }
        }
        self.stop_before_commit().await;
        Ok(())
    }

    /// Ends the run before its commit step.
    pub(super) async fn stop_before_commit(&mut self) {
        self.picture(Moment::Before).await;
        self.output.stopped = true;
    }
}
