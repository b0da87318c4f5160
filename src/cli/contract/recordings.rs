//! What the cases did, kept to be replayed: an archive for each case, with a recording for each attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::cli::{kept, package};
use crate::recording;
use crate::server::Installation;
use crate::store::JobFilter;

/// More jobs than a case has.
const MOST_JOBS: u32 = 1000;

/// The folder of the archives.
#[derive(Debug)]
pub(super) struct Recordings {
    folder: PathBuf,
    /// The attempts that earlier cases kept: job and number.
    seen: BTreeSet<(String, i64)>,
}

impl Recordings {
    /// Makes the folder. What is in one already is nothing to write beside.
    pub(super) fn prepare(folder: PathBuf) -> anyhow::Result<Self> {
        package::create_folder(&folder)?;
        Ok(Self { folder, seen: BTreeSet::new() })
    }

    /// Keeps what was recorded since the last case.
    pub(super) async fn keep(&mut self, installation: &Installation, case: &str) -> anyhow::Result<()> {
        let filter = JobFilter { integration_id: None, state: None, before: None, limit: MOST_JOBS };
        let mut new = BTreeMap::new();
        // Newest first.
        for job in installation.store.list_jobs(&filter).await?.into_iter().rev() {
            let detail = kept::find_job(installation, &job.id).await?;
            for attempt in &detail.attempts {
                let number = attempt.attempt.number;
                let is_recorded = attempt.evidence.iter().any(kept::is_of_recording);
                if is_recorded && self.seen.insert((job.id.clone(), number)) {
                    let name = format!("{:02}-{}", new.len() + 1, job.kind);
                    new.insert(name, kept::recording_of(installation, &job.id, Some(number)).await?);
                }
            }
        }
        if !new.is_empty() {
            let package = package::create(&self.folder.join(format!("{case}.tar.gz")))?;
            package::finish(package, &recording::together(new))?;
        }
        Ok(())
    }
}
