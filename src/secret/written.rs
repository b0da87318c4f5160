//! The forms that a value takes in the texts of others.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// What JavaScript's `encodeURIComponent` leaves as it is, beside letters and digits.
const IN_A_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// How texts of other forms write `plain`: as it is; in addresses, by us and by pages; in forms; in HTML, as the usual templates do; in JSON,
/// as it must be and as frameworks do that trust neither characters beyond ASCII, nor those of HTML, nor a slash. Always as many, in this order.
pub fn written_forms(plain: &str) -> Vec<String> {
    let percent = |leave| percent_encoding::utf8_percent_encode(plain, leave).to_string();
    let form: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
    let html = |quote: &str, apostrophe: &str| {
        let text = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', quote).replace('\'', apostrophe)
    };
    let json = serde_json::Value::from(plain).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json).to_owned();
    let escaped = |is: fn(char) -> bool| -> String {
        let mut text = String::with_capacity(json.len());
        for character in json.chars() {
            let mut units = [0; 2];
            match is(character) {
                true => character
                    .encode_utf16(&mut units)
                    .iter()
                    .for_each(|unit| text.push_str(&format!("\\u{unit:04x}"))),
                false => text.push(character),
            }
        }
        text
    };
    let ascii = escaped(|character| !character.is_ascii());
    vec![
        plain.to_owned(),
        percent(NON_ALPHANUMERIC),
        percent(IN_A_COMPONENT),
        form,
        html("&quot;", "'"),
        html("&quot;", "&#39;"),
        html("&quot;", "&#x27;"),
        html("&quot;", "&#039;"),
        html("&#34;", "&#39;"),
        escaped(|character| matches!(character, '<' | '>' | '&')),
        escaped(|character| matches!(character, '<' | '>' | '&' | '\'')),
        escaped(|character| !character.is_ascii() || matches!(character, '<' | '>' | '&' | '\'')),
        ascii.replace('/', "\\/"),
        ascii,
        json,
    ]
}
