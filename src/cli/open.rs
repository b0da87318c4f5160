//! A page that tells what an attempt did: written for its owner's eyes alone, and opened in a browser where there is one.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::server::Installation;
use crate::store::{AttemptDetail, JobDetail};
use crate::story::{Story, Told, of_attempt, page};

use super::kept;

/// Where a page goes, and whether it is opened.
#[derive(clap::Args)]
pub(super) struct Opening {
    /// Where the page is written; a new folder under the system's temporary one, if not given
    #[arg(long, value_name = "FILE")]
    pub(super) to: Option<PathBuf>,
    /// Opens no browser, only says where the page is
    #[arg(long)]
    pub(super) no_browser: bool,
}

impl Opening {
    /// Writes the page of a story, opens it where that can be, and returns where it is. That no browser opens fails nothing.
    pub(super) fn open(&self, story: &Story) -> anyhow::Result<PathBuf> {
        let path = match &self.to {
            Some(path) => path.clone(),
            None => tempfile::Builder::new().prefix("usher-story-").tempdir()?.keep().join("story.html"),
        };
        write(&path, &page(story)).with_context(|| format!("cannot write {}", path.display()))?;
        let path = std::fs::canonicalize(&path).unwrap_or(path);
        if !self.no_browser {
            show(&path);
        }
        Ok(path)
    }
}

/// Nobody else may read it; what others could read already is replaced, not written into.
fn write(path: &Path, page: &str) -> io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there and no plain file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Such a file is its owner's alone from the beginning.
    let mut file = tempfile::Builder::new().prefix(".usher-story-").tempfile_in(folder)?;
    file.write_all(page.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Opens the page in the browser that `BROWSER` names, or in the one that the system opens pages in.
fn show(path: &Path) {
    let named = std::env::var_os("BROWSER").filter(|name| !name.is_empty());
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let system = if cfg!(target_os = "macos") { Some("open") } else { has_display.then_some("xdg-open") };
    let Some(program) = named.or_else(|| system.map(Into::into)) else { return };
    let mut command = Command::new(program);
    let command = command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It goes on by itself when this process has ended.
    if let Err(error) = command.spawn() {
        tracing::info!(%error, "no browser was opened");
    }
}

/// The story of an attempt at a job: of the one that is asked for, else of the last.
pub(super) async fn story_of(
    installation: &Installation,
    job: &JobDetail,
    attempt: Option<i64>,
) -> anyhow::Result<Story> {
    let Some(detail) = chosen(job, attempt)? else {
        bail!("job {} has not been attempted yet; it is {}", job.job.id, job.job.state);
    };
    let (files, missing) = kept::fetch(installation, &detail.evidence).await?;
    let integration_id = &job.job.integration_id;
    let row = installation.store.integration(integration_id).await?;
    let name = row.as_ref().map_or(integration_id.as_str(), |row| row.name.as_str());
    let entry = row.as_ref().and_then(|row| installation.library.get(&row.connector));
    let connector = entry.and_then(|entry| entry.connector.as_deref());
    Ok(of_attempt(Told { job, detail, integration: name, connector, files, missing }))
}

fn chosen(job: &JobDetail, attempt: Option<i64>) -> anyhow::Result<Option<&AttemptDetail>> {
    let Some(number) = attempt else { return Ok(job.attempts.last()) };
    let found = job.attempts.iter().find(|detail| detail.attempt.number == number);
    let found = found.with_context(|| {
        format!("job {} has no attempt {number}; it has {}", job.job.id, job.attempts.len())
    })?;
    Ok(Some(found))
}
