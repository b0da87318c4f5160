//! Whether a flow would notice that the page is not as it was: every element that it looks for up to its commit step is renamed, moved,
//! hidden, doubled or covered in a replay of its recording, one at a time, and each time it must stop before the commit.

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Files, Recorded, RecordedRun, RecordingError, Replay, playback};
use crate::browser::{Browser, BrowserError, Drift, Drifted};
use crate::clock::SharedClock;
use crate::connector::Connector;
use crate::id::SharedEntropy;
use crate::run::{Committed, DriftAt, Limits};
use crate::step::Shape;
use crate::trace::{Silent, StepOutcome, StepRecord};

/// How many trials go on at once.
const AT_ONCE: usize = 4;

/// A recording in which pages are to drift.
#[derive(Debug)]
pub struct Drifting<'a> {
    /// The files of the recording.
    pub files: &'a Files,
    /// What was recorded.
    pub recorded: &'a Recorded,
    /// The connector that runs.
    pub connector: &'a Connector,
    /// The time.
    pub clock: SharedClock,
    /// What initial passwords are made of.
    pub entropy: SharedEntropy,
}

/// One element, and one thing that becomes of it.
#[derive(Clone, Debug)]
struct Trial<'r> {
    /// The runs before.
    before: &'r [RecordedRun],
    run: &'r RecordedRun,
    at: DriftAt,
    /// The step: place and words.
    step: String,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tried {
    /// The flow.
    pub flow: String,
    /// The step: place and words.
    pub step: String,
    /// Which of its elements, from 1.
    pub element: usize,
    /// What became of it.
    pub drift: Drift,
    /// Whether the flow noticed.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a flow noticed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// It stopped before its commit step.
    Stopped {
        /// Why, and where.
        told: String,
    },
    /// There was nothing to notice: the locator means the same element as before, which can be used as before.
    Same,
    /// The element was not there, as is that of another way to go on.
    Absent,
    /// It went on and changed the app.
    WentOn,
}

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// The recording cannot be played.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The browser opens no session.
    #[error(transparent)]
    Browser(#[from] BrowserError),
}

impl Drifting<'_> {
    /// How many trials there are; none where no flow of the recording came to its commit step.
    pub fn count(&self) -> usize {
        self.trials().len()
    }

    /// Tries all, several at once; `told` hears of each as it ends. The results are in the order of the steps.
    ///
    /// # Errors
    /// The recording cannot be played, or the browser opens no session.
    pub async fn try_all(
        &self,
        browser: &Browser,
        told: &(dyn Fn(&Tried) + Sync),
    ) -> Result<Vec<Tried>, DriftError> {
        let tried = stream::iter(self.trials().into_iter().enumerate()).map(async |(index, trial)| {
            let tried = self.once(browser, &trial).await?;
            told(&tried);
            Ok::<_, DriftError>((index, tried))
        });
        let mut tried: Vec<_> = tried.buffer_unordered(AT_ONCE).try_collect().await?;
        tried.sort_by_key(|(index, _)| *index);
        Ok(tried.into_iter().map(|(_, tried)| tried).collect())
    }

    /// Every element of every step up to the commit step, with everything that may become of it.
    fn trials(&self) -> Vec<Trial<'_>> {
        let mut trials = Vec::new();
        for (index, run) in self.recorded.runs.iter().enumerate() {
            let (before, _) = self.recorded.runs.split_at(index);
            for step in until_commit(run) {
                let first = run.steps.first().map_or(0, |step| step.seq);
                let (seq, words) = (step.seq + 1 - first, format!("{} ({})", step.place(), step.words));
                let Some(written) = self.connector.book.step_at(&step.file, step.line) else { continue };
                let own = written.effect.locators().len();
                let tenant = usize::from(step.commit && self.connector.book.tenant.is_some());
                // What is only looked at does not mind.
                let is_used =
                    !written.effect.looks() && matches!(written.effect.shape(), Shape::Leaf | Shape::All(_));
                for element in 0..own + tenant {
                    let covers = is_used && element < own;
                    let drifts = Drift::ALL.into_iter().filter(|drift| covers || *drift != Drift::Cover);
                    trials.extend(drifts.map(|drift| Trial {
                        before,
                        run,
                        at: DriftAt { seq, element, drift },
                        step: words.clone(),
                    }));
                }
            }
        }
        trials
    }

    async fn once(&self, browser: &Browser, trial: &Trial<'_>) -> Result<Tried, DriftError> {
        let replay = Replay {
            recorded: self.recorded,
            playback: playback(self.files)?,
            connector: self.connector,
            limits: Limits::default(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        };
        let session = replay.session(browser).await?;
        for recorded in trial.before {
            replay.run(recorded, session.page(), &mut Silent).await;
        }
        let limits = Limits { drift: Some(trial.at), ..Limits::default() };
        let drifting = Replay { limits, ..replay };
        let run = drifting.run(trial.run, session.page(), &mut Silent).await;
        session.close().await;
        let verdict = match (run.report.drifted, run.report.outcome, run.report.committed) {
            (Some(Drifted::Same), ..) => Verdict::Same,
            (None | Some(Drifted::Absent), ..) => Verdict::Absent,
            (Some(Drifted::Drifted), Err(failure), Committed::No) => {
                Verdict::Stopped { told: failure.to_string().lines().next().unwrap_or_default().to_owned() }
            }
            (Some(Drifted::Drifted), ..) => Verdict::WentOn,
        };
        let DriftAt { element, drift, .. } = trial.at;
        Ok(Tried { flow: run.flow, step: trial.step.clone(), element: element + 1, drift, verdict })
    }
}

/// The steps of a run up to its commit step; none where it did not come to one.
fn until_commit(recorded: &RecordedRun) -> impl Iterator<Item = &StepRecord> {
    let commit = recorded.steps.iter().find(|step| step.commit && step.outcome == StepOutcome::Ok);
    let commit = commit.map_or(0, |step| step.seq);
    recorded.steps.iter().filter(move |step| step.seq <= commit && step.outcome == StepOutcome::Ok)
}
