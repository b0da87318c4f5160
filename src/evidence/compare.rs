//! Compares a bundle with the record that it was taken from.

use super::verify::{Verified, Wrong};
use super::{EVENTS, EXPORTED, SUMS};
use crate::store::{EventFilter, Store, StoreError};

/// How many events are read at a time.
const CHUNK: u32 = 1000;

impl Verified {
    /// Compares it with the record that it was taken from: its events, the end of the chain, and whether it was exported so.
    ///
    /// # Errors
    /// The store cannot read.
    pub async fn compare(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut kept: Vec<(i64, String)> = Vec::new();
        let ends = self.head.clone().map(|head| (head.events, head.hash));
        for (seq, hash) in self.events.clone().into_iter().chain(ends) {
            if kept.last().is_none_or(|(last, _)| *last < seq) {
                kept = store.event_hashes_after(seq.saturating_sub(1)).await?;
            }
            if !kept.iter().any(|(other, recorded)| (*other, recorded) == (seq, &hash)) {
                self.differs(EVENTS, Some(seq), "does not stand so in the record of this database");
            }
        }
        if !self.was_exported(store).await? {
            self.differs(SUMS, None, "has a digest of which this database has no export");
        }
        Ok(())
    }

    fn differs(&mut self, file: &str, event: Option<i64>, what: &str) {
        self.wrong.push(Wrong { file: Some(file.to_owned()), event, what: what.to_owned() });
    }

    /// Whether the record has an export of this digest.
    async fn was_exported(&self, store: &Store) -> Result<bool, StoreError> {
        let since = self.head.as_ref().map_or(0, |head| head.events);
        let integration = self.about["integration"]["id"].as_str().unwrap_or_default();
        let filter = EventFilter::Integration(integration.to_owned());
        let mut before = None;
        loop {
            let events = store.list_events(&filter, before, CHUNK).await?;
            let is = |digest: &serde_json::Value| digest.as_str() == Some(self.digest.as_str());
            if events.iter().any(|event| event.kind == EXPORTED && is(&event.data["digest"])) {
                return Ok(true);
            }
            before = events.last().map(|event| event.seq).filter(|seq| *seq > since);
            if before.is_none() {
                return Ok(false);
            }
        }
    }
}
