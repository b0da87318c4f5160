//! Native dialogs of a page (`alert`, `confirm`, `prompt`, `beforeunload`): which answers are declared, and what opened.
//!
//! A dialog stops the page until it is answered, so each is answered at once: as declared, or with no. One that nobody declared is
//! kept until somebody is told of it. A page that opens them without end is closed.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use super::page::Text;

/// A page that has opened so many dialogs that nobody declared is closed.
const MOST_UNDECLARED: u32 = 100;
const MOST_ANSWERED: usize = 20;
/// What is kept of a dialog's words.
const MOST_WORDS: usize = 500;

/// How the next native dialog is answered.
#[derive(Clone, Debug)]
pub struct DialogAnswer {
    /// Yes or no.
    pub accept: bool,
    /// What is typed into a `prompt`.
    pub text: Option<Text>,
}

/// A native dialog that opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogSeen {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    pub kind: String,
    /// What it said.
    pub message: String,
}

/// What is known of the dialogs of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialogs {
    declared: VecDeque<DialogAnswer>,
    answered: VecDeque<(DialogSeen, bool)>,
    /// One that nobody declared, until somebody is told of it.
    pub(super) undeclared: Option<DialogSeen>,
    undeclared_count: u32,
    /// The dialog that is open asks whether to leave the page.
    pub(super) asks_to_leave: bool,
    /// The driver itself opens another document, so that a page's question whether to leave is answered with yes.
    pub(super) leaving: bool,
}

/// What to do about a dialog that opened.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer(DialogAnswer),
    /// It is one of too many.
    ClosePage,
}

impl Dialogs {
    /// Declares the answer to the next dialog that has none yet.
    pub(super) fn declare(&mut self, answer: DialogAnswer) {
        self.declared.push_back(answer);
    }

    /// Takes back the answers that were not used; how many they were.
    pub(super) fn take_back(&mut self) -> usize {
        std::mem::take(&mut self.declared).len()
    }

    /// The dialogs that were answered as declared since the last call, each with whether it was accepted.
    pub(super) fn take_answered(&mut self) -> Vec<(DialogSeen, bool)> {
        self.answered.drain(..).collect()
    }

    /// Takes in the event of a dialog that opened.
    pub(super) fn open(&mut self, params: &Value) -> Option<Reply> {
        #[derive(Deserialize)]
        struct Opening {
            #[serde(rename = "type")]
            kind: String,
            message: String,
        }
        // One of an unknown form stops the page all the same.
        let Opening { kind, message } =
            Opening::deserialize(params).unwrap_or(Opening { kind: "dialog".into(), message: String::new() });
        let seen = DialogSeen { kind, message: message.chars().take(MOST_WORDS).collect() };
        self.asks_to_leave = seen.kind == "beforeunload";
        if let Some(answer) = self.declared.pop_front() {
            if self.answered.len() < MOST_ANSWERED {
                self.answered.push_back((seen, answer.accept));
            }
            return Some(Reply::Answer(answer));
        }
        if self.leaving && seen.kind == "beforeunload" {
            return Some(Reply::Answer(DialogAnswer { accept: true, text: None }));
        }
        self.undeclared.get_or_insert(seen);
        self.undeclared_count = self.undeclared_count.saturating_add(1);
        if self.undeclared_count > MOST_UNDECLARED {
            return Some(Reply::ClosePage);
        }
        Some(Reply::Answer(DialogAnswer { accept: false, text: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn accepted(reply: Option<Reply>) -> Option<bool> {
        match reply {
            Some(Reply::Answer(answer)) => Some(answer.accept),
            Some(Reply::ClosePage) | None => None,
        }
    }

    #[test]
    fn answers_are_used_in_their_order_and_others_get_a_no() {
        let mut dialogs = Dialogs::default();
        let confirm = json!({ "type": "confirm", "message": "Sure?" });
        dialogs.declare(DialogAnswer { accept: true, text: None });
        dialogs.declare(DialogAnswer { accept: false, text: None });
        assert_eq!(accepted(dialogs.open(&confirm)), Some(true));
        assert_eq!(accepted(dialogs.open(&confirm)), Some(false));
        assert!(dialogs.undeclared.is_none());
        assert_eq!(dialogs.take_answered().len(), 2);
        assert_eq!(accepted(dialogs.open(&confirm)), Some(false));
        let seen = DialogSeen { kind: "confirm".into(), message: "Sure?".into() };
        assert_eq!((dialogs.undeclared.clone(), dialogs.take_answered().len()), (Some(seen), 0));
    }

    #[test]
    fn leaving_is_agreed_to_where_the_driver_leaves_and_nothing_else_is_declared() {
        let mut dialogs = Dialogs { leaving: true, ..Dialogs::default() };
        let leave = json!({ "type": "beforeunload", "message": "" });
        assert_eq!(accepted(dialogs.open(&leave)), Some(true));
        dialogs.declare(DialogAnswer { accept: false, text: None });
        assert_eq!(accepted(dialogs.open(&leave)), Some(false));
        dialogs.declare(DialogAnswer { accept: false, text: None });
        assert_eq!(dialogs.take_back(), 1);
    }

    #[test]
    fn a_page_that_opens_too_many_is_closed() {
        let mut dialogs = Dialogs::default();
        let alert = json!({ "type": "alert", "message": "again" });
        let replies: Vec<_> = (0..=MOST_UNDECLARED).map(|_| accepted(dialogs.open(&alert))).collect();
        assert_eq!(replies.iter().position(Option::is_none), Some(100));
    }
}
