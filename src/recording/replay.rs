//! Running what was recorded once more, in real Chromium, with every request answered from the recording.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::scope::scope;
use super::{CameTo, Recorded, RecordedRun};
use crate::browser::{Browser, BrowserError, Network, Page, Playback, STAND_IN, Session, SessionOptions};
use crate::clock::{SharedClock, ShiftedClock};
use crate::connector::{Connector, CredentialKind};
use crate::id::SharedEntropy;
use crate::run::{self, Call, Identity, Limits, Reach, Report, USERNAME, UsedCodes};
use crate::secret::SecretString;
use crate::trace::{
    NextStep, NotAllowed, Picture, Pictures, Preview, Progress, StepOutcome, StepRecord, Witness,
};

/// A secret for one-time codes, where a recording has masked the one that was used.
const ANY_TOTP_SECRET: &str = "JBSWY3DPEHPK3PXP";

/// A recording that is to be run once more.
#[derive(Debug)]
pub struct Replay<'a> {
    /// What was recorded.
    pub recorded: &'a Recorded,
    /// What answers in the place of the app.
    pub playback: Playback,
    /// The connector: that of the recording, or as it is now.
    pub connector: &'a Connector,
    /// How long a step may wait.
    pub limits: Limits,
    /// The time.
    pub clock: SharedClock,
    /// What initial passwords are made of.
    pub entropy: SharedEntropy,
}

/// A run that was run once more.
#[derive(Debug)]
pub struct ReplayedRun {
    /// The flow.
    pub flow: String,
    /// How it ended now.
    pub report: Report,
    /// Its steps now.
    pub steps: Vec<StepRecord>,
    /// What came out otherwise than it was recorded, a line each.
    pub differences: Vec<String>,
    /// Where its steps came out otherwise, first.
    pub parting: Option<Parting>,
    /// What was asked for and is not in the recording.
    pub never_recorded: Vec<Asked>,
}

/// Where the steps of a run and those of its recording part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The place of the step among all, from 0; one of the two may end before it.
    pub index: usize,
    /// The step that was recorded there, in words.
    pub recorded: String,
    /// The step that is there now.
    pub now: String,
}

/// Something that a step asked for and that is not in the recording.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Asked {
    /// The step: place and words.
    pub step: String,
    /// Its number in the run.
    pub seq: u32,
    /// Whether it is the commit step, or one after it.
    pub after_commit: bool,
    /// What: `POST http://desk/members was never recorded`.
    pub what: String,
}

impl ReplayedRun {
    /// Whether it came as far as its recording can carry it: it did not fail, or only because of what the app would answer to its change,
    /// which nobody recorded.
    pub fn is_carried(&self) -> bool {
        match &self.report.outcome {
            Ok(_) => true,
            Err(_) => {
                self.report.committed == run::Committed::Yes
                    && self.never_recorded.first().is_some_and(|asked| asked.after_commit)
            }
        }
    }
}

impl Replay<'_> {
    /// The session in which the runs are run, one after the other.
    ///
    /// # Errors
    /// The browser opens none.
    pub async fn session(&self, browser: &Browser) -> Result<Session, BrowserError> {
        let options = SessionOptions {
            origins: self.recorded.origins.clone(),
            viewport: self.recorded.viewport,
            network: Network::Played(self.playback.clone()),
        };
        browser.open_session(&options).await
    }

    /// Runs one of the runs; `witness` is told of its steps.
    pub async fn run(&self, recorded: &RecordedRun, page: &Page, witness: &mut dyn Witness) -> ReplayedRun {
        let credentials = self.credentials();
        // The time is that of the recording, for codes and for what a page or a template makes of it.
        let clock: SharedClock = Arc::new(ShiftedClock::to(self.clock.clone(), recorded.began));
        let mut watching = Watching::new(witness, &self.playback);
        let mut scope = scope(&recorded.given);
        let mut report = None;
        if recorded.flow == "login" {
            match run::credentials(&credentials, &clock) {
                Ok(values) => scope.set("credentials", values),
                Err(failure) => report = Some(Report::not_begun(failure)),
            }
        }
        let reach = if recorded.dry { Reach::Commit } else { Reach::End };
        let report = match report {
            Some(report) => report,
            None => {
                let call = Call {
                    book: &self.connector.book,
                    flow: &recorded.flow,
                    scope,
                    identity: Identity { subject: recorded.subject.clone(), group: recorded.group.clone() },
                    page,
                    redactor: run::redactor(&credentials),
                    limits: Limits { reach, ..self.limits },
                    clock,
                    entropy: self.entropy.clone(),
                    codes: &UsedCodes::default(),
                };
                run::run(call, &mut watching).await
            }
        };
        watching.end();
        let Watching { mut steps, asked: never_recorded, .. } = watching;
        steps.sort_by_key(|step| step.seq);
        let parting = parting(&recorded.steps, &steps);
        let differences = differences(recorded, &(&report).into(), parting.as_ref());
        ReplayedRun { flow: recorded.flow.clone(), report, steps, differences, parting, never_recorded }
    }

    /// Credentials in the place of those that no recording has: wherever they are typed, the recording is masked.
    fn credentials(&self) -> BTreeMap<String, SecretString> {
        let fields = self.connector.service_account.logins.iter().flat_map(|login| &login.credentials);
        let value = |name: &str, kind: CredentialKind| match (name, kind) {
            (USERNAME, _) => self.recorded.username.clone().unwrap_or_default(),
            ("totp", _) => ANY_TOTP_SECRET.to_owned(),
            _ => STAND_IN.to_owned(),
        };
        fields.map(|field| (field.name.clone(), SecretString::from(value(&field.name, field.kind)))).collect()
    }
}

/// What of a run came out otherwise than it was recorded, a line each. Times are none of it, nor what the page asked for by itself.
fn differences(recorded: &RecordedRun, now: &CameTo, parting: Option<&Parting>) -> Vec<String> {
    let mut found = Vec::new();
    let (before, now) = (parts(&recorded.came_to), parts(now));
    for ((name, before), (_, now)) in before.iter().zip(&now) {
        if before != now {
            found.push(format!("{}: {name}: {before} was recorded, and now it is {now}", recorded.flow));
        }
    }
    if let Some(Parting { index, recorded: before, now }) = parting {
        let flow = &recorded.flow;
        found.push(format!("{flow}: step {}: {before} was recorded, and now it is {now}", index + 1));
    }
    found
}

fn parting(recorded: &[StepRecord], now_steps: &[StepRecord]) -> Option<Parting> {
    let lines = |steps: &[StepRecord]| steps.iter().map(in_a_line).collect::<Vec<_>>();
    let (before, now) = (lines(recorded), lines(now_steps));
    let differs = |index: &usize| before.get(*index) != now.get(*index);
    // A step around others may differ only because of one in it, which then tells more.
    let is_around = |index: &usize| {
        let of = |steps: &[StepRecord]| {
            let (own, next) = (steps.get(*index)?, steps.get(index + 1)?);
            (next.depth > own.depth).then(|| own.place())
        };
        of(recorded).is_some_and(|place| of(now_steps).as_ref() == Some(&place))
    };
    let all = || (0..before.len().max(now.len())).filter(differs);
    let index = all().find(|index| !is_around(index)).or_else(|| all().next())?;
    let nothing = "nothing more".to_owned();
    let [recorded, now] = [before, now].map(|steps| steps.get(index).unwrap_or(&nothing).clone());
    Some(Parting { index, recorded, now })
}

fn parts(came_to: &CameTo) -> [(&'static str, serde_json::Value); 8] {
    let CameTo { class, message, committed, output } = came_to;
    [
        ("class", serde_json::json!(class)),
        ("message", serde_json::json!(message.as_deref().map(without_doing))),
        ("committed", serde_json::json!(committed)),
        ("stopped before the commit", serde_json::json!(output.stopped)),
        ("absent", serde_json::json!(output.absent)),
        ("values", serde_json::json!(output.values)),
        ("rows", serde_json::json!(output.rows)),
        ("complete", serde_json::json!(output.complete)),
    ]
}

/// A message without what the page was doing when nobody would wait any longer, which is another thing at another pace.
fn without_doing(message: &str) -> &str {
    message.split("\n(the page was ").next().unwrap_or(message)
}

fn in_a_line(step: &StepRecord) -> String {
    let outcome = match &step.outcome {
        StepOutcome::Ok => String::new(),
        StepOutcome::Skipped { .. } => " [skipped]".to_owned(),
        StepOutcome::Failed { class, .. } => format!(" [{class}]"),
    };
    format!("{}: {}{outcome}", step.flow, step.words)
}

/// Keeps the steps of a run and sees which of them asks for what was never recorded; everything else goes to another witness.
struct Watching<'w> {
    inner: &'w mut dyn Witness,
    playback: &'w Playback,
    steps: Vec<StepRecord>,
    /// How much was refused before.
    refused: usize,
    asked: Vec<Asked>,
    has_committed: bool,
}

impl<'w> Watching<'w> {
    fn new(inner: &'w mut dyn Witness, playback: &'w Playback) -> Self {
        let refused = playback.refused().len();
        Self { inner, playback, steps: Vec::new(), refused, asked: Vec::new(), has_committed: false }
    }

    fn notice(&mut self, seq: u32, step: &str) {
        let refused = self.playback.refused();
        let new = refused.into_iter().skip(self.refused);
        let (step, after_commit) = (step.to_owned(), self.has_committed);
        let new: Vec<Asked> = new.map(|what| Asked { step: step.clone(), seq, after_commit, what }).collect();
        self.refused += new.len();
        self.asked.extend(new);
    }

    /// What came after the last step's end.
    fn end(&mut self) {
        let last = self.steps.iter().max_by_key(|step| step.seq);
        let last = last.map(|step| (step.seq, told(step))).unwrap_or_default();
        self.notice(last.0, &last.1);
    }
}

/// A step as people find it: `flows/invite.yaml:12 (click button “Save”)`.
fn told(step: &StepRecord) -> String {
    format!("{} ({})", step.place(), step.words)
}

#[async_trait]
impl Witness for Watching<'_> {
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>) {
        self.notice(record.seq, &told(&record));
        self.steps.push(record.clone());
        self.inner.step(record, pictures).await;
    }

    async fn progress(&mut self, progress: Progress) {
        self.inner.progress(progress).await;
    }

    fn pictures(&self) -> Pictures {
        self.inner.pictures()
    }

    async fn may_go_on(&mut self) -> Result<(), NotAllowed> {
        self.inner.may_go_on().await
    }

    fn preview(&self) -> Preview {
        self.inner.preview()
    }

    async fn begins(&mut self, next: NextStep) -> Result<(), NotAllowed> {
        self.inner.begins(next).await
    }

    async fn before_commit(&mut self) -> Result<(), NotAllowed> {
        self.has_committed = true;
        self.inner.before_commit().await
    }

    async fn committed(&mut self) {
        self.inner.committed().await;
    }
}
