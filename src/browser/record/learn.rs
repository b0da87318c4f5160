//! Secrets that an exchange shows by the names of what holds them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::Regex;
use serde_json::Value;
use url::Url;

use super::{Body, Exchange};
use crate::secret::{Redactor, SecretString, names_a_secret};

/// Shorter cookies are settings of a page (`1`, `true`, `dark`), and blot out words.
const SHORTEST_COOKIE: usize = 8;
/// A shorter one could be guessed.
const SHORTEST_SIGNATURE: usize = 32;

#[expect(clippy::expect_used, reason = "a fixed pattern, compiled in the tests")]
static CONTROL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)<(?:input|meta)\b[^>]*>").expect("a pattern"));
#[expect(clippy::expect_used, reason = "a fixed pattern, compiled in the tests")]
static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b(name|type|value|content)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"#)
        .expect("a pattern")
});
#[expect(clippy::expect_used, reason = "a fixed pattern, compiled in the tests")]
static PART: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\bname="([^"]*)"[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r]*)"#).expect("a pattern")
});

/// Adds the secrets of an exchange to `redactor`.
pub(super) fn secrets(exchange: &Exchange, redactor: &mut Redactor) {
    let mut learn = |name: &str, value: &str| {
        if names_a_secret(name) && !is_a_button(name) {
            redactor.add(&SecretString::from(secret_of(value)));
        }
    };
    if let Ok(url) = Url::parse(&exchange.url) {
        url.query_pairs().for_each(|(name, value)| learn(&name, &value));
        learn("password", url.password().unwrap_or_default());
    }
    if let Body::Kept(bytes) = &exchange.sent_body {
        of_form(&String::from_utf8_lossy(bytes), &mut learn);
    }
    let answer = exchange.answer.as_ref();
    if let Some(Body::Kept(bytes)) = answer.map(|answer| &answer.body) {
        of_answer(&String::from_utf8_lossy(bytes), &mut learn);
    }
    let got = answer.map(|answer| answer.got.as_slice()).unwrap_or_default();
    for (name, value) in exchange.sent.iter().chain(got) {
        match name.to_ascii_lowercase().as_str() {
            "cookie" => value.split(';').for_each(|cookie| learn_cookie(cookie, &mut learn)),
            "set-cookie" => learn_cookie(value.split(';').next().unwrap_or_default(), &mut learn),
            // `Bearer x`: the word before is none.
            "authorization" | "proxy-authorization" => {
                learn("authorization", value.rsplit(' ').next().unwrap_or_default());
            }
            _ => learn(name, value),
        }
    }
}

/// Whether a field of that name is a button, whose value is its label: `submit_otp`.
fn is_a_button(name: &str) -> bool {
    let first = name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["submit", "button", "btn", "commit"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Seconds or milliseconds since 1970, as settings of a page have them.
fn is_a_time(value: &str) -> bool {
    matches!(value.len(), 10 | 13)
        && value.starts_with('1')
        && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// What of a value is secret. Of a signed token (RFC 7519) it is the signature, without which nobody lets its bearer in; the rest a page reads,
/// to know who is logged in and until when.
fn secret_of(value: &str) -> &str {
    let part = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok().filter(Value::is_object)
    };
    let mut parts = value.split('.');
    let (Some(head), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return value;
    };
    let (Some(head), Some(claims)) = (part(head), part(claims)) else { return value };
    let mut has_secrets = false;
    of_json(&claims, &mut |name, _| has_secrets |= names_a_secret(name));
    let is_signed = head["alg"].as_str().is_some_and(|alg| !alg.eq_ignore_ascii_case("none"));
    if is_signed && !has_secrets && signature.len() >= SHORTEST_SIGNATURE { signature } else { value }
}

fn learn_cookie(cookie: &str, learn: &mut impl FnMut(&str, &str)) {
    if let Some((_, value)) = cookie.split_once('=')
        && value.trim().len() >= SHORTEST_COOKIE
        && !is_a_time(value.trim())
    {
        learn("token", value.trim());
    }
}

/// The fields of a body that was sent, whatever its form.
fn of_form(text: &str, learn: &mut impl FnMut(&str, &str)) {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return of_json(&value, learn);
    }
    if text.contains("form-data;") {
        for part in PART.captures_iter(text) {
            let [name, value] = [1, 2].map(|index| part.get(index).map_or("", |found| found.as_str()));
            learn(name, value);
        }
        return;
    }
    url::form_urlencoded::parse(text.as_bytes()).for_each(|(name, value)| learn(&name, &value));
}

/// The controls of a page, the members of JSON.
fn of_answer(text: &str, learn: &mut impl FnMut(&str, &str)) {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return of_json(&value, learn);
    }
    for control in CONTROL.find_iter(text) {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for attribute in ATTRIBUTE.captures_iter(control.as_str()) {
            let value = (2..=4).find_map(|index| attribute.get(index)).map_or("", |found| found.as_str());
            let name = attribute.get(1).map_or("", |name| name.as_str()).to_ascii_lowercase();
            if matches!(name.as_str(), "value" | "content") { &mut values } else { &mut names }.push(value);
        }
        for name in names {
            values.iter().for_each(|value| learn(name, value));
        }
    }
}

fn of_json(value: &Value, learn: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) => learn(name, text),
                    Value::Number(number) => learn(name, &number.to_string()),
                    other => of_json(other, learn),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| of_json(item, learn)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;

    fn kept(text: &str) -> Body {
        Body::Kept(text.as_bytes().to_vec())
    }

    #[test]
    fn of_a_signed_token_the_signature_is_the_secret() {
        let token = |head: &str, claims: &str, signature: &str| {
            format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims))
        };
        let signature = "s1gnature_of-a-token-that-is-long-enough";
        let (signed, claims) = (r#"{"alg":"HS256"}"#, r#"{"sub":"ann","exp":1795132800}"#);
        assert_eq!(secret_of(&token(signed, claims, signature)), signature);
        for whole in [
            token(signed, claims, "short"),
            token(r#"{"alg":"none"}"#, claims, signature),
            token(signed, r#"{"sub":"ann","api_key":"canary"}"#, signature),
            format!("a.b.{signature}"),
            "canary".to_owned(),
        ] {
            assert_eq!(secret_of(&whole), whole);
        }
    }

    #[test]
    fn secrets_are_learnt_from_every_part_of_an_exchange() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let page = r#"<meta name="csrf-token" content="canary-meta"><input type=hidden name='_token' value='canary-field'>
            <input name="email" value="ann@acme.example"><input type="password" value="canary-type">"#;
        let answer = Answer {
            got: vec![header("Set-Cookie", "sid=canary-set; Path=/; HttpOnly")],
            body: kept(page),
            ..Answer::default()
        };
        let exchange = Exchange {
            url: "https://desk.example/x?access_token=canary-query&page=2000".to_owned(),
            sent: vec![
                header("cookie", "theme=dark; seen=1795132800; sid=canary-cookie"),
                header("Authorization", "Bearer canary-bearer"),
                header("X-CSRF-Token", "canary-header"),
                header("Accept-Language", "english"),
            ],
            sent_body: kept("email=ann%40acme.example&user%5Bpassword%5D=canary+form%26&submit_otp=Verify"),
            answer: Some(answer),
            ..Exchange::default()
        };
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"otp\"\r\n\r\n982451\r\n--b--";
        let more =
            [kept(multipart), kept(r#"{"a":[{"clientSecret":"canary-json","code":771100,"name":"Ann"}]}"#)]
                .map(|sent_body| Exchange { sent_body, ..Exchange::default() });
        let mut redactor = Redactor::default();
        more.iter().chain([&exchange]).for_each(|exchange| secrets(exchange, &mut redactor));
        for secret in [
            "canary-meta",
            "canary-field",
            "canary-type",
            "canary-set",
            "canary-query",
            "canary-cookie",
            "canary-bearer",
            "canary-header",
            "canary form&",
            "canary+form%26",
            "982451",
            "771100",
            "canary-json",
        ] {
            assert!(redactor.is_shown_by(secret.as_bytes()), "{secret}");
        }
        for word in ["ann@acme.example", "dark", "english", "1795132800", "2000", "Ann", "Bearer", "Verify"] {
            assert!(!redactor.is_shown_by(word.as_bytes()), "{word}");
        }
    }
}
