//! Named bytes in a folder or in a `.tar.gz`, with a list of their hashes.
//!
//! Invariants: what is written is for the owner's eyes alone; nothing that was there before is written over; an archive comes into place
//! whole. `SHA256SUMS` has the hash of every other file, as `sha256sum -c` reads it. An archive ends with a seal over all its bytes, in a
//! second gzip member that is empty, so that a change is found even where the format has bits that nobody reads.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::seal::{Hashed, seal_of};
use crate::clock::Timestamp;

/// The file that lists the hashes of all others.
pub const SUMS: &str = "SHA256SUMS";

/// Longer names do not fit into every kind of archive.
const LONGEST_NAME: usize = 99;

/// The bytes could not be packed or read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Something is there already.
    #[error("{} is there already: name another place", .0.display())]
    Exists(PathBuf),
    /// The folder has something in it.
    #[error("the folder {} is not empty: name another one", .0.display())]
    NotEmpty(PathBuf),
    /// A name that could lead elsewhere, or is there twice.
    #[error("`{0}` cannot name a file of a package")]
    BadName(String),
    /// A file of a package, or what they are all in.
    #[error("cannot use {name}")]
    File {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is more than anybody packs.
    #[error("{name} is larger than what is read here: {limit} bytes at most")]
    TooLarge {
        /// Which.
        name: String,
        /// How much is read.
        limit: u64,
    },
    /// There are more files than anybody packs.
    #[error("there are more than {0} files")]
    TooMany(usize),
    /// It is not as it was written.
    #[error("{name} {what}")]
    NotWhole {
        /// Which file, or the archive itself.
        name: String,
        /// What is the matter with it.
        what: String,
    },
}

impl PackageError {
    /// A file cannot be used.
    pub fn file(name: impl Into<String>, source: io::Error) -> Self {
        Self::File { name: name.into(), source }
    }

    /// The same of a place.
    pub(super) fn place(path: &Path, source: io::Error) -> Self {
        Self::file(path.display().to_string(), source)
    }
}

/// A package that is being written.
pub struct PackageWriter {
    path: PathBuf,
    place: Place,
    at: Timestamp,
    sums: BTreeMap<String, String>,
}

enum Place {
    Folder,
    Archive(Box<Builder<GzEncoder<BufWriter<Hashed<NamedTempFile>>>>>),
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// How many files there are, [`SUMS`] included.
    pub files: usize,
    /// The hash of [`SUMS`], and so of everything: who keeps it elsewhere notices a package that was made anew.
    pub digest: String,
}

impl PackageWriter {
    /// Begins a package at `path`: an archive where that ends in `.tar.gz` or `.tgz`, else a folder, which is made where it is missing. Its
    /// files are of the time `at`.
    ///
    /// # Errors
    /// Something is there already, or nothing can be written there.
    pub fn create(path: &Path, at: Timestamp) -> Result<Self, PackageError> {
        let place = match is_archive(path) {
            true => archive(path)?,
            false => folder(path)?,
        };
        Ok(Self { path: path.to_owned(), place, at, sums: BTreeMap::new() })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// The name cannot be one, or is there already; the file cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        self.add_from(name, bytes.len() as u64, &mut &*bytes)
    }

    /// Adds a file of that many bytes.
    ///
    /// # Errors
    /// As [`PackageWriter::add`], and where the bytes cannot be read, or are more or fewer.
    pub fn add_from(&mut self, name: &str, length: u64, from: &mut dyn Read) -> Result<(), PackageError> {
        if !is_safe(name) || name == SUMS || self.has(name) {
            return Err(PackageError::BadName(name.to_owned()));
        }
        let sum = self.write(name, length, from).map_err(|error| PackageError::file(name, error))?;
        self.sums.insert(name.to_owned(), sum);
        Ok(())
    }

    /// Whether that file was added.
    pub fn has(&self, name: &str) -> bool {
        self.sums.contains_key(name)
    }

    /// Writes the list of hashes, and ends the package.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<Packed, PackageError> {
        let sums = list(&self.sums);
        let written = self.write(SUMS, sums.len() as u64, &mut sums.as_bytes());
        let digest = written.map_err(|error| PackageError::file(SUMS, error))?;
        if let Place::Archive(builder) = self.place {
            let file = seal(*builder).map_err(|error| PackageError::place(&self.path, error))?;
            file.persist_noclobber(&self.path).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => PackageError::Exists(self.path.clone()),
                _ => PackageError::place(&self.path, error.error),
            })?;
        }
        Ok(Packed { files: self.sums.len() + 1, digest })
    }

    fn write(&mut self, name: &str, length: u64, from: &mut dyn Read) -> io::Result<String> {
        let mut from = Hashed::new(from.take(length));
        let written = match &mut self.place {
            Place::Folder => write_file(&self.path.join(name), &mut from)?,
            Place::Archive(builder) => {
                let mut header = Header::new_ustar();
                header.set_entry_type(EntryType::Regular);
                header.set_mode(0o600);
                header.set_mtime(u64::try_from(self.at.as_secs()).unwrap_or(0));
                header.set_size(length);
                builder.append_data(&mut header, name, &mut from)?;
                from.length
            }
        };
        if written != length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "fewer bytes than were announced"));
        }
        Ok(from.sum())
    }
}

/// Whether a package of that name is an archive.
pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

/// Whether the name stays in the folder, wherever the package is unpacked.
pub(super) fn is_safe(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= LONGEST_NAME
        && name.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && part.chars().all(allowed)
        })
}

/// The text of [`SUMS`].
pub(super) fn list(sums: &BTreeMap<String, String>) -> String {
    sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect()
}

fn folder(path: &Path) -> Result<Place, PackageError> {
    let fault = |error| PackageError::place(path, error);
    match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            None => Ok(Place::Folder),
            Some(_) => Err(PackageError::NotEmpty(path.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault)?;
            Ok(Place::Folder)
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(PackageError::Exists(path.to_owned()))
        }
        Err(error) => Err(fault(error)),
    }
}

fn archive(path: &Path) -> Result<Place, PackageError> {
    if path.symlink_metadata().is_ok() {
        return Err(PackageError::Exists(path.to_owned()));
    }
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(beside).map_err(|error| PackageError::place(beside, error))?;
    let packed = GzBuilder::new().write(BufWriter::new(Hashed::new(file)), Compression::default());
    Ok(Place::Archive(Box::new(Builder::new(packed))))
}

fn write_file(path: &Path, from: &mut dyn Read) -> io::Result<u64> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(from, &mut file)
}

/// Ends the archive with the seal.
fn seal(builder: Builder<GzEncoder<BufWriter<Hashed<NamedTempFile>>>>) -> io::Result<NamedTempFile> {
    let hashed = builder.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    let seal = seal_of(&hashed.sum());
    let mut file = hashed.inner;
    file.write_all(&seal)?;
    file.as_file().sync_all()?;
    Ok(file)
}
