//! `usher replay`: what was recorded once more, without the app.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::clock::SystemClock;
use crate::connector::Connector;
use crate::id::SystemEntropy;
use crate::recording::{self, Drifting, Files, Recorded, Replay as Once, ReplayedRun};
use crate::run::Limits;
use crate::story::{self, Taken};

use super::context::Context;
use super::open::{Keeping, Opening};
use super::run::{Pace, Pictures, Progress, as_json, folder_of, in_words, launch, load_or_tell};
use super::{Exit, folder, kept, replay_drift};

/// Runs once more what was recorded, in Chromium, with every request answered from the recording: nothing is asked of any network
///
/// With the files of the recording it must come out as it did, step by step. With --edited the connector as it is now runs, and goes as far as
/// the recording can carry it: what it asks for beyond that is told, and which step asks.
#[derive(clap::Args)]
pub(super) struct Replay {
    /// A job whose attempt failed, or the folder that `usher run --record` or `usher job export` made
    #[arg(value_name = "JOB|DIR")]
    what: String,
    /// Which attempt of the job; the last that has a recording, if not given
    #[arg(long, value_name = "N")]
    attempt: Option<i64>,
    /// Runs the connector as it is now, not that of the recording
    #[arg(long)]
    edited: bool,
    /// Instead renames, moves, hides, doubles and covers every element that a flow looks for up to its commit step, one at a time: it must stop
    /// before the commit each time
    #[arg(long, conflicts_with_all = ["edited", "headed", "step", "pictures"])]
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
}

impl Replay {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let files = self.files(context).await?;
        let recorded = Recorded::read(&files).with_context(|| self.what.clone())?;
        let playback = recording::playback(&files).with_context(|| self.what.clone())?;
        let unpacked = tempfile::Builder::new().prefix("usher-replay-").tempdir()?;
        let Some(connector) = self.connector(context, &recorded, &files, unpacked.path())? else {
            return Ok(Exit::Failed);
        };
        let replay = Once {
            recorded: &recorded,
            playback,
            connector: &connector,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let browser = Browser::launch(&launch(self.headed)?).await?;
        let ended = if self.drift {
            let Once { clock, entropy, .. } = replay;
            let drifting =
                Drifting { files: &files, recorded: &recorded, connector: &connector, clock, entropy };
            replay_drift::try_all(context, &drifting, &browser).await
        } else {
            self.replay(context, &replay, &files, &browser).await
        };
        browser.close().await;
        ended
    }

    async fn replay(
        &self,
        context: &Context,
        replay: &Once<'_>,
        files: &Files,
        browser: &Browser,
    ) -> anyhow::Result<Exit> {
        let session = replay.session(browser).await?;
        let pace = if self.step { Pace::StepByStep } else { Pace::Through };
        let pictures = Pictures { folder: self.pictures.clone(), all: self.pictures.is_some() };
        let mut progress = Progress::new(context.format, pace, pictures);
        let (mut ran, mut words, mut shown, mut taken) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for recorded in &replay.recorded.runs {
            progress.begin(&recorded.flow);
            let mut keeping = Keeping::new(&mut progress, self.open);
            let run = replay.run(recorded, session.page(), &mut keeping).await;
            taken.push(keeping.pictures);
            words.push(in_words(&run.report, &progress));
            shown.push(as_json(replay.connector, &run.flow, &run.report, &progress));
            ran.push(run);
        }
        session.close().await;
        let differences: Vec<&String> = ran.iter().flat_map(|run| &run.differences).collect();
        let never_recorded: Vec<_> = ran.iter().flat_map(|run| &run.never_recorded).collect();
        let is_good =
            if self.edited { ran.iter().all(ReplayedRun::is_carried) } else { differences.is_empty() };
        let mut told = json!({
            "recording": self.what, "edited": self.edited, "good": is_good, "same": differences.is_empty(),
            "differences": differences, "never_recorded": never_recorded, "runs": shown,
        });
        let verdict = self.verdict(&ran, &told);
        if self.open {
            let texts = replay.connector.texts.iter();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let story = story::of_replay(Taken {
                what: &self.what,
                recorded: replay.recorded,
                files,
                texts: texts.map(|file| (file.path.clone(), text(&file.bytes))).collect(),
                ran: &ran,
                pictures: taken,
                verdict: verdict.clone(),
                is_good,
            });
            let opening = Opening { to: self.to.clone(), no_browser: self.no_browser };
            told["page"] = json!(opening.open(&story)?);
        }
        context.format.print(&told, |told| {
            let mut lines: Vec<String> = words.last().cloned().into_iter().collect();
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

    /// The files of the recording.
    async fn files(&self, context: &Context) -> anyhow::Result<Files> {
        let path = Path::new(&self.what);
        if path.exists() {
            if self.attempt.is_some() {
                bail!("--attempt is of a job; {} is a folder", path.display());
            }
            return folder::read(path);
        }
        let installation = context.open().await?;
        kept::recording_of(&installation, &self.what, self.attempt).await
    }

    /// The connector that is to run; where it has mistakes they are shown.
    fn connector(
        &self,
        context: &Context,
        recorded: &Recorded,
        files: &Files,
        unpacked: &Path,
    ) -> anyhow::Result<Option<Connector>> {
        if self.edited {
            return Ok(load_or_tell(&folder_of(&recorded.connector.name, context)?));
        }
        let own = recording::connector_files(files).map(|(path, bytes)| (path.to_owned(), bytes.to_vec()));
        folder::write(unpacked, &own.collect())?;
        let Some(connector) = load_or_tell(unpacked) else { return Ok(None) };
        if connector.hash != recorded.connector.hash {
            bail!(
                "the connector in {} is not the one that was recorded; --edited runs the one in --connectors",
                self.what
            );
        }
        Ok(Some(connector))
    }
}
