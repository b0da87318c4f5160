//! The page that `usher demo` leaves behind: what was asked, what the app shows, and the pictures.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use askama::Template;

use crate::demo::AcmeDesk;

use super::Line;

#[derive(Template)]
#[template(path = "report.html")]
struct Report<'a> {
    lines: &'a [Line],
    changes: Vec<String>,
}

/// Writes the page into `folder` and returns its path.
pub(super) fn write(folder: &Path, lines: &[Line], desk: &AcmeDesk) -> anyhow::Result<PathBuf> {
    let changes = desk
        .record()
        .iter()
        .map(|change| format!("{} {} (by {})", change.action.word(), change.email, change.actor))
        .collect();
    let path = folder.join("report.html");
    let page = Report { lines, changes }.render()?;
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(std::fs::canonicalize(&path).unwrap_or(path))
}
