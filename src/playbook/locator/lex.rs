//! Cuts a locator into words, quoted names, patterns and marks.

use std::ops::Range;

use winnow::combinator::{alt, cut_err, delimited, opt, preceded, repeat};
use winnow::error::{ContextError, ErrMode, StrContext};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, none_of, one_of, take_while};

/// A piece of a locator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A kind, `has`, `nth`, `first`, `last`, or a number.
    Word(String),
    /// A text between quotes.
    Quoted(String),
    /// `/regex/` or `/regex/i`; slashes inside are no longer escaped.
    Pattern(String, bool),
    /// `~`
    Tilde,
    /// `>`
    Inside,
    /// `(`
    Open,
    /// `)`
    Close,
}

/// A token and its bytes.
pub(super) type Placed = (Token, Range<usize>);

/// What cannot be cut, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LexError {
    pub(super) at: Range<usize>,
    pub(super) message: String,
}

type Input<'a> = LocatingSlice<&'a str>;

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, LexError> {
    let mut input = LocatingSlice::new(text);
    let mut out = Vec::new();
    loop {
        let _ = space(&mut input);
        let start = input.current_token_start();
        let Some(first) = text.get(start..).and_then(|rest| rest.chars().next()) else {
            return Ok(out);
        };
        match token.with_span().parse_next(&mut input) {
            Ok(placed) => out.push(placed),
            Err(error) => return Err(explain(&error, start, first, text, input.current_token_start())),
        }
    }
}

fn space(input: &mut Input<'_>) -> ModalResult<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

fn token(input: &mut Input<'_>) -> ModalResult<Token> {
    alt((
        word,
        quoted,
        pattern,
        '~'.value(Token::Tilde),
        '>'.value(Token::Inside),
        '('.value(Token::Open),
        ')'.value(Token::Close),
    ))
    .parse_next(input)
}

fn word(input: &mut Input<'_>) -> ModalResult<Token> {
    take_while(1.., |c: char| c.is_alphanumeric() || c == '_' || c == '-')
        .map(|word: &str| Token::Word(word.to_owned()))
        .parse_next(input)
}

/// `"…"`; `\"` and `\\` are the only escapes.
fn quoted(input: &mut Input<'_>) -> ModalResult<Token> {
    let escape = preceded('\\', cut_err(one_of(['"', '\\'])).context(StrContext::Label("escape")));
    let inside = repeat(0.., alt((escape, none_of(['"', '\\'])))).fold(String::new, |mut text, c| {
        text.push(c);
        text
    });
    delimited('"', inside, cut_err('"').context(StrContext::Label("quote")))
        .map(Token::Quoted)
        .parse_next(input)
}

/// `/…/` with an optional `i`; `\/` is a slash, every other escape belongs to the regular expression.
fn pattern(input: &mut Input<'_>) -> ModalResult<Token> {
    let piece = alt((
        ("\\/").map(|_| "/".to_owned()),
        ('\\', any).map(|(slash, c): (char, char)| format!("{slash}{c}")),
        none_of(['/', '\\']).map(String::from),
    ));
    let inside = repeat(0.., piece).fold(String::new, |mut text, piece| {
        text.push_str(&piece);
        text
    });
    let body = delimited('/', inside, cut_err('/').context(StrContext::Label("slash")));
    (body, opt('i')).map(|(regex, flag)| Token::Pattern(regex, flag.is_some())).parse_next(input)
}

fn explain(error: &ErrMode<ContextError>, start: usize, first: char, text: &str, stopped: usize) -> LexError {
    let label = match error {
        ErrMode::Cut(context) => context.context().find_map(|context| match context {
            StrContext::Label(label) => Some(*label),
            _ => None,
        }),
        _ => None,
    };
    let char_at = |at: usize| text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    match label {
        Some("escape") => LexError {
            at: stopped.saturating_sub(1)..stopped + char_at(stopped),
            message: "only `\\\"` and `\\\\` are escapes in a name".to_owned(),
        },
        Some("quote") => LexError { at: start..text.len(), message: "this quote is never closed".to_owned() },
        Some("slash") => {
            LexError { at: start..text.len(), message: "this pattern is never closed".to_owned() }
        }
        _ => LexError {
            at: start..start + first.len_utf8(),
            message: format!("`{first}` has no meaning here"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locator_is_cut_into_tokens() {
        let cut = tokens(r#"row (has cell ~"a \"b\" \\") > link /x\/\d/i nth 2"#).unwrap();
        let shown: Vec<String> =
            cut.iter().map(|(token, at)| format!("{token:?}@{}..{}", at.start, at.end)).collect();
        assert_eq!(
            shown,
            [
                "Word(\"row\")@0..3",
                "Open@4..5",
                "Word(\"has\")@5..8",
                "Word(\"cell\")@9..13",
                "Tilde@14..15",
                r#"Quoted("a \"b\" \\")@15..27"#,
                "Close@27..28",
                "Inside@29..30",
                "Word(\"link\")@31..35",
                r#"Pattern("x/\\d", true)@36..44"#,
                "Word(\"nth\")@45..48",
                "Word(\"2\")@49..50",
            ]
        );
    }

    #[test]
    fn what_cannot_be_cut_says_where() {
        for (text, at, message) in [
            (r#"a "b"#, 2..4, "this quote is never closed"),
            (r#"a "b\n""#, 4..6, "only `\\\"` and `\\\\` are escapes in a name"),
            (r#"a "b\"#, 4..5, "only `\\\"` and `\\\\` are escapes in a name"),
            ("a /b", 2..4, "this pattern is never closed"),
            ("a , b", 2..3, "`,` has no meaning here"),
        ] {
            assert_eq!(tokens(text), Err(LexError { at, message: message.into() }), "{text}");
        }
    }
}
