//! The grammar of locators.
//!
//! ```text
//! locator = part (">" part)*
//! part    = kind name? ("(" ("has" locator | "is" "not"? state) ")")* which?
//! name    = "…" | "…"i | ~"…" | /regex/ | /regex/i
//! state   = "checked" | "disabled" | "expanded" | "selected" | "level" number
//! which   = "nth" number | "first" | "last"
//! ```
//!
//! Names are templates: what they come to is data and never read as a locator again. Printing a locator and reading
//! it gives the same locator.

use std::ops::Range;

use lex::{Placed, Token};

use super::Template;
use crate::diagnostic::{Diagnostic, Span};
use crate::locator::{Is, Kind, Locator, Name, Nth, Part, State};

mod lex;
mod pattern;
mod roles;

pub use roles::ROLES;

/// `(has …)` inside `(has …)`, at most so deep.
const MAX_DEPTH: usize = 8;
/// Parts of one locator, at most.
const MAX_PARTS: usize = 50;
/// Bytes of one locator, at most.
const MAX_BYTES: usize = 4096;

/// Reads a locator whose text stands at `span`.
///
/// # Errors
/// All mistakes in it, each at its characters.
pub fn parse(text: &str, span: &Span) -> Result<Locator<Template>, Vec<Diagnostic>> {
    if text.len() > MAX_BYTES {
        let message = format!("a locator has at most {MAX_BYTES} bytes");
        return Err(vec![Diagnostic::error("locator_syntax", span, message).label("too long")]);
    }
    let tokens = lex::tokens(text).map_err(|error| vec![lex_mistake(text, span, error)])?;
    let mut parser = Parser { tokens: &tokens, next: 0, end: text.len(), span, parts: 0, found: Vec::new() };
    let locator = parser.locator(0);
    if let (Some(_), Some((_, at))) = (&locator, parser.peek().cloned()) {
        parser.mistake(at, "what comes after this part is no part of a locator", "expected ` > ` or the end");
    }
    match locator {
        Some(locator) if parser.found.is_empty() => Ok(locator),
        _ => Err(parser.found),
    }
}

/// The places where a locator counts elements: `nth 2`, `first`, `last`.
pub fn counting_places(text: &str, span: &Span) -> Vec<Span> {
    let tokens = lex::tokens(text).unwrap_or_default();
    let counts = |placed: &&Placed| matches!(&placed.0, Token::Word(word) if is_which(word));
    tokens.iter().filter(counts).map(|(_, at)| span.sub(at.start, at.end)).collect()
}

fn lex_mistake(text: &str, span: &Span, error: lex::LexError) -> Diagnostic {
    let found = Diagnostic::error("locator_syntax", &span.sub(error.at.start, error.at.end), error.message);
    let line =
        span.source().text.get(span.range().end..).unwrap_or_default().lines().next().unwrap_or_default();
    if line.starts_with(" #") && text.contains(['"', '/']) {
        return found.help("YAML takes ` #` for a comment; put the whole locator between single quotes");
    }
    found
}

/// The words of states.
const STATES: &[&str] = &["checked", "disabled", "expanded", "selected", "level"];

/// What stands in parentheses behind a part.
enum Condition {
    Has(Locator<Template>),
    Is(Is),
}

struct Parser<'a> {
    tokens: &'a [Placed],
    next: usize,
    end: usize,
    span: &'a Span,
    parts: usize,
    found: Vec<Diagnostic>,
}

impl Parser<'_> {
    /// `None` once a mistake leaves it unclear how to go on.
    fn locator(&mut self, depth: usize) -> Option<Locator<Template>> {
        let mut parts = vec![self.part(depth)?];
        while self.take(&Token::Inside) {
            parts.push(self.part(depth)?);
        }
        Some(Locator { parts })
    }

    fn part(&mut self, depth: usize) -> Option<Part<Template>> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            let at = self.here();
            self.mistake(at, format!("a locator has at most {MAX_PARTS} parts"), "too many parts");
            return None;
        }
        let (kind, kind_at) = self.kind()?;
        let name = self.name(&kind)?;
        self.check_name(&kind, name.as_ref(), &kind_at);
        let (mut has, mut is) = (Vec::new(), Vec::new());
        while matches!(self.peek(), Some((Token::Open, _))) {
            match self.condition(depth)? {
                Condition::Has(inner) => has.push(inner),
                Condition::Is(state) => is.push(state),
            }
        }
        if kind == Kind::Box && has.is_empty() {
            self.mistake(kind_at, "`box` does not say what it has inside", "expected `box (has …)`");
        }
        let nth = self.which()?;
        Some(Part { kind, name, has, is, nth })
    }

    fn kind(&mut self) -> Option<(Kind, Range<usize>)> {
        match self.peek().cloned() {
            Some((Token::Word(word), at)) => {
                self.next += 1;
                if let Some(kind) = roles::kind(&word) {
                    return Some((kind, at));
                }
                let found = self.diagnostic(at.clone(), format!("`{word}` is no kind of element"));
                self.found.push(match roles::meant(&word) {
                    Some(meant) => found.label(format!("did you mean `{meant}`?")),
                    None => found.label("expected an ARIA role, or `field`, `text`, `column` …"),
                });
                // The rest may hold more mistakes.
                Some((Kind::Role(word), at))
            }
            Some((Token::Quoted(_) | Token::Pattern(..) | Token::Tilde, at)) => {
                self.mistake(at, "a name without a kind", "say what it is: `button \"…\"`, `text \"…\"`");
                None
            }
            Some((_, at)) => {
                self.mistake(at, "here a part should begin", "expected a kind of element, such as `button`");
                None
            }
            None => {
                let at = self.here();
                self.mistake(at, "the locator ends where a part should begin", "expected a kind of element");
                None
            }
        }
    }

    /// The outer `None`: a mistake; the inner: no name.
    #[allow(clippy::option_option)]
    fn name(&mut self, kind: &Kind) -> Option<Option<Name<Template>>> {
        match self.peek().cloned() {
            Some((Token::Quoted(text), at)) => {
                self.next += 1;
                let is_same = matches!(self.peek(), Some((Token::Word(flag), flag_at)) if flag == "i" && flag_at.start == at.end);
                self.next += usize::from(is_same);
                let template = self.template(&text, &at);
                Some(if is_same { template.map(Name::Same) } else { template.map(Name::Exact) })
            }
            Some((Token::Tilde, tilde)) => {
                self.next += 1;
                let Some((Token::Quoted(text), at)) = self.peek().cloned() else {
                    self.mistake(tilde, "`~` without a name", "expected `~\"…\"`");
                    return None;
                };
                self.next += 1;
                Some(self.template(&text, &at).map(Name::Contains))
            }
            Some((Token::Pattern(regex, ignore_case), at)) => {
                self.next += 1;
                if let Some((message, part)) = pattern::mistake(&regex) {
                    // Unescaping slashes moves what comes after them; then the whole pattern is pointed at.
                    let exact = at.len() == regex.len() + 2 + usize::from(ignore_case);
                    let place = if exact { at.start + 1 + part.start..at.start + 1 + part.end } else { at };
                    self.found.push(self.diagnostic(place, message));
                }
                Some(Some(Name::Pattern { regex, ignore_case }))
            }
            Some((Token::Word(word), at)) if !is_which(&word) && !matches!(word.as_str(), "has" | "is") => {
                let found =
                    self.diagnostic(at, format!("`{word}` stands where a name or the end is expected"));
                let help = format!("a name is written between quotes: `{} \"{word}\"`", kind.word());
                self.found.push(found.label("expected `\"…\"`, `~\"…\"`, `/…/` or ` > `").help(help));
                None
            }
            _ => Some(None),
        }
    }

    /// The template of a name. Where it has no escapes, its places are exact.
    fn template(&mut self, text: &str, at: &Range<usize>) -> Option<Template> {
        let inside = self.span.sub(at.start + 1, at.end.saturating_sub(1));
        let place = if text.len() + 2 == at.len() { inside } else { inside.with_text_map(None) };
        Template::parse(text, &place).map_err(|found| self.found.push(found)).ok()
    }

    fn check_name(&mut self, kind: &Kind, name: Option<&Name<Template>>, at: &Range<usize>) {
        let word = kind.word();
        let mistakes_before = !self.found.is_empty();
        match (kind, name) {
            (Kind::Role(_) | Kind::Frame | Kind::Box, None) => {}
            (Kind::Box, Some(_)) => {
                self.mistake(at.clone(), "`box` has no name", "expected `box (has …)`");
            }
            (_, None) if !mistakes_before => {
                self.mistake(
                    at.clone(),
                    format!("`{word}` needs a name"),
                    format!("expected `{word} \"…\"`"),
                );
            }
            (Kind::Css | Kind::XPath, Some(Name::Same(_) | Name::Contains(_) | Name::Pattern { .. })) => {
                self.mistake(
                    at.clone(),
                    format!("`{word}` takes an expression in quotes"),
                    format!("expected `{word} \"…\"`"),
                );
            }
            (_, Some(Name::Exact(text) | Name::Same(text) | Name::Contains(text)))
                if text.literal().is_some_and(|text| text.trim().is_empty()) =>
            {
                self.mistake(at.clone(), "an empty name", "leave the name out, or write it");
            }
            _ => {}
        }
    }

    /// What stands in parentheses.
    fn condition(&mut self, depth: usize) -> Option<Condition> {
        let open = self.here();
        self.next += 1;
        let (condition, form) = if self.take_word("has") {
            if depth >= MAX_DEPTH {
                let message = format!("`(has …)` is nested deeper than {MAX_DEPTH} times");
                self.mistake(open, message, "too deep");
                return None;
            }
            (Condition::Has(self.locator(depth + 1)?), "(has …)")
        } else if self.take_word("is") {
            (Condition::Is(self.state()?), "(is …)")
        } else {
            let at = self.here();
            self.mistake(
                at,
                "only `(has …)` and `(is …)` can stand in parentheses",
                "expected `has` or `is`",
            );
            return None;
        };
        if self.take(&Token::Close) {
            return Some(condition);
        }
        match self.peek().cloned() {
            Some((_, at)) => self.mistake(at, format!("this does not belong into `{form}`"), "expected `)`"),
            None => self.mistake(open, "this parenthesis is never closed", "closed by `)`"),
        }
        None
    }

    fn state(&mut self) -> Option<Is> {
        let holds = !self.take_word("not");
        let at = self.here();
        let word = match self.peek() {
            Some((Token::Word(word), _)) => word.clone(),
            _ => String::new(),
        };
        self.next += 1;
        let state = match word.as_str() {
            "checked" => State::Checked,
            "disabled" => State::Disabled,
            "expanded" => State::Expanded,
            "selected" => State::Selected,
            "level" => {
                let at = self.here();
                let level = match self.peek() {
                    Some((Token::Word(digits), _)) => digits.parse().ok().filter(|level| *level > 0),
                    _ => None,
                };
                let Some(level) = level else {
                    self.mistake(at, "`level` without a number", "expected a number, counted from 1");
                    return None;
                };
                self.next += 1;
                State::Level(level)
            }
            _ => {
                let found = self.diagnostic(at, "no state that an element can be in");
                self.found.push(found.suggest(&word, STATES.iter().copied()));
                return None;
            }
        };
        Some(Is { state, holds })
    }

    /// The outer `None`: a mistake; the inner: nothing said.
    #[allow(clippy::option_option)]
    fn which(&mut self) -> Option<Option<Nth>> {
        let Some((Token::Word(word), at)) = self.peek().cloned() else {
            return Some(None);
        };
        let nth = match word.as_str() {
            "first" => Nth::First,
            "last" => Nth::Last,
            "nth" => {
                self.next += 1;
                let number = match self.peek() {
                    Some((Token::Word(digits), _)) => digits.parse().ok().filter(|number| *number > 0),
                    _ => None,
                };
                let Some(number) = number else {
                    let place = self.peek().map_or(at, |(_, at)| at.clone());
                    self.mistake(place, "`nth` without a number", "expected a number, counted from 1");
                    return None;
                };
                Nth::Index(number)
            }
            _ => return Some(None),
        };
        self.next += 1;
        Some(Some(nth))
    }

    fn peek(&self) -> Option<&Placed> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let taken = self.peek().is_some_and(|(token, _)| token == wanted);
        self.next += usize::from(taken);
        taken
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        self.take(&Token::Word(wanted.to_owned()))
    }

    fn here(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |(_, at)| at.clone())
    }

    fn diagnostic(&self, at: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error("locator_syntax", &self.span.sub(at.start, at.end), message)
    }

    fn mistake(&mut self, at: Range<usize>, message: impl Into<String>, label: impl Into<String>) {
        let found = self.diagnostic(at, message).label(label);
        self.found.push(found);
    }
}

fn is_which(word: &str) -> bool {
    matches!(word, "first" | "last" | "nth")
}

#[cfg(test)]
mod tests;
