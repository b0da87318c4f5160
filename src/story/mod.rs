//! What an attempt did, told to a person on one page of HTML that needs nothing else: [`page`] makes it of a [`Story`].
//!
//! Invariants: whatever is told was written by somebody else (an app's pages, its console, names of people), so nothing of it reaches the
//! page but as text that templates escape, and an app's page only in a frame that may do nothing; the page asks no network for anything,
//! and its policy would refuse it; a story is told whole from what is given, and what is missing is said.

mod attempt;
mod embed;
mod excerpt;
mod jpeg;
mod message;
mod network;
mod replayed;
mod runs;
mod step_view;
mod tame;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::failure::FailureClass;
use crate::trace::{Moment, StepRecord};

pub use attempt::{Told, of_attempt};
pub use network::Exchange;
pub use replayed::{Taken, of_replay};
pub use view::page;

/// What is told of one attempt, or of a recording that was run once more.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// What it is about: `provision ada@acme.example`.
    pub title: String,
    /// How it ended, in a word or a few: `failed`, `done`.
    pub word: String,
    /// Whether that is good, bad, or neither yet.
    pub standing: Standing,
    /// Why it failed, in the closed list.
    pub class: Option<FailureClass>,
    /// The same in words, or what else is to be said first.
    pub message: Option<String>,
    /// What else is known of it: names and values, in the order to be read.
    pub facts: Vec<(&'static str, String)>,
    /// The other attempts at the same job.
    pub others: Vec<Other>,
    /// The command that runs it once more, where it can be.
    pub replay: Option<String>,
    /// What ran, one after the other.
    pub runs: Vec<Run>,
    /// The files of the connector that ran, by their path under its folder.
    pub texts: BTreeMap<String, String>,
    /// What went over the network, in short; empty where nothing was recorded.
    pub network: Vec<Exchange>,
    /// What else came of it, a line each.
    pub remarks: Vec<String>,
    /// What cannot be shown, a line each.
    pub missing: Vec<String>,
}

/// What is to be thought of how something ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is as it should be.
    Good,
    /// Somebody should look.
    Bad,
    /// It has not ended, or was handed back.
    #[default]
    Open,
}

/// Another attempt at the same job.
#[derive(Clone, Debug)]
pub struct Other {
    /// Which try it was, from 1.
    pub number: i64,
    /// When it began, how it ended and why.
    pub words: String,
    /// The command that shows it.
    pub command: String,
}

/// One run of a flow.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The flow.
    pub flow: String,
    /// What its templates saw, as JSON.
    pub given: Option<String>,
    /// Its steps, in the order in which they began.
    pub steps: Vec<Step>,
}

/// One step, and what was kept of it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The step.
    pub record: StepRecord,
    /// What the page showed, the most telling moment first.
    pub shots: Vec<Shot>,
    /// What else is to be said of it: what came out otherwise than it was recorded.
    pub remarks: Vec<String>,
}

/// What the page showed at a moment.
#[derive(Clone)]
pub struct Shot {
    /// The moment.
    pub moment: Moment,
    /// The picture, a JPEG.
    pub jpeg: Option<Vec<u8>>,
    /// The document, as HTML.
    pub html: Option<String>,
}

impl std::fmt::Debug for Shot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths = (self.jpeg.as_ref().map(Vec::len), self.html.as_ref().map(String::len));
        write!(f, "Shot({:?}, {lengths:?})", self.moment)
    }
}

impl Shot {
    /// Its place among the moments of a step: what tells most comes first.
    fn rank(&self) -> u8 {
        match self.moment {
            Moment::Failed => 0,
            Moment::After => 1,
            Moment::Before => 2,
        }
    }
}
