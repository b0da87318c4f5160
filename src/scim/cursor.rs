//! Cursors: where the next page of a list begins, as a text that means nothing to a client (RFC 9865).
//!
//! Nothing is kept of a cursor, so none ever expires and making one costs nothing. It carries a digest over what it was made for
//! (whose list, filter, order) and over itself, so that one that was changed, cut, or brought to another list is refused
//! and not followed to a wrong place. The digest needs no key: whoever makes one up gets a place in a list that they may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::error::{Error, ScimType};

/// A place between two rows of a list, and the direction in which its page lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// The place of the row beside it in the order of making.
    pub row: i64,
    /// That row's value of what the list is sorted by: a text, a number, or null.
    pub key: Value,
    /// On which side of that row the page is.
    pub towards: Towards,
}

/// A direction in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// What comes after.
    After,
    /// What comes before.
    Before,
}

/// How many bytes of the digest a cursor carries.
const DIGEST: usize = 12;

impl Position {
    /// The position as a cursor for the list that `binding` describes. Only characters that need no escape in an address.
    pub(super) fn seal(&self, binding: &Value) -> String {
        let payload = json!([self.row, self.towards == Towards::After, self.key]).to_string();
        let mut bytes = digest(binding, payload.as_bytes()).to_vec();
        bytes.extend_from_slice(payload.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that a cursor stands for.
    ///
    /// # Errors
    /// `invalidCursor`: it is none that was made for this list.
    pub(super) fn open(cursor: &str, binding: &Value) -> Result<Self, Error> {
        Self::read(cursor, binding).ok_or_else(|| {
            Error::of(
                ScimType::InvalidCursor,
                "`cursor` is not one that was given out for this list, filter and order; begin anew with an empty `cursor`",
            )
        })
    }

    fn read(cursor: &str, binding: &Value) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (sum, payload) = bytes.split_at_checked(DIGEST)?;
        if sum != digest(binding, payload) {
            return None;
        }
        let (row, is_after, key) = serde_json::from_slice(payload).ok()?;
        let towards = if is_after { Towards::After } else { Towards::Before };
        Some(Self { row, key, towards })
    }
}

fn digest(binding: &Value, payload: &[u8]) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    let binding = binding.to_string();
    hash.update((binding.len() as u64).to_be_bytes());
    hash.update(binding);
    hash.update(payload);
    let mut digest = [0; DIGEST];
    digest.iter_mut().zip(hash.finalize()).for_each(|(byte, hashed)| *byte = hashed);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(key: Value) -> Position {
        Position { row: 4711, key, towards: Towards::Before }
    }

    #[test]
    fn a_cursor_leads_back_to_its_place_and_needs_no_escape() {
        let binding = json!(["desk", "userName sw \"a\""]);
        for key in [Value::Null, json!("ÉMILE \"x\" %&?"), json!(-7), json!(1.5)] {
            let cursor = position(key.clone()).seal(&binding);
            assert!(
                cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
                "{cursor}"
            );
            assert_eq!(Position::open(&cursor, &binding).unwrap(), position(key));
        }
    }

    #[test]
    fn whatever_was_changed_or_belongs_elsewhere_is_refused() {
        let binding = json!(["desk", null]);
        let cursor = position(json!("ada")).seal(&binding);
        let refused = |cursor: &str, binding: &Value| {
            let error = Position::open(cursor, binding).unwrap_err();
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidCursor)), "{cursor}");
        };
        refused(&cursor, &json!(["other", null]));
        for wrong in
            ["x", "1", "é", "AAAA", &cursor[..cursor.len() - 4], &format!("{cursor}AAAA"), &"A".repeat(9000)]
        {
            refused(wrong, &binding);
        }
        for index in 0..cursor.len() {
            let other = if cursor.as_bytes()[index] == b'A' { "B" } else { "A" };
            let mut changed = cursor.clone();
            changed.replace_range(index..=index, other);
            if changed != cursor {
                refused(&changed, &binding);
            }
        }
    }
}
