//! What can go wrong in a browser, named for what the caller does next.

use std::fmt;
use std::path::PathBuf;

/// Chromium could not be started or does not take orders: a matter for the operator, or for a new browser.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The program could not be started.
    #[error("cannot start Chromium at {}", executable.display())]
    Start {
        /// What was to be started.
        executable: PathBuf,
        /// Why it was not.
        #[source]
        source: std::io::Error,
    },
    /// The folder for its profile could not be made.
    #[error("cannot make a profile folder in {}", folder.display())]
    Profile {
        /// Where it was to be.
        folder: PathBuf,
        /// Why it is not.
        #[source]
        source: std::io::Error,
    },
    /// It ended before it took orders.
    #[error("Chromium ended at its start: {output}")]
    Ended {
        /// The end of what it wrote to standard error.
        output: String,
    },
    /// Its debugging socket could not be opened.
    #[error("cannot connect to Chromium")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// One that runs elsewhere could not be reached.
    #[error("cannot reach the browser at {address}: {reason}")]
    Unreachable {
        /// Scheme, host and port of its address.
        address: String,
        /// Why not, without what its address hides.
        reason: String,
    },
    /// An allowed origin is no `http` or `https` URL.
    #[error("`{origin}` is not the origin of a web site")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// It is gone, or refused an order that it must take.
    #[error("Chromium does not work: {0}")]
    Broken(String),
}

/// Why a page did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// No visible element matches, until the time was over.
    #[error("no {looked_for}{seen}")]
    NotFound {
        /// The locator, as it is written.
        looked_for: String,
        /// What was there instead.
        seen: Seen,
    },
    /// Several visible elements match.
    #[error("{} elements match {looked_for}: {}", matches.len(), matches.join(", "))]
    Ambiguous {
        /// The locator, as it is written.
        looked_for: String,
        /// Each of them, described.
        matches: Vec<String>,
    },
    /// The element is there but was not ready, until the time was over.
    #[error("{looked_for} {why}{seen}")]
    NotReady {
        /// The locator, as it is written.
        looked_for: String,
        /// What kept it.
        why: Unready,
        /// What was there.
        seen: Seen,
    },
    /// What was to go was there to the end.
    #[error("{looked_for} is still there: {} ({doing})", matches.join(", "))]
    StillThere {
        /// The locator, as it is written.
        looked_for: String,
        /// Each of them, described.
        matches: Vec<String>,
        /// What the page was doing.
        doing: String,
    },
    /// The address never matched.
    #[error("the address does not match /{looked_for}/: {url} ({doing})")]
    Address {
        /// The regular expression.
        looked_for: String,
        /// The address.
        url: String,
        /// What the page was doing.
        doing: String,
    },
    /// One of the watched locators became visible first; its index.
    #[error("something that was watched for appeared first (number {0})")]
    Watched(usize),
    /// The page opened a native dialog that nobody declared. It was dismissed.
    #[error("the page opened a native dialog ({kind}): {message}")]
    Dialog {
        /// `alert`, `confirm`, `prompt` or `beforeunload`.
        kind: String,
        /// What it said.
        message: String,
    },
    /// A guard did not hold at the moment of the action; nothing was sent to the page.
    #[error("guard {index} does not hold ({matches} matches): {seen}")]
    Guard {
        /// Which one.
        index: usize,
        /// What was there instead.
        seen: String,
        /// How often it matched.
        matches: usize,
    },
    /// A page could not be opened.
    #[error("cannot open {url}: {reason}")]
    Navigation {
        /// What was to be opened.
        url: String,
        /// Chromium's word for it.
        reason: String,
    },
    /// The page is outside the allowed origins.
    #[error("{url} is outside the allowed origins")]
    Blocked {
        /// What was to be opened.
        url: String,
    },
    /// No window opened, until the time was over.
    #[error("no window opened ({doing})")]
    NoWindow {
        /// What the page was doing.
        doing: String,
    },
    /// A file could not be downloaded.
    #[error("{reason}")]
    Download {
        /// Why not.
        reason: String,
    },
    /// This cannot be done in a browser that runs on another machine.
    #[error("{what} cannot come from a browser on another machine")]
    Elsewhere {
        /// What.
        what: String,
    },
    /// A request of the page got no answer.
    #[error("{reason}")]
    Request {
        /// Why not.
        reason: String,
    },
    /// The page gave no answer until the time was over.
    #[error("the page took too long: {doing}")]
    TooSlow {
        /// What it was doing.
        doing: String,
    },
    /// The tab crashed.
    #[error("the tab crashed")]
    Crashed,
    /// The page or the browser was closed, or ended.
    #[error("the browser is gone")]
    Closed,
    /// Chromium refused an order, or our script in the page failed: a fault of ours.
    #[error("the browser refused an order: {0}")]
    Protocol(String),
    /// The page had already received the event when this happened: the action may have had its effect.
    #[error("after the event was sent: {0}")]
    AfterEvent(#[source] Box<PageError>),
}

impl PageError {
    /// Whether the page had received the event of the action when it failed. Where it had not, the action is safe to repeat.
    pub fn event_was_sent(&self) -> bool {
        matches!(self, PageError::AfterEvent(_))
    }

    /// The error itself, without the word on when it happened.
    pub fn cause(&self) -> &PageError {
        match self {
            PageError::AfterEvent(error) => error.cause(),
            other => other,
        }
    }

    pub(super) fn after_event(self) -> Self {
        match self {
            // Nothing was sent where it cannot be.
            PageError::AfterEvent(_) | PageError::Elsewhere { .. } => self,
            other => PageError::AfterEvent(Box::new(other)),
        }
    }
}

/// What was on the page instead of what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Where it was looked for, such as `dialog "Edit member"`; none for the whole page.
    pub scope: Option<String>,
    /// The nearest, as locators that would match.
    pub candidates: Vec<String>,
    /// What the page was doing: requests in flight, a navigation, nothing.
    pub doing: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scope) = &self.scope {
            write!(f, " in {scope}")?;
        }
        if !self.candidates.is_empty() {
            write!(f, "; there is {}", self.candidates.join(", "))?;
        }
        if !self.doing.is_empty() {
            write!(f, " ({})", self.doing)?;
        }
        Ok(())
    }
}

/// What keeps an element from being used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Unready {
    /// It is there but not visible.
    Hidden,
    /// It did not keep still.
    Moving,
    /// It is disabled.
    Disabled,
    /// It can be read but not written.
    ReadOnly,
    /// Something else would receive the event at its place.
    Covered {
        /// What would, described.
        by: String,
    },
    /// Its value is another one. Empty where the value is a secret.
    ValueDiffers {
        /// The value that it has.
        is: String,
    },
    /// It has no such option.
    NoOption {
        /// Those that it has.
        options: Vec<String>,
    },
    /// The page moves the focus away from it, or loses what is typed.
    Unfocused,
    /// It is no control of the kind that the action needs.
    WrongKind {
        /// What it is.
        is: String,
    },
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unready::Hidden => f.write_str("is not visible"),
            Unready::Moving => f.write_str("does not keep still"),
            Unready::Disabled => f.write_str("is disabled"),
            Unready::ReadOnly => f.write_str("is read-only"),
            Unready::Covered { by } => write!(f, "is covered by {by}"),
            Unready::ValueDiffers { is } => write!(f, "has another value: {is:?}"),
            Unready::NoOption { options } => write!(f, "has no such option; it has {}", options.join(", ")),
            Unready::Unfocused => f.write_str("does not keep the focus"),
            Unready::WrongKind { is } => write!(f, "is {is}, which this cannot be done to"),
        }
    }
}
