//! The chain of events: what makes a hand in them noticed.
//!
//! Each event has a digest, SHA-256 over its fields, each with its length; its hash is SHA-256 over the hash before it and that digest. So a
//! row that is changed, removed or put in between breaks the chain from there on, and the chain can be followed by somebody who may not see
//! what stands between two events: by the digests. Rows cut off at the end leave a sound chain: whoever must notice that keeps a
//! [`ChainHead`] elsewhere.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Store;
use super::error::StoreError;
use super::event;
use super::migrate::hex;
use super::sql::{Row, args, statements};
use crate::clock::Timestamp;

statements! {
    AFTER = "SELECT * FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
    HASHES = "SELECT seq, hash FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
    FIRST_OF_TARGET = "SELECT min(seq) AS seq FROM events WHERE integration_id = $1 AND target = $2";
    FIRST_OF_TIME = "SELECT min(seq) AS seq FROM events WHERE integration_id = $1 AND at >= $2 AND at < $3";
}

/// The kind of the events that tell what was erased.
pub(super) const ERASED: &str = "evidence.erased";

/// How many rows a check of the chain reads at a time.
const CHUNK: i64 = 1000;

/// The end of a sound chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// How many events there are.
    pub events: i64,
    /// The hash of the last.
    pub hash: String,
}

/// The chain of events cannot be trusted from some event on.
#[derive(Debug, thiserror::Error)]
pub enum BrokenChain {
    /// The event is not what was written, or what stood before it is missing.
    #[error("event {seq} is not as it was written, or one before it is missing")]
    At {
        /// The first event that does not fit.
        seq: i64,
    },
    /// The events could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Default for ChainHead {
    /// Before the first event.
    fn default() -> Self {
        Self { events: 0, hash: genesis() }
    }
}

impl Store {
    /// The place of the first event that happened to this target in an integration.
    pub async fn first_event_of(
        &self,
        integration_id: &str,
        target: &str,
    ) -> Result<Option<i64>, StoreError> {
        let row = self.reader().await?.one(FIRST_OF_TARGET, args![integration_id, target]).await?;
        row.map(|row| row.maybe_int("seq")).transpose().map(Option::flatten)
    }

    /// The place of the first event of an integration at a time in `[from, until)`.
    pub async fn first_event_within(
        &self,
        integration_id: &str,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Option<i64>, StoreError> {
        let row = self.reader().await?.one(FIRST_OF_TIME, args![integration_id, from, until]).await?;
        row.map(|row| row.maybe_int("seq")).transpose().map(Option::flatten)
    }

    /// The next events after that place, by their hashes alone; none where the chain ends.
    pub async fn event_hashes_after(&self, seq: i64) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = self.reader().await?.all(HASHES, args![seq, CHUNK]).await?;
        rows.iter().map(|row| Ok((row.int("seq")?, row.text("hash")?))).collect()
    }

    /// The end of the chain, unchecked.
    pub async fn chain_head(&self) -> Result<ChainHead, StoreError> {
        event::head(&mut self.reader().await?).await
    }

    /// The next events of the chain after that place, exactly as they are kept, each with its hash; none where it ends.
    pub async fn events_after(&self, seq: i64) -> Result<Vec<(EventText, String)>, StoreError> {
        let rows = self.reader().await?.all(AFTER, args![seq, CHUNK]).await?;
        rows.iter().map(|row| Ok((EventText::read(row)?, row.text("hash")?))).collect()
    }

    /// Reads every event and checks that the chain holds. Words of an event may be missing only where a later one tells that they were erased.
    pub async fn verify_events(&self) -> Result<ChainHead, BrokenChain> {
        let (mut head, mut erased) = (ChainHead::default(), BTreeSet::new());
        loop {
            let events = self.events_after(head.events).await?;
            if events.is_empty() {
                return match erased.first() {
                    Some(&seq) => Err(BrokenChain::At { seq }),
                    None => Ok(head),
                };
            }
            for (event, kept) in events {
                let hash = chained(&head.hash, &event.digest());
                if event.seq != head.events + 1 || hash != kept {
                    return Err(BrokenChain::At { seq: event.seq });
                }
                if event.erased.is_some() {
                    erased.insert(event.seq);
                } else if event.kind == ERASED {
                    let data: serde_json::Value = serde_json::from_str(&event.data).unwrap_or_default();
                    for seq in data["events"].as_array().into_iter().flatten() {
                        erased.remove(&seq.as_i64().unwrap_or_default());
                    }
                }
                head = ChainHead { events: event.seq, hash };
            }
        }
    }
}

/// What the first event's hash covers in the place of one before it.
fn genesis() -> String {
    hex(&[0; 32])
}

/// The hash of the chain with an event of that digest behind the one with the hash `before`.
pub fn chained(before: &str, digest: &str) -> String {
    hex(&Sha256::new().chain_update(before).chain_update(digest).finalize())
}

/// An event exactly as it is kept: what its digest covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventText {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When it happened.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// What happened, in dotted words.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// The integration it belongs to.
    pub integration_id: Option<String>,
    /// What it happened to.
    pub target: Option<String>,
    /// The job that did it or was caused by it.
    pub job_id: Option<String>,
    /// What else is known, as the text that was written.
    pub data: String,
    /// The digest that it had, where what it said is erased since.
    #[serde(skip)]
    pub erased: Option<String>,
}

impl EventText {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.time("at")?,
            kind: row.text("kind")?,
            actor: row.text("actor")?,
            integration_id: row.maybe_text("integration_id")?,
            target: row.maybe_text("target")?,
            job_id: row.maybe_text("job_id")?,
            data: row.text("data")?,
            erased: row.maybe_text("erased")?,
        })
    }

    /// SHA-256 over its fields, hexadecimal; of one whose words are erased, what it was.
    pub fn digest(&self) -> String {
        if let Some(digest) = &self.erased {
            return digest.clone();
        }
        let mut hash = Sha256::new();
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.as_ms().to_be_bytes());
        let texts = [
            Some(&self.kind),
            Some(&self.actor),
            self.integration_id.as_ref(),
            self.target.as_ref(),
            self.job_id.as_ref(),
            Some(&self.data),
        ];
        for text in texts {
            // A length before each keeps a character from moving to the next field; none is not the empty text.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(text.map_or("", String::as_str));
        }
        hex(&hash.finalize())
    }
}
