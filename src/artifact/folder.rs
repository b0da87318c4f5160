//! Artifacts in a folder: written beside and moved into place, for nobody but the owner, on the disk before they have a name.

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{ArtifactError, ArtifactName};
use crate::clock::Timestamp;

/// Before the name of a file that is being written.
const UNFINISHED: &str = ".new-";

/// A folder of artifacts. Clones share it; its calls block on the disk.
#[derive(Clone, Debug)]
pub struct Folder {
    directory: PathBuf,
}

impl Folder {
    /// The artifacts in this folder, which is made when the first is put there.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where the bytes of this name are kept, or would be.
    pub fn path(&self, name: &ArtifactName) -> PathBuf {
        let (folder, file) = name.place();
        self.directory.join(folder).join(file)
    }

    pub(super) fn keep(&self, name: &ArtifactName, bytes: &[u8]) -> Result<(), ArtifactError> {
        let path = self.path(name);
        self.write(&path, bytes).map_err(|source| ArtifactError::File { path, source })
    }

    pub(super) fn get(&self, name: &ArtifactName) -> Result<Option<Vec<u8>>, ArtifactError> {
        let path = self.path(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ArtifactError::File { path, source }),
        }
    }

    /// The names in one of the 256 folders, of files that were last written before then.
    pub(super) fn stored(&self, part: u8, before: Timestamp) -> Result<Vec<ArtifactName>, ArtifactError> {
        let folder = format!("{part:02x}");
        let names = self.files(&folder, before)?;
        Ok(names.iter().filter_map(|file| ArtifactName::at(&folder, file)).collect())
    }

    /// Removes what was never written to its end, of before then.
    pub(super) fn remove_unfinished(&self, part: u8, before: Timestamp) -> Result<(), ArtifactError> {
        let folder = format!("{part:02x}");
        for file in self.files(&folder, before)?.iter().filter(|file| file.starts_with(UNFINISHED)) {
            let path = self.directory.join(&folder).join(file);
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(ArtifactError::File { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn files(&self, folder: &str, before: Timestamp) -> Result<Vec<String>, ArtifactError> {
        let path = self.directory.join(folder);
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&path)? {
                let entry = entry?;
                let written = match entry.metadata() {
                    Ok(file) => file.modified()?,
                    // Somebody removed it meanwhile.
                    Err(_) => continue,
                };
                let since = written.duration_since(UNIX_EPOCH).unwrap_or_default();
                if i64::try_from(since.as_millis()).is_ok_and(|ms| ms < before.as_ms()) {
                    names.extend(entry.file_name().into_string());
                }
            }
            Ok(names)
        };
        match list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|source| ArtifactError::File { path: path.clone(), source }),
        }
    }

    pub(super) fn remove(&self, name: &ArtifactName) -> Result<(), ArtifactError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ArtifactError::File { path, source })
            }
            _ => Ok(()),
        }
    }

    /// Does something that blocks on the disk where it keeps nobody waiting.
    pub(super) async fn off_thread<T: Send + 'static>(
        self,
        act: impl FnOnce(&Self) -> Result<T, ArtifactError> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let path = self.directory.clone();
        let done = tokio::task::spawn_blocking(move || act(&self)).await;
        done.unwrap_or_else(|error| Err(ArtifactError::File { path, source: io::Error::other(error) }))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.directory);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
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
    fn a_file_is_for_its_owner_alone_and_nothing_lies_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path().join("artifacts"));
        let name = ArtifactName::of(b"picture", "webp");
        folder.keep(&name, b"picture").unwrap();
        folder.keep(&name, b"picture").unwrap();
        let path = folder.path(&name);
        assert!(path.starts_with(root.path().join("artifacts").join(&name.hash()[..2])), "{path:?}");
        let parent = path.parent().unwrap();
        assert_eq!(parent.read_dir().unwrap().count(), 1, "one file, no temporary one");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(parent), mode(&path)), (0o700, 0o600));
    }
}
