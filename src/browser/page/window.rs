//! Windows that a page opens.

use chromiumoxide::cdp::browser_protocol::page::{BringToFrontParams, GetFrameTreeParams};
use chromiumoxide::cdp::browser_protocol::target::CloseTargetParams;
use tokio::time::timeout_at;

use super::super::error::PageError;
use super::super::session::attach;
use super::super::state::End;
use super::{Page, Wait};

impl Page {
    /// From now on the first window that a page of this session opens is kept for [`Page::window`]; or all are closed at once, one that
    /// was kept and not taken included.
    pub fn keep_windows(&self, keep: bool) {
        if let Some(left) = self.surroundings.windows.want(keep) {
            drop(self.router.send(None, &CloseTargetParams::new(left)));
        }
    }

    /// Waits for the window that was kept, and takes it.
    ///
    /// # Errors
    /// None opened ([`PageError::NoWindow`]), or a page failed.
    pub async fn window(&self, wait: &Wait) -> Result<Self, PageError> {
        let opened = tokio::select! {
            opened = timeout_at(wait.until, self.surroundings.windows.opened()) => opened,
            ended = self.wait_for_state(wait.until, |_| false) => match ended {
                Err(PageError::TooSlow { .. }) | Ok(()) => return Err(self.no_window()),
                Err(error) => return Err(error),
            },
        };
        let Ok(Some(target)) = opened else { return Err(self.no_window()) };
        let attached = attach(&self.router, target.clone(), self.surroundings.clone());
        let window = match timeout_at(wait.until + super::ask::GRACE, attached).await {
            Ok(window) => window.map_err(|error| PageError::Protocol(error.to_string()))?,
            Err(_) => return Err(PageError::TooSlow { doing: "opening a window".into() }),
        };
        let tree = window.send(&GetFrameTreeParams::default()).await?.frame_tree.frame;
        window.state.send_modify(|state| {
            // Unless an event was faster.
            if state.loaders.is_empty() {
                state.url = tree.url;
                state.loaders.push_back(tree.loader_id.into());
            }
        });
        Ok(window)
    }

    fn no_window(&self) -> PageError {
        PageError::NoWindow { doing: self.state.borrow().doing() }
    }

    /// Whether it was closed, by itself or by somebody.
    pub fn is_closed(&self) -> bool {
        self.state.borrow().ended == Some(End::Closed)
    }

    /// Closes a window that was taken, and brings the page that had opened it to the front again.
    pub async fn close_window(&self, window: &Self) {
        let target = window.state.borrow().main_frame.clone();
        // Where it is gone already, that is as good.
        drop(self.router.send(None, &CloseTargetParams::new(target.clone())).await);
        self.surroundings.windows.let_go(&target);
        self.router.forget(&window.session);
        drop(self.send(&BringToFrontParams::default()).await);
    }
}
