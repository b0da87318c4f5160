//! Files in a folder that is for its owner alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::recording::Files;

/// The most that is read of one file; no body of a recording is longer.
const LONGEST: u64 = 64 << 20;

/// Makes a folder. What is in one already is nothing to write over.
pub(super) fn make_empty(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut there = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    if there.next().is_some() {
        bail!("{} is not empty; name a folder that is, or none yet", folder.display());
    }
    Ok(())
}

/// Writes files into a folder.
pub(super) fn write(folder: &Path, files: &Files) -> anyhow::Result<()> {
    for (name, bytes) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
        let written: io::Result<()> = made.and_then(|()| {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(bytes)
        });
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Every file of a folder, by its path in it. Links are not followed.
pub(super) fn read(folder: &Path) -> anyhow::Result<Files> {
    let (mut files, mut left) = (Files::new(), vec![PathBuf::new()]);
    while let Some(under) = left.pop() {
        let shown = folder.join(&under);
        let entries = fs::read_dir(&shown).with_context(|| format!("cannot read {}", shown.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", shown.display()))?;
            let (under, kind) = (under.join(entry.file_name()), entry.file_type()?);
            if kind.is_dir() {
                left.push(under);
            } else if kind.is_file() {
                let path = folder.join(&under);
                if entry.metadata()?.len() > LONGEST {
                    bail!("{} is longer than anything that was recorded", path.display());
                }
                let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                files.insert(under.display().to_string(), bytes);
            }
        }
    }
    Ok(files)
}
