//! Finds the names, filters, tests and calls in a template, with their places.
//!
//! Whether the syntax is right is minijinja's business; this runs over what it accepted and only looks for words.

use std::collections::HashSet;
use std::ops::Range;

use super::builtins::{FILTERS, FUNCTIONS, TESTS};
use crate::diagnostic::{Diagnostic, Span};

/// The words of a template.
#[derive(Debug, Default)]
pub(super) struct Scan<'a> {
    words: Vec<Word<'a>>,
    /// The placeholders: the bytes of each.
    placeholders: Vec<Range<usize>>,
    comparisons: Vec<Comparison<'a>>,
    /// The bytes of the expression, where the template is one placeholder and nothing else.
    pub(super) single: Option<(usize, usize)>,
}

#[derive(Debug)]
struct Word<'a> {
    text: &'a str,
    at: Range<usize>,
    use_: Use,
}

/// A name held against a text by `==` or `!=`.
#[derive(Debug)]
struct Comparison<'a> {
    name: &'a str,
    /// What stands between the quotes.
    text: &'a str,
    at: Range<usize>,
}

/// A name or text that a comparison may hold against another.
#[derive(Clone, Debug)]
enum Side {
    Name(Range<usize>),
    /// Quotes included.
    Text(Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Name,
    Filter,
    Test,
    Call,
}

/// The words of a text with placeholders.
pub(super) fn template(text: &str) -> Scan<'_> {
    let mut scan = Scan::default();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find('{')).map(|found| at + found) {
        let marks = text.get(open..open + 2).unwrap_or_default();
        let inside = open + 2;
        at = match marks {
            "{{" => {
                let end = scan.code(text, inside, "}}");
                scan.placeholders.push(open..end);
                if open == 0 && end + 2 == text.len() {
                    let trimmed = text.get(inside..end).unwrap_or_default().trim_matches('-').len();
                    let skip = usize::from(text.get(inside..).is_some_and(|code| code.starts_with('-')));
                    scan.single = Some((inside + skip, inside + skip + trimmed));
                }
                end + 2
            }
            "{%" => match statement(text, inside) {
                "raw" => end_of_raw(text, inside),
                _ => scan.code(text, inside, "%}") + 2,
            },
            "{#" => {
                text.get(inside..).and_then(|rest| rest.find("#}")).map_or(text.len(), |end| inside + end + 2)
            }
            _ => open + 1,
        };
    }
    scan
}

/// The first word of the block whose inside begins there.
fn statement(text: &str, inside: usize) -> &str {
    let code = text.get(inside..).unwrap_or_default();
    let code = code.trim_start_matches(['-', '+']).trim_start();
    code.find(|c: char| !c.is_alphanumeric()).and_then(|end| code.get(..end)).unwrap_or(code)
}

/// Where what stands in the `raw` block ends, whose inside begins there: it is text, whatever it looks like.
fn end_of_raw(text: &str, mut inside: usize) -> usize {
    while let Some(open) = text.get(inside..).and_then(|rest| rest.find("{%")).map(|found| inside + found) {
        inside = open + 2;
        if statement(text, inside) == "endraw" {
            let close = text.get(inside..).and_then(|rest| rest.find("%}"));
            return close.map_or(text.len(), |close| inside + close + 2);
        }
    }
    text.len()
}

/// The words of an expression without braces.
pub(super) fn expression(text: &str) -> Scan<'_> {
    let mut scan = Scan::default();
    scan.code(text, 0, "");
    scan
}

impl<'a> Scan<'a> {
    /// Reads code from `at` up to `close`, and gives where that begins.
    fn code(&mut self, text: &'a str, mut at: usize, close: &str) -> usize {
        let mut before = Before::Other;
        let (mut left, mut compares): (Option<Side>, bool) = (None, false);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if !close.is_empty() && rest.starts_with(close) {
                return at;
            }
            let first = rest.chars().next().unwrap_or_default();
            match first {
                '"' | '\'' => {
                    let string = at..at + string_length(rest, first);
                    at = string.end;
                    before = Before::Other;
                    left = self.side(text, Side::Text(string), left, &mut compares);
                }
                c if is_word_start(c) => {
                    let path = at..at + path_length(rest);
                    at = path.end;
                    before = self.word(text, path.clone(), before);
                    let is_name =
                        self.words.last().is_some_and(|word| word.use_ == Use::Name && word.at == path);
                    left = is_name.then(|| self.side(text, Side::Name(path), left, &mut compares)).flatten();
                }
                '=' | '!' if rest.get(1..2) == Some("=") => {
                    compares = left.is_some();
                    before = Before::Other;
                    at += 2;
                }
                c if c.is_ascii_digit() => {
                    at += rest
                        .find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_')
                        .unwrap_or(rest.len());
                    before = Before::Other;
                }
                c => {
                    if !c.is_whitespace() {
                        (left, compares) = (None, false);
                    }
                    before = match c {
                        '|' => Before::Pipe,
                        // A member of what a call or an index gave.
                        '.' => Before::Dot,
                        c if c.is_whitespace() => before,
                        _ => Before::Other,
                    };
                    at += c.len_utf8();
                }
            }
        }
        at
    }

    /// Notes a comparison that `right` ends, and gives what may stand left of the next one.
    fn side(&mut self, text: &'a str, right: Side, left: Option<Side>, compares: &mut bool) -> Option<Side> {
        if std::mem::take(compares)
            && let (Some(Side::Name(name)), Side::Text(at)) | (Some(Side::Text(at)), Side::Name(name)) = (left, right.clone())
            // A filter binds more tightly than the comparison.
            && !text.get(name.end.max(at.end)..).unwrap_or_default().trim_start().starts_with('|')
        {
            let inside = at.start + 1..at.end.saturating_sub(1).max(at.start + 1);
            let text_of = |range: Range<usize>| text.get(range).unwrap_or_default();
            self.comparisons.push(Comparison {
                name: text_of(name),
                text: text_of(inside.clone()),
                at: inside,
            });
        }
        Some(right)
    }

    fn word(&mut self, text: &'a str, at: Range<usize>, before: Before) -> Before {
        let word = text.get(at.clone()).unwrap_or_default();
        let called = text.get(at.end..).is_some_and(|rest| rest.trim_start().starts_with('('));
        match (before, word) {
            (Before::Dot, _) => return Before::Other,
            (Before::Other, "is") => return Before::Is,
            (Before::Is, "not") => return Before::Is,
            _ => {}
        }
        let use_ = match before {
            Before::Pipe => Use::Filter,
            Before::Is => Use::Test,
            _ if called && !word.contains('.') => Use::Call,
            _ => Use::Name,
        };
        // A method belongs to the value before it.
        let kept = match word.rsplit_once('.').filter(|_| called && use_ == Use::Name) {
            Some((owner, _)) => owner,
            None => word,
        };
        self.words.push(Word { text: kept, at: at.start..at.start + kept.len(), use_ });
        Before::Other
    }

    /// Refuses filters, tests and functions that do not exist.
    pub(super) fn check(&self, span: &Span) -> Result<(), Diagnostic> {
        for word in &self.words {
            let (what, known) = match word.use_ {
                Use::Filter => ("filter", FILTERS),
                Use::Test => ("test", TESTS),
                Use::Call if !matches!(word.text, "not" | "and" | "or" | "in" | "if" | "else" | "elif") => {
                    ("function", FUNCTIONS)
                }
                Use::Name | Use::Call => continue,
            };
            // `is true` and the like are syntax.
            let syntax = word.use_ == Use::Test && matches!(word.text, "true" | "false" | "True" | "False");
            if !known.contains(&word.text) && !syntax {
                let message = format!("unknown {what} `{}`", word.text);
                let found =
                    Diagnostic::error("template_syntax", &span.sub(word.at.start, word.at.end), message);
                return Err(found.suggest(word.text, known.iter().copied()));
            }
        }
        Ok(())
    }

    /// The places of the names in placeholders that have no filter `urlencode`.
    pub(super) fn unescaped(&self) -> Vec<Range<usize>> {
        let mut names = Vec::new();
        for placeholder in self.placeholders.iter().filter(|placeholder| placeholder.start > 0) {
            let inside = |word: &&Word<'_>| placeholder.contains(&word.at.start);
            let words: Vec<&Word<'_>> = self.words.iter().filter(inside).collect();
            let escaped = words.iter().any(|word| word.use_ == Use::Filter && word.text == "urlencode");
            let bare = words.iter().filter(|word| word.use_ == Use::Name && !escaped);
            names.extend(bare.map(|word| word.at.clone()));
        }
        names
    }

    /// Name, text, and the place of that.
    pub(super) fn comparisons(&self, span: &Span) -> Vec<(String, String, Span)> {
        let told = |one: &Comparison<'_>| {
            (one.name.to_owned(), one.text.to_owned(), span.sub(one.at.start, one.at.end))
        };
        self.comparisons.iter().map(told).collect()
    }

    /// The names among the words; `undeclared` are the first parts of those that the template does not define itself.
    pub(super) fn names(&self, undeclared: &HashSet<String>, span: &Span) -> Vec<(String, Span)> {
        let names = self.words.iter().filter(|word| word.use_ == Use::Name);
        names
            .filter(|word| undeclared.contains(word.text.split('.').next().unwrap_or_default()))
            .map(|word| (word.text.to_owned(), span.sub(word.at.start, word.at.end)))
            .collect()
    }
}

/// What stands before a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Pipe,
    Is,
    Dot,
    Other,
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// The length of `a.b.c` at the start of `text`.
fn path_length(text: &str) -> usize {
    let mut end = 0;
    loop {
        let rest = text.get(end..).unwrap_or_default();
        end += rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let next = text.get(end..).unwrap_or_default().strip_prefix('.');
        match next.and_then(|next| next.chars().next()) {
            Some(c) if is_word_start(c) => end += 1,
            _ => return end,
        }
    }
}

/// The length of the string literal at the start of `text`, quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}
