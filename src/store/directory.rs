//! The data directory: private to one user of the machine, and owned by one worker at a time.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::StoreError;

const DIRECTORY_MODE: u32 = 0o700;
pub(super) const FILE_MODE: u32 = 0o600;

/// Makes the directory where it is missing. One that can be read by others is refused, unless it is still empty and
/// can be closed to them in time.
pub(super) fn prepare(directory: &Path) -> Result<(), StoreError> {
    let file_error = |source| StoreError::file(directory, source);
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(file_error)?;
    let is_empty = directory.read_dir().map_err(file_error)?.next().is_none();
    if is_empty && mode_of(directory)? & 0o077 != 0 {
        std::fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE)).map_err(file_error)?;
    }
    check(directory, DIRECTORY_MODE)
}

/// Waits for the others that are just opening the directory; they are let in when the file is dropped. SQLite's own
/// locks do not order the making of a database: who meets another in it is refused at once.
pub(super) fn lock_opening(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("open.lock");
    let file = open_lock(&path)?;
    file.lock().map_err(|source| StoreError::file(&path, source))?;
    Ok(file)
}

/// Makes an empty database where it is missing, and returns its path. Only for who holds the lock of opening: to
/// close a file drops the locks that SQLite has on it in the same process.
pub(super) fn database(directory: &Path) -> Result<PathBuf, StoreError> {
    let database = directory.join("usher.db");
    // SQLite gives its journal files the mode of the database.
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&database) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check(&database, FILE_MODE)?,
        Err(error) => return Err(StoreError::file(&database, error)),
    }
    Ok(database)
}

/// The right to be a worker; given back when dropped or when the process ends.
#[derive(Debug)]
pub struct WorkerLock {
    /// Of the one process that may, where there is but one.
    file: Option<File>,
}

impl WorkerLock {
    pub(super) fn shared() -> Self {
        Self { file: None }
    }

    /// Whether there is no other worker, so that whatever a worker held before belongs to one that is gone.
    pub fn is_the_only_one(&self) -> bool {
        self.file.is_some()
    }
}

/// Takes the worker's lock of the directory; `None` where another process holds it.
pub(super) fn lock_worker(directory: &Path) -> Result<Option<WorkerLock>, StoreError> {
    let path = directory.join("worker.lock");
    let file = open_lock(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(WorkerLock { file: Some(file) })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(StoreError::file(&path, source)),
    }
}

fn open_lock(path: &Path) -> Result<File, StoreError> {
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(path);
    open.map_err(|source| StoreError::file(path, source))
}

fn check(path: &Path, cure: u32) -> Result<(), StoreError> {
    let mode = mode_of(path)?;
    if mode & 0o077 == 0 { Ok(()) } else { Err(StoreError::Exposed { path: path.to_owned(), mode, cure }) }
}

fn mode_of(path: &Path) -> Result<u32, StoreError> {
    let metadata = std::fs::metadata(path).map_err(|source| StoreError::file(path, source))?;
    Ok(metadata.permissions().mode() & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_is_private_and_one_that_others_can_read_is_refused_with_the_cure() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/data");
        prepare(&directory).unwrap();
        let database = database(&directory).unwrap();
        assert_eq!((mode_of(&directory).unwrap(), mode_of(&database).unwrap()), (0o700, 0o600));

        std::fs::set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
        let refused = super::database(&directory).unwrap_err().to_string();
        assert!(refused.contains("mode 644") && refused.contains("chmod 600"), "{refused}");

        std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        let refused = prepare(&directory).unwrap_err().to_string();
        assert!(refused.contains("chmod 700"), "{refused}");
    }

    #[test]
    fn an_empty_directory_is_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        std::fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        prepare(root.path()).unwrap();
        assert_eq!(mode_of(root.path()).unwrap(), 0o700);
    }

    #[test]
    fn the_worker_is_one() {
        let root = tempfile::tempdir().unwrap();
        let first = lock_worker(root.path()).unwrap();
        assert!(first.is_some());
        assert!(lock_worker(root.path()).unwrap().is_none());
        drop(first);
        assert!(lock_worker(root.path()).unwrap().is_some());
    }
}
