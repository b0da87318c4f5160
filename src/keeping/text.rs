//! Finds what somebody is known by in the bytes of pages, bodies and records, however they write it.

/// What stands in the way of a text: a page or a record has it in several writings.
pub(super) struct Haystack(Vec<String>);

impl Haystack {
    /// The text as it is, with its escapes resolved, and without its tags.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let plain = String::from_utf8_lossy(bytes).to_lowercase();
        let once = resolved(&plain);
        // What a page was asked for stands in a record of it, escaped by both.
        let twice = resolved(&once);
        let bare = collapsed(&without_tags(&twice));
        Self(vec![plain, once, twice, bare])
    }

    /// Whether it stands there, with no letter or digit around it. `sought` is in small letters, without spaces at its ends.
    pub(super) fn has(&self, sought: &str) -> bool {
        self.0.iter().any(|text| stands_in(text, sought))
    }
}

fn stands_in(text: &str, sought: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(sought).any(|(at, found)| {
        let (before, after) = (text.get(..at).unwrap_or(""), text.get(at + found.len()..).unwrap_or(""));
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

/// The text with what HTML, JSON and addresses write otherwise: `&amp;`, `&#64;`, `\u0040`, `\n`, `%40`.
fn resolved(text: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (given, length) = match first {
            '&' => entity(rest),
            '\\' => escape(rest),
            '%' => percent(rest),
            _ => None,
        }
        .unwrap_or_else(|| (first.to_string().into_bytes(), first.len_utf8()));
        bytes.extend(given);
        rest = rest.get(length..).unwrap_or("");
    }
    String::from_utf8_lossy(&bytes).to_lowercase()
}

type Resolved = Option<(Vec<u8>, usize)>;

fn entity(text: &str) -> Resolved {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let found = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "commat" => '@',
        "period" => '.',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((found.to_string().into_bytes(), end + 1))
}

fn escape(text: &str) -> Resolved {
    match text.as_bytes().get(1)? {
        b'n' | b't' | b'r' | b'b' | b'f' => Some((b" ".to_vec(), 2)),
        byte @ (b'"' | b'\\' | b'/') => Some((vec![*byte], 2)),
        b'u' => {
            let found = char::from_u32(u32::from_str_radix(text.get(2..6)?, 16).ok()?)?;
            Some((found.to_string().into_bytes(), 6))
        }
        _ => None,
    }
}

fn percent(text: &str) -> Resolved {
    let digits = text.get(1..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((vec![u8::from_str_radix(digits, 16).ok()?], 3))
}

/// The text with a space in the place of each tag.
fn without_tags(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        bare.push_str(before);
        bare.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    bare
}

/// The text with one space wherever there are some.
pub(super) fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_in_every_writing_and_nobody_who_is_only_like_them() {
        for shown in [
            "<td>Ada@Acme.example</td>",
            "ada&#64;acme.example",
            "ada&#x40;acme.example",
            r#"{"mail":"x\nada\u0040acme.example\n"}"#,
            "/members?email%3Dada%40acme.example",
            r#""text":"<a title=\"ada&amp;#64;acme.example\">""#,
            "<b>ada</b>, <ada@acme.example>",
        ] {
            assert!(Haystack::of(shown.as_bytes()).has("ada@acme.example"), "{shown}");
        }
        for others in ["nada@acme.example", "ada@acme.examples", "ada@acme", ""] {
            assert!(!Haystack::of(others.as_bytes()).has("ada@acme.example"), "{others}");
        }
        let row = "<tr><td>Ada</td>\n <td>King&nbsp;</td></tr>";
        assert!(Haystack::of(row.as_bytes()).has("ada king"));
        assert!(Haystack::of("Zoë Ä".as_bytes()).has("zoë ä"));
        assert!(Haystack::of("zo%C3%AB %".as_bytes()).has("zoë"));
        assert!(!Haystack::of("Canada Kingdom".as_bytes()).has("ada king"));
    }
}
