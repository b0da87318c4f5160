//! The chain of events as a bundle has it: those it is about whole, those between and behind them by their digests.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};

use serde::{Deserialize, Serialize};

use super::package::{PackageError, PackageWriter};
use super::{CHAIN, EVENTS};
use crate::store::EventText;

/// A line of [`EVENTS`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventLine {
    pub(super) event: EventText,
    /// The hash of the chain before it.
    pub(super) before: String,
    /// The hash of the chain up to and with it.
    pub(super) hash: String,
}

/// A line of [`CHAIN`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherLine {
    pub(super) seq: i64,
    pub(super) digest: String,
}

/// Where the chain of a bundle begins and ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ends {
    /// The first event of the bundle.
    pub(super) first: i64,
    /// The hash of the chain before it.
    pub(super) before: String,
    /// How many events there were at the time of export.
    pub(super) events: i64,
    /// The hash of the last.
    pub(super) hash: String,
}

/// Both files while they are written: how long they become is only known at the end.
pub(super) struct ChainFiles {
    events: Spool,
    others: Spool,
}

impl ChainFiles {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { events: Spool::new()?, others: Spool::new()? })
    }

    /// Writes an event that the bundle is about.
    pub(super) fn event(&mut self, line: &EventLine) -> io::Result<()> {
        self.events.line(line)
    }

    /// Writes an event of others.
    pub(super) fn other(&mut self, event: &EventText, digest: String) -> io::Result<()> {
        self.others.line(&OtherLine { seq: event.seq, digest })
    }

    /// Puts both into the bundle.
    pub(super) fn pack(self, package: &mut PackageWriter) -> Result<(), PackageError> {
        for (name, spool) in [(EVENTS, self.events), (CHAIN, self.others)] {
            let (mut file, length) = spool.end().map_err(|error| PackageError::file(name, error))?;
            package.add_from(name, length, &mut file)?;
        }
        Ok(())
    }
}

/// Lines on their way into a bundle, in a file without a name.
struct Spool(BufWriter<File>);

impl Spool {
    fn new() -> io::Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile()?)))
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        self.0.write_all(b"\n")
    }

    fn end(self) -> io::Result<(File, u64)> {
        let mut file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        let length = file.stream_position()?;
        file.seek(SeekFrom::Start(0))?;
        Ok((file, length))
    }
}
