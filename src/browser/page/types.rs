//! What a page is asked, and what it answers.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use tokio::time::Instant;

use crate::locator::Locator;

/// What to find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Scopes, outermost first. Each must match exactly one visible element.
    pub within: Vec<Locator>,
    /// What is meant, inside the last of them.
    pub locator: Locator,
}

/// How long to wait, and what to look for meanwhile.
#[derive(Clone, Debug)]
pub struct Wait {
    /// When to give up.
    pub until: Instant,
    /// Pop-ups and known errors: where one is visible while the wait is not met, it ends with [`PageError::Watched`].
    ///
    /// [`PageError::Watched`]: super::PageError::Watched
    pub watch: Vec<Locator>,
}

/// What to do with an element.
#[derive(Clone, Debug)]
pub enum Action {
    /// One trusted click.
    Click,
    /// The pointer goes over it.
    Hover,
    /// A key, such as `Enter`, `a` or `Control+A`.
    Press(String),
    /// A text control gets this text, whatever it had.
    Fill(Text),
    /// The option of this label is chosen, in a native select or an ARIA combobox or listbox.
    Select(String),
    /// A checkbox or switch is on, or off.
    Check(bool),
    /// A file control, hidden or not, gets this file. Where the element is none, its label's or the one inside it does.
    Upload(PathBuf),
    /// A control of any sort gets this value: a text, an option's label, `true` or `false`, a date as `2026-11-21`. Only what differs
    /// is changed.
    Set(Text),
}

/// A text to be typed.
#[derive(Clone)]
pub struct Text {
    /// The text itself.
    pub text: String,
    /// It is a secret: hidden in `Debug`, in errors and in pictures.
    pub secret: bool,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret { f.write_str(crate::secret::MASK) } else { write!(f, "{:?}", self.text) }
    }
}

/// What must hold at the moment of an action. Looked at when the element is ready, and again when the press arrives.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Exactly one visible element of the page matches.
    Present {
        /// What must be there.
        locator: Locator,
    },
    /// A visible text or the value of a control, in the innermost scope or the page where there is none, has one of these
    /// texts as a whole word: `al@x.com` is not in `pal@x.com`. Case does not matter.
    Identity {
        /// The texts.
        texts: Vec<String>,
    },
    /// The same, anywhere on the page.
    Shown {
        /// The texts.
        texts: Vec<String>,
    },
}

/// An action that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// The element, such as `button "Save"`.
    pub element: String,
    /// The value that a control had which got another; none of secrets.
    pub was: Option<String>,
    /// Whether anything had to be done.
    pub changed: bool,
    /// Milliseconds until the element was ready.
    pub find_ms: u64,
    /// Milliseconds from then until it was ready.
    pub wait_ms: u64,
    /// Milliseconds that the action took.
    pub act_ms: u64,
    /// Milliseconds until a document that it opened was there.
    pub settle_ms: u64,
}

/// An element that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The element, such as `button "Save"`.
    pub element: String,
}

/// A document that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its address, after all redirects.
    pub url: String,
    /// The status code of the answer; none where there was no request.
    pub status: Option<u16>,
}

/// What to read of an element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The attribute; addresses come out absolute. None: the visible text with its white space folded, or the value of a control.
    pub attribute: Option<String>,
    /// The names of all elements that match now, each ended by a line feed, instead of one element. None is waited for.
    pub all: bool,
}

/// Rows that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// For each row one value per cell that was asked for; none where the row has no such cell.
    pub rows: Vec<Vec<Option<String>>>,
}
