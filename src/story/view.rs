//! The page of a story: what its templates are given, and its policy.
//!
//! The script is named in the policy by its hash, so no other runs. Styles are not: a frame's document is held to the policy of the page
//! around it too, and an app's page would lose its own. Nothing that a style can name may be loaded.

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::embed::{self, Embedded, Place};
use super::excerpt::{self, Line};
use super::message::{self, Part};
use super::step_view::{Around, StepView};
use super::{Exchange, Standing, Step, Story};
use crate::trace::StepOutcome;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let script = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )
});

/// So many exchanges are shown.
const MOST_EXCHANGES: usize = 1000;

/// The page that tells the story.
pub fn page(story: &Story) -> String {
    page_within(story, embed::MOST)
}

/// The same, with pictures and pages that take at most so many bytes.
pub(super) fn page_within(story: &Story, most: usize) -> String {
    let steps: Vec<&Step> = story.runs.iter().flat_map(|run| &run.steps).collect();
    let first = first_looked_at(story, &steps);
    let embedded = embed::choose(&story.runs, first.unwrap_or(0), most);
    let view = View::new(story, &steps, first, &embedded);
    // Writing into a string fails nowhere, and every value can be shown.
    view.render().unwrap_or_default()
}

/// The step that is open first: one of which something is remarked; of those that failed the last that says what the story says, being the
/// innermost; the last that changed the app; the last.
fn first_looked_at(story: &Story, steps: &[&Step]) -> Option<usize> {
    let failed = |step: &&Step| matches!(step.record.outcome, StepOutcome::Failed { .. });
    let told = story.message.as_deref().map(|told| message::apart(told).1);
    let said = |step: &&Step| match (&step.record.outcome, &told) {
        (StepOutcome::Failed { message, .. }, Some(told)) => told == message,
        _ => false,
    };
    let bad = || steps.iter().rposition(said).or_else(|| steps.iter().rposition(failed));
    let remarked = || steps.iter().position(|step| !step.remarks.is_empty());
    let commit = || steps.iter().rposition(|step| step.record.commit);
    let failed = story.class.and_then(|_| bad());
    remarked().or(failed).or_else(commit).or(steps.len().checked_sub(1))
}

#[derive(Template)]
#[template(path = "page.html")]
struct View<'a> {
    story: &'a Story,
    policy: &'a str,
    style: &'a str,
    script: &'a str,
    tone: &'static str,
    /// Where it failed: the number and the place of the step that is open first.
    place: Option<(usize, String)>,
    /// What that step was to do, and what it failed of itself, where that is of another class.
    doing: Option<(&'a str, Option<&'a str>)>,
    /// What is said of it, in parts.
    message: Vec<Part>,
    /// The number of the step that is open first; 0 where there are none.
    first: usize,
    runs: Vec<RunView<'a>>,
    count: usize,
    took: String,
    /// Each with its place, from 1.
    files: Vec<(usize, &'a str, Vec<Line<'a>>)>,
    /// With the number of the step that each was sent in.
    exchanges: Vec<(&'a Exchange, Option<usize>)>,
    more_exchanges: usize,
    left_out: usize,
}

struct RunView<'a> {
    flow: &'a str,
    given: Option<&'a str>,
    tone: &'static str,
    steps: Vec<StepView<'a>>,
}

impl<'a> View<'a> {
    fn new(story: &'a Story, steps: &[&'a Step], first: Option<usize>, embedded: &Embedded) -> Self {
        let used = |path: &str| steps.iter().any(|step| step.record.file == path);
        let texts = || story.texts.iter().filter(|(path, _)| used(path));
        let around = Around::new(steps, texts().map(|(path, text)| (path.as_str(), text.as_str())), embedded);
        let mut numbers = 0..steps.len();
        let mut runs = Vec::new();
        for run in &story.runs {
            let steps: Vec<StepView<'_>> =
                numbers.by_ref().take(run.steps.len()).filter_map(|index| around.step(index)).collect();
            let is_bad = steps.iter().any(|step| step.tone == "bad");
            let (flow, given) = (run.flow.as_str(), run.given.as_deref());
            runs.push(RunView { flow, given, tone: if is_bad { "bad" } else { "" }, steps });
        }
        let outermost = steps.iter().filter(|step| step.record.depth == 0);
        let failed_at = first.and_then(|index| Some((index + 1, steps.get(index)?))).filter(|(_, step)| {
            story.class.is_some() && matches!(step.record.outcome, StepOutcome::Failed { .. })
        });
        let place = failed_at.map(|(number, step)| (number, step.record.place()));
        let (doing, message) = told(story, place.as_ref().map(|(_, place)| place.as_str()));
        View {
            story,
            policy: POLICY.as_str(),
            style: STYLE,
            script: SCRIPT,
            tone: tone(story.standing),
            place,
            doing,
            message,
            first: first.map_or(0, |index| index + 1),
            runs,
            count: steps.len(),
            took: duration(outermost.map(|step| step.record.total_ms).sum()),
            files: texts()
                .zip(1..)
                .map(|((path, text), file)| (file, path.as_str(), excerpt::whole(text)))
                .collect(),
            exchanges: story.network.iter().take(MOST_EXCHANGES).map(|it| (it, sent_in(it, steps))).collect(),
            more_exchanges: story.network.len().saturating_sub(MOST_EXCHANGES),
            left_out: embedded.left_out,
        }
    }
}

/// What the step that failed was to do, and what is said of it. Its place and class are in the headline.
fn told<'a>(story: &'a Story, place: Option<&str>) -> (Option<(&'a str, Option<&'a str>)>, Vec<Part>) {
    let Some(message) = story.message.as_deref() else { return (None, Vec::new()) };
    let (head, rest) = message::apart(message);
    let doing = head.zip(place).and_then(|(head, place)| message::of_head(head, place));
    match doing {
        Some((class, words)) => {
            let other = Some(class).filter(|class| story.class.is_none_or(|own| own.as_str() != *class));
            (Some((words, other)), message::parts(&rest))
        }
        None => (None, message::parts(message)),
    }
}

fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Good => "good",
        Standing::Bad => "bad",
        Standing::Open => "open",
    }
}

/// The number of the step that was going on when it was sent: the innermost.
fn sent_in(exchange: &Exchange, steps: &[&Step]) -> Option<usize> {
    let began = |step: &&Step| step.record.started_at <= exchange.at;
    steps.iter().rposition(began).map(|index| index + 1)
}

/// Milliseconds as people say them: `240 ms`, `1.2 s`, `3 min 12 s`.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// What templates say of a value.
mod filters {
    /// Milliseconds as people say them.
    #[askama::filter_fn]
    pub(super) fn took(ms: &u64, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(super::duration(*ms))
    }
}
