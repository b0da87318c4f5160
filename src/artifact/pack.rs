//! Which artifacts are kept packed, and how.

use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::ArtifactName;

/// Kinds that are packed already.
const DENSE: [&str; 9] = ["gif", "gz", "jpeg", "jpg", "png", "webp", "woff", "woff2", "zip"];
/// More than anything that was ever put here; a file that unpacks to more is spoilt.
const MOST: u64 = 256 << 20;

/// Whether the bytes of this name are kept packed.
pub(super) fn is_packed(name: &ArtifactName) -> bool {
    !DENSE.contains(&name.extension())
}

/// The bytes as they are kept.
pub(super) fn packed(name: &ArtifactName, bytes: Vec<u8>) -> Vec<u8> {
    if !is_packed(name) {
        return bytes;
    }
    // The fastest: pages are taken while a flow runs, and pack to a fifth even so.
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    drop(encoder.write_all(&bytes));
    encoder.finish().unwrap_or_default()
}

/// The bytes of kept ones.
pub(super) fn unpacked(name: &ArtifactName, kept: Vec<u8>) -> io::Result<Vec<u8>> {
    if !is_packed(name) {
        return Ok(kept);
    }
    let mut bytes = Vec::new();
    GzDecoder::new(kept.as_slice()).take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_packed_and_comes_back_and_what_is_spoilt_is_noticed() {
        let page = b"<p>page</p>".repeat(100);
        let name = ArtifactName::of(&page, "html");
        let kept = packed(&name, page.clone());
        assert!(kept.len() < page.len() / 4);
        assert_eq!(unpacked(&name, kept.clone()).unwrap(), page);
        let mut spoilt = kept.clone();
        spoilt[40] ^= 1;
        assert!(unpacked(&name, spoilt).is_err());
        assert!(unpacked(&name, kept[..kept.len() / 2].to_vec()).is_err());
        let picture = ArtifactName::of(b"picture", "jpeg");
        assert_eq!(packed(&picture, b"picture".to_vec()), b"picture");
    }
}
