//! Where recordings are: a job, a folder, an archive, a folder of archives, or one of those that an archive has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::cli::context::Context;
use crate::cli::{kept, package};
use crate::recording::{self, Files};

/// One recording, and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// As people name it.
    pub(super) name: String,
    /// Its name in a place that has several; empty in one that is a recording itself.
    pub(super) own_name: String,
    place: Arc<Files>,
}

impl Source {
    /// The recordings of what was asked for, in their order.
    pub(super) async fn find(
        context: &Context,
        what: &str,
        attempt: Option<i64>,
    ) -> anyhow::Result<Vec<Self>> {
        let path = Path::new(what);
        if attempt.is_some() && path.exists() {
            bail!("--attempt is of a job; {} is a file or a folder", path.display());
        }
        if path.exists() {
            let places = archives(path)?;
            let read = |path: &PathBuf| Self::of_place(&path.display().to_string(), package::read(path)?);
            return Ok(places.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?.concat());
        }
        // `redmine.tar.gz/invite`
        if let (Some(place), Some(own)) = (path.parent().filter(|place| place.is_file()), path.file_name()) {
            let own = own.to_string_lossy();
            let all = Self::of_place(&place.display().to_string(), package::read(place)?)?;
            let found = all.into_iter().find(|source| source.own_name == own);
            return Ok(vec![found.with_context(|| format!("there is no `{own}` in {}", place.display()))?]);
        }
        let installation = context.open().await?;
        let files = kept::recording_of(&installation, what, attempt).await?;
        Self::of_place(what, files)
    }

    fn of_place(what: &str, files: Files) -> anyhow::Result<Vec<Self>> {
        let (names, place) = (recording::names(&files), Arc::new(files));
        if names.is_empty() {
            return Err(recording::RecordingError::Missing(recording::MANIFEST)).context(what.to_owned());
        }
        let source = |own_name: String| {
            let name = if own_name.is_empty() { what.to_owned() } else { format!("{what}/{own_name}") };
            Self { name, own_name, place: place.clone() }
        };
        Ok(names.into_iter().map(source).collect())
    }

    /// Its files.
    pub(super) fn files(&self) -> Files {
        recording::one(&self.place, &self.own_name)
    }

    /// What it is called among others.
    pub(super) fn short_name(&self) -> String {
        if !self.own_name.is_empty() {
            return self.own_name.clone();
        }
        let file = Path::new(&self.name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = [".tar.gz", ".tgz"].iter().find_map(|end| file.strip_suffix(end));
        stem.map_or_else(|| file.clone(), str::to_owned)
    }
}

/// The archives in a folder of them; any other place as it is.
fn archives(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() || path.join(recording::MANIFEST).exists() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    let mut archives: Vec<PathBuf> = paths.into_iter().filter(|path| package::is_archive(path)).collect();
    archives.sort();
    Ok(if archives.is_empty() { vec![path.to_owned()] } else { archives })
}
