//! `usher replay`: what was recorded once more, without the app.

mod drift;
mod many;
mod once;
mod source;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::connector::Connector;
use crate::recording::{self, ReplayedRun};
use crate::story::{self, Taken};
use crate::trace::{Picture, Witness};

use super::context::Context;
use super::open::Opening;
use super::run::{Pace, Pictures, Progress, as_json, in_words, launch, misused};
use super::{Exit, junit, package};

use once::{Once, Watcher, is_good};
use source::Source;

/// Runs once more what was recorded, in Chromium, with every request answered from the recording: nothing is asked of any network
///
/// With the files of the recording it must come out as it did, step by step. With --edited the connector as it is now runs, and goes as far as
/// the recording can carry it: what it asks for beyond that is told, and which step asks.
#[derive(clap::Args)]
pub(super) struct Replay {
    /// A job whose attempt failed; the folder or archive that `usher run --record`, `usher test --record` or `usher job export` made; a folder
    /// of archives; one of several recordings in an archive (`desk.tar.gz/invite`)
    #[arg(value_name = "JOB|PLACE", required = true)]
    what: Vec<String>,
    /// Which attempt of the job; the last that has a recording, if not given
    #[arg(long, value_name = "N")]
    attempt: Option<i64>,
    /// Runs the connector as it is now, not that of the recording
    #[arg(long)]
    edited: bool,
    /// Instead renames, moves, hides, doubles and covers every element that a flow looks for up to its commit step, one at a time: it must stop
    /// before the commit each time
    #[arg(long, conflicts_with_all = ["edited", "headed", "step", "pictures", "junit", "pack", "open"])]
    drift: bool,
    /// Shows the browser's window
    #[arg(long)]
    headed: bool,
    /// Shows before each step what it is and what its locators match, and waits for Enter
    #[arg(long)]
    step: bool,
    /// Where every picture is kept; otherwise only those of failures and of the commit step, in a temporary folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Tells what it did on one page for a browser: every step with its picture, page, times and lines, and where it parts from the recording
    #[arg(long)]
    open: bool,
    /// With --open: where the page is written; a new folder under the system's temporary one, if not given
    #[arg(long, value_name = "FILE", requires = "open")]
    to: Option<PathBuf>,
    /// With --open: opens no browser, only says where the page is
    #[arg(long, requires = "open")]
    no_browser: bool,
    /// How many of several recordings are replayed at a time
    #[arg(long, value_name = "N", default_value_t = 4)]
    sessions: usize,
    /// Writes the result as JUnit's XML too: a case for each run
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Puts the recordings together into this archive, without pictures, fonts and whatever else no replay needs; each must come out the same so
    #[arg(long, value_name = "FILE", conflicts_with = "edited")]
    pack: Option<PathBuf>,
}

impl Replay {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let mut sources = Vec::new();
        for what in &self.what {
            sources.extend(Source::find(context, what, self.attempt).await?);
        }
        if self.drift {
            return self.drift(context, &sources).await;
        }
        if let ([one], None, None) = (sources.as_slice(), &self.junit, &self.pack) {
            return self.one(context, one).await;
        }
        if self.step || self.pictures.is_some() || self.open {
            return Ok(misused(&["--step, --pictures and --open are of one recording".to_owned()]));
        }
        self.many(context, &sources).await
    }

    /// Lets pages drift in each of them.
    async fn drift(&self, context: &Context, sources: &[Source]) -> anyhow::Result<Exit> {
        let browser = Browser::launch(&launch(false)?).await?;
        let exit = drift::try_all(context, sources, &browser).await;
        browser.close().await;
        exit
    }

    async fn many(&self, context: &Context, sources: &[Source]) -> anyhow::Result<Exit> {
        let package = self.pack.as_deref().map(package::create).transpose().context("--pack")?;
        let asked = many::Asked { edited: self.edited, slim: package.is_some(), sessions: self.sessions };
        let browser = Browser::launch(&launch(self.headed)?).await?;
        let (ended, slim) = many::replay(context, sources, asked, &browser).await;
        browser.close().await;
        if let Some(path) = &self.junit {
            let cases: Vec<junit::Case> = ended.iter().flat_map(many::Ended::for_junit).collect();
            junit::write(path, "usher replay", &cases).context("--junit")?;
        }
        let is_good = ended.iter().all(|ended| ended.is_good);
        if let (Some(package), true) = (package, is_good) {
            package::finish(package, &recording::together(slim)).context("--pack")?;
        }
        let told = json!({
            "edited": self.edited, "good": is_good,
            "recordings": ended.iter().map(many::Ended::as_json).collect::<Vec<_>>(),
        });
        context.format.print(&told, |_| many::in_words(&ended))?;
        Ok(if is_good { Exit::Done } else { Exit::Failed })
    }

    async fn one(&self, context: &Context, source: &Source) -> anyhow::Result<Exit> {
        let once = Once::read(context, &source.name, source.files(), self.edited)?;
        let pace = if self.step { Pace::StepByStep } else { Pace::Through };
        let pictures = Pictures { folder: self.pictures.clone(), all: self.pictures.is_some() };
        let mut progress = Progress::new(context.format, pace, pictures);
        progress.taken = self.open.then(BTreeMap::new);
        let mut shown = Shown { progress, last: None, runs: Vec::new(), taken: Vec::new() };
        let browser = Browser::launch(&launch(self.headed)?).await?;
        let ran = once.run(&browser, &mut shown).await;
        browser.close().await;
        let ran = ran.with_context(|| source.name.clone())?;
        let differences: Vec<&String> = ran.iter().flat_map(|ran| &ran.run.differences).collect();
        let never_recorded: Vec<_> = ran.iter().flat_map(|ran| &ran.run.never_recorded).collect();
        let is_good = is_good(&ran, self.edited);
        let mut told = json!({
            "recording": source.name, "edited": self.edited, "good": is_good, "same": differences.is_empty(),
            "differences": differences, "never_recorded": never_recorded, "runs": shown.runs,
        });
        let ran: Vec<ReplayedRun> = ran.into_iter().map(|ran| ran.run).collect();
        let verdict = self.verdict(&ran, &told);
        if self.open {
            let texts = once.connector.texts.iter();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let story = story::of_replay(Taken {
                what: &source.name,
                recorded: &once.recorded,
                files: &once.files,
                texts: texts.map(|file| (file.path.clone(), text(&file.bytes))).collect(),
                ran: &ran,
                pictures: shown.taken,
                verdict: verdict.clone(),
                is_good,
            });
            let opening = Opening { to: self.to.clone(), no_browser: self.no_browser };
            told["page"] = json!(opening.open(&story)?);
        }
        context.format.print(&told, |told| {
            let mut lines: Vec<String> = shown.last.iter().cloned().collect();
            lines.push(String::new());
            lines.extend(verdict);
            lines.extend(told["page"].as_str().map(|page| format!("page: {page}")));
            lines.join("\n")
        })?;
        Ok(if is_good { Exit::Done } else { Exit::Failed })
    }

    /// What came of it all, in words.
    fn verdict(&self, ran: &[ReplayedRun], told: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        for asked in ran.iter().flat_map(|run| &run.never_recorded) {
            lines.push(format!("{} asked for what the recording does not have: {}", asked.step, asked.what));
        }
        let differences = || ran.iter().flat_map(|run| &run.differences).map(String::as_str);
        let all = || differences().collect::<Vec<_>>().join("\n");
        lines.push(match (told["same"] == true, self.edited, told["good"] == true) {
            (true, ..) => "it came out as it was recorded".to_owned(),
            (false, false, _) => format!("it did not come out as it was recorded:\n{}", all()),
            (false, true, true) if ran.iter().all(|run| run.report.outcome.is_ok()) => {
                format!("it was carried to its end, otherwise than it was recorded:\n{}", all())
            }
            (false, true, true) => {
                "it was carried up to its change; what the app answers to that was never recorded".to_owned()
            }
            (false, true, false) => format!("it was not carried to its end:\n{}", all()),
        });
        lines
    }
}

/// Shows the steps as they end.
struct Shown {
    progress: Progress,
    /// The pictures of each run, by step, where they are asked for.
    taken: Vec<BTreeMap<u32, Vec<Picture>>>,
    /// How the last run ended, in words.
    last: Option<String>,
    /// The same of every run, for programs.
    runs: Vec<Value>,
}

impl Watcher for Shown {
    fn witness(&mut self) -> &mut dyn Witness {
        &mut self.progress
    }

    fn begins_run(&mut self, flow: &str) {
        self.progress.begin(flow);
    }

    fn ends_run(&mut self, connector: &Connector, run: &ReplayedRun) {
        self.taken.push(self.progress.taken.clone().unwrap_or_default());
        self.last = Some(in_words(&run.report, &self.progress));
        self.runs.push(as_json(connector, &run.flow, &run.report, &self.progress));
    }
}
