//! A run kept in a folder or an archive, for `--record`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Trial;
use super::trial::VIEWPORT;
use crate::cli::package;
use crate::connector::Connector;
use crate::evidence::PackageWriter;
use crate::recording::{self, Session};

/// Where a recording goes.
pub(super) struct Record {
    path: PathBuf,
    package: PackageWriter,
}

impl Record {
    /// Makes the place. What is there already is nothing to write over.
    pub(super) fn prepare(path: &Path) -> anyhow::Result<Self> {
        let package = package::create(path).context("--record")?;
        Ok(Self { path: path.to_owned(), package })
    }

    /// Writes what ran; says what it wrote.
    pub(super) async fn write(self, trial: &mut Trial, connector: &Connector) -> anyhow::Result<String> {
        let (network, runs, origins) = trial.recording().await.context("nothing was recorded")?;
        let session = Session {
            browser: trial.browser().version(),
            viewport: VIEWPORT,
            origins,
            username: trial.username(),
        };
        package::finish(self.package, &recording::write(session, connector, runs, &network))?;
        Ok(format!("recording: {} ({} exchanges)", self.path.display(), network.len()))
    }
}
