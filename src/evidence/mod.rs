//! Evidence for somebody who has no database of Usher's: a bundle about one person, or about all that happened in an integration within a
//! time. It is gathered from what is kept anyway, and verified from itself alone.
//!
//! Invariants: every file of a bundle is under the hashes of `SHA256SUMS`, and that file under one digest, which its owner keeps elsewhere;
//! every event is as it stands in the chain, and the chain can be followed from the first event of the bundle to its end at the time of
//! export, through the digests of those that are nobody's business. What is missing is said in the bundle, and fails nothing.
//!
//! Deliberately absent: signatures. Who signs, signs the digest.

mod chain;
mod claims;
mod compare;
mod export;
mod follow;
mod package;
mod scope;
mod seal;
mod story;
mod unpack;
mod verify;
mod whole;
mod words;
mod work;

pub use self::export::{ExportError, Exported, Exporter, Stage};
pub use self::package::{PackageError, PackageWriter, Packed, SUMS, is_archive};
pub use self::scope::Scope;
pub use self::unpack::{Limits, Odd, Visit, read_package};
pub use self::verify::{Verified, VerifyError, Wrong, verify};
pub use self::whole::read_whole;

/// The version of what a bundle has in it.
const VERSION: u64 = 1;

/// What a bundle says of itself.
const ABOUT: &str = "evidence.json";

/// The events that the bundle is about, one a line.
const EVENTS: &str = "events.jsonl";

/// The events between and behind them, by their digests alone, one a line.
const CHAIN: &str = "chain.jsonl";

/// The event of an export.
const EXPORTED: &str = "evidence.exported";

/// The folder of the pictures.
const PICTURES: &str = "pictures/";

#[cfg(test)]
mod tests;
