//! Reading what [`PackageWriter`](super::PackageWriter) wrote, or what somebody made of it: nothing is unpacked, nothing is trusted.
//!
//! Invariants: a name that leads out of the folder, a link, and anything else that is no file is told of and never followed; no more is
//! read than the limits say.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use super::package::{PackageError, is_safe};
use super::seal::{Hashed, SEAL, seal_of};

/// How much is read at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files.
    pub files: usize,
    /// Bytes of one file.
    pub bytes_of_one: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Something of a package that is not as one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odd {
    /// The name, as it stands there.
    pub name: String,
    /// What is odd about it.
    pub what: &'static str,
}

/// Takes the files of a package, one after the other: their name and their bytes.
pub type Visit<'v> = dyn FnMut(&str, &mut dyn Read) -> io::Result<()> + 'v;

/// Reads the package at `path`, and gives every file of it to `visit`. Returns what is odd about it; who cannot do with less than a whole
/// package refuses it where there is anything.
///
/// # Errors
/// It cannot be read at all, or is beyond the limits.
pub fn read_package(path: &Path, limits: Limits, visit: &mut Visit<'_>) -> Result<Vec<Odd>, PackageError> {
    let mut reading = Reading { limits, left: limits.bytes, names: BTreeSet::new(), odd: Vec::new(), visit };
    let meta = fs::metadata(path).map_err(|error| PackageError::place(path, error))?;
    match meta.is_dir() {
        true => reading.folder(path, "")?,
        false => reading.archive(path)?,
    }
    Ok(reading.odd)
}

struct Reading<'r, 'v> {
    limits: Limits,
    left: u64,
    names: BTreeSet<String>,
    odd: Vec<Odd>,
    visit: &'r mut Visit<'v>,
}

impl Reading<'_, '_> {
    fn odd(&mut self, name: impl Into<String>, what: &'static str) {
        self.odd.push(Odd { name: name.into(), what });
    }

    fn folder(&mut self, root: &Path, within: &str) -> Result<(), PackageError> {
        let folder = root.join(within);
        let fault = |error| PackageError::place(&folder, error);
        let mut entries: Vec<_> =
            fs::read_dir(&folder).map_err(fault)?.collect::<Result<_, _>>().map_err(fault)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.not_too_many(self.odd.len())?;
            let name = format!("{within}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(fault)?;
            if kind.is_dir() && is_safe(&name) {
                self.folder(root, &format!("{name}/"))?;
            } else if !kind.is_file() {
                self.odd(name, "is a link, or no file at all");
            } else {
                let (mut file, length) =
                    open(&entry.path()).map_err(|error| PackageError::file(&name, error))?;
                self.file(&name, length, &mut file)?;
            }
        }
        Ok(())
    }

    fn archive(&mut self, path: &Path) -> Result<(), PackageError> {
        let fault = |error| PackageError::place(path, error);
        let (file, length) = open(path).map_err(fault)?;
        if !self.is_sealed(path)? {
            let what = "is not as usher packed it: a byte of it was changed, its end is missing, or it was packed by something else. \
                        Unpacked, its files can be verified in their folder";
            self.odd(file_name(path), what);
        }
        let mut packed = GzDecoder::new(BufReader::new(file.take(length)));
        let mut archive = Archive::new(&mut packed);
        // What cannot be unpacked any further is no reason not to tell of what could.
        let read = self.entries(&mut archive);
        match read {
            Err(PackageError::File { .. }) => {
                self.odd(file_name(path), "cannot be unpacked to its end");
                Ok(())
            }
            other => other,
        }
    }

    fn entries(&mut self, archive: &mut Archive<impl Read>) -> Result<(), PackageError> {
        let fault = |error| PackageError::file("the archive", error);
        // As they stand there: names that other entries give are never asked for.
        for entry in archive.entries().map_err(fault)?.raw(true) {
            let mut entry = entry.map_err(fault)?;
            self.not_too_many(self.odd.len())?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type() != EntryType::Regular {
                self.odd(name, "is a link, or no file at all");
                continue;
            }
            let length = entry.size();
            self.file(&name, length, &mut entry)?;
        }
        Ok(())
    }

    fn file(&mut self, name: &str, length: u64, from: &mut dyn Read) -> Result<(), PackageError> {
        if !is_safe(name) {
            self.odd(name, "has a name that no file of a package has");
            return Ok(());
        }
        let limit = self.limits.bytes_of_one.min(self.left);
        if length > limit {
            return Err(PackageError::TooLarge { name: name.to_owned(), limit });
        }
        self.left -= length;
        if !self.names.insert(name.to_owned()) {
            self.odd(name, "is there twice");
        }
        self.not_too_many(self.names.len())?;
        // A file that grows meanwhile is not read beyond what was asked about.
        let mut from = from.take(length);
        let fault = |error| PackageError::file(name, error);
        (self.visit)(name, &mut from).map_err(fault)?;
        io::copy(&mut from, &mut io::sink()).map_err(fault)?;
        Ok(())
    }

    fn not_too_many(&self, files: usize) -> Result<(), PackageError> {
        if files > self.limits.files { Err(PackageError::TooMany(self.limits.files)) } else { Ok(()) }
    }

    /// Whether the archive ends with the seal that its other bytes have.
    fn is_sealed(&self, path: &Path) -> Result<bool, PackageError> {
        let read = || {
            let (mut file, length) = open(path)?;
            let Some(content) = length.checked_sub(SEAL) else { return Ok(false) };
            let mut hashed = Hashed::new((&mut file).take(content));
            io::copy(&mut hashed, &mut io::sink())?;
            let expected = seal_of(&hashed.sum());
            let mut found = Vec::new();
            file.read_to_end(&mut found)?;
            Ok(found == expected)
        };
        read().map_err(|error| PackageError::place(path, error))
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The file at `path`, with how many bytes it has.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}
