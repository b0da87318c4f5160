//! Steps in a window that the app opened.

use super::runner::Runner;
use crate::browser::PageError;
use crate::failure::FailureClass;
use crate::step::{Failure, Next, Shape, Stage, Step};

/// Whether a step plays in the window that the one before it opened.
pub(super) fn takes_window(step: &Step) -> bool {
    matches!(step.effect.shape(), Shape::Window(_))
}

impl Runner<'_> {
    /// Before `step`: whether a window that it opens is kept.
    pub(super) fn expect_window(&mut self, step: &Step, follows: bool) {
        self.window_follows = follows;
        // A step that takes a window finds the one that was kept for it.
        if !takes_window(step) {
            self.page.keep_windows(follows);
        }
    }

    /// Whether the steps play in a window, and it was closed.
    pub(super) fn is_window_closed(&self) -> bool {
        self.windows > 0 && self.page.is_closed()
    }

    /// Carries out `steps` in the window that the step before opened, and closes it.
    pub(super) async fn in_window(&mut self, steps: &[Step]) -> Result<Next, Failure> {
        let window = loop {
            let opened = self.page.window(&self.now_waiting()).await;
            match opened {
                Ok(window) => break window,
                Err(error @ PageError::NoWindow { .. }) if !self.meet_now().await? => {
                    return Err(self.failure_of(&error, None, &[]).await);
                }
                Err(PageError::NoWindow { .. }) => {}
                Err(error) => return Err(self.failure_of(&error, None, &[]).await),
            }
        };
        let opener = std::mem::replace(&mut self.page, window);
        let within = std::mem::take(&mut self.within);
        let declared = std::mem::take(&mut self.declared);
        let follows = std::mem::replace(&mut self.window_follows, false);
        self.windows += 1;
        let mut ended = self.steps(steps).await;
        self.windows -= 1;
        if ended.is_ok() {
            ended = self.all_dialogs_opened().and(ended);
        }
        let window = std::mem::replace(&mut self.page, opener);
        (self.within, self.declared, self.window_follows) = (within, declared, follows);
        if window.is_closed() {
            ended = ended.map_err(too_early);
        }
        self.page.close_window(&window).await;
        self.page.keep_windows(follows);
        ended
    }
}

/// A window that is gone before its steps are done is not as the connector says; the browser is well.
fn too_early(mut failure: Failure) -> Failure {
    if failure.class == FailureClass::BrowserCrashed {
        failure.class = FailureClass::UiDrift;
        failure.message = "the window closed before this step".to_owned();
    }
    failure
}
