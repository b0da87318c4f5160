//! Follows the chain of events through a bundle: through its own events, and the digests of others.

use super::chain::Ends;
use super::claims::Said;
use super::verify::Wrong;
use super::{ABOUT, CHAIN, EVENTS};
use crate::store::{ChainHead, chained};

/// An event of the bundle, as far as it is remembered.
pub(super) struct Remembered {
    pub(super) seq: i64,
    /// The hash of the chain before it, as it says.
    pub(super) before: String,
    /// The hash of the chain with it, as it says.
    pub(super) hash: String,
    pub(super) said: Said,
}

/// A place of the chain.
enum Link<'b> {
    Event(&'b Remembered),
    Other(&'b str),
}

/// Follows the chain from the first event of the bundle to its end; both kinds of events are given in their order. Returns the end where it
/// was come to, and what is wrong on the way.
pub(super) fn follow(
    events: &[Remembered],
    others: &[(i64, String)],
    ends: &Ends,
) -> (Option<ChainHead>, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut tell = |file: &str, event, what: String| {
        wrong.push(Wrong { file: Some(file.to_owned()), event, what });
    };
    // Not known where something is missing, until an event says it anew.
    let mut running = Some(ends.before.clone());
    let mut next = ends.first;
    for (seq, link) in in_order(events, others) {
        if seq != next {
            let what = if seq < next { "is there twice, or from before" } else { "is missing" };
            tell(EVENTS, Some(seq.min(next)), what.to_owned());
            running = None;
        }
        running = match link {
            Link::Event(event) => {
                if running.is_some_and(|running| running != event.before) {
                    let what = format!("does not follow what {CHAIN} and {EVENTS} have before it");
                    tell(EVENTS, Some(seq), what);
                }
                Some(event.hash.clone())
            }
            Link::Other(digest) => running.map(|running| chained(&running, digest)),
        };
        next = seq.saturating_add(1);
    }
    if Some(next) == ends.events.checked_add(1) && running.as_ref() == Some(&ends.hash) {
        return (Some(ChainHead { events: ends.events, hash: ends.hash.clone() }), wrong);
    }
    let what = format!("does not end the chain as {ABOUT} says: with event {} and its hash", ends.events);
    tell(CHAIN, None, what);
    (None, wrong)
}

/// Both kinds, in the order of the chain.
fn in_order<'b>(
    events: &'b [Remembered],
    others: &'b [(i64, String)],
) -> impl Iterator<Item = (i64, Link<'b>)> {
    let (mut events, mut others) = (events.iter().peekable(), others.iter().peekable());
    std::iter::from_fn(move || {
        let is_event = match (events.peek(), others.peek()) {
            (Some(event), Some((seq, _))) => event.seq <= *seq,
            (event, _) => event.is_some(),
        };
        match is_event {
            true => events.next().map(|event| (event.seq, Link::Event(event))),
            false => others.next().map(|(seq, digest)| (*seq, Link::Other(digest))),
        }
    })
}
