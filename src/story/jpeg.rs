//! How large a picture is, so that the page has its place ready and a snapshot is shown at the width that it was made at.

/// Width and height of a JPEG, in pixels; none where it is not one.
pub(super) fn size(jpeg: &[u8]) -> Option<(u16, u16)> {
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let (&[0xff, marker, high, low], _) = rest.split_first_chunk::<4>()? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..2 + length)?;
        // Frames of every coding begin alike; 0xc4, 0xc8 and 0xcc are no frames.
        if (0xc0..=0xcf).contains(&marker) && ![0xc4, 0xc8, 0xcc].contains(&marker) {
            let &[_, h1, h0, w1, w0] = segment.first_chunk::<5>()?;
            return Some((u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0])));
        }
        rest = rest.get(2 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_and_what_is_no_picture_has_none() {
        let picture = [
            0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 9, 8, 0x03, 0x84, 0x05, 0x00, 3, 1, 0xff, 0xd9,
        ];
        assert_eq!(size(&picture), Some((1280, 900)));
        for length in 0..picture.len() - 7 {
            let _ = size(&picture[..length]);
        }
        for none in [&b""[..], b"GIF89a", &[0xff, 0xd8], &[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 0]] {
            assert_eq!(size(none), None, "{none:?}");
        }
    }
}
