//! Whether a request is the one that was recorded.
//!
//! What was a secret is masked in a recording: there anything fits. Points in time and marks drawn by chance, in the query of an address, in a
//! field of a form or in JSON, fit any other; so does what a parameter is named for that only keeps caches out of the way.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use url::Url;

use crate::secret::MASK;

#[expect(clippy::expect_used, reason = "a fixed pattern, compiled in the tests")]
static BY_CHANCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:1[0-9]{9}|1[0-9]{12}|0\.[0-9]{8,}|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
        .expect("a pattern")
});
#[expect(clippy::expect_used, reason = "a fixed pattern, compiled in the tests")]
static BOUNDARY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"----WebKitFormBoundary[0-9A-Za-z]+").expect("a pattern"));

/// The mask as an address has it.
static MASK_WRITTEN: LazyLock<String> =
    LazyLock::new(|| url::form_urlencoded::byte_serialize(MASK.as_bytes()).collect());

/// Parameters that make an address new each time.
const AGAINST_CACHES: [&str; 10] =
    ["_", "_dc", "_t", "cachebuster", "cb", "nocache", "rand", "t", "timestamp", "ts"];

/// How well a request fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// But for what a parameter against caches has, too.
    Roughly,
    /// But for what was drawn by chance, or is masked.
    Nearly,
    /// In every character.
    Wholly,
}

/// How well the address that is asked for fits the one that was recorded; none where it is another.
pub(super) fn address(recorded: &str, asked: &str) -> Option<Fit> {
    if recorded == asked {
        return Some(Fit::Wholly);
    }
    let place = |address: &str| address.split('?').next().unwrap_or_default().len();
    let masked = recorded.contains(MASK) || recorded.contains(&*MASK_WRITTEN);
    if !masked && recorded.get(..place(recorded)) != asked.get(..place(asked)) {
        return None;
    }
    let (Ok(one), Ok(other)) = (Url::parse(recorded), Url::parse(asked)) else { return None };
    let rest = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.to_string()
    };
    // Masked, a part of the path has been written as the browser writes it.
    let same_place =
        rest(&one) == rest(&other) || masked && glob(&decoded(&rest(&one)), &decoded(&rest(&other)));
    if same_place { same_pairs(&pairs(&one), &pairs(&other)) } else { None }
}

fn pairs(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// How well the body that is sent fits the one that was recorded.
pub(super) fn body(recorded: &str, sent: &str) -> Option<Fit> {
    if recorded == sent {
        return Some(Fit::Wholly);
    }
    let json = |text: &str| serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_number());
    if let (Some(one), Some(other)) = (json(recorded), json(sent)) {
        return same_json(&one, &other).then_some(Fit::Nearly);
    }
    let [one, other] = [recorded, sent].map(|text| BOUNDARY.replace_all(text, "boundary").into_owned());
    let form = |text: &str| {
        url::form_urlencoded::parse(text.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect::<Vec<_>>()
    };
    if glob(&one, &other) { Some(Fit::Nearly) } else { same_pairs(&form(&one), &form(&other)) }
}

/// The same members, each with a value that fits; a number that was a secret is masked as text.
fn same_json(recorded: &Value, sent: &Value) -> bool {
    match (recorded, sent) {
        (Value::Object(one), Value::Object(other)) => {
            let fits = |(name, value)| other.get(name).is_some_and(|other| same_json(value, other));
            one.len() == other.len() && one.iter().all(fits)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_json(one, other))
        }
        (Value::String(one), other) => {
            let other = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            same_value(one, &other)
        }
        (Value::Number(one), Value::Number(other)) => {
            one == other || same_value(&one.to_string(), &other.to_string())
        }
        (one, other) => one == other,
    }
}

/// Whether a value is the one that was recorded, as far as it is not masked or drawn by chance.
fn same_value(recorded: &str, other: &str) -> bool {
    BY_CHANCE.is_match(recorded) && BY_CHANCE.is_match(other) || glob(recorded, other)
}

fn same_pairs(recorded: &[(String, String)], asked: &[(String, String)]) -> Option<Fit> {
    if recorded.len() != asked.len() {
        return None;
    }
    let fits = |((name, value), (other_name, other)): (&(String, String), &(String, String))| {
        let is_against_caches = AGAINST_CACHES.iter().any(|known| name.eq_ignore_ascii_case(known));
        match name == other_name {
            true if same_value(value, other) => Some(Fit::Nearly),
            true if is_against_caches => Some(Fit::Roughly),
            _ => None,
        }
    };
    recorded.iter().zip(asked).map(fits).try_fold(Fit::Nearly, |worst, fit| Some(worst.min(fit?)))
}

/// Whether `text` is `recorded`, in which anything stands for what is masked.
fn glob(recorded: &str, text: &str) -> bool {
    let mut pieces = recorded.split(MASK);
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some((_, after)) = rest.split_once(*piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn decoded(text: &str) -> String {
    text.replace(&*MASK_WRITTEN, MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_fits_what_was_recorded_but_for_secrets_and_chance() {
        for (recorded, asked, expected) in [
            ("http://a/x?q=1", "http://a/x?q=1", Some(Fit::Wholly)),
            ("http://a/x?q=1", "http://a/x?q=2", None),
            ("http://a/x?q=1", "http://a/y?q=1", None),
            ("http://a/x?_=1795132800042", "http://a/x?_=1795132899999", Some(Fit::Nearly)),
            ("http://a/x?id=1042", "http://a/x?id=1043", None),
            ("http://a/x?t=chbueo5q&q=1", "http://a/x?t=chdq01zz&q=1", Some(Fit::Roughly)),
            ("http://a/x?t=chbueo5q&q=1", "http://a/x?t=chdq01zz&q=2", None),
            ("http://a/x?t=••••••&q=1", "http://a/x?t=secret&q=1", Some(Fit::Nearly)),
            ("http://a/x?t=••••••&q=1", "http://a/x?t=secret&q=2", None),
            ("http://a/reset/••••••/go", "http://a/reset/x/go", Some(Fit::Nearly)),
            (
                "http://a/users/0b5a1a0e-8f1b-4a55-9a52-3d8f4ad0b0aa",
                "http://a/users/1b5a1a0e-8f1b-4a55-9a52-3d8f4ad0b0aa",
                None,
            ),
            ("http://a/x", "http://a/x?q=1", None),
        ] {
            assert_eq!(address(recorded, asked), expected, "{recorded} {asked}");
        }
        for (recorded, sent, expected) in [
            ("", "", Some(Fit::Wholly)),
            ("email=a%40b&password=••••••", "email=a%40b&password=%E2%80%A2x", Some(Fit::Nearly)),
            ("email=a%40b&role=Agent", "email=a%40b&role=Owner", None),
            ("email=a%40b", "email=a%40b&more=1", None),
            ("{\"token\":\"••••••\",\"a\":1}", "{\"token\":\"x\",\"a\":1}", Some(Fit::Nearly)),
            ("{\"token\":\"••••••\",\"a\":1}", "{\"token\":\"x\",\"a\":2}", None),
            ("{\"password\":\"••••••\"}", "{\"password\":\"x\",\"otp\":\"1\"}", None),
            ("{\"at\":1795132800042,\"a\":1}", "{\"a\":1,\"at\":1795132899999}", Some(Fit::Nearly)),
            ("------WebKitFormBoundaryA1\r\nx", "------WebKitFormBoundaryB2\r\nx", Some(Fit::Nearly)),
        ] {
            assert_eq!(body(recorded, sent), expected, "{recorded} {sent}");
        }
    }
}
