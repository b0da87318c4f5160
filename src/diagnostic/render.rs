//! Mistakes as text for people.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Span};

/// Whether a report is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text, as in golden files and logs.
    Plain,
    /// ANSI colours, for a terminal.
    Ansi,
}

/// The mistakes as text for people, each with its line of the file and a caret; ends with a newline unless empty.
pub fn render(diagnostics: &[Diagnostic], colour: Colour) -> String {
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[report(diagnostic)]));
        out.push_str("\n\n");
    }
    // One empty line between two, none after the last.
    if out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn report(diagnostic: &Diagnostic) -> annotate_snippets::Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let span = &diagnostic.span;
    let (lines, caret) = shown(span);
    let mut caret = AnnotationKind::Primary.span(caret);
    if let Some(label) = &diagnostic.label {
        caret = caret.label(label.as_str());
    }
    let snippet = Snippet::source(lines).line_start(span.line()).path(span.file()).annotation(caret);
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let group = title.element(snippet);
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The line that is pointed at, and the place in it. A span over several lines is pointed at by its first line alone.
fn shown(span: &Span) -> (&str, Range<usize>) {
    let text = span.source().text.as_str();
    let start = span.range().start;
    let line_start = text.get(..start).unwrap_or_default().rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let first = span.text().lines().next().unwrap_or_default().trim_end();
    let start = start - line_start;
    (line, start..start + first.len())
}
