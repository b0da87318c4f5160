//! A run kept in a folder, for `--record`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Trial;
use super::trial::VIEWPORT;
use crate::cli::folder;
use crate::connector::Connector;
use crate::recording::{self, Session};

/// The folder of a recording.
#[derive(Debug)]
pub(super) struct Record {
    folder: PathBuf,
}

impl Record {
    /// Makes the folder. What is in one already is nothing to write over.
    pub(super) fn prepare(folder: &Path) -> anyhow::Result<Self> {
        folder::make_empty(folder).context("--record")?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes what ran; says what it wrote.
    pub(super) async fn write(&self, trial: &mut Trial, connector: &Connector) -> anyhow::Result<String> {
        let (network, runs, origins) = trial.recording().await.context("nothing was recorded")?;
        let session = Session {
            browser: trial.browser().version(),
            viewport: VIEWPORT,
            origins,
            username: trial.username(),
        };
        folder::write(&self.folder, &recording::write(session, connector, runs, &network))?;
        Ok(format!("recording: {} ({} exchanges)", self.folder.display(), network.len()))
    }
}
