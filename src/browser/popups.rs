//! Windows that a page opens: closed at once, unless somebody waits for one.
//!
//! A window in front takes all frames from the one behind it, whose waits then stand still; and nothing would ever look at it. So a
//! session has the pages that it keeps, and every other page of its context is closed as soon as Chromium tells of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chromiumoxide::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide::cdp::browser_protocol::target::{CloseTargetParams, SetDiscoverTargetsParams, TargetId};
use serde::Deserialize;
use tokio::sync::{broadcast, watch};

use super::router::{CallError, Event, Router};

/// The pages of each context.
type Contexts = Arc<Mutex<HashMap<String, Kept>>>;

/// Closes what no session keeps.
#[derive(Clone, Debug)]
pub(super) struct Popups {
    contexts: Contexts,
    /// What Chromium tells of downloads, which it does not tell by context.
    downloads: broadcast::Sender<Event>,
}

/// So many events of downloads can wait for who listens.
const MOST_EVENTS: usize = 256;

/// What a context keeps.
#[derive(Debug)]
struct Kept {
    pages: HashSet<String>,
    /// The next window that opens is kept.
    wanted: bool,
    /// The window that was kept and that nobody took yet.
    opened: watch::Sender<Option<String>>,
}

/// The windows of one context.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    contexts: Contexts,
    context: String,
    downloads: broadcast::Sender<Event>,
}

/// Keeps the pages of a context, for as long as this lives.
#[derive(Debug)]
pub(super) struct KeptPages(Windows);

impl Popups {
    /// Watches all contexts of a browser.
    pub(super) async fn watch(router: &Router) -> Result<Self, CallError> {
        let mut events = router.listen(None);
        router.send(None, &SetDiscoverTargetsParams::new(true)).await?;
        let (downloads, _) = broadcast::channel(MOST_EVENTS);
        let popups = Self { contexts: Contexts::default(), downloads };
        let (watched, closing) = (popups.clone(), router.downgrade());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if event.method.starts_with("Browser.download") {
                    // An error says that nobody listens.
                    drop(watched.downloads.send(event));
                    continue;
                }
                if let (Some(target), Some(router)) = (watched.stray(&event), closing.upgrade()) {
                    tracing::debug!(target, "closed a window that a page had opened");
                    drop(router.send(None, &CloseTargetParams::new(target)));
                }
            }
        });
        Ok(popups)
    }

    /// From now on `page` is the only page of `context`. To be called before it loads anything.
    pub(super) fn keep_only(&self, context: &BrowserContextId, page: &TargetId) -> KeptPages {
        let context: String = context.clone().into();
        let (opened, _) = watch::channel(None);
        let kept = Kept { pages: HashSet::from([page.clone().into()]), wanted: false, opened };
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).insert(context.clone(), kept);
        let (contexts, downloads) = (self.contexts.clone(), self.downloads.clone());
        KeptPages(Windows { contexts, context, downloads })
    }

    /// The page that the event tells of, where its context does not keep it.
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
        let Created { target_info: Info { target_id, kind, browser_context_id } } =
            Created::deserialize(&event.params).ok()?;
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = contexts.get_mut(&browser_context_id)?;
        if kind != "page" || kept.pages.contains(&target_id) {
            return None;
        }
        if kept.wanted && kept.opened.borrow().is_none() {
            kept.pages.insert(target_id.clone());
            kept.opened.send_replace(Some(target_id));
            return None;
        }
        Some(target_id)
    }
}

impl KeptPages {
    /// The windows that are kept.
    pub(super) fn windows(&self) -> Windows {
        self.0.clone()
    }
}

impl Drop for KeptPages {
    fn drop(&mut self) {
        self.0.contexts.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0.context);
    }
}

impl Windows {
    /// The context whose windows these are.
    pub(super) fn context(&self) -> BrowserContextId {
        BrowserContextId::new(self.context.clone())
    }

    /// The events of all downloads of the browser, from now on.
    pub(super) fn downloads(&self) -> broadcast::Receiver<Event> {
        self.downloads.subscribe()
    }

    /// Whether this is a page that is kept.
    pub(super) fn keeps(&self, page: &str) -> bool {
        self.with(|kept| kept.pages.contains(page)).unwrap_or(false)
    }

    /// From now on the first window that opens is kept, or none is. The window that was kept and not taken, which nobody wants any more.
    pub(super) fn want(&self, wanted: bool) -> Option<TargetId> {
        self.with(|kept| {
            kept.wanted = wanted;
            let left = kept.opened.send_replace(None)?;
            kept.pages.remove(&left);
            Some(TargetId::new(left))
        })
        .flatten()
    }

    /// Waits for the window that is wanted, and takes it.
    pub(super) async fn opened(&self) -> Option<TargetId> {
        let mut opened = self.with(|kept| kept.opened.subscribe())?;
        drop(opened.wait_for(Option::is_some).await);
        let taken = self.with(|kept| {
            kept.wanted = false;
            kept.opened.send_replace(None)
        });
        taken.flatten().map(TargetId::new)
    }

    /// A window that was taken is not kept any more.
    pub(super) fn let_go(&self, window: &str) {
        self.with(|kept| kept.pages.remove(window));
    }

    fn with<T>(&self, what: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&self.context).map(what)
    }
}
