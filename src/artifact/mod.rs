//! Bytes by their content: pictures, pages, recordings.
//!
//! An artifact is named by the SHA-256 of its bytes and an extension that says what they are. A name that can be read
//! has bytes that belong to it: they are written beside and moved into place, so a crash leaves nothing half, and what
//! is there already is not written again.

use std::fmt;
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// The name of an artifact: 64 hexadecimal digits, a dot, and an extension of small letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactName(String);

/// How many characters of a name are its hash.
const HASH: usize = 64;

impl ArtifactName {
    /// The name of these bytes. What is no small letter or digit is left out of the extension.
    pub fn of(bytes: &[u8], extension: &str) -> Self {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let extension: String =
            extension.chars().filter(|c| is_extension_char(*c)).take(MAX_EXTENSION).collect();
        Self(format!("{hash}.{}", if extension.is_empty() { "bin" } else { &extension }))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SHA-256 of the bytes, hexadecimal.
    pub fn hash(&self) -> &str {
        self.0.split_once('.').map_or(self.as_str(), |(hash, _)| hash)
    }

    /// What the bytes are: `webp`, `html`.
    pub fn extension(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, extension)| extension)
    }
}

impl fmt::Display for ArtifactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no artifact's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no name of an artifact")]
pub struct NotAName;

impl FromStr for ArtifactName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let (hash, extension) = text.split_once('.').ok_or(NotAName)?;
        let is_hash = hash.len() == HASH && hash.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        let is_extension =
            (1..=MAX_EXTENSION).contains(&extension.len()) && extension.chars().all(is_extension_char);
        if is_hash && is_extension { Ok(Self(text.to_owned())) } else { Err(NotAName) }
    }
}

/// Longer ones name nothing that a picture or a page is.
const MAX_EXTENSION: usize = 8;

fn is_extension_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// The bytes could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("cannot use artifact file {}", path.display())]
pub struct ArtifactError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A folder of artifacts. Clones share it; its calls block on the disk.
#[derive(Clone, Debug)]
pub struct Artifacts {
    directory: PathBuf,
}

impl Artifacts {
    /// The artifacts in this folder, which is made when the first is put there.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Keeps bytes and returns their name; putting the same again changes nothing.
    pub fn put(&self, bytes: &[u8], extension: &str) -> Result<ArtifactName, ArtifactError> {
        let name = ArtifactName::of(bytes, extension);
        let path = self.path(&name);
        match self.write(&path, bytes) {
            Ok(()) => Ok(name),
            Err(source) => Err(ArtifactError { path, source }),
        }
    }

    /// The bytes of this name, where they are kept.
    pub fn get(&self, name: &ArtifactName) -> Result<Option<Vec<u8>>, ArtifactError> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ArtifactError { path, source }),
        }
    }

    /// Removes the bytes of this name; returns whether they were there.
    pub fn remove(&self, name: &ArtifactName) -> Result<bool, ArtifactError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ArtifactError { path, source }),
        }
    }

    /// Where the bytes of this name are kept, or would be.
    pub fn path(&self, name: &ArtifactName) -> PathBuf {
        // A folder of a million files is slow to list; 256 of them are not.
        let (folder, file) = name.as_str().split_at(2);
        self.directory.join(folder).join(file)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.directory);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        // Without it a name could survive a power cut that its bytes did not.
        file.as_file().sync_data()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn bytes_come_back_by_their_name_and_are_kept_once() {
        let root = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(root.path().join("artifacts"));
        let name = artifacts.put(b"picture", "webp").unwrap();
        assert_eq!(name, artifacts.put(b"picture", "webp").unwrap());
        assert_eq!(artifacts.get(&name).unwrap().as_deref(), Some(&b"picture"[..]));
        assert_eq!(name.extension(), "webp");
        let path = artifacts.path(&name);
        assert!(path.starts_with(root.path().join("artifacts").join(&name.hash()[..2])), "{path:?}");
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "one file, no temporary one");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(artifacts.remove(&name).unwrap());
        assert!(!artifacts.remove(&name).unwrap());
        assert_eq!(artifacts.get(&name).unwrap(), None);
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_is_no_name() {
        let hash = "a".repeat(64);
        assert!(format!("{hash}.webp").parse::<ArtifactName>().is_ok());
        for bad in [
            "",
            "..",
            &hash,
            &format!("{hash}."),
            &format!("{hash}.../x"),
            &format!("{hash}.WEBP"),
            &format!("../{}.webp", "a".repeat(61)),
            &format!("{}.webp", "A".repeat(64)),
            &format!("{hash}.webp\n"),
            &format!("{hash}.toolongext"),
        ] {
            assert_eq!(bad.parse::<ArtifactName>(), Err(NotAName), "{bad}");
        }
        assert_eq!(ArtifactName::of(b"", "../X!").extension(), "bin");
    }
}
