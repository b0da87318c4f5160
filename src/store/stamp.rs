//! A mark in the data directory that is another one after each change of the configuration: of what lets clients in and of what they
//! reach. Whoever keeps something that was read of the configuration looks at the mark, which costs less than asking the database.
//!
//! Invariant: once a change has been answered, by whatever process, the mark is another one than before it. A process that ends between
//! its commit and the mark has answered nothing; others notice what it wrote by their slow poll.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::directory::FILE_MODE;
use super::error::StoreError;

/// How long a mark is: that of an id.
const LENGTH: usize = 36;

/// The state of the configuration, to be compared with another. What was read of the configuration after an equal one is still so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    mark: [u8; LENGTH],
    /// How often this process had reason to doubt the mark.
    doubts: u64,
}

#[derive(Debug)]
pub(super) struct Stamp {
    /// None where the database is on a server, which processes on several machines share: then they tell each other.
    file: Option<File>,
    doubts: AtomicU64,
}

impl Stamp {
    /// One that only this process sees.
    pub(super) fn own() -> Self {
        Self { file: None, doubts: AtomicU64::new(0) }
    }

    pub(super) fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("configuration.mark");
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
        let file = open.open(&path).map_err(|source| StoreError::file(&path, source))?;
        Ok(Self { file: Some(file), doubts: AtomicU64::new(0) })
    }

    pub(super) fn read(&self) -> Configuration {
        let mut mark = [0; LENGTH];
        // A mark that cannot be read is equal to none.
        if let Some(file) = &self.file
            && let Err(error) = file.read_at(&mut mark, 0)
        {
            tracing::warn!(%error, "the mark of the configuration cannot be read");
            self.doubt();
        }
        Configuration { mark, doubts: self.doubts.load(Ordering::Acquire) }
    }

    /// Makes the mark another one; `id` was never one before.
    pub(super) fn renew(&self, id: &str) {
        self.doubt();
        let mut mark = [b' '; LENGTH];
        mark.iter_mut().zip(id.bytes()).for_each(|(to, from)| *to = from);
        if let Some(file) = &self.file
            && let Err(error) = file.write_all_at(&mark, 0)
        {
            tracing::warn!(%error, "the mark of the configuration cannot be written; other processes notice the change later");
        }
    }

    /// Another process wrote something, and may not have come to the mark.
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }
}
