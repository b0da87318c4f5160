//! Sessions in memory, known by a random token in a cookie.
//!
//! Invariants: each has its own token against forged forms; signing in gives a new session, so that one planted before
//! is worth nothing; what was not seen for eight hours is gone.

use std::collections::HashMap;
use std::fmt::Write as _;

const IDLE_MS: i64 = 8 * 60 * 60 * 1000;
/// Visitors who never sign in must not fill the memory.
const MOST: usize = 5_000;

/// What the app knows of one browser.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Session {
    /// What every form of this session carries.
    pub(in crate::demo) csrf: String,
    /// How far it came.
    pub(in crate::demo) stage: Stage,
    /// A message for the next page.
    pub(in crate::demo) flash: Option<&'static str>,
    /// Whether "What's new" was dismissed.
    pub(in crate::demo) has_seen_news: bool,
    seen_ms: i64,
    /// Its first and its last request, among all that came with a session.
    requests: (u64, u64),
}

/// How far a session came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Stage {
    /// Looking at the sign-in page or an invitation.
    Visiting,
    /// The password was right; the code is missing.
    CodeNeeded,
    /// Signed in as this member.
    SignedIn(u64),
}

/// All sessions, by the token in their cookie.
#[derive(Debug, Default)]
pub(in crate::demo) struct Sessions {
    open: HashMap<String, Session>,
    requests: u64,
}

impl Sessions {
    /// Opens a session; the token goes into the cookie.
    pub(in crate::demo) fn open(&mut self, stage: Stage, fill: &dyn Fn(&mut [u8]), now_ms: i64) -> String {
        self.make_room(now_ms);
        let token = random_token(fill);
        let csrf = random_token(fill);
        self.requests += 1;
        let requests = (self.requests, self.requests);
        let session = Session { csrf, stage, flash: None, has_seen_news: false, seen_ms: now_ms, requests };
        self.open.insert(token.clone(), session);
        token
    }

    /// The session of a cookie, which is thereby seen.
    pub(in crate::demo) fn find(&mut self, token: &str, now_ms: i64) -> Option<&mut Session> {
        let session = self.open.get_mut(token).filter(|session| session.is_alive(now_ms))?;
        session.seen_ms = now_ms;
        self.requests += 1;
        session.requests.1 = self.requests;
        Some(session)
    }

    /// The session of a request that was let in already.
    pub(in crate::demo) fn peek(&mut self, token: &str) -> Option<&mut Session> {
        self.open.get_mut(token)
    }

    /// Ends one session.
    pub(in crate::demo) fn end(&mut self, token: &str) {
        self.open.remove(token);
    }

    /// Ends all sessions.
    pub(in crate::demo) fn end_all(&mut self) {
        self.open.clear();
    }

    /// How many sessions that are signed in were in use at once, at most: each from its first request to its last.
    pub(in crate::demo) fn most_at_once(&self) -> usize {
        let signed_in = self.open.values().filter(|session| matches!(session.stage, Stage::SignedIn(_)));
        let mut ends: Vec<(u64, bool)> = signed_in
            .flat_map(|session| [(session.requests.0, true), (session.requests.1 + 1, false)])
            .collect();
        ends.sort_unstable();
        let (mut now, mut most) = (0_usize, 0);
        for (_, begins) in ends {
            now = if begins { now + 1 } else { now.saturating_sub(1) };
            most = most.max(now);
        }
        most
    }

    fn make_room(&mut self, now_ms: i64) {
        if self.open.len() < MOST {
            return;
        }
        self.open.retain(|_, session| session.is_alive(now_ms));
        if self.open.len() >= MOST {
            self.open.retain(|_, session| matches!(session.stage, Stage::SignedIn(_)));
        }
    }
}

impl Session {
    fn is_alive(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.seen_ms) < IDLE_MS
    }
}

/// 128 random bits in hexadecimal.
pub(in crate::demo) fn random_token(fill: &dyn Fn(&mut [u8])) -> String {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_session_lives_while_it_is_used() {
        let next = Cell::new(0);
        let fill = |bytes: &mut [u8]| {
            next.set(next.get() + 1);
            bytes.fill(next.get());
        };
        let mut sessions = Sessions::default();
        let token = sessions.open(Stage::SignedIn(1), &fill, 0);
        assert_eq!(token, "01".repeat(16));
        assert!(sessions.find(&token, IDLE_MS - 1).is_some());
        assert!(sessions.find(&token, 2 * IDLE_MS - 2).is_some(), "it was used meanwhile");
        assert!(sessions.find(&token, 4 * IDLE_MS).is_none());
        assert!(sessions.find("other", 0).is_none());
    }

    #[test]
    fn sessions_count_as_in_use_from_their_first_request_to_their_last() {
        let next = Cell::new(0);
        let fill = |bytes: &mut [u8]| {
            next.set(next.get() + 1);
            bytes.fill(next.get());
        };
        let mut sessions = Sessions::default();
        assert_eq!(sessions.most_at_once(), 0);
        let one = sessions.open(Stage::SignedIn(1), &fill, 0);
        sessions.find(&one, 0);
        let two = sessions.open(Stage::SignedIn(1), &fill, 0);
        sessions.open(Stage::Visiting, &fill, 0);
        assert_eq!(sessions.most_at_once(), 1, "one after the other");
        sessions.find(&two, 0);
        sessions.find(&one, 0);
        assert_eq!(sessions.most_at_once(), 2, "the first came back");
    }

    #[test]
    fn visitors_do_not_fill_the_memory_nor_end_a_signed_in_session() {
        let next = Cell::new(0_u64);
        let fill = |bytes: &mut [u8]| {
            next.set(next.get() + 1);
            bytes.fill(0);
            bytes[..8].copy_from_slice(&next.get().to_le_bytes());
        };
        let mut sessions = Sessions::default();
        let token = sessions.open(Stage::SignedIn(1), &fill, 0);
        for _ in 0..2 * MOST {
            sessions.open(Stage::Visiting, &fill, 0);
        }
        assert!(sessions.open.len() <= MOST);
        assert!(sessions.find(&token, 0).is_some());
    }
}
