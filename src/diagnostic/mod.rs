//! Mistakes of authors as values: where, what, and what would be right.
//!
//! Checking a connector returns what could be read *and* all [`Diagnostics`]; running one returns `Result`. The two
//! never mix. A [`Span`] is a place in a [`Source`]; offsets are bytes, lines and columns are counted from 1, columns
//! in characters.

use serde::{Serialize, Serializer};

mod render;
mod rule;
mod span;

pub use render::{Colour, render};
pub use rule::Rule;
pub use span::{Source, Span};

/// How bad a mistake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The connector cannot be used.
    Error,
    /// It can, but it had better be changed.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which kind of mistake, in snake case; stable.
    pub code: &'static str,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Said under the caret: what was expected, or the near name.
    pub label: Option<String>,
    /// The cure, where it takes a sentence.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake with which the connector cannot be used.
    pub fn error(code: &'static str, span: &Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: span.clone(),
            label: None,
            help: None,
        }
    }

    /// A mistake with which it can.
    pub fn warning(code: &'static str, span: &Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Says `label` under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says `help` below.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Asks "did you mean …?" under the caret where one of `candidates` is near `word`, else lists them there when
    /// they are few.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let candidates: Vec<&str> = candidates.into_iter().collect();
        match near(word, candidates.iter().copied()) {
            Some(candidate) => self.label(format!("did you mean `{candidate}`?")),
            None if candidates.is_empty() || candidates.len() > 12 => self,
            None => self.label(format!("expected {}", one_of(&candidates))),
        }
    }
}

/// `` `a`, `b` or `c` ``.
pub fn one_of<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The mistakes found so far; after so many that nobody would read on, no more are noted.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    effort: usize,
}

/// So many mistakes are noted at the most.
const MOST: usize = 500;

impl Diagnostics {
    /// Notes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.found.len() == MOST {
            let message = format!("more than {MOST} mistakes; the others are not told");
            self.found.push(Diagnostic::error("too_many_mistakes", &diagnostic.span, message));
        } else if !self.is_full() {
            self.found.push(diagnostic);
        }
    }

    /// Whether no more are noted: looking for them is in vain.
    pub fn is_full(&self) -> bool {
        self.found.len() > MOST
    }

    /// Counts `more` of what takes time to check, and gives how much that was in all.
    pub fn spend(&mut self, more: usize) -> usize {
        self.effort += more;
        self.effort
    }

    /// Notes an error that needs neither label nor help.
    pub fn error(&mut self, code: &'static str, span: &Span, message: impl Into<String>) {
        self.push(Diagnostic::error(code, span, message));
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many were found.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The value of `result`; its mistakes are noted.
    pub fn take<T>(&mut self, result: Result<T, Vec<Diagnostic>>) -> Option<T> {
        result.map_err(|found| self.extend(found)).ok()
    }

    /// All of them, in the order of file name and place; what was noted twice is there once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| {
            let place = |of: &Diagnostic| (of.span.range().start, of.span.range().end);
            a.span.file().cmp(b.span.file()).then(place(a).cmp(&place(b))).then(a.code.cmp(b.code))
        });
        self.found.dedup();
        self.found
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        iter.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }
}

/// The candidate that `word` was probably meant to be.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Beyond that length nothing is a slip of the fingers, and comparing takes the square of it.
    let short = |text: &str| text.len() <= LONGEST_WORD;
    let folded = Some(word).filter(|word| short(word))?.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&folded, &candidate.to_lowercase());
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| short(candidate))
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().min(folded.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What is compared in search of a near name, at most.
const MOST_CANDIDATES: usize = 200;
const LONGEST_WORD: usize = 40;

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            file: &'a str,
            line: usize,
            column: usize,
            end_line: usize,
            end_column: usize,
            code: &'a str,
            severity: Severity,
            message: &'a str,
            label: Option<&'a str>,
            help: Option<&'a str>,
        }
        let (end_line, end_column) = self.span.end_position();
        Flat {
            file: self.span.file(),
            line: self.span.line(),
            column: self.span.column(),
            end_line,
            end_column,
            code: self.code,
            severity: self.severity,
            message: &self.message,
            label: self.label.as_deref(),
            help: self.help.as_deref(),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_shown_with_its_line_a_caret_and_the_cure() {
        let source = Source::new("flows/invite.yaml", "steps:\n  - clik: button \"Säve\"\n");
        let span = Span::new(source, 11, 15);
        let found = Diagnostic::error("unknown_step", &span, "unknown step `clik`")
            .suggest("clik", ["goto", "click"]);
        let expected = "error[unknown_step]: unknown step `clik`
 --> flows/invite.yaml:2:5
  |
2 |   - clik: button \"Säve\"
  |     ^^^^ did you mean `click`?
";
        assert_eq!(render(std::slice::from_ref(&found), Colour::Plain), expected);
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!((&json["line"], &json["column"], &json["end_column"]), (&2.into(), &5.into(), &9.into()));
        assert_eq!(json["label"], "did you mean `click`?");
    }

    #[test]
    fn a_place_inside_a_scalar_is_found_behind_quotes_and_escapes() {
        // The text of the scalar is `aö"b`.
        let source = Source::new("f", r#"k: "aö\"b""#);
        let whole = Span::new(source.clone(), 3, source.text.len());
        let exact = whole.clone().with_text_map(Some(vec![4, 5, 6, 7, 9, 10]));
        assert_eq!(exact.sub(4, 5).text(), "b");
        assert_eq!((exact.sub(4, 5).line(), exact.sub(4, 5).column()), (1, 9));
        assert_eq!(exact.sub(1, 4).sub(3, 4).range(), 9..9, "cut off at the end of the inner text");
        assert_eq!(whole.clone().with_text_map(None).sub(1, 2), whole.clone().with_text_map(None));
        assert_eq!(whole.with_text_at(4).sub(0, 1).text(), "a");
        assert_eq!(Span::new(source, 6, 999).text(), "ö\\\"b\"", "a cut character is taken whole");
    }

    #[test]
    fn near_names() {
        for (word, expected) in [
            ("clik", Some("click")),
            ("Click", Some("click")),
            ("expct", Some("expect")),
            ("fill", None),
            ("", None),
            ("gotto", Some("goto")),
        ] {
            assert_eq!(near(word, ["click", "expect", "goto"]), expected, "{word}");
        }
    }

    #[test]
    fn they_come_in_the_order_of_the_files() {
        let (a, b) = (Source::new("a", "xyz"), Source::new("b", "xyz"));
        let mut found = Diagnostics::default();
        for (source, at) in [(&b, 0), (&a, 2), (&a, 1)] {
            found.error("code", &Span::new(source.clone(), at, at + 1), "m");
        }
        let places: Vec<String> = found.into_sorted().iter().map(|d| d.span.to_string()).collect();
        assert_eq!(places, ["a:1:2", "a:1:3", "b:1:1"]);
    }
}
