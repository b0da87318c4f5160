//! A run, or the runs of an attempt, kept so that they can be run once more without the app: what was asked of which flow and what came of
//! it, what went over the network, the connector's files.
//!
//! A recording is files by path: `recording.json` ([`Recorded`]), `network.har` (HAR 1.2), `bodies/` (by the hash of their content) and
//! `connector/`. Invariants: no secret is in any of them; whoever changes the shape of `recording.json` raises [`VERSION`].
//!
//! Deliberately absent: the seed of a run's randomness. The only thing that is made of it is an initial password, which the seed would give
//! away; a replay draws another one, and what is masked in a recording fits anything.

mod anonymise;
mod drift;
mod many;
mod replay;
mod scope;
mod slim;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactName;
use crate::browser::{Playback, PlaybackError, Recording};
use crate::clock::Timestamp;
use crate::connector::Connector;
use crate::failure::FailureClass;
use crate::run::{Committed, Identity, Output, Reach, Report};
use crate::trace::StepRecord;

pub use anonymise::{Anonymised, anonymise};
pub use drift::{DriftError, Drifting, Tried, Verdict};
pub use many::{names, one, together};
pub use replay::{Asked, Parting, Replay, ReplayedRun};
pub use scope::given;
pub use slim::slim;

/// The version of `recording.json` and of what lies beside it.
pub const VERSION: u32 = 2;

/// The name of the file that says what was run.
pub const MANIFEST: &str = "recording.json";
const NETWORK: &str = "network.har";
const CONNECTOR: &str = "connector/";
const BODIES: &str = "bodies/";

/// Files by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What was run, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// [`VERSION`].
    pub version: u32,
    /// The version of Usher.
    pub usher: String,
    /// The browser's name and version.
    pub browser: String,
    /// Width and height of its page, in CSS pixels.
    pub viewport: (u32, u32),
    /// The connector that ran.
    pub connector: RecordedConnector,
    /// What the browser could reach.
    pub origins: Vec<String>,
    /// By what name the service account logged in.
    pub username: Option<String>,
    /// The runs, one after the other in one session.
    pub runs: Vec<RecordedRun>,
    /// How many exchanges were too many to be kept.
    #[serde(default)]
    pub exchanges_left_out: usize,
}

/// The connector of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedConnector {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hash of its files.
    pub hash: String,
}

/// One run of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedRun {
    /// The flow.
    pub flow: String,
    /// When it began.
    pub began: Timestamp,
    /// What its templates saw, but for credentials.
    pub given: serde_json::Value,
    /// What the page had to show at the commit step: of the account or group.
    pub subject: Vec<String>,
    /// The same of the group that the account enters or leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether it was to end before its commit step.
    #[serde(default)]
    pub dry: bool,
    /// How it ended.
    #[serde(flatten)]
    pub came_to: CameTo,
    /// Its steps, in the order in which they began.
    pub steps: Vec<StepRecord>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameTo {
    /// Why it failed; none where it did not.
    pub class: Option<FailureClass>,
    /// The same in words.
    pub message: Option<String>,
    /// Whether the app was changed, or may have been.
    pub committed: bool,
    /// What it yields.
    pub output: Output,
}

impl From<&Report> for CameTo {
    fn from(report: &Report) -> Self {
        let failure = report.outcome.as_ref().err();
        Self {
            class: failure.map(|failure| failure.class),
            message: failure.map(|failure| failure.message.clone()),
            committed: report.committed == Committed::Yes,
            output: report.outcome.as_ref().cloned().unwrap_or_default(),
        }
    }
}

impl RecordedRun {
    /// A run that has ended. Its steps come as they ended.
    pub fn new(
        (flow, began): (&str, Timestamp),
        given: serde_json::Value,
        identity: Identity,
        reach: Reach,
        report: &Report,
        mut steps: Vec<StepRecord>,
    ) -> Self {
        steps.sort_by_key(|step| step.seq);
        let Identity { subject, group } = identity;
        let (flow, dry) = (flow.to_owned(), reach == Reach::Commit);
        Self { flow, began, given, subject, group, dry, came_to: report.into(), steps }
    }
}

/// The session of a recording.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    /// The browser's name and version.
    pub browser: &'a str,
    /// Width and height of its page.
    pub viewport: (u32, u32),
    /// What it could reach.
    pub origins: Vec<String>,
    /// By what name the service account logged in.
    pub username: Option<&'a str>,
}

/// The files of a recording.
pub fn write(
    session: Session<'_>,
    connector: &Connector,
    runs: Vec<RecordedRun>,
    network: &Recording,
) -> Files {
    let mut files = Files::new();
    let Session { browser, viewport, origins, username } = session;
    let recorded = Recorded {
        version: VERSION,
        usher: env!("CARGO_PKG_VERSION").to_owned(),
        browser: browser.to_owned(),
        viewport,
        connector: RecordedConnector {
            name: connector.name.clone(),
            version: connector.version.clone(),
            hash: connector.hash.clone(),
        },
        origins,
        username: username.map(str::to_owned),
        runs,
        exchanges_left_out: network.left_out(),
    };
    let har = network.to_har(browser, |bytes, extension| {
        let path = format!("{BODIES}{}", ArtifactName::of(bytes, extension));
        files.insert(path.clone(), bytes.to_vec());
        path
    });
    for text in connector.texts.iter() {
        files.insert(format!("{CONNECTOR}{}", text.path), text.bytes.clone());
    }
    let clean = |mut value: serde_json::Value| {
        network.redact_json(&mut value);
        format!("{value:#}\n").into_bytes()
    };
    files.insert(NETWORK.to_owned(), clean(har));
    files.insert(MANIFEST.to_owned(), clean(serde_json::json!(recorded)));
    files
}

/// Files are no recording, or one that cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no `recording.json`, or no `network.har`.
    #[error("there is no {0} in it; a recording is what `usher run --record` or `usher job export` wrote")]
    Missing(&'static str),
    /// A file is not what it has to be.
    #[error("{file} cannot be understood")]
    Unreadable {
        /// The file.
        file: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It was written by another Usher.
    #[error("it is of version {found}; this Usher reads version {VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// What went over the network cannot be played.
    #[error(transparent)]
    Playback(#[from] PlaybackError),
}

impl Recorded {
    /// Reads `recording.json`.
    ///
    /// # Errors
    /// There is none, or it cannot be understood.
    pub fn read(files: &Files) -> Result<Self, RecordingError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let text = files.get(MANIFEST).ok_or(RecordingError::Missing(MANIFEST))?;
        let unreadable = |source| RecordingError::Unreadable { file: MANIFEST, source };
        let Versioned { version } = serde_json::from_slice(text).map_err(unreadable)?;
        if version != VERSION {
            return Err(RecordingError::Version { found: version });
        }
        serde_json::from_slice(text).map_err(unreadable)
    }

    /// The values that tell who somebody is: of whom the runs were about, and of everybody whom they read. `is_personal` says of which
    /// attributes of an account.
    pub fn people(&self, is_personal: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let mut people = BTreeSet::new();
        for run in &self.runs {
            people.extend(run.subject.iter().cloned());
            let CameTo { output, .. } = &run.came_to;
            let read = output.rows.iter().chain([&output.values]).flatten();
            people.extend(read.filter(|(name, _)| is_personal(name)).map(|(_, value)| value.clone()));
            for given in [&run.given["account"], &run.given["wanted"]] {
                let fields = given.as_object().into_iter().flatten();
                let personal = fields.filter(|(name, _)| is_personal(name));
                people.extend(personal.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
            }
        }
        people.retain(|value| !value.is_empty());
        people
    }
}

/// What answers in the place of the network.
///
/// # Errors
/// There is no `network.har`, or it cannot be understood, or a body is missing.
pub fn playback(files: &Files) -> Result<Playback, RecordingError> {
    let text = files.get(NETWORK).ok_or(RecordingError::Missing(NETWORK))?;
    let har = serde_json::from_slice(text)
        .map_err(|source| RecordingError::Unreadable { file: NETWORK, source })?;
    let body = |name: &str| files.get(name).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into());
    Ok(Playback::new(&har, body)?)
}

/// The files of the connector that ran, by their path under its folder.
pub fn connector_files(files: &Files) -> impl Iterator<Item = (&str, &[u8])> {
    files.iter().filter_map(|(path, bytes)| Some((path.strip_prefix(CONNECTOR)?, bytes.as_slice())))
}
