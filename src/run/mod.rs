//! Runs a flow on a page and always ends in a [`Report`].
//!
//! Invariants: the commit step happens at most once, after the witness allowed it, and only while the page shows the right
//! tenant and the right account; a fault after its event was sent is `outcome_unknown` unless the app itself refused in
//! words that the connector declares; known pop-ups and known errors are met wherever a wait is not; every step leaves a
//! record, and nothing in a record, a failure or a picture shows a secret.
//!
//! Deliberately absent: trying again. That is decided in `job`, from the report.

mod commit;
mod credentials;
mod dialogs;
mod drift;
mod explain;
mod files;
mod pace;
mod password;
mod record;
mod request;
mod runner;
mod session;
mod show;
mod stage;
mod totp;
mod window;

use std::time::Duration;

use crate::browser::{Drift, Drifted, Page};
use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::id::SharedEntropy;
use crate::playbook::Scope;
use crate::secret::Redactor;
use crate::step::Book;
use crate::trace::Witness;

pub use crate::step::{At, Failure, Output, Told};
pub use credentials::{USERNAME, credentials, redactor};
pub use pace::{Codes, UsedCodes};
pub use session::logged_in;

use runner::Runner;

/// One flow to be run.
#[derive(Debug)]
pub struct Call<'a> {
    /// The connector.
    pub book: &'a Book,
    /// The flow's name.
    pub flow: &'a str,
    /// What templates see: `settings`, `account` and what else the flow is about; `credentials` for `login` alone.
    pub scope: Scope,
    /// What the page must show at the commit step.
    pub identity: Identity,
    /// The page of the service account's session.
    pub page: &'a Page,
    /// Knows every secret in `scope`.
    pub redactor: Redactor,
    /// How long and how far it may go.
    pub limits: Limits,
    /// The time.
    pub clock: SharedClock,
    /// What the run's `random_password` is made of.
    pub entropy: SharedEntropy,
    /// The one-time codes that the service account used.
    pub codes: &'a dyn Codes,
}

/// What the page must show at the commit step (R16).
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// What tells the account, or the group, that is changed: the account's `match` values, of which one must stand where the
    /// change is made. Empty where a flow changes neither.
    pub subject: Vec<String>,
    /// The name of the group that the account enters or leaves; it may stand anywhere on the page.
    pub group: Option<String>,
}

/// How long and how far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a step waits that says nothing else.
    pub step: Duration,
    /// How long the whole flow may take.
    pub flow: Duration,
    /// How many steps it may do, those in loops counted each time.
    pub steps: u32,
    /// How far it goes.
    pub reach: Reach,
    /// What becomes of the page on the way, to see whether the flow notices. Only where a recording is played.
    pub drift: Option<DriftAt>,
}

/// Something that becomes of an element just before a step that is about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriftAt {
    /// The step, in the order in which they begin, from 1.
    pub seq: u32,
    /// Which of the elements that it looks for.
    pub element: usize,
    /// What becomes of it.
    pub drift: Drift,
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To its end.
    #[default]
    End,
    /// Up to the commit step, which is marked on the page and not done.
    Commit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(10),
            flow: Duration::from_secs(600),
            steps: 10_000,
            reach: Reach::End,
            drift: None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it yields, or why it failed.
    pub outcome: Result<Output, Failure>,
    /// Whether the app may have been changed.
    pub committed: Committed,
    /// What came of [`Limits::drift`], where its step was reached.
    pub drifted: Option<Drifted>,
}

impl Report {
    /// That of a run that did not begin.
    pub fn not_begun(failure: Failure) -> Self {
        Self { outcome: Err(failure), committed: Committed::No, drifted: None }
    }
}

/// Whether the event of the commit step was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The app is as it was.
    No,
    /// The app was changed, or may have been.
    Yes,
}

/// Runs a flow to its end.
pub async fn run(call: Call<'_>, witness: &mut dyn Witness) -> Report {
    let name = call.flow;
    let Some(flow) = call.book.flows.get(name) else {
        let failure = Failure::new(FailureClass::Unsupported, format!("the connector has no flow `{name}`"));
        return Report::not_begun(failure);
    };
    let mut runner = Runner::new(call, witness);
    let ended = runner.whole(flow).await;
    runner.tell_untold().await;
    runner.clear_up();
    runner.report(ended)
}
