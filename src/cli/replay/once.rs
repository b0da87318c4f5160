//! One recording, run once more.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::browser::Browser;
use crate::cli::context::Context;
use crate::cli::run::{folder_of, load_or_tell, tell_mistakes};
use crate::clock::{Clock as _, SystemClock};
use crate::connector::{Connector, Text, load_texts};
use crate::id::SystemEntropy;
use crate::recording::{self, Files, Recorded, Replay, ReplayedRun};
use crate::run::Limits;
use crate::trace::Witness;

/// A recording that can be run once more.
pub(super) struct Once {
    pub(super) recorded: Recorded,
    pub(super) connector: Connector,
    pub(super) files: Files,
}

/// Sees the runs of a recording.
pub(super) trait Watcher {
    /// Who is told of the steps.
    fn witness(&mut self) -> &mut dyn Witness;
    /// A run begins.
    fn begins_run(&mut self, flow: &str);
    /// It has ended.
    fn ends_run(&mut self, connector: &Connector, run: &ReplayedRun);
}

/// A run that was run once more, and how long that took.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) run: ReplayedRun,
    pub(super) took: Duration,
}

impl Once {
    /// Reads a recording, with the connector of its own or with that of its name as it is now.
    pub(super) fn read(context: &Context, what: &str, files: Files, edited: bool) -> anyhow::Result<Self> {
        let recorded = Recorded::read(&files).with_context(|| what.to_owned())?;
        let connector = match edited {
            true => load_or_tell(&folder_of(&recorded.connector.name, context)?),
            false => own_connector(&files),
        };
        let connector = connector.context("the connector has mistakes")?;
        if !edited && connector.hash != recorded.connector.hash {
            bail!(
                "the connector in {what} is not the one that was recorded; --edited runs the one in --connectors"
            );
        }
        Ok(Self { recorded, connector, files })
    }

    /// Runs it in a session of its own.
    pub(super) async fn run(
        &self,
        browser: &Browser,
        watcher: &mut impl Watcher,
    ) -> anyhow::Result<Vec<Ran>> {
        let replay = Replay {
            recorded: &self.recorded,
            playback: recording::playback(&self.files)?,
            connector: &self.connector,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        let session = replay.session(browser).await?;
        let mut ran = Vec::new();
        for recorded in &self.recorded.runs {
            watcher.begins_run(&recorded.flow);
            let began = SystemClock.elapsed();
            let run = replay.run(recorded, session.page(), watcher.witness()).await;
            watcher.ends_run(&self.connector, &run);
            ran.push(Ran { run, took: SystemClock.elapsed().saturating_sub(began) });
        }
        session.close().await;
        Ok(ran)
    }
}

/// Whether runs came out as they are to.
pub(super) fn is_good(ran: &[Ran], edited: bool) -> bool {
    match edited {
        true => ran.iter().all(|ran| ran.run.is_carried()),
        false => ran.iter().all(|ran| ran.run.differences.is_empty()),
    }
}

fn own_connector(files: &Files) -> Option<Connector> {
    let own = recording::connector_files(files);
    let texts: Vec<Text> =
        own.map(|(path, bytes)| Text { path: path.to_owned(), bytes: bytes.to_vec() }).collect();
    let loaded = load_texts(Path::new("connector"), &texts);
    if loaded.connector.is_none() {
        tell_mistakes(&loaded.diagnostics);
    }
    loaded.connector
}
