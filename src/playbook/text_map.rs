//! Finds, for each byte of a scalar's text, where it stands in the file.

use crate::diagnostic::Span;

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Block,
}

/// `span`, a scalar written in `style` whose text is `text`, with the places inside it.
pub(super) fn with_places(span: Span, text: &str, style: Style) -> Span {
    let quote = usize::from(matches!(style, Style::SingleQuoted | Style::DoubleQuoted));
    let range = span.range();
    let raw = span.text();
    let inner = raw.get(quote..raw.len().saturating_sub(quote)).unwrap_or_default();
    if inner == text {
        return span.with_text_at(range.start + quote);
    }
    let map = match style {
        Style::DoubleQuoted => walk(inner, text, double_quoted),
        Style::SingleQuoted => walk(inner, text, single_quoted),
        Style::Plain | Style::Block => walk(inner, text, unescaped),
    };
    let map = map.map(|offsets| offsets.into_iter().map(|offset| offset + range.start + quote).collect());
    span.with_text_map(map)
}

/// How many bytes of `raw` stand for the character `wanted` that begins there; `None` where it does not.
type Unit = fn(raw: &str, wanted: char) -> Option<usize>;

/// Goes through both texts side by side; folded line breaks and indentation are skipped.
fn walk(raw: &str, text: &str, unit: Unit) -> Option<Vec<usize>> {
    let mut offsets = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    for wanted in text.chars() {
        let start = loop {
            let rest = raw.get(at..)?;
            if let Some(length) = unit(rest, wanted) {
                at += length;
                break at - length;
            }
            let Some(first) = rest.chars().next() else {
                // A block may end with a line break that the file does not have.
                break wanted.is_whitespace().then_some(at)?;
            };
            match first {
                // A line break that was folded into one space.
                '\n' | '\r' if wanted == ' ' => {
                    at += rest.len() - rest.trim_start().len();
                    break raw.len() - rest.len();
                }
                // A backslash before a line break takes the break away.
                '\\' | ' ' | '\t' | '\n' | '\r' => at += 1,
                _ => return None,
            }
        };
        offsets.extend(std::iter::repeat_n(start, wanted.len_utf8()));
    }
    offsets.push(at);
    Some(offsets)
}

fn unescaped(raw: &str, wanted: char) -> Option<usize> {
    raw.starts_with(wanted).then(|| wanted.len_utf8())
}

fn single_quoted(raw: &str, wanted: char) -> Option<usize> {
    if wanted == '\'' { raw.starts_with("''").then_some(2) } else { unescaped(raw, wanted) }
}

fn double_quoted(raw: &str, wanted: char) -> Option<usize> {
    let Some(escape) = raw.strip_prefix('\\') else {
        return unescaped(raw, wanted);
    };
    match escape.chars().next()? {
        'x' => Some(4),
        'u' => Some(6),
        'U' => Some(10),
        '\n' | '\r' => None,
        // Which character an escape stands for was decided by the YAML parser.
        other => Some(1 + other.len_utf8()),
    }
}
