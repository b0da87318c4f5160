//! What becomes of a page on the way of a run that is only played, to see whether the flow notices.

use std::time::Duration;

use tokio::time::Instant;

use super::DriftAt;
use super::runner::Runner;
use crate::browser::{Drifted, Target};
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::{Stage, Step};

/// How long a step waits from then on: the page is played, and answers at once.
const NOT_LONG: Duration = Duration::from_secs(1);

impl Runner<'_> {
    /// Does to the page what the limits say, where they say it of the step that is going on.
    pub(super) async fn drift(&mut self, step: &Step) {
        let Some(DriftAt { element, drift, .. }) = self.limits.drift.filter(|at| at.seq == self.seq) else {
            return;
        };
        let locators: Vec<&Locator<Template>> = match self.is_commit() {
            true => step.effect.locators().into_iter().chain(&self.book.tenant).collect(),
            false => step.effect.locators(),
        };
        let is_tenant = element + 1 == locators.len() && self.is_commit() && self.book.tenant.is_some();
        let Some(locator) = locators.get(element) else { return };
        let stage: &dyn Stage = self;
        let Ok(mut target) = stage.target(locator) else { return };
        if is_tenant {
            target = Target { within: Vec::new(), ..target };
        }
        let drifted = self.page.drift(&target, drift, &self.now_waiting()).await;
        self.drifted = Some(drifted.unwrap_or(Drifted::Absent));
        self.limits.step = NOT_LONG;
        self.timeout = NOT_LONG;
        self.wait_began = Instant::now();
    }
}
