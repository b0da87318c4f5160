//! One-time codes as a server checks them: RFC 6238 with HMAC-SHA-1, 30 seconds, six digits.
//!
//! Written from the RFC and apart from the crate that makes codes elsewhere, so that neither can hide the other's
//! mistakes.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

const STEP_MS: i64 = 30_000;
const DIGITS: u32 = 6;

/// Checks codes of one secret; a code, and any older one, is good once.
#[derive(Clone)]
pub(in crate::demo) struct Totp {
    secret: Vec<u8>,
    last_counter: Option<u64>,
}

impl Totp {
    /// Reads a secret as authenticator apps show it: base32 (RFC 4648 section 6), in any case, spaces and padding
    /// ignored. `None` where it is not one.
    pub(in crate::demo) fn from_base32(text: &str) -> Option<Self> {
        let secret = decode_base32(text).filter(|secret| !secret.is_empty())?;
        Some(Self { secret, last_counter: None })
    }

    /// Whether `code` is the code of now, of one step before or of one after, and was not used before.
    pub(in crate::demo) fn accept(&mut self, code: &str, now_ms: i64) -> bool {
        let Ok(now) = u64::try_from(now_ms.div_euclid(STEP_MS)) else { return false };
        let code = code.trim();
        let unused = |counter: &u64| self.last_counter.is_none_or(|last| *counter > last);
        let found = (now.saturating_sub(1)..=now.saturating_add(1))
            .filter(unused)
            .find(|counter| one_time_code(&self.secret, *counter, DIGITS).as_deref() == Some(code));
        if found.is_some() {
            self.last_counter = found;
        }
        found.is_some()
    }
}

/// RFC 4226 section 5.3: the counter's HMAC, truncated to `digits` decimal digits.
fn one_time_code(secret: &[u8], counter: u64, digits: u32) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&counter.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash.last()? & 0x0F);
    let four: [u8; 4] = hash.get(offset..offset + 4)?.try_into().ok()?;
    let number = (u32::from_be_bytes(four) & 0x7FFF_FFFF) % 10_u32.checked_pow(digits)?;
    Some(format!("{number:0width$}", width = digits as usize))
}

fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '=') {
        let value = match c.to_ascii_uppercase() {
            letter @ 'A'..='Z' => letter as u32 - 'A' as u32,
            digit @ '2'..='7' => digit as u32 - '2' as u32 + 26,
            _ => return None,
        };
        bits = (bits << 5 | value) & 0xFFF;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the SHA-1 rows: seconds since the epoch and the eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];
    const SECRET: &[u8] = b"12345678901234567890";
    const SECRET_BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, expected) in VECTORS {
            let counter = u64::try_from(seconds / 30).unwrap();
            assert_eq!(one_time_code(SECRET, counter, 8).as_deref(), Some(expected), "{seconds}");
        }
    }

    #[test]
    fn six_digits_of_the_rfc_are_accepted_at_their_time() {
        for (seconds, eight) in VECTORS {
            let mut totp = Totp::from_base32(SECRET_BASE32).unwrap();
            assert!(totp.accept(&eight[2..], seconds * 1000), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_around_and_once() {
        let (at, code) = (1_234_567_890_000, "005924");
        let check = |shift_steps: i64, expected: bool| {
            let mut totp = Totp::from_base32(SECRET_BASE32).unwrap();
            assert_eq!(totp.accept(code, at + shift_steps * STEP_MS), expected, "{shift_steps}");
        };
        check(-2, false);
        check(-1, true);
        check(0, true);
        check(1, true);
        check(2, false);

        let mut totp = Totp::from_base32(SECRET_BASE32).unwrap();
        assert!(totp.accept(code, at));
        assert!(!totp.accept(code, at), "a code is good once");
        let older = one_time_code(SECRET, u64::try_from(at / STEP_MS).unwrap() - 1, DIGITS).unwrap();
        assert!(!totp.accept(&older, at), "nor is an older one");
        let next = one_time_code(SECRET, u64::try_from(at / STEP_MS).unwrap() + 1, DIGITS).unwrap();
        assert!(totp.accept(&next, at));
    }

    #[test]
    fn secrets_are_base32() {
        // RFC 4648 section 10.
        let cases = [("MY======", "f"), ("MZXQ", "fo"), ("mzxw6", "foo"), ("MZXW 6YTB OI==", "foobar")];
        for (text, expected) in cases {
            assert_eq!(decode_base32(text).as_deref(), Some(expected.as_bytes()), "{text}");
        }
        assert!(Totp::from_base32("").is_none());
        assert!(Totp::from_base32("not base32!").is_none());
    }
}
