//! Errors of the YAML parser in the words of someone who writes a connector.
//!
//! The parser stops where the text makes no sense any more, which may be lines below the quote or bracket that was
//! forgotten; that one is looked for.

use granit_parser::ErrorKind;

/// How many lines above an error are searched for what was left open.
const LOOK_BACK: usize = 20;

/// Where the quote or bracket stands that is open at the error `at`, where it must be one from a line above.
pub(super) fn never_closed(kind: &ErrorKind, text: &str, at: usize) -> Option<usize> {
    use ErrorKind as E;
    let marks: &[char] = match kind {
        E::InvalidTrailingDoubleQuotedScalar | E::InvalidTrailingSingleQuotedScalar => &['"', '\''],
        E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent | E::DocumentIndicatorInQuotedScalar => {
            &['"', '\'']
        }
        E::BlockEntryInFlowCollection
        | E::ExpectedFlowMappingSeparator
        | E::ExpectedFlowSequenceSeparator
        | E::UnclosedFlowCollection { .. }
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofFlowSequence
        | E::UnexpectedEofImplicitFlowMapping
        | E::InvalidFlowScalarIndent
        | E::InvalidColonPlacement
        | E::MappingValueNotAllowed
        | E::InvalidIndentation => &['{', '['],
        _ => return None,
    };
    let before = text.get(..at)?;
    // The line of the error itself is the parser's to explain.
    let mut end = before.rfind('\n')?;
    for _ in 0..LOOK_BACK {
        let start = text.get(..end)?.rfind('\n').map_or(0, |newline| newline + 1);
        let left = left_open(text.get(start..end)?);
        if let Some((_, offset)) = left.filter(|(mark, _)| marks.contains(mark)) {
            return Some(start + offset);
        }
        end = start.checked_sub(1)?;
    }
    None
}

/// The quote that a line leaves open, else its innermost bracket that it does.
fn left_open(line: &str) -> Option<(char, usize)> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut before = ' ';
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        let quote = open.last().map(|(mark, _)| *mark).filter(|mark| matches!(mark, '"' | '\''));
        match (quote, c) {
            (Some('"'), '\\') => escaped = !escaped,
            (Some(mark), c) => {
                if c == mark && !escaped {
                    open.pop();
                }
                escaped = false;
            }
            (None, '#') if before.is_whitespace() => break,
            // An apostrophe inside a word opens nothing.
            (None, '\'') if before.is_alphanumeric() => {}
            (None, '"' | '\'' | '{' | '[') => open.push((c, at)),
            (None, '}' | ']') => drop(open.pop()),
            (None, _) => {}
        }
        before = c;
    }
    open.pop()
}

/// What a syntax error means for someone who writes a connector.
pub(super) fn explain(kind: &ErrorKind, line: &str) -> (String, Option<&'static str>) {
    use ErrorKind as E;
    let quotes = "put the whole value between single quotes: 'button \"Save: now\"'";
    match kind {
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            ("a colon that YAML takes for `key: value`".to_owned(), Some(quotes))
        }
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => (
            "text after the closing quote".to_owned(),
            Some("put the whole value between quotes of the other kind"),
        ),
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
            ("this quote is never closed".to_owned(), None)
        }
        E::UnclosedFlowCollection { open } => (format!("this `{open}` is never closed"), None),
        E::UnknownQuotedScalarEscape => (
            "an escape that YAML does not know".to_owned(),
            Some("between single quotes a backslash is just a backslash"),
        ),
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator if line.contains("{{") => (
            kind.to_string(),
            Some("a value with `{{ … }}` inside braces or brackets needs quotes: \"{{ … }}\""),
        ),
        E::UnexpectedCharacter { character: '@' | '`' | '%' } => {
            (format!("{kind}").replace('`', "").replace('\'', ""), Some("put the value between quotes"))
        }
        _ => (kind.to_string(), None),
    }
}
