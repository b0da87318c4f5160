//! Regular expressions that mean the same to Rust's `regex` and to JavaScript, where the page is searched.

use std::ops::Range;

/// What Rust knows and JavaScript does not, or means otherwise.
const ONLY_RUST: &[(&str, &str)] = &[
    ("(?i", "write the flag behind the pattern: `/…/i`"),
    ("(?P<", "write `(?<name>…)`"),
    ("(?m", "flags inside a pattern are not used"),
    ("(?s", "flags inside a pattern are not used"),
    ("(?x", "flags inside a pattern are not used"),
    ("(?u", "flags inside a pattern are not used"),
    ("(?U", "flags inside a pattern are not used"),
    ("(?-", "flags inside a pattern are not used"),
    ("[[:", "write the characters out: `[a-z]`"),
    ("&&", "sets cannot be combined"),
    ("\\A", "write `^`"),
    ("\\z", "write `$`"),
];

/// What is wrong with a regular expression, and where in it.
pub(super) fn mistake(regex: &str) -> Option<(String, Range<usize>)> {
    if regex.is_empty() {
        return Some(("an empty pattern matches everything".to_owned(), 0..0));
    }
    if let Err(error) = regex::RegexBuilder::new(regex).size_limit(1 << 19).build() {
        return Some((format!("the pattern is wrong: {}", reason(&error)), 0..regex.len()));
    }
    let (found, help) = ONLY_RUST.iter().find_map(|(part, help)| Some((unescaped(regex, part)?, help)))?;
    let (at, length) = found;
    Some((format!("not every part of this works in a browser: {help}"), at..at + length))
}

/// Where `part` stands in `regex`, not counting a backslash that is itself escaped.
fn unescaped(regex: &str, part: &str) -> Option<(usize, usize)> {
    regex.match_indices(part).map(|(at, found)| (at, found.len())).find(|(at, _)| {
        let before = regex.get(..*at).unwrap_or_default();
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        backslashes % 2 == 0
    })
}

/// The last line of what `regex` says; the others draw the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_both_languages() {
        for (regex, place) in [
            (r"Members \(\d+\)", None),
            (r"a\\Ab", None),
            (r"(?:a|b)+?", None),
            ("a(", Some(0..2)),
            (r"x(?i)a", Some(1..4)),
            (r"a\z", Some(1..3)),
            ("[[:alpha:]]", Some(0..3)),
            (r"(a{1000}){1000}", Some(0..15)),
            ("", Some(0..0)),
        ] {
            assert_eq!(mistake(regex).map(|(_, place)| place), place, "{regex}");
        }
    }
}
