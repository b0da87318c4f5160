//! Bytes by their content: pictures, pages, recordings.
//!
//! An artifact is named by the SHA-256 of its bytes and an extension that says what they are. A name that can be read
//! has bytes that belong to it: they come into place whole, so a crash leaves nothing half, and what is there already is
//! not written again. What packs well is kept packed (gzip), in a file that has `.gz` after its name.
//!
//! They are in a folder or in a bucket of S3. The folder is our own and not `object_store`'s: that one leaves the modes of
//! files to the umask, and pictures of an admin page are for nobody else.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

mod folder;
mod http;
mod pack;
mod s3;

pub use folder::Folder;
pub use s3::{PlaceError, S3};

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
pub enum ArtifactError {
    /// In a folder.
    #[error("cannot use artifact file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// In a bucket. The words are our own: what a server says may repeat what the request was signed with.
    #[error("cannot use {address}: {why}")]
    S3 {
        /// The object, as `s3://bucket/key`.
        address: String,
        /// Why, and what to do.
        why: String,
    },
    /// What is kept is not what was put there.
    #[error("{address} cannot be unpacked")]
    Spoilt {
        /// Where it is.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A bucket did not answer in time.
    #[error("cannot use {address}: no answer within {} s", LIMIT.as_secs())]
    Silent {
        /// The object, as `s3://bucket/key`.
        address: String,
    },
}

/// How long one artifact may take on its way to or from a bucket, retries included.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Where artifacts are kept. Clones share it.
#[derive(Clone, Debug)]
pub enum Artifacts {
    /// In a folder of this machine.
    Folder(Folder),
    /// In a bucket that many machines reach.
    S3(S3),
}

impl Artifacts {
    /// The artifacts in this folder, which is made when the first is put there.
    pub fn folder(directory: impl Into<PathBuf>) -> Self {
        Self::Folder(Folder::new(directory))
    }

    /// The artifacts at `place`, which is `s3://bucket/prefix` or a folder. Of the `variables`, those named `AWS_…` say how
    /// S3 is reached; nothing is asked of it yet.
    ///
    /// # Errors
    /// The place is no address of a bucket, or the variables do not fit.
    pub fn at(
        place: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, PlaceError> {
        if place.contains("://") || place.starts_with("s3:") {
            return S3::new(place, variables).map(Self::S3);
        }
        Ok(Self::folder(place))
    }

    /// Keeps bytes and returns their name; putting the same again changes nothing.
    pub async fn put(&self, bytes: Vec<u8>, extension: &str) -> Result<ArtifactName, ArtifactError> {
        let name = ArtifactName::of(&bytes, extension);
        match self {
            Self::Folder(folder) => {
                let name = name.clone();
                let keep = move |folder: &Folder| folder.keep(&name, &pack::packed(&name, bytes));
                folder.clone().off_thread(keep).await?;
            }
            Self::S3(s3) => s3.keep(&name, pack::packed(&name, bytes)).await?,
        }
        Ok(name)
    }

    /// The bytes of this name, where they are kept.
    pub async fn get(&self, name: &ArtifactName) -> Result<Option<Vec<u8>>, ArtifactError> {
        let kept = match self {
            Self::Folder(folder) => {
                let name = name.clone();
                folder.clone().off_thread(move |folder| folder.get(&name)).await?
            }
            Self::S3(s3) => s3.get(name).await?,
        };
        let unpacked = kept.map(|bytes| pack::unpacked(name, bytes)).transpose();
        unpacked.map_err(|source| ArtifactError::Spoilt { address: self.address(name), source })
    }

    /// Removes the bytes of this name, where they are kept.
    pub async fn remove(&self, name: &ArtifactName) -> Result<(), ArtifactError> {
        match self {
            Self::Folder(folder) => {
                let name = name.clone();
                folder.clone().off_thread(move |folder| folder.remove(&name)).await
            }
            Self::S3(s3) => s3.remove(name).await,
        }
    }

    /// The names that are stored in one of 256 parts, of bytes that were put there before then.
    pub async fn stored(&self, part: u8, before: Timestamp) -> Result<Vec<ArtifactName>, ArtifactError> {
        match self {
            Self::Folder(folder) => {
                folder.clone().off_thread(move |folder| folder.stored(part, before)).await
            }
            Self::S3(s3) => s3.stored(part, before).await,
        }
    }

    /// Removes from a part what a crash left half written before then. A bucket has nothing that is half there.
    pub async fn remove_unfinished(&self, part: u8, before: Timestamp) -> Result<(), ArtifactError> {
        match self {
            Self::Folder(folder) => {
                folder.clone().off_thread(move |folder| folder.remove_unfinished(part, before)).await
            }
            Self::S3(_) => Ok(()),
        }
    }

    /// Where the bytes of this name are kept, or would be: a path, or `s3://bucket/key`.
    pub fn address(&self, name: &ArtifactName) -> String {
        match self {
            Self::Folder(folder) => folder.path(name).display().to_string(),
            Self::S3(s3) => s3.address(name),
        }
    }
}

impl ArtifactName {
    /// The folder and the file in it. A folder of a million files is slow to list; 256 of them are not.
    fn place(&self) -> (&str, String) {
        let (folder, file) = self.0.split_at(2);
        (folder, if pack::is_packed(self) { format!("{file}.gz") } else { file.to_owned() })
    }

    /// The name that has this place; none where it is no artifact's.
    fn at(folder: &str, file: &str) -> Option<Self> {
        let file = file.strip_suffix(".gz").filter(|bare| bare.contains('.')).unwrap_or(file);
        format!("{folder}{file}").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
