//! The grammar of filters and paths (RFC 7644 sections 3.4.2.2 and 3.5.2, figures 1 and 7).
//!
//! Beyond the RFC it accepts, because identity providers send it: a value path with a sub-attribute on the left of a
//! comparison (`emails[type eq "work"].value eq "x"`), and `True` / `False` without quotes. Words are read regardless of case.
//!
//! Invariants: a text is at most [`MAX_BYTES`] long, brackets and parentheses nest at most [`MAX_DEPTH`] deep, so that
//! reading takes bounded time and stack; what is read says nothing of whether the attributes exist.

use serde_json::Number;
use winnow::ascii::{Caseless, multispace0, multispace1};
use winnow::combinator::{alt, cut_err, eof, fail, not, opt, preceded, repeat, terminated};
use winnow::error::{ContextError, ErrMode};
use winnow::prelude::*;
use winnow::stream::Stateful;
use winnow::token::{any, take_while};

use super::error::quote;
use super::filter::{Comparison, Filter, Literal};
use super::path::Path;

/// The longest text that is read.
pub(super) const MAX_BYTES: usize = 16 * 1024;
/// How deep parentheses and brackets may nest.
pub(super) const MAX_DEPTH: u8 = 16;

/// Reads a filter.
///
/// # Errors
/// What was expected, and at which character.
pub(super) fn filter(text: &str) -> Result<Filter, String> {
    read(text, "filter", disjunction)
}

/// Reads the path of a PATCH operation or of a parameter.
///
/// # Errors
/// What was expected, and at which character.
pub(super) fn path(text: &str) -> Result<Path, String> {
    read(text, "path", attribute_path)
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    depth: u8,
    in_brackets: bool,
}

type Input<'i> = Stateful<&'i str, Place>;
type Outcome<T> = Result<T, ErrMode<ContextError<&'static str>>>;

fn read<T>(
    text: &str,
    what: &str,
    mut parser: impl FnMut(&mut Input<'_>) -> Outcome<T>,
) -> Result<T, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the {what} is longer than {MAX_BYTES} bytes"));
    }
    let mut whole = |input: &mut Input<'_>| -> Outcome<T> {
        multispace0.parse_next(input)?;
        let read = parser(input)?;
        let end =
            (multispace0, eof).context(if what == "filter" { "`and`, `or` or the end" } else { "the end" });
        cut_err(end).parse_next(input)?;
        Ok(read)
    };
    whole.parse(Input { input: text, state: Place::default() }).map_err(|error| {
        let expected = error.inner().context().next().copied().unwrap_or("something else");
        let (before, rest) = text.split_at_checked(error.offset()).unwrap_or((text, ""));
        let found = match rest.split_whitespace().next() {
            None => "the end".to_owned(),
            Some(word) => quote(word),
        };
        format!(
            "the {what} is malformed at character {}: expected {expected}, found {found}",
            before.chars().count() + 1
        )
    })
}

fn disjunction(input: &mut Input<'_>) -> Outcome<Filter> {
    let first = conjunction(input)?;
    let rest: Vec<Filter> = repeat(0.., preceded(word("or"), cut_err(conjunction))).parse_next(input)?;
    Ok(joined(first, rest, Filter::Or))
}

fn conjunction(input: &mut Input<'_>) -> Outcome<Filter> {
    let first = term(input)?;
    let rest: Vec<Filter> = repeat(0.., preceded(word("and"), cut_err(term))).parse_next(input)?;
    Ok(joined(first, rest, Filter::And))
}

fn joined(first: Filter, rest: Vec<Filter>, join: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    if rest.is_empty() {
        return first;
    }
    let mut terms = vec![first];
    terms.extend(rest);
    join(terms)
}

/// `and` or `or` between two terms.
fn word<'i>(word: &'static str) -> impl Parser<Input<'i>, (), ErrMode<ContextError<&'static str>>> {
    (multispace0, Caseless(word), not(take_while(1, is_name)), multispace0).void()
}

fn term(input: &mut Input<'_>) -> Outcome<Filter> {
    let negation = preceded((Caseless("not"), multispace0, '('), cut_err(group_after_bracket))
        .map(|inner| Filter::Not(Box::new(inner)));
    alt((negation, preceded('(', cut_err(group_after_bracket)), expression))
        .context("an attribute, `not (` or `(`")
        .parse_next(input)
}

fn group_after_bracket(input: &mut Input<'_>) -> Outcome<Filter> {
    terminated(nested, (multispace0, ')').context("`)`")).parse_next(input)
}

fn nested(input: &mut Input<'_>) -> Outcome<Filter> {
    if input.state.depth >= MAX_DEPTH {
        return cut_err(fail.context("fewer brackets within brackets")).parse_next(input);
    }
    input.state.depth += 1;
    let read = preceded(multispace0, disjunction).parse_next(input);
    input.state.depth -= 1;
    read
}

fn expression(input: &mut Input<'_>) -> Outcome<Filter> {
    let path = attribute_path(input)?;
    let operator = opt(preceded(multispace1, operator)).parse_next(input)?;
    match operator {
        None if path.filter.is_some() && path.sub.is_none() => Ok(Filter::Present(path)),
        None => cut_err(preceded(multispace0, fail))
            .context("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)")
            .parse_next(input),
        Some(None) => Ok(Filter::Present(path)),
        Some(Some(comparison)) => {
            let value = cut_err(preceded(multispace1, literal))
                .context("a value: text in double quotes, a number, true, false or null")
                .parse_next(input)?;
            Ok(Filter::Compare(path, comparison, value))
        }
    }
}

/// An operator; `None` is `pr`.
fn operator(input: &mut Input<'_>) -> Outcome<Option<Comparison>> {
    take_while(1.., |c: char| c.is_ascii_alphabetic())
        .verify_map(|word: &str| match word.to_ascii_lowercase().as_str() {
            "pr" => Some(None),
            word => Comparison::from_word(word).map(Some),
        })
        .parse_next(input)
}

fn attribute_path(input: &mut Input<'_>) -> Outcome<Path> {
    let is_path = |c: char| is_name(c) || c == ':' || c == '.';
    let mut path =
        take_while(1.., is_path).verify_map(split).context("the name of an attribute").parse_next(input)?;
    if input.state.in_brackets || path.sub.is_some() || opt('[').parse_next(input)?.is_none() {
        return Ok(path);
    }
    input.state.in_brackets = true;
    let filter = cut_err(terminated(nested, (multispace0, ']').context("`]`"))).parse_next(input);
    input.state.in_brackets = false;
    path.filter = Some(Box::new(filter?));
    let sub =
        preceded('.', cut_err(take_while(1.., is_name).verify(is_attribute)).context("a sub-attribute"));
    path.sub = opt(sub).parse_next(input)?.map(str::to_owned);
    Ok(path)
}

/// Splits `urn:…:name.sub`: the namespace ends at the last colon, and may itself hold dots.
fn split(token: &str) -> Option<Path> {
    let (schema, name) = match token.rsplit_once(':') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, token),
    };
    let (name, sub) = match name.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (name, None),
    };
    let valid = is_attribute(name)
        && sub.is_none_or(is_attribute)
        && schema.is_none_or(|urn| urn.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")));
    valid.then(|| Path {
        schema: schema.map(str::to_owned),
        name: name.to_owned(),
        filter: None,
        sub: sub.map(str::to_owned),
    })
}

/// `ATTRNAME`, and `$ref`, which the RFC's own grammar forgets.
fn is_attribute(name: &str) -> bool {
    let start = name.strip_prefix('$').unwrap_or(name);
    start.starts_with(|c: char| c.is_ascii_alphabetic()) && start.chars().all(|c| is_name(c) && c != '$')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$')
}

fn literal(input: &mut Input<'_>) -> Outcome<Literal> {
    alt((text, number, constant)).parse_next(input)
}

/// A JSON string.
fn text(input: &mut Input<'_>) -> Outcome<Literal> {
    let plain = take_while(1.., |c| c != '"' && c != '\\').void();
    let body = repeat::<_, _, (), _, _>(0.., alt((plain, ('\\', any).void())));
    ('"', body, '"')
        .take()
        .verify_map(|quoted: &str| serde_json::from_str(quoted).ok())
        .map(Literal::Text)
        .parse_next(input)
}

fn number(input: &mut Input<'_>) -> Outcome<Literal> {
    take_while(1.., |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'))
        .verify_map(exact)
        .map(Literal::Number)
        .parse_next(input)
}

/// A JSON number. Its fraction is read by the standard library, which rounds exactly, so that it prints as it was.
fn exact(digits: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(digits).ok()?;
    if number.is_f64() { Number::from_f64(digits.parse().ok()?) } else { Some(number) }
}

fn constant(input: &mut Input<'_>) -> Outcome<Literal> {
    take_while(1.., |c: char| c.is_ascii_alphabetic())
        .verify_map(|word: &str| match word.to_ascii_lowercase().as_str() {
            "true" => Some(Literal::Boolean(true)),
            "false" => Some(Literal::Boolean(false)),
            "null" => Some(Literal::Null),
            _ => None,
        })
        .parse_next(input)
}
