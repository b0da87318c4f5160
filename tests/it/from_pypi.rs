//! Programs of others that tests run, from PyPI: suites for a SCIM server, a server of S3, and one of mail.
//!
//! `tests/suites/prepare.sh`, a step of `make test`, installs them in `target/suites`.

use std::path::{Path, PathBuf};

/// Where they are; none, with a word about it, where they are missing. With `CI` set they must be there, unless they could not be
/// installed.
pub fn programs() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = root.join("target/suites");
    let made_from = |path: &Path| std::fs::read(path).ok();
    let is_there = made_from(&place.join("made-from.txt"))
        .is_some_and(|list| Some(list) == made_from(&root.join("tests/suites/requirements.txt")));
    let why = std::fs::read_to_string(place.join("unavailable.txt"));
    let cure = "programs of others are missing; tests/suites/prepare.sh installs them";
    assert!(is_there || why.is_ok() || std::env::var_os("CI").is_none(), "{cure}");
    if !is_there {
        eprintln!("skipped: {cure} ({})", why.as_deref().unwrap_or("it was not tried").trim());
    }
    is_there.then(|| place.join("bin"))
}
