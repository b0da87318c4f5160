//! The journal of SCIM: what clients asked and what they were told, without secrets, for those who look for a fault.
//!
//! Invariants: whoever is answered never waits for the journal, and no answer depends on it; between the gateway and the disk is
//! a queue of bounded length and size, and what does not fit is counted and said; nothing is written before it is redacted. A process that
//! is killed loses what it has gathered, a quarter of a second at most; one that stops writes it.
//!
//! Deliberately absent: HTTP, and any way to write without the queue.

mod redact;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::clock::{SharedClock, Timestamp};
use crate::store::{
    EXCHANGES_KEPT, ExchangeBy, ExchangeMessage, Headers, NewExchange, STRANGERS_KEPT, Store,
};

pub use redact::body as redacted;

/// The longest body that is kept, in bytes.
pub const MAX_BODY_KEPT: usize = 64 * 1024;

/// How many exchanges may wait to be written.
const QUEUE: usize = 1024;
/// How many bytes they may hold all together.
const QUEUE_BYTES: usize = 8 * 1024 * 1024;
/// How many are gathered before they are written, and how many bytes they may hold before the last of them.
const GATHERED: usize = 2 * QUEUE;
const GATHERED_BYTES: usize = 2 * 1024 * 1024;
/// How many are written in one piece, and how many bytes before the last of them.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How long an exchange may wait for others that share its write: a write of its own for each read would cost more than the read.
const GATHER: Duration = Duration::from_millis(250);

/// Takes exchanges in; clones share the queue.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: mpsc::Sender<Message>,
    waiting: Arc<Waiting>,
    clock: SharedClock,
}

/// When a request came.
#[derive(Clone, Copy, Debug)]
pub struct Began {
    at: Timestamp,
    elapsed: Duration,
}

/// A request and its answer, as they came.
#[derive(Debug)]
pub struct Heard {
    /// Who asked.
    pub by: ExchangeBy,
    /// When the request came.
    pub began: Began,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// What was asked.
    pub request: HeardMessage,
    /// The status of the answer.
    pub status: u16,
    /// What was answered.
    pub answer: HeardMessage,
}

/// The part of a message that the journal may keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardMessage {
    /// Headers, none of which may be a secret.
    pub headers: Headers,
    /// The beginning of the body, all of it where it is [`MAX_BODY_KEPT`] long at most.
    pub body: Vec<u8>,
    /// How long the body was, in bytes.
    pub length: u64,
}

/// What waits, and what could not.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// By integration id. Of strangers nobody counts: their number is theirs to choose.
    lost: Mutex<BTreeMap<String, u64>>,
}

#[derive(Debug)]
enum Message {
    Keep(Box<Heard>, u64),
    Close(oneshot::Sender<()>),
}

impl Journal {
    /// Starts the task that writes into `store`. It ends when every handle is dropped, or by [`Journal::close`].
    pub fn start(store: Store, clock: SharedClock) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Waiting::default());
        tokio::spawn(Task { store, waiting: Arc::clone(&waiting) }.run(receiver));
        Self { queue, waiting, clock }
    }

    /// Notes that a request came.
    pub fn begin(&self) -> Began {
        Began { at: self.clock.now(), elapsed: self.clock.elapsed() }
    }

    /// Keeps an exchange that ends now. Never waits: where the queue is full, it is counted as lost.
    pub fn keep(&self, heard: Heard) {
        let took = self.clock.elapsed().saturating_sub(heard.began.elapsed);
        let bytes = heard.bytes();
        let lost_by = heard.integration_id();
        let before = self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        let message = Message::Keep(Box::new(heard), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        if before + bytes > QUEUE_BYTES || self.queue.try_send(message).is_err() {
            self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.waiting.lose(lost_by);
        }
    }

    /// Writes what was kept before, and ends. Later exchanges are lost.
    pub async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.queue.send(Message::Close(closed)).await.is_ok() {
            // An error means that the task ended some other way; it is closed all the same.
            let _ = wait.await;
        }
    }
}

impl Heard {
    fn bytes(&self) -> usize {
        self.target.len() + self.request.body.len() + self.answer.body.len()
    }

    fn integration_id(&self) -> Option<String> {
        match &self.by {
            ExchangeBy::Token { integration_id, .. } => Some(integration_id.clone()),
            ExchangeBy::Stranger { .. } => None,
        }
    }

    /// What is written of it.
    fn redacted(self, duration_ms: u64) -> NewExchange {
        let is_stranger = matches!(self.by, ExchangeBy::Stranger { .. });
        // What somebody sends who was not let in is nothing to keep.
        let request = if is_stranger {
            HeardMessage { headers: self.request.headers, ..HeardMessage::default() }
        } else {
            self.request
        };
        NewExchange {
            by: self.by,
            at: self.began.at,
            method: self.method,
            target: redact::target(&self.target),
            status: self.status,
            duration_ms,
            request: request.redacted(),
            answer: self.answer.redacted(),
        }
    }
}

impl HeardMessage {
    /// Hears the next part of the body.
    pub fn hear(&mut self, chunk: &[u8]) {
        self.length += chunk.len() as u64;
        let room = MAX_BODY_KEPT.saturating_sub(self.body.len());
        self.body.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
    }

    fn redacted(mut self) -> ExchangeMessage {
        self.headers.values_mut().for_each(redact::text);
        ExchangeMessage { headers: self.headers, body: redact::body(&self.body, self.length) }
    }
}

impl Waiting {
    fn lose(&self, integration_id: Option<String>) {
        if let Some(id) = integration_id {
            *self.lost().entry(id).or_default() += 1;
        }
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was taken out of the queue, each with how long it took in milliseconds.
#[derive(Default)]
struct Gathered {
    exchanges: Vec<(Box<Heard>, u64)>,
    bytes: usize,
}

impl Gathered {
    fn is_full(&self) -> bool {
        self.exchanges.len() >= GATHERED || self.bytes >= GATHERED_BYTES
    }

    /// What is worth writing: of each integration the last ones, since the store keeps no more.
    fn worth_keeping(self) -> impl Iterator<Item = (Box<Heard>, u64)> {
        let mut seen: BTreeMap<(bool, String), u32> = BTreeMap::new();
        let mut kept = self.exchanges;
        kept.reverse();
        kept.retain(|(heard, _)| {
            let (let_in, whose, most) = match &heard.by {
                ExchangeBy::Token { integration_id, .. } => (true, integration_id, EXCHANGES_KEPT),
                ExchangeBy::Stranger { integration } => (false, integration, STRANGERS_KEPT),
            };
            let count = seen.entry((let_in, whose.clone())).or_default();
            *count += 1;
            *count <= most
        });
        kept.into_iter().rev()
    }
}

struct Task {
    store: Store,
    waiting: Arc<Waiting>,
}

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Message>) {
        let mut open = true;
        while open {
            let mut gathered = Gathered::default();
            let Some(first) = queue.recv().await else { return };
            let mut closing = self.take(first, &mut gathered);
            let gather = async {
                while closing.is_none() && !gathered.is_full() {
                    let Some(next) = queue.recv().await else { break };
                    closing = self.take(next, &mut gathered);
                }
            };
            // Whatever has come by then is written.
            let _ = tokio::time::timeout(GATHER, gather).await;
            self.write_all(gathered).await;
            if let Some(closed) = closing {
                open = false;
                let _ = closed.send(());
            }
        }
    }

    /// Takes an exchange; gives back a wish to close.
    fn take(&self, message: Message, gathered: &mut Gathered) -> Option<oneshot::Sender<()>> {
        match message {
            Message::Keep(heard, duration_ms) => {
                let bytes = heard.bytes();
                self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
                gathered.bytes += bytes;
                gathered.exchanges.push((heard, duration_ms));
                None
            }
            Message::Close(closed) => Some(closed),
        }
    }

    /// Writes what was gathered, redacted, piece by piece.
    async fn write_all(&self, gathered: Gathered) {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (heard, duration_ms) in gathered.worth_keeping() {
            bytes += heard.bytes();
            batch.push(heard.redacted(duration_ms));
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                self.write(std::mem::take(&mut batch)).await;
                bytes = 0;
            }
            // To redact takes time; whoever is to be answered goes first.
            tokio::task::yield_now().await;
        }
        self.write(batch).await;
    }

    /// Writes a batch. What the store does not take is lost, and said.
    async fn write(&self, batch: Vec<NewExchange>) {
        let lost = std::mem::take(&mut *self.waiting.lost());
        if batch.is_empty() && lost.is_empty() {
            return;
        }
        let count: u64 = lost.values().sum();
        if count > 0 {
            tracing::warn!(exchanges = count, "requests came faster than the journal could keep them");
        }
        let mut again = lost.clone();
        for exchange in &batch {
            if let ExchangeBy::Token { integration_id, .. } = &exchange.by {
                *again.entry(integration_id.clone()).or_default() += 1;
            }
        }
        if let Err(error) = self.store.keep_exchanges(batch, lost).await {
            tracing::warn!(%error, "the journal of requests could not be written");
            let mut lost = self.waiting.lost();
            for (id, count) in again {
                *lost.entry(id).or_default() += count;
            }
        }
    }
}
