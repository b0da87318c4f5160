//! The pages of a long list, kept as they are read, so that an attempt that breaks off is gone on with by the next.

use std::time::Duration;

use crate::clock::SharedClock;
use crate::store::{ListedPages, Store};
use crate::trace::ListedPage;

use super::lease::HeldLease;

/// How many pages are written at once.
const AT_ONCE: usize = 10;

/// What was read longer ago is read again: somebody may have changed it by hand.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The pages of one attempt. What cannot be kept is read again, and fails nothing.
pub(super) struct Pages<'a> {
    store: &'a Store,
    lease: &'a HeldLease,
    clock: SharedClock,
    connector_hash: String,
    /// The last event before the attempt.
    began: i64,
    /// The same, or the one before the first page that is gone on from was read.
    since: i64,
    /// Whether the list goes on from pages that were kept.
    goes_on: bool,
    list: String,
    /// Those that are not written yet.
    gathered: Vec<ListedPage>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(
        (store, lease): (&'a Store, &'a HeldLease),
        clock: SharedClock,
        connector_hash: String,
        since: i64,
    ) -> Self {
        let (list, gathered) = (String::new(), Vec::new());
        Self { store, lease, clock, connector_hash, began: since, since, goes_on: false, list, gathered }
    }

    /// The event since which the pages may not show what happened; none where all were read in this attempt.
    pub(super) fn older_than(&self) -> Option<i64> {
        self.goes_on.then_some(self.since)
    }

    pub(super) async fn listed(&mut self, list: &str, page: ListedPage) {
        if self.list != list {
            self.list = list.to_owned();
            self.gathered.clear();
        }
        let is_first = page.number == 1;
        if is_first {
            // Begun anew: what was kept was of no use.
            (self.since, self.goes_on) = (self.began, false);
        }
        self.gathered.push(page);
        if is_first || self.gathered.len() >= AT_ONCE {
            self.write().await;
        }
    }

    /// Writes what is not written yet.
    pub(super) async fn write(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let pages = ListedPages {
            list: self.list.clone(),
            connector_hash: self.connector_hash.clone(),
            since: self.since,
            pages: std::mem::take(&mut self.gathered),
        };
        if let Err(error) = self.store.keep_pages(&self.lease.lease, pages).await {
            tracing::warn!(%error, "pages of a list were not kept");
        }
    }

    pub(super) async fn left_off(&mut self, list: &str) -> Vec<ListedPage> {
        self.write().await;
        let of = (list, self.connector_hash.as_str());
        let not_before = self.clock.now().minus(LONGEST);
        match self.store.pages_left_off(&self.lease.lease.job_id, of, not_before).await {
            Ok(kept) if kept.pages.is_empty() => Vec::new(),
            Ok(kept) => {
                self.since = self.since.min(kept.since);
                self.goes_on = true;
                kept.pages
            }
            Err(error) => {
                tracing::warn!(%error, "the pages of an earlier attempt cannot be read");
                Vec::new()
            }
        }
    }
}
