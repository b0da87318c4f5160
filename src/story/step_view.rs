//! One step, as the page shows it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::embed::{Embedded, Place};
use super::excerpt::{self, Line};
use super::message::{self, Part};
use super::tame::tamed;
use super::{Shot, Step, jpeg};
use crate::trace::{Request, StepOutcome, StepRecord};

/// So many lines are shown of a console, or requests of a step.
const MOST_LINES: usize = 200;
/// So many characters of one text.
const LONGEST: usize = 2000;
/// The size of a page whose picture is not there.
const USUAL: (u16, u16) = (1280, 900);

/// What the steps of a page have in common.
pub(super) struct Around<'a, 's> {
    steps: &'s [&'a Step],
    /// The files by path: their place on the page, from 1, and their text.
    files: BTreeMap<&'a str, (usize, &'a str)>,
    embedded: &'s Embedded,
    longest_ms: u64,
}

/// A step.
pub(super) struct StepView<'a> {
    /// From 1, among all steps of the page.
    pub number: usize,
    pub record: &'a StepRecord,
    /// `bad`, `skipped`, `odd` where something is remarked, or nothing.
    pub tone: &'static str,
    /// Its time as a share of the longest step's, in percent.
    pub share: u64,
    pub skipped: Option<&'a str>,
    pub class: Option<&'static str>,
    /// What it failed of, in parts.
    pub failed: Vec<Part>,
    /// The step in it that failed, where it failed because of that one alone.
    pub told_by: Option<usize>,
    pub remarks: &'a [String],
    pub shots: Vec<ShotView<'a>>,
    pub lines: Vec<Line<'a>>,
    /// The place of its file on the page.
    pub file: Option<usize>,
    /// Its time in parts: what it went into, and milliseconds.
    pub parts: Vec<(&'static str, u64)>,
    pub values: Vec<(&'a str, String)>,
    pub console: Vec<String>,
    pub requests: &'a [Request],
    /// How many requests and lines there are beyond those.
    pub more: usize,
}

/// A moment of a step.
pub(super) struct ShotView<'a> {
    /// As it is said after “the page,”.
    pub moment: String,
    /// Whether it is an earlier step's: this one has none, so the page was as it is there.
    pub is_earlier: bool,
    pub picture: Place,
    pub base64: String,
    pub size: (u16, u16),
    pub page: Place,
    pub html: Cow<'a, str>,
}

impl<'a, 's> Around<'a, 's> {
    pub(super) fn new(
        steps: &'s [&'a Step],
        files: impl Iterator<Item = (&'a str, &'a str)>,
        embedded: &'s Embedded,
    ) -> Self {
        let files = files.enumerate().map(|(index, (path, text))| (path, (index + 1, text))).collect();
        let longest_ms = steps.iter().map(|step| step.record.total_ms).max().unwrap_or(0).max(1);
        Self { steps, files, embedded, longest_ms }
    }

    /// The step at that place, from 0.
    pub(super) fn step(&self, index: usize) -> Option<StepView<'a>> {
        let step = *self.steps.get(index)?;
        let record = &step.record;
        let told_by = self.told_by(index);
        let (class, failed, skipped) = match &record.outcome {
            StepOutcome::Ok => (None, Vec::new(), None),
            StepOutcome::Skipped { why } => (None, Vec::new(), Some(why.as_str())),
            StepOutcome::Failed { class, message } => (Some(class.as_str()), message::parts(message), None),
        };
        let tone = match (&record.outcome, step.remarks.is_empty()) {
            (StepOutcome::Failed { .. }, _) => "bad",
            (_, false) => "odd",
            (StepOutcome::Skipped { .. }, _) => "skipped",
            (StepOutcome::Ok, _) => "",
        };
        let file = self.files.get(record.file.as_str());
        let more = [record.console.len(), record.requests.len()];
        Some(StepView {
            number: index + 1,
            record,
            tone,
            share: Some(record.total_ms.saturating_mul(100) / self.longest_ms)
                .filter(|share| *share > 2)
                .unwrap_or(0),
            skipped,
            class,
            failed: if told_by.is_some() { Vec::new() } else { failed },
            told_by,
            remarks: &step.remarks,
            shots: self.shots(index, step),
            lines: file.map(|(_, text)| excerpt::of_step(text, record.line)).unwrap_or_default(),
            file: file.map(|(place, _)| *place),
            parts: parts(record, told_by.is_none()),
            values: record.values.iter().map(|(name, value)| (name.as_str(), short(value))).collect(),
            console: record.console.iter().take(MOST_LINES).map(|line| short(line)).collect(),
            requests: record.requests.get(..MOST_LINES).unwrap_or(&record.requests),
            more: more.iter().map(|count| count.saturating_sub(MOST_LINES)).sum(),
        })
    }

    /// A step around others fails of what the one in it failed of.
    fn told_by(&self, index: usize) -> Option<usize> {
        let own = &self.steps.get(index)?.record;
        let is_bad = matches!(own.outcome, StepOutcome::Failed { .. });
        let within = self.steps.iter().skip(index + 1).take_while(|step| step.record.depth > own.depth);
        let same = within.enumerate().filter(|(_, step)| is_bad && step.record.outcome == own.outcome);
        same.last().map(|(after, _)| index + after + 2)
    }

    fn shots(&self, index: usize, step: &'a Step) -> Vec<ShotView<'a>> {
        if step.shots.is_empty() {
            return self.earlier(index).into_iter().collect();
        }
        let shown = step.shots.iter().enumerate().map(|(place, shot)| {
            let (picture, page) = self.embedded.at(index, place);
            let bytes = shot.jpeg.as_deref();
            let here = bytes.filter(|_| matches!(picture, Place::Here(_)));
            let html = shot.html.as_deref().filter(|_| matches!(page, Place::Here(_)));
            ShotView {
                moment: shot.moment.as_str().to_owned(),
                is_earlier: false,
                picture,
                base64: here.map(|bytes| STANDARD.encode(bytes)).unwrap_or_default(),
                size: size(shot),
                page,
                html: html.map(tamed).unwrap_or_default(),
            }
        });
        shown.collect()
    }

    /// What the last step before this one showed that showed anything.
    fn earlier(&self, index: usize) -> Option<ShotView<'a>> {
        let before = self.steps.get(..index)?;
        let (place, shot) =
            before.iter().enumerate().rev().find_map(|(at, step)| Some((at, step.shots.first()?)))?;
        let again = |place| match place {
            Place::Here(number) | Place::Same(number) => Place::Same(number),
            Place::LeftOut | Place::None => Place::None,
        };
        let (picture, page) = self.embedded.at(place, 0);
        let (picture, page) = (again(picture), again(page));
        let shown = ShotView {
            moment: format!("since step {}", self.steps.get(place)?.record.seq),
            is_earlier: true,
            picture,
            base64: String::new(),
            size: size(shot),
            page,
            html: Cow::default(),
        };
        (picture != Place::None).then_some(shown)
    }
}

fn size(shot: &Shot) -> (u16, u16) {
    shot.jpeg.as_deref().and_then(jpeg::size).unwrap_or(USUAL)
}

/// What the time of a step went into; the rest is what it did beside, or the steps in it, or what it waited for and did not get.
fn parts(record: &StepRecord, is_alone: bool) -> Vec<(&'static str, u64)> {
    let rest = match record.outcome {
        StepOutcome::Failed { .. } if is_alone => "in vain",
        _ => "rest",
    };
    let StepRecord { find_ms, wait_ms, act_ms, settle_ms, total_ms, .. } = *record;
    let known = [("find", find_ms), ("wait", wait_ms), ("act", act_ms), ("settle", settle_ms)];
    let sum = known.iter().fold(0u64, |sum, (_, ms)| sum.saturating_add(*ms));
    let all = known.into_iter().chain([(rest, total_ms.saturating_sub(sum))]);
    all.filter(|(_, ms)| *ms > 0).collect()
}

/// A text, cut where it is very long.
fn short(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return text.to_owned() };
    let more = text.chars().skip(LONGEST).count();
    format!("{}… and {more} characters more", text.get(..end).unwrap_or_default())
}
