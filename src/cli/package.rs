//! Recordings as files, in a folder or in a `.tar.gz`.

use std::path::Path;

use anyhow::Context as _;

use crate::clock::{Clock as _, SystemClock};
pub(super) use crate::evidence::is_archive;
use crate::evidence::{Limits, PackageWriter, Packed, read_whole};
use crate::recording::Files;

/// No body of a recording is longer than what is read of one file.
const LIMITS: Limits = Limits { files: 100_000, bytes_of_one: 64 << 20, bytes: 1 << 30 };

/// Begins a folder or an archive. Where it cannot be written, or there is something already, that is said now.
pub(super) fn create(path: &Path) -> anyhow::Result<PackageWriter> {
    Ok(PackageWriter::create(path, SystemClock.now())?)
}

/// Makes a folder for archives. What is in one already is nothing to write beside.
pub(super) fn create_folder(folder: &Path) -> anyhow::Result<()> {
    Ok(PackageWriter::create(folder, SystemClock.now()).map(drop)?)
}

/// Writes the files, and ends it.
pub(super) fn finish(mut package: PackageWriter, files: &Files) -> anyhow::Result<Packed> {
    for (name, bytes) in files {
        package.add(name, bytes)?;
    }
    Ok(package.finish()?)
}

/// The files of a folder or an archive.
pub(super) fn read(path: &Path) -> anyhow::Result<Files> {
    read_whole(path, LIMITS).with_context(|| format!("{} is no recording that can be used", path.display()))
}
