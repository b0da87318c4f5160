//! A run kept in a folder: `recording.json`, `network.har`, `bodies/`, `connector/`.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Trial;
use super::trial::VIEWPORT;
use crate::artifact::{ArtifactError, Folder};
use crate::browser::Playback;
use crate::connector::{Connector, texts};

/// The version of `recording.json` and of what lies beside it.
const VERSION: u32 = 1;

/// The folder of a recording.
#[derive(Debug)]
pub(super) struct Record {
    folder: PathBuf,
}

impl Record {
    /// Makes the folder. What is in one already is nothing to write over.
    pub(super) fn prepare(folder: &Path) -> anyhow::Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut there = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        if there.next().is_some() {
            bail!("{} is not empty; --record needs a folder that is, or none yet", folder.display());
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes the run; says what it wrote. `shown` is how the run ended, as it is told to programs.
    pub(super) async fn write(
        &self,
        trial: &Trial,
        dir: &Path,
        connector: &Connector,
        given: &BTreeMap<String, String>,
        shown: &Value,
    ) -> anyhow::Result<String> {
        let recording = trial.recording().await.context("nothing was recorded")?;
        let bodies = Folder::new(self.folder.join("bodies"));
        let har = recording.to_har(trial.browser(), |bytes, extension| {
            let path = bodies.path(&bodies.put(bytes, extension)?);
            let under = path.strip_prefix(&self.folder).unwrap_or(&path);
            Ok::<_, ArtifactError>(under.display().to_string())
        })?;
        for text in texts(dir) {
            self.put(&format!("connector/{}", text.path), &text.bytes)?;
        }
        let about = json!({
            "version": VERSION,
            "usher": env!("CARGO_PKG_VERSION"),
            "browser": trial.browser(),
            "viewport": VIEWPORT,
            "connector": { "name": connector.name, "version": connector.version, "hash": connector.hash },
            "given": given,
            "username": trial.username(),
            "exchanges_left_out": recording.left_out(),
            "run": shown,
        });
        let clean = |value: &Value| {
            serde_json::to_string_pretty(value).map(|text| recording.redact(&text).into_bytes())
        };
        self.put("network.har", &clean(&har)?)?;
        self.put("recording.json", &clean(&about)?)?;
        Ok(format!("recording: {} ({} exchanges)", self.folder.display(), recording.len()))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(&self.folder);
        let written = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let written: io::Result<()> = written.and_then(|()| fs::write(&path, bytes));
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A run as it was kept in a folder.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Recorded {
    version: u32,
    /// The connector that ran.
    pub(in crate::cli) connector: RecordedConnector,
    /// What `--set` said.
    pub(in crate::cli) given: BTreeMap<String, String>,
    /// By what name the service account logged in.
    #[serde(default)]
    pub(in crate::cli) username: Option<String>,
    /// How the run ended.
    pub(in crate::cli) run: RecordedRun,
}

/// The connector of a recorded run.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct RecordedConnector {
    pub(in crate::cli) name: String,
    pub(in crate::cli) hash: String,
}

/// How a recorded run ended, and its steps.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct RecordedRun {
    pub(in crate::cli) flow: String,
    #[serde(flatten)]
    pub(in crate::cli) rest: serde_json::Map<String, Value>,
}

impl Recorded {
    /// Reads `recording.json` of a folder.
    pub(in crate::cli) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("recording.json");
        let text =
            fs::read(&path).with_context(|| format!("{} is no recording of a run", folder.display()))?;
        let read: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} cannot be understood", path.display()))?;
        if read.version != VERSION {
            bail!("{} is of version {}; this Usher reads version {VERSION}", path.display(), read.version);
        }
        Ok(read)
    }

    /// What went over the network.
    pub(in crate::cli) fn playback(folder: &Path) -> anyhow::Result<Playback> {
        let path = folder.join("network.har");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let har: Value = serde_json::from_slice(&text)
            .with_context(|| format!("{} cannot be understood", path.display()))?;
        let body = |name: &str| {
            // Only what lies in the folder.
            let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            if is_inside { fs::read(folder.join(name)) } else { Err(io::ErrorKind::InvalidFilename.into()) }
        };
        Ok(Playback::new(&har, body)?)
    }
}
