//! Windows that a page opens by itself are closed.
//!
//! A window in front takes all frames from the one behind it, whose waits then stand still; and nothing would ever look at it. So a
//! session has one page, and every other page of its context is closed as soon as Chromium tells of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chromiumoxide::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide::cdp::browser_protocol::target::{CloseTargetParams, SetDiscoverTargetsParams, TargetId};
use serde::Deserialize;

use super::router::{CallError, Event, Router};

/// The page of each session, by its context.
type Pages = Arc<Mutex<HashMap<String, String>>>;

/// Closes what no session keeps.
#[derive(Clone, Debug)]
pub(super) struct Popups {
    pages: Pages,
}

/// The one page of a context, for as long as this lives.
#[derive(Debug)]
pub(super) struct KeptPage {
    pages: Pages,
    context: String,
}

impl Popups {
    /// Watches all contexts of a browser.
    pub(super) async fn watch(router: &Router) -> Result<Self, CallError> {
        let mut events = router.listen(None);
        router.send(None, &SetDiscoverTargetsParams::new(true)).await?;
        let popups = Self { pages: Pages::default() };
        let (watched, closing) = (popups.clone(), router.downgrade());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let (Some(target), Some(router)) = (watched.stray(&event), closing.upgrade()) {
                    tracing::debug!(target, "closed a window that a page had opened");
                    drop(router.send(None, &CloseTargetParams::new(target)));
                }
            }
        });
        Ok(popups)
    }

    /// From now on `page` is the only page of `context`. To be called before it loads anything.
    pub(super) fn keep_only(&self, context: &BrowserContextId, page: &TargetId) -> KeptPage {
        let context: String = context.clone().into();
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.insert(context.clone(), page.clone().into());
        KeptPage { pages: self.pages.clone(), context }
    }

    /// The page that the event tells of, where its session keeps another.
    fn stray(&self, event: &Event) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Created {
            target_info: Info,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Info {
            target_id: String,
            #[serde(rename = "type")]
            kind: String,
            browser_context_id: String,
        }
        if event.method != "Target.targetCreated" {
            return None;
        }
        let Created { target_info } = Created::deserialize(&event.params).ok()?;
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = pages.get(&target_info.browser_context_id)?;
        (target_info.kind == "page" && target_info.target_id != *kept).then_some(target_info.target_id)
    }
}

impl Drop for KeptPage {
    fn drop(&mut self) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.context);
    }
}
