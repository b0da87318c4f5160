//! The story of an attempt at a job, from what the store has of it.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::connector::Connector;
use crate::recording::{self, Files, Recorded};
use crate::store::{AttemptDetail, AttemptOutcome, JobDetail, JobRow, PAGES, PICTURES, RECORDING};
use crate::trace::Moment;

use super::view::duration;
use super::{Other, Shot, Standing, Step, Story, network, runs};

/// What an attempt is told from.
#[derive(Debug)]
pub struct Told<'a> {
    /// The job.
    pub job: &'a JobDetail,
    /// The attempt, which is one of its.
    pub detail: &'a AttemptDetail,
    /// The name of the integration.
    pub integration: &'a str,
    /// The integration's connector as it is now.
    pub connector: Option<&'a Connector>,
    /// The bytes of the attempt's evidence, by path, as far as they are to be had.
    pub files: Files,
    /// What of them is not, a line each.
    pub missing: Vec<String>,
}

/// Tells of an attempt.
pub fn of_attempt(told: Told<'_>) -> Story {
    let Told { job, detail, integration, connector, files, missing } = told;
    let attempt = &detail.attempt;
    let files = Kept::of(detail, files);
    let recorded = Recorded::read(&files.recording).ok();
    let (texts, unread) = texts(&files.recording, connector, &attempt.connector_hash);
    let named = recorded.as_ref().map(|recorded| (&recorded.connector.name, &recorded.connector.version));
    let same = connector.filter(|connector| connector.hash == attempt.connector_hash);
    let named = named.or_else(|| same.map(|connector| (&connector.name, &connector.version)));
    let named = named.map(|(name, version)| format!("{name} {version}"));
    let mut runs = runs::split(files.steps(detail));
    if let Some(recorded) = &recorded {
        for (run, kept) in runs.iter_mut().zip(&recorded.runs).take_while(|(run, kept)| run.flow == kept.flow)
        {
            run.given = Some(format!("{:#}", kept.given));
        }
    }
    let (word, standing) = ended(attempt.outcome);
    Story {
        title: about(&job.job),
        word: word.to_owned(),
        standing,
        class: attempt.class,
        message: attempt.message.clone(),
        facts: facts(job, detail, integration, named),
        others: others(job, attempt.number),
        replay: recorded
            .is_some()
            .then(|| format!("usher replay {} --attempt {}", job.job.id, attempt.number)),
        runs,
        texts,
        network: network::of_har(files.recording.get("network.har").map_or(&[], Vec::as_slice)),
        remarks: Vec::new(),
        missing: unread.into_iter().chain(in_brief(missing)).collect(),
    }
}

/// What a job is about: `provision ada@acme.example`.
fn about(job: &JobRow) -> String {
    let whom = job.user_name.as_deref().or(job.group_name.as_deref());
    let kind = job.kind.as_str().replace('_', " ");
    whom.map_or_else(|| kind.clone(), |whom| format!("{kind} {whom}"))
}

fn ended(outcome: Option<AttemptOutcome>) -> (&'static str, Standing) {
    use AttemptOutcome as O;
    match outcome {
        None => ("still running", Standing::Open),
        Some(O::Done) => ("done", Standing::Good),
        Some(O::Requeued) => ("handed back undone", Standing::Open),
        Some(O::Failed) => ("failed", Standing::Bad),
        Some(O::Retry) => ("failed, another attempt follows", Standing::Bad),
        Some(O::Unknown) => ("outcome unknown", Standing::Bad),
        Some(O::Held) => ("held by a safeguard", Standing::Bad),
        Some(O::NeedsHuman) => ("a person has to go on", Standing::Bad),
        Some(O::Lost) => ("lost with its worker", Standing::Bad),
    }
}

fn facts(
    job: &JobDetail,
    detail: &AttemptDetail,
    integration: &str,
    connector: Option<String>,
) -> Vec<(&'static str, String)> {
    let attempt = &detail.attempt;
    let change = match (attempt.committing_at, attempt.outcome) {
        (None, _) => "not changed: nothing that changes it was sent",
        (Some(_), Some(AttemptOutcome::Done)) => "changed, and read again",
        (Some(_), _) => "changed, or maybe changed: its commit step was announced",
    };
    let took = attempt.finished_at.map(|end| duration(ms(end.since(attempt.started_at))));
    let state = job.job.state.as_str().replace('_', " ");
    [
        ("App", Some(change.to_owned())),
        ("Attempt", Some(format!("{} of {}", attempt.number, job.attempts.len()))),
        ("Began", Some(moment(attempt.started_at))),
        ("Took", took),
        ("Integration", Some(integration.to_owned())),
        ("Connector", connector),
        ("Worker", Some(attempt.worker.clone())),
        ("Job", Some(job.job.id.clone())),
        ("Job is now", Some(state)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

fn others(job: &JobDetail, number: i64) -> Vec<Other> {
    let others = job.attempts.iter().map(|detail| &detail.attempt).filter(|other| other.number != number);
    others
        .map(|other| {
            let class = || other.class.map(|class| class.to_string());
            let why = other.message.as_deref().and_then(|message| message.lines().next()).map(str::to_owned);
            let why = why.or_else(class).map(|why| format!(": {why}")).unwrap_or_default();
            let words = format!("{}, {}{why}", moment(other.started_at), ended(other.outcome).0);
            let command = format!("usher job open {} --attempt {}", job.job.id, other.number);
            Other { number: other.number, words, command }
        })
        .collect()
}

/// The files of the connector that ran, and why they are not there.
fn texts(
    recording: &Files,
    connector: Option<&Connector>,
    hash: &str,
) -> (BTreeMap<String, String>, Option<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let recorded: BTreeMap<String, String> =
        recording::connector_files(recording).map(|(path, bytes)| (path.to_owned(), text(bytes))).collect();
    if !recorded.is_empty() {
        return (recorded, None);
    }
    match connector {
        Some(connector) if connector.hash == hash => {
            (connector.texts.iter().map(|file| (file.path.clone(), text(&file.bytes))).collect(), None)
        }
        Some(_) => {
            let why = "The connector has changed since, and the files of then are not kept: steps are shown without their lines.";
            (BTreeMap::new(), Some(why.to_owned()))
        }
        None => {
            let why = "The connector cannot be read, and the files of then are not kept: steps are shown without their lines.";
            (BTreeMap::new(), Some(why.to_owned()))
        }
    }
}

/// Where much is missing, the first of it and how much more.
fn in_brief(missing: Vec<String>) -> Vec<String> {
    const TOLD: usize = 3;
    let more = missing.len().saturating_sub(TOLD);
    let mut told: Vec<String> = missing.into_iter().take(TOLD).collect();
    if more > 0 {
        told.push(format!("and {more} more files of this attempt"));
    }
    told
}

/// The evidence of an attempt, sorted by what it is.
#[derive(Debug, Default)]
struct Kept {
    recording: Files,
    /// By step and moment: the picture and the page.
    shots: BTreeMap<u32, Vec<Shot>>,
}

impl Kept {
    fn of(detail: &AttemptDetail, mut files: Files) -> Self {
        let mut kept = Self::default();
        for row in &detail.evidence {
            let bytes = files.remove(&row.path);
            if let (Some(path), Some(bytes)) = (row.path.strip_prefix(RECORDING), &bytes) {
                kept.recording.insert(path.to_owned(), bytes.clone());
            }
            let Some((step, moment)) = row.step.zip(moment_of(&row.path)) else { continue };
            let shots = kept.shots.entry(step).or_default();
            let place = shots.iter().position(|shot| shot.moment == moment).unwrap_or_else(|| {
                shots.push(Shot { moment, jpeg: None, html: None });
                shots.len() - 1
            });
            let Some(shot) = shots.get_mut(place) else { continue };
            if row.path.starts_with(PICTURES) {
                shot.jpeg = bytes;
            } else if row.path.starts_with(PAGES) {
                shot.html = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        for shots in kept.shots.values_mut() {
            shots.sort_by_key(Shot::rank);
        }
        kept
    }

    fn steps(&self, detail: &AttemptDetail) -> Vec<Step> {
        let step = |record: &crate::trace::StepRecord| Step {
            record: record.clone(),
            shots: self.shots.get(&record.seq).cloned().unwrap_or_default(),
            remarks: Vec::new(),
        };
        detail.steps.iter().map(step).collect()
    }
}

fn moment_of(path: &str) -> Option<Moment> {
    let (_, word) = path.rsplit_once('.')?.0.rsplit_once('-')?;
    [Moment::Before, Moment::After, Moment::Failed].into_iter().find(|moment| moment.as_str() == word)
}

/// A moment as people read it: `2026-11-20 03:12:07 UTC`.
fn moment(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{} UTC", seconds.replace('T', " ")),
        None => text,
    }
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
