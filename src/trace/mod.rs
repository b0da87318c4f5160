//! What an attempt leaves behind: one record per step, as versioned data, and the [`Witness`] that takes them.
//!
//! Invariants: everything in a record is already free of secrets; records are told as they end, so a nesting step (`within`)
//! is told after the steps in it, and `seq` is the order in which they began. Whoever changes the shape of
//! [`StepRecord`] raises [`TRACE_VERSION`] and reads the older versions still.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::failure::FailureClass;

/// The version of the shapes in this module, stored beside them.
pub const TRACE_VERSION: u32 = 2;

/// One step of one attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The order in which the steps of a run began, from 1.
    pub seq: u32,
    /// How many steps it is nested in.
    pub depth: u32,
    /// The flow it belongs to.
    pub flow: String,
    /// The file it is written in, as diagnostics show it.
    pub file: String,
    /// The line there, from 1.
    pub line: u32,
    /// The keyword of its kind.
    pub keyword: String,
    /// The author's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it did (`clicked button “Save” in dialog “Edit member”`); where it did not end well, what it was to do.
    pub words: String,
    /// Whether it is the step that changes the app.
    #[serde(default)]
    pub commit: bool,
    /// How it ended.
    pub outcome: StepOutcome,
    /// When it began.
    pub started_at: Timestamp,
    /// Milliseconds until the element was found.
    pub find_ms: u64,
    /// Milliseconds from then until it was ready: still, enabled, uncovered.
    #[serde(default)]
    pub wait_ms: u64,
    /// Milliseconds of doing it.
    pub act_ms: u64,
    /// Milliseconds until the page was quiet again.
    pub settle_ms: u64,
    /// Milliseconds from begin to end, the picture left out.
    pub total_ms: u64,
    /// Where the page was when it ended.
    pub url: String,
    /// Its templates and what they gave, those that are secret masked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What the page wrote on its console since the step before: `error: …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<String>,
    /// The native dialogs that opened, each with its answer: `accepted the confirm “Sure?”`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialogs: Vec<String>,
    /// What the page asked the app for since the step before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
    /// What could not be kept of it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl StepRecord {
    /// Where it is written: `flows/invite.yaml:12`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// A document that was asked for, data, or something that did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The address, without its query.
    pub url: String,
    /// The status of the answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why none came, in Chromium's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// How a step ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum StepOutcome {
    /// It did what it says.
    #[default]
    Ok,
    /// It was not to be done.
    Skipped {
        /// Why not.
        why: String,
    },
    /// It failed.
    Failed {
        /// Why, in the closed list.
        class: FailureClass,
        /// What was looked for and what was there instead.
        message: String,
    },
}

/// Which moment of a step a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Just before the commit step.
    Before,
    /// When the step was done.
    After,
    /// When it failed.
    Failed,
}

impl Moment {
    /// As names of files say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Failed => "failed",
        }
    }
}

/// How the page looked at a moment, its secret fields masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it shows.
    pub moment: Moment,
    /// A JPEG; none where only the document was wanted.
    pub jpeg: Option<Vec<u8>>,
    /// The document at the same moment as HTML that needs nothing else, the step's element marked; none where it could not be had.
    pub page: Option<String>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let page = self.page.as_ref().map_or(0, String::len);
        let jpeg = self.jpeg.as_ref().map_or(0, Vec::len);
        write!(f, "Picture({:?}, {jpeg} bytes, page of {page})", self.moment)
    }
}

/// Which pictures are taken. A picture costs as much as several steps: Chromium draws two or three frames for it, and nothing may be done to the
/// page meanwhile. The document costs next to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pictures {
    /// None, and no documents.
    Nothing,
    /// Before and after the commit step, and of a failure; of the other steps that changed the page, the document.
    #[default]
    Moments,
    /// Of every step that changed the page, with the document.
    EveryStep,
}

/// The flow must stop here, and not because of the app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotAllowed {
    /// What the run ends with, where nothing was committed yet.
    pub class: FailureClass,
    /// Why, for people; lower case, no full stop.
    pub reason: String,
}

/// A step that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// The order in which the steps of a run begin, from 1.
    pub seq: u32,
    /// How many steps it is nested in.
    pub depth: u32,
    /// The file it is written in, as diagnostics show it.
    pub file: String,
    /// The line there, from 1.
    pub line: u32,
    /// What it is to do, in words.
    pub words: String,
    /// Whether it is the step that changes the app.
    pub commit: bool,
    /// What its locators match now, where that is asked for: the locator and the elements in words.
    pub matches: Vec<(String, Vec<String>)>,
}

/// What a witness is told of steps before they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    /// Nothing.
    Nothing,
    /// That they begin.
    Steps,
    /// What their locators match besides, which takes time.
    Matches,
}

/// How far the reading of a list has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Pages that were read.
    pub pages: usize,
    /// Rows on them.
    pub rows: usize,
    /// Rows that there are, where the app says so.
    pub total: Option<usize>,
}

/// A page of a list that has an address of its own, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPage {
    /// Its place, from 1.
    pub number: usize,
    /// Its address.
    pub address: String,
    /// How many rows the app says that there are on all pages.
    pub total: Option<usize>,
    /// Its rows, each with the text of each column.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Takes what a run tells while it goes on, and may stop it.
#[async_trait]
pub trait Witness: Send + Sync {
    /// A step ended. Whoever cannot keep the record says so at the next [`Witness::may_go_on`].
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>);

    /// A page of a list was read.
    async fn progress(&mut self, _progress: Progress) {}

    /// A page was read of the list at that place in the connector; the pages of a list come one after the other, from the first. Not told
    /// of pages that have no address of their own.
    async fn listed(&mut self, _list: &str, _page: ListedPage) {}

    /// The pages of the list at that place that an earlier run read before it broke off, from the first.
    async fn left_off(&mut self, _list: &str) -> Vec<ListedPage> {
        Vec::new()
    }

    /// Which pictures it keeps; no others are taken.
    fn pictures(&self) -> Pictures {
        Pictures::EveryStep
    }

    /// Asked before each step.
    ///
    /// # Errors
    /// The lease is lost or nearly so, or the run is to end: the step is not begun.
    async fn may_go_on(&mut self) -> Result<(), NotAllowed>;

    /// What [`Witness::begins`] is told. Where it is told anything, every step is told of before the next begins.
    fn preview(&self) -> Preview {
        Preview::Nothing
    }

    /// A step is about to begin; its time begins when this returns. Called as [`Witness::preview`] says.
    ///
    /// # Errors
    /// As for [`Witness::may_go_on`]: the step is not begun.
    async fn begins(&mut self, _next: NextStep) -> Result<(), NotAllowed> {
        Ok(())
    }

    /// Asked just before the commit step, when everything else is ready. `Ok` means that it is durably known that a
    /// change of the app may follow.
    ///
    /// # Errors
    /// As for [`Witness::may_go_on`]: nothing is committed.
    async fn before_commit(&mut self) -> Result<(), NotAllowed>;

    /// The commit step has been carried out, as far as the page tells.
    async fn committed(&mut self);
}

/// Keeps nothing, and stops nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

#[async_trait]
impl Witness for Silent {
    async fn step(&mut self, _record: StepRecord, _pictures: Vec<Picture>) {}

    fn pictures(&self) -> Pictures {
        Pictures::Nothing
    }

    async fn may_go_on(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    async fn before_commit(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    async fn committed(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_version_1_is_still_read() {
        let stored = r#"{"seq":7,"depth":1,"flow":"change_role","file":"flows/change_role.yaml","line":9,"keyword":"click",
            "words":"click button “Save”","commit":true,
            "outcome":{"is":"failed","class":"ui_drift","message":"no button named \"Save\""},
            "started_at":1795132800042,"find_ms":10000,"act_ms":0,"settle_ms":0,"total_ms":10001,"url":"http://desk/"}"#;
        let record: StepRecord = serde_json::from_str(stored).unwrap();
        assert_eq!((record.seq, record.commit, record.name.as_deref()), (7, true, None));
        let message = "no button named \"Save\"".to_owned();
        assert_eq!(record.outcome, StepOutcome::Failed { class: FailureClass::UiDrift, message });
        let again: StepRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(again, record);
    }
}
