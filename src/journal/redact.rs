//! What is taken out of requests and answers before they are kept.
//!
//! A secret is found by the name that it goes by ([`names_a_secret`]): as a member of an object, however deep, as the target of a
//! patch, as a parameter of a query, as an attribute of a filter. Usher's own tokens are found by their form, wherever they stand. A body
//! that is no JSON cannot be looked through, and is not kept.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::MAX_BODY_KEPT;
use crate::secret::{MASK, names_a_secret};
use crate::store::ExchangeBody;

/// The longest path and query that are kept, in bytes.
const MAX_TARGET: usize = 8 * 1024;

/// JSON within a string within JSON, at most so often; deeper it is masked unread.
const MAX_EMBEDDED: usize = 3;

/// What every name of a secret has somewhere in it, and what may hide a name in JSON. Most bodies have none of it, and need not be
/// taken apart.
#[expect(clippy::expect_used, reason = "a pattern that a test compiles")]
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)pass|pwd|secret|token|otp|pin|key|nonce|csrf|auth|code|\\u").expect("a pattern")
});

/// Usher's tokens.
#[expect(clippy::expect_used, reason = "a pattern that a test compiles")]
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"usher_[A-Za-z0-9_-]{43}").expect("a pattern"));

/// A literal in a filter or a path, whether it ends or not.
#[expect(clippy::expect_used, reason = "a pattern that a test compiles")]
static LITERAL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""(?:[^"\\]|\\.)*(?:"|\\?$)"#).expect("a pattern"));

/// A body as it may be kept. `length` is how long it was, of which `bytes` is the beginning.
pub fn body(bytes: &[u8], length: u64) -> ExchangeBody {
    if length == 0 {
        return ExchangeBody::None;
    }
    if length > MAX_BODY_KEPT as u64 {
        let why = format!("{length} bytes, of which none are kept: {MAX_BODY_KEPT} is the most");
        return ExchangeBody::NotKept(why);
    }
    match json(bytes) {
        Ok(kept) => ExchangeBody::Text(kept),
        Err(fault) => ExchangeBody::NotKept(format!("{length} bytes that are not kept: {fault}")),
    }
}

/// Text that is no JSON, such as a header.
pub(super) fn text(text: &mut String) {
    if let Cow::Owned(masked) = TOKEN.replace_all(text, MASK) {
        *text = masked;
    }
}

/// A path with its query.
pub(super) fn target(target: &str) -> String {
    let mut kept = url_text(target).into_owned();
    text(&mut kept);
    if kept.len() > MAX_TARGET {
        kept.truncate(kept.floor_char_boundary(MAX_TARGET));
        kept.push('…');
    }
    kept
}

/// The same, but for tokens.
fn url_text(target: &str) -> Cow<'_, str> {
    let Some((path, query)) = target.split_once('?') else { return Cow::Borrowed(target) };
    let pairs: Vec<Cow<'_, str>> = query.split('&').map(parameter).collect();
    Cow::Owned(format!("{path}?{}", pairs.join("&")))
}

/// `name=value` of a query, as it was written where nothing of it is a secret.
fn parameter(pair: &str) -> Cow<'_, str> {
    let Some((name, _)) = pair.split_once('=') else { return Cow::Borrowed(pair) };
    let is_secret = url::form_urlencoded::parse(pair.as_bytes())
        .any(|(name, value)| names_a_secret(&name) || asks_for_a_secret(&value));
    if is_secret { Cow::Owned(format!("{name}={MASK}")) } else { Cow::Borrowed(pair) }
}

/// Whether a filter or a path names an attribute that is a secret; what is in quotes is no name.
fn asks_for_a_secret(text: &str) -> bool {
    MARK.is_match(text) && names_a_secret(&LITERAL.replace_all(text, " "))
}

/// The JSON of `bytes` without secrets; in the very characters in which it came, where there are none.
fn json(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "they are not UTF-8".to_owned())?;
    let kept = if MARK.is_match(text) {
        let mut value: Value = serde_json::from_str(text).map_err(|error| in_words(&error))?;
        redact(&mut value, 0);
        Cow::Owned(value.to_string())
    } else {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| in_words(&error))?;
        Cow::Borrowed(text)
    };
    let mut kept = kept.into_owned();
    self::text(&mut kept);
    Ok(kept)
}

/// What is wrong with JSON, without a word of it.
fn in_words(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early",
        _ => "they are no JSON that can be looked through",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn redact(value: &mut Value, embedded: usize) {
    match value {
        Value::Object(members) => {
            let is_told = tells_of_a_secret(members);
            for (name, member) in members.iter_mut() {
                if names_a_secret(name) || (is_told && name.eq_ignore_ascii_case("value")) {
                    mask(member);
                } else if is_search(name, member) {
                    *member = Value::from(MASK);
                } else {
                    redact(member, embedded);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| redact(element, embedded)),
        Value::String(text) => redact_string(text, embedded),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether an object says by one member that its `value` is a secret: a patch of a password, a pair of name and value.
fn tells_of_a_secret(members: &Map<String, Value>) -> bool {
    let telling = ["path", "name", "key", "type", "attribute"];
    members.iter().any(|(name, member)| {
        telling.iter().any(|one| name.eq_ignore_ascii_case(one))
            && member.as_str().is_some_and(asks_for_a_secret)
    })
}

fn redact_string(text: &mut String, embedded: usize) {
    if !MARK.is_match(text) {
        return;
    }
    // Entra ID sends roles as JSON in a string.
    if text.trim_start().starts_with(['{', '[']) {
        match serde_json::from_str::<Value>(text) {
            Ok(_) if embedded >= MAX_EMBEDDED => MASK.clone_into(text),
            Ok(mut value) => {
                let before = value.clone();
                redact(&mut value, embedded + 1);
                if value != before {
                    *text = value.to_string();
                }
            }
            // It means to be JSON and cannot be looked through.
            Err(_) => MASK.clone_into(text),
        }
    } else if text.contains('?') {
        // An address with a query, as in bulk operations.
        *text = url_text(text).into_owned();
    }
}

/// Whether a member is a filter, or a path with one, that compares a secret. A path alone says which, not what.
fn is_search(name: &str, member: &Value) -> bool {
    let searches = ["filter", "path"].iter().any(|one| name.eq_ignore_ascii_case(one));
    searches && member.as_str().is_some_and(|text| text.contains(' ') && asks_for_a_secret(text))
}

/// Takes a secret away, whatever it is. What is true, false, empty or nothing is none.
fn mask(member: &mut Value) {
    let tells_nothing = |value: &Value| match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    let harmless = match &*member {
        Value::Object(members) => members.values().all(tells_nothing),
        other => tells_nothing(other),
    };
    if !harmless {
        *member = Value::from(MASK);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::secret::{ENDS, WORDS};

    const CANARY: &str = "canary-Pa55";

    fn kept(text: &str) -> String {
        match body(text.as_bytes(), text.len() as u64) {
            ExchangeBody::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn check(sent: &Value, expected: &Value) {
        let kept = kept(&sent.to_string());
        assert!(!kept.contains(CANARY), "{kept}");
        assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), *expected, "{sent}");
    }

    #[test]
    fn a_secret_is_found_wherever_scim_may_carry_one() {
        let op = |op: Value| json!({ "schemas": ["urn:x"], "Operations": [{ "op": "add", "path": "title", "value": "x" }, op] });
        let core = "urn:ietf:params:scim:schemas:core:2.0:User:password";
        let cases = [
            (
                json!({ "userName": "ada", "password": CANARY }),
                json!({ "userName": "ada", "password": MASK }),
            ),
            (json!({ "PassWord": CANARY }), json!({ "PassWord": MASK })),
            (json!({ core: CANARY }), json!({ core: MASK })),
            (json!({ "password": 4711 }), json!({ "password": MASK })),
            (json!({ "password": { "value": CANARY } }), json!({ "password": MASK })),
            (json!({ "password": [CANARY] }), json!({ "password": MASK })),
            (
                json!({ "urn:x:2.0:User": { "deep": [{ "apiKey": CANARY, "team": "a" }] } }),
                json!({ "urn:x:2.0:User": { "deep": [{ "apiKey": MASK, "team": "a" }] } }),
            ),
            (
                op(json!({ "op": "replace", "path": "password", "value": CANARY })),
                op(json!({ "op": "replace", "path": "password", "value": MASK })),
            ),
            (
                op(json!({ "Op": "Replace", "Path": core, "Value": CANARY })),
                op(json!({ "Op": "Replace", "Path": core, "Value": MASK })),
            ),
            (
                op(json!({ "op": "Add", "value": { "password": CANARY, "active": true } })),
                op(json!({ "op": "Add", "value": { "password": MASK, "active": true } })),
            ),
            (
                op(json!({ "op": "replace", "value": { "name.password": CANARY, core: CANARY } })),
                op(json!({ "op": "replace", "value": { "name.password": MASK, core: MASK } })),
            ),
            (
                op(
                    json!({ "op": "replace", "path": format!("emails[password eq \"{CANARY}\"].value"), "value": CANARY }),
                ),
                op(json!({ "op": "replace", "path": MASK, "value": MASK })),
            ),
            (
                json!({ "Operations": [{ "method": "POST", "path": "/Users", "data": { "password": CANARY } },
                    { "method": "PATCH", "path": format!("/Users/1?token={CANARY}"), "data": op(json!({ "path": "password", "value": CANARY })) }] }),
                json!({ "Operations": [{ "method": "POST", "path": "/Users", "data": { "password": MASK } },
                    { "method": "PATCH", "path": format!("/Users/1?token={MASK}"), "data": op(json!({ "path": "password", "value": MASK })) }] }),
            ),
            (
                json!({ "roles": [{ "value": format!("{{\"value\":\"25\",\"password\":\"{CANARY}\"}}") }] }),
                json!({ "roles": [{ "value": format!("{{\"value\":\"25\",\"password\":\"{MASK}\"}}") }] }),
            ),
            (
                json!({ "roles": [{ "value": format!("{{\"password\":\"{CANARY}") }] }),
                json!({ "roles": [{ "value": MASK }] }),
            ),
            (
                json!({ "attributes": [{ "name": "pin", "value": CANARY }] }),
                json!({ "attributes": [{ "name": "pin", "value": MASK }] }),
            ),
            (json!({ "filter": format!("password eq \"{CANARY}\"") }), json!({ "filter": MASK })),
            (json!({ "filter": format!("password sw {CANARY}") }), json!({ "filter": MASK })),
        ];
        for (sent, expected) in cases {
            check(&sent, &expected);
        }
        let token = format!("usher_{}", "Ab3_-".repeat(9).get(..43).unwrap());
        check(&json!({ "title": format!("Bearer {token}") }), &json!({ "title": format!("Bearer {MASK}") }));
        let hidden = kept(&format!(r#"{{"p\u0061ssword":"{CANARY}"}}"#));
        assert_eq!(hidden, format!(r#"{{"password":"{MASK}"}}"#));
        let twice = kept(&format!(r#"{{"password":"{CANARY}","password":"{CANARY}"}}"#));
        assert_eq!(twice, format!(r#"{{"password":"{MASK}"}}"#));
    }

    #[test]
    fn json_in_json_in_json_is_looked_through_or_masked() {
        let mut text = json!({ "password": CANARY }).to_string();
        for _ in 0..8 {
            text = json!({ "value": text }).to_string();
            assert!(!kept(&text).contains(CANARY), "{}", kept(&text));
        }
    }

    #[test]
    fn what_is_no_secret_is_kept_in_its_own_characters() {
        for text in [
            r#"{"schemas" : ["urn:x"],  "userName":"ada", "n": 1.0, "active": true}"#,
            r#"{"changePassword":{"supported":false}}"#,
            r#"{"password":"","title":null}"#,
            r#"{"postalCode":"12345","roles":[{"value":"{\"countryCode\":1}","type":"work"}]}"#,
            r#"{"filter":"userName eq \"my password is x\""}"#,
            r#"{"title":"What is the password?"}"#,
        ] {
            assert_eq!(kept(text), text);
        }
    }

    #[test]
    fn a_body_that_cannot_be_looked_through_is_described() {
        let deep = "[".repeat(10_000) + "\"password\"";
        let long = format!("\"{}\"", "x".repeat(MAX_BODY_KEPT));
        for (sent, expected) in [
            (format!("{{\"password\":\"{CANARY}"), "the JSON ends too early"),
            (format!("password={CANARY}"), "no JSON that can be looked through (line 1, column 1)"),
            (deep, "no JSON that can be looked through"),
            (long, "65538 bytes, of which none are kept: 65536 is the most"),
        ] {
            let ExchangeBody::NotKept(why) = body(sent.as_bytes(), sent.len() as u64) else {
                panic!("{expected}")
            };
            assert!(why.contains(expected) && why.starts_with(&sent.len().to_string()), "{why}");
            assert!(!why.contains(CANARY));
        }
        assert!(matches!(body(b"\"\xff\"", 3), ExchangeBody::NotKept(why) if why.contains("UTF-8")));
        assert_eq!(body(b"", 0), ExchangeBody::None);
    }

    #[test]
    fn a_query_is_kept_but_for_secrets() {
        for (sent, expected) in [
            ("/scim/v2/desk/Users", "/scim/v2/desk/Users"),
            (
                "/Users?filter=userName%20eq%20%22pin%22&startIndex=1",
                "/Users?filter=userName%20eq%20%22pin%22&startIndex=1",
            ),
            (
                "/Users?aadOptscim062020&access_token=canary-Pa55",
                "/Users?aadOptscim062020&access_token=••••••",
            ),
            ("/Users?filter=password+eq+%22canary-Pa55%22&count=1", "/Users?filter=••••••&count=1"),
            ("/Users?p%61ssword=canary-Pa55", "/Users?p%61ssword=••••••"),
            ("/Users?filter=password+eq+%22canary-Pa55", "/Users?filter=••••••"),
        ] {
            assert_eq!(target(sent), expected);
        }
        let long = target(&format!("/Users?x={}", "é".repeat(20_000)));
        assert!(long.len() < MAX_TARGET + 4 && long.ends_with('…'));
        let token = format!("usher_{}", "x".repeat(43));
        let mut header = format!("curl {token}");
        text(&mut header);
        assert_eq!(header, format!("curl {MASK}"));
    }

    proptest! {
        /// Nothing that [`names_a_secret`] knows is passed over because it has no mark.
        #[test]
        fn every_name_of_a_secret_has_a_mark(name in "[a-zA-Z0-9_ .:\\-\u{17f}\u{212a}]{0,12}") {
            prop_assert!(!names_a_secret(&name) || MARK.is_match(&name), "{name}");
        }

        #[test]
        fn anything_can_be_redacted(text in any::<String>()) {
            target(&text);
            body(text.as_bytes(), text.len() as u64);
            asks_for_a_secret(&text);
        }
    }

    /// The same for names that are put together of the words that make a secret's.
    #[test]
    fn every_word_of_a_secret_has_a_mark() {
        let others = ["api-key", "privateKey", "access_key", "code", "mfaCode"];
        for word in WORDS.iter().chain(&ENDS).chain(&others) {
            assert!(names_a_secret(word) && MARK.is_match(word), "{word}");
        }
    }
}
