//! Places in what an author wrote.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text that an author wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path, as it is shown.
    pub name: String,
    /// What is in the file.
    pub text: String,
}

impl Source {
    /// A source to be shared by the spans in it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }
}

/// A place in a source.
///
/// The span of a scalar also knows where each byte of the scalar's *text* (quotes and escapes taken away) stands in
/// the file, so that [`Span::sub`] points at the character inside it. Small, because every node and error has one:
/// offsets are of 32 bits, which no file that is read exceeds.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    source: Arc<Source>,
    start: u32,
    end: u32,
    /// `None`: one after the other from `start` on.
    text: Option<Arc<TextPlaces>>,
}

/// Where the bytes of a scalar's text stand.
#[derive(PartialEq, Eq)]
enum TextPlaces {
    /// One after the other, from this offset on.
    From(usize),
    /// Each at its own offset; the last entry is where the text ends. Never empty.
    Each(Vec<usize>),
    /// It cannot be told: the whole span stands for each.
    Unknown,
}

impl Span {
    /// The bytes from `start` up to `end`; what lies outside the text is cut off.
    pub fn new(source: Arc<Source>, start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(floor_boundary(&source.text, at)).unwrap_or(u32::MAX);
        let (start, end) = (offset(start), offset(end));
        Self { source, start, end: end.max(start), text: None }
    }

    /// The same place, whose text begins at byte `start` of the file and stands there letter by letter.
    #[must_use]
    pub fn with_text_at(mut self, start: usize) -> Self {
        self.text = Some(Arc::new(TextPlaces::From(start)));
        self
    }

    /// The same place; `offsets` tells for each byte of the text, and for its end, where it stands in the file.
    /// `None`: it cannot be told, and every [`Span::sub`] is the whole.
    #[must_use]
    pub fn with_text_map(mut self, offsets: Option<Vec<usize>>) -> Self {
        let offsets = offsets.filter(|offsets| !offsets.is_empty());
        self.text = Some(Arc::new(offsets.map_or(TextPlaces::Unknown, TextPlaces::Each)));
        self
    }

    /// The place of the bytes `start..end` of the scalar's text.
    #[must_use]
    pub fn sub(&self, start: usize, end: usize) -> Self {
        let end = end.max(start);
        let range = self.range();
        match self.text.as_deref() {
            Some(TextPlaces::Unknown) => self.clone(),
            Some(TextPlaces::Each(offsets)) => {
                let last = offsets.len().saturating_sub(1);
                let inner = offsets.get(start.min(last)..=end.min(last)).unwrap_or_default().to_vec();
                let at = |offset: Option<&usize>| offset.copied().unwrap_or(range.start);
                Self::new(self.source.clone(), at(inner.first()), at(inner.last())).with_text_map(Some(inner))
            }
            places => {
                let first = if let Some(TextPlaces::From(first)) = places { *first } else { range.start };
                Self::new(self.source.clone(), (first + start).min(range.end), (first + end).min(range.end))
            }
        }
    }

    /// The first byte of the span, and the one after its last.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The source it is in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The path of the file, as it is shown.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// The text of the file at this place, quotes included.
    pub fn text(&self) -> &str {
        self.source.text.get(self.range()).unwrap_or_default()
    }

    /// The line it begins on, from 1.
    pub fn line(&self) -> usize {
        position(&self.source.text, self.range().start).0
    }

    /// The column it begins at, from 1, in characters.
    pub fn column(&self) -> usize {
        position(&self.source.text, self.range().start).1
    }

    /// Line and column just after its end.
    pub fn end_position(&self) -> (usize, usize) {
        position(&self.source.text, self.range().end)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Span {
    /// `file:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = position(&self.source.text, self.range().start);
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}
