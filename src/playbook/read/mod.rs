//! Reads YAML into a [`Node`], within limits.
//!
//! What is refused, each with its place and cure: files over 1 MiB, invalid UTF-8, a byte order mark, tabs in the
//! indentation, more than 20,000 nodes, more than 32 levels, anchors, aliases, tags, directives, several documents,
//! keys that are no plain words, and a key that occurs twice. Nothing of it recurses.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError};

use super::text_map::{Style, with_places};
use super::tree::{Entry, Key, Node, Scalar, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span};

mod syntax;

/// A longer file is refused.
pub const MAX_BYTES: usize = 1024 * 1024;
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 32;
/// After that many mistakes of one file, more would not help.
const MAX_MISTAKES: usize = 50;

/// Reads the bytes of a file that is shown as `name`.
///
/// # Errors
/// All mistakes found; see [`read`].
pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Node, Vec<Diagnostic>> {
    if bytes.len() > MAX_BYTES {
        return Err(vec![too_large(&Source::new(name, ""), bytes.len())]);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => read(Source::new(name, text)),
        Err(error) => {
            let source = Source::new(name, String::from_utf8_lossy(bytes));
            // Up to the error nothing was replaced, so the offset is the same in both.
            let at = error.valid_up_to();
            let span = Span::new(source, at, at + char::REPLACEMENT_CHARACTER.len_utf8());
            let found = Diagnostic::error("invalid_utf8", &span, "the file is not UTF-8");
            Err(vec![found.help("save it as UTF-8; most editors ask for the encoding when saving")])
        }
    }
}

/// Reads one YAML document.
///
/// # Errors
/// All mistakes found. A syntax error ends the reading; what comes after it is not looked at.
pub fn read(source: Arc<Source>) -> Result<Node, Vec<Diagnostic>> {
    let text = source.text.as_str();
    if text.len() > MAX_BYTES {
        return Err(vec![too_large(&source, text.len())]);
    }
    if text.starts_with('\u{feff}') {
        let found = Diagnostic::error(
            "byte_order_mark",
            &Span::new(source, 0, 3),
            "the file begins with a byte order mark",
        );
        return Err(vec![found.help("save it as UTF-8 without BOM")]);
    }
    let tabs = tabs_in_indentation(&source);
    if !tabs.is_empty() {
        return Err(tabs);
    }
    Builder::new(source.clone()).read()
}

fn too_large(source: &Arc<Source>, bytes: usize) -> Diagnostic {
    let message = format!("the file has {bytes} bytes; at most {MAX_BYTES} are read");
    Diagnostic::error("too_large", &Span::new(source.clone(), 0, 0), message)
        .help("split it into several flows")
}

fn tabs_in_indentation(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in source.text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let blank = line.trim().is_empty();
        if let Some(tab) =
            line.get(..indentation).and_then(|indentation| indentation.find('\t')).filter(|_| !blank)
        {
            let span = Span::new(source.clone(), at + tab, at + tab + 1);
            found.push(
                Diagnostic::error("tab", &span, "a tab in the indentation")
                    .help("YAML is indented by spaces"),
            );
        }
        at += line.len();
    }
    found.truncate(5);
    found
}

/// A collection whose end has not been read.
enum Open {
    List {
        start: usize,
        items: Vec<Node>,
    },
    Map {
        start: usize,
        entries: Vec<Entry>,
        key: Option<Key>,
        /// Which entry has that key.
        known: HashMap<String, usize>,
    },
    /// A collection where a key is wanted; its mistake is noted once.
    Skipped,
}

struct Builder {
    source: Arc<Source>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    found: Diagnostics,
}

impl Builder {
    fn new(source: Arc<Source>) -> Self {
        Self { source, open: Vec::new(), root: None, nodes: 0, found: Diagnostics::default() }
    }

    fn read(mut self) -> Result<Node, Vec<Diagnostic>> {
        let source = self.source.clone();
        let options = granit_parser::options! {
            disallow_directives: true,
            emit_comments: false,
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
        };
        let mut documents = 0;
        for next in Parser::new_from_str_with_options(&source.text, options) {
            let (event, place) = match next {
                Ok(next) => next,
                Err(error) => {
                    let mistake = self.scan_error(&error);
                    self.found.push(mistake);
                    break;
                }
            };
            if matches!(event, Event::DocumentStart(..)) {
                documents += 1;
            }
            let span = self.span(place.byte_range().unwrap_or_default());
            if let Some(tag) = place.tag_span().and_then(|tag| tag.byte_range()) {
                let message = "a YAML tag (`!…`); they are not used here";
                let found = Diagnostic::error("tag", &self.span(tag), message);
                self.found.push(found.help("put the value between quotes where the `!` belongs to it"));
            }
            self.event(event, span, documents);
            if self.nodes > MAX_NODES || self.open.len() > MAX_DEPTH || self.found.len() >= MAX_MISTAKES {
                self.over_budget(place.byte_range().unwrap_or_default().start);
                break;
            }
        }
        if !self.found.is_empty() {
            return Err(self.found.into_sorted());
        }
        let end = self.span(0..0);
        Ok(self.root.unwrap_or(Node { span: end, value: Value::Null }))
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.source.clone(), range.start, range.end)
    }

    fn over_budget(&mut self, at: usize) {
        let span = self.span(at..at + 1);
        if self.nodes > MAX_NODES {
            self.found.error("too_many_nodes", &span, format!("the file has more than {MAX_NODES} values"));
        } else if self.open.len() > MAX_DEPTH {
            self.found.error("too_deep", &span, format!("nested deeper than {MAX_DEPTH} levels"));
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span, documents: usize) {
        match event {
            Event::DocumentStart(..) if documents == 2 => {
                let found = Diagnostic::error("several_documents", &span, "a second document begins here");
                self.found.push(found.help("one file holds one document; take the `---` away"));
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.not_used(&span, "alias", "a YAML alias (`*…`)", "begins with `*`");
                self.add(Node { span, value: Value::Null });
            }
            Event::Anchor(..) => self.not_used(&span, "anchor", "a YAML anchor (`&…`)", "begins with `&`"),
            Event::Scalar(text, style, ..) => self.scalar(&text, style, span),
            Event::SequenceStart(..) => self.begin(span, |start| Open::List { start, items: Vec::new() }),
            Event::MappingStart(..) => self.begin(span, |start| Open::Map {
                start,
                entries: Vec::new(),
                key: None,
                known: HashMap::new(),
            }),
            Event::SequenceEnd | Event::MappingEnd => self.finish(&span),
            _ => {}
        }
    }

    fn not_used(&mut self, span: &Span, code: &'static str, what: &str, begins: &str) {
        let found = Diagnostic::error(code, span, format!("{what}; they are not used here"));
        self.found
            .push(found.help(format!("write the value out; put it between quotes where it really {begins}")));
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) {
        let written = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let span = with_places(span, text, written);
        if let Some(Open::Map { key: key @ None, .. }) = self.open.last_mut() {
            *key = Some(Key { text: text.to_owned(), span });
            return;
        }
        let quoted = written != Style::Plain;
        let value = if quoted { Value::Text(Scalar { text: text.to_owned(), quoted }) } else { plain(text) };
        self.add(Node { span, value });
    }

    fn begin(&mut self, span: Span, open: impl FnOnce(usize) -> Open) {
        match self.open.last() {
            Some(Open::Map { key: None, .. }) => {
                self.found.push(self.collection_as_key(&span));
                self.open.push(Open::Skipped);
            }
            Some(Open::Skipped) => self.open.push(Open::Skipped),
            _ => self.open.push(open(span.range().start)),
        }
    }

    /// `{{ x }}` without quotes is a mapping whose key is a mapping: the mistake everyone makes once.
    fn collection_as_key(&self, span: &Span) -> Diagnostic {
        let start = span.range().start;
        let before = self.source.text.get(..start).unwrap_or_default();
        if before.ends_with('{') {
            let line =
                self.source.text.get(start - 1..).unwrap_or_default().lines().next().unwrap_or_default();
            let length = line.find("}}").map_or(line.len(), |end| end + 2);
            let template = self.span(start - 1..start - 1 + length);
            let found = Diagnostic::error("unquoted_template", &template, "a template without quotes");
            return found
                .label("YAML takes `{` for the start of a mapping")
                .help("put the whole value between quotes: \"{{ … }}\"");
        }
        Diagnostic::error("key", span, "a list or mapping where a key is expected").label("expected a name")
    }

    fn finish(&mut self, end: &Span) {
        let end = self.source.text.get(..end.range().end).unwrap_or_default().trim_end().len();
        match self.open.pop() {
            Some(Open::List { start, items }) => {
                let span = self.span(start..end);
                self.add(Node { span, value: Value::List(items) });
            }
            Some(Open::Map { start, entries, .. }) => {
                let span = self.span(start..end);
                self.add(Node { span, value: Value::Map(entries) });
            }
            Some(Open::Skipped) => {
                // The key that was none still takes a value.
                if let Some(Open::Map { key: key @ None, .. }) = self.open.last_mut() {
                    *key = Some(Key { text: String::new(), span: end_of(&self.source, end) });
                }
            }
            None => {}
        }
    }

    fn add(&mut self, node: Node) {
        self.nodes += 1;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Skipped) => {}
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, known, .. }) => match key.take() {
                // An alias in the place of a key; its mistake is noted.
                None => *key = Some(Key { text: String::new(), span: node.span }),
                Some(found) => {
                    let first = known.get(&found.text).and_then(|index| entries.get(*index));
                    if let Some(first) = first.filter(|_| !found.text.is_empty()) {
                        let message = format!("`{}` is given twice", found.text);
                        let twice = Diagnostic::error("duplicate_key", &found.span, message);
                        self.found
                            .push(twice.label(format!("first given on line {}", first.key.span.line())));
                    }
                    known.entry(found.text.clone()).or_insert(entries.len());
                    entries.push(Entry { key: found, value: node });
                }
            },
        }
    }

    fn scan_error(&self, error: &ScanError) -> Diagnostic {
        let text = self.source.text.as_str();
        let at = error.marker().byte_offset().unwrap_or(text.len());
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return Diagnostic::error(
                "too_deep",
                &self.span(at..at + 1),
                format!("nested deeper than {MAX_DEPTH} levels"),
            );
        }
        if let Some(open) = syntax::never_closed(error.kind(), text, at) {
            let mark = text.get(open..=open).unwrap_or_default();
            return Diagnostic::error(
                "yaml",
                &self.span(open..open + 1),
                format!("this `{mark}` is never closed"),
            );
        }
        let line_start = text.get(..at).unwrap_or_default().rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let next = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let (message, help) = syntax::explain(error.kind(), line);
        let found = Diagnostic::error("yaml", &self.span(at..at + next), message);
        match help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}

fn end_of(source: &Arc<Source>, end: usize) -> Span {
    Span::new(source.clone(), end, end)
}

/// A scalar without quotes (YAML 1.2 core schema, numbers kept as they are written).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(Scalar { text: text.to_owned(), quoted: false }),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'))
        && digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests;
