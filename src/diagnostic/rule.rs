//! Rules: what is grammatical and still wrong, documented for authors.

use super::{Diagnostic, Severity, Span};

/// A rule of the linter. Its words make the section "Lint rules" of `connectors/REFERENCE.md` and the help in SARIF.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The code of its mistakes, in snake case; stable.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What it wants, a sentence.
    pub summary: &'static str,
    /// What happens otherwise.
    pub why: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// Files that break it: each after a line `# PATH`, the path under the connector's folder.
    pub example: &'static str,
}

impl Rule {
    /// That the rule is broken at `span`.
    pub fn at(&self, span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: self.severity, ..Diagnostic::error(self.id, span, message) }
    }
}
