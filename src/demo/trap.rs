//! Faults that are laid in advance: each meets one request, told by what is in its address, and is gone then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status (400 to 599), and nothing is done.
    Status(u16),
    /// It is answered with 429, and when to come again. Nothing is done.
    TooMany {
        /// What `Retry-After` says.
        retry_after: Duration,
    },
    /// It is done at once and answered so much later.
    Slow(Duration),
    /// It is done, and half of the answer comes.
    Truncated,
    /// The connection ends without an answer, and nothing is done.
    DroppedBefore,
    /// It is done, and the connection ends without an answer.
    DroppedAfter,
    /// The caller's session ends just before.
    SessionEnded,
}

/// A fault that waits for its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// What the request's path and query contain, once decoded.
    pub on: String,
    /// Whether only a `POST` will do.
    pub posts_only: bool,
    /// How many such requests are let through before.
    pub after: usize,
    /// What happens.
    pub fault: Fault,
}

/// The traps that are set.
#[derive(Debug, Default)]
pub(super) struct Traps(Mutex<Vec<Trap>>);

impl Traps {
    pub(super) fn set(&self, trap: Trap) {
        self.lock().push(trap);
    }

    /// Takes away those that wait for `on`; whether there was any.
    pub(super) fn take(&self, on: &str) -> bool {
        let mut traps = self.lock();
        let before = traps.len();
        traps.retain(|trap| trap.on != on);
        traps.len() < before
    }

    /// What meets this request: of the traps that it steps on, the first that lets nobody through any more.
    pub(super) fn spring(&self, is_post: bool, address: &str) -> Option<Fault> {
        let mut traps = self.lock();
        if traps.is_empty() {
            return None;
        }
        let address = percent_encoding::percent_decode_str(address).decode_utf8_lossy();
        let met = |trap: &Trap| address.contains(&trap.on) && (is_post || !trap.posts_only);
        let sprung = traps.iter().position(|trap| met(trap) && trap.after == 0);
        for trap in traps.iter_mut().filter(|trap| met(trap)) {
            trap.after = trap.after.saturating_sub(1);
        }
        sprung.map(|at| traps.remove(at).fault)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Trap>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_springs_once_at_its_request() {
        let traps = Traps::default();
        let trap = |on: &str, posts_only, after, status| Trap {
            on: on.to_owned(),
            posts_only,
            after,
            fault: Fault::Status(status),
        };
        traps.set(trap("ada@acme", false, 1, 500));
        traps.set(trap("ada@acme", true, 0, 503));
        traps.set(trap("bob@acme", false, 0, 502));
        assert_eq!(traps.spring(false, "/members?email=eve%40acme"), None);
        assert_eq!(traps.spring(false, "/members?email=ada%40acme"), None, "the first is let through");
        assert_eq!(traps.spring(false, "/members?email=ada%40acme"), Some(Fault::Status(500)));
        assert_eq!(traps.spring(false, "/members?email=ada%40acme"), None, "once");
        assert_eq!(traps.spring(true, "/members?email=ada%40acme"), Some(Fault::Status(503)));
        assert!(traps.take("bob@acme"));
        assert!(!traps.take("bob@acme"));
        assert_eq!(traps.spring(false, "/members?email=bob%40acme"), None);
    }
}
