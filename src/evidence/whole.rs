//! A package that is of use only as it was written: read into memory, refused where anything of it is odd.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use super::package::{PackageError, SUMS, list};
use super::seal::Hashed;
use super::unpack::{Limits, read_package};

/// The files of the package at `path`, by name, without [`SUMS`]. A folder without that list is taken as it is: somebody made or changed it by
/// hand.
///
/// # Errors
/// It cannot be read, is beyond the limits, or is not as it was written ([`PackageError::NotWhole`]).
pub fn read_whole(path: &Path, limits: Limits) -> Result<BTreeMap<String, Vec<u8>>, PackageError> {
    let (mut files, mut sums) = (BTreeMap::new(), BTreeMap::new());
    let odd = read_package(path, limits, &mut |name, from| {
        let (mut from, mut bytes) = (Hashed::new(from), Vec::new());
        from.read_to_end(&mut bytes)?;
        sums.insert(name.to_owned(), from.sum());
        files.insert(name.to_owned(), bytes);
        Ok(())
    })?;
    let not_whole = |name: String, what: String| Err(PackageError::NotWhole { name, what });
    if let Some(odd) = odd.into_iter().next() {
        return not_whole(odd.name, odd.what.to_owned());
    }
    let Some(listed) = files.remove(SUMS) else { return Ok(files) };
    sums.remove(SUMS);
    let (listed, there) = (String::from_utf8_lossy(&listed).into_owned(), list(&sums));
    if listed != there {
        let differs = |line: &&str| !there.lines().any(|other| other == *line);
        let more = |line: &&str| !listed.lines().any(|other| other == *line);
        let line = listed.lines().find(differs).or_else(|| there.lines().find(more)).unwrap_or_default();
        let name = line.split_once("  ").map_or(line, |(_, name)| name).to_owned();
        return not_whole(name, format!("is not what {SUMS} says"));
    }
    Ok(files)
}
