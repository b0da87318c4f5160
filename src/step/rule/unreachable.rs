//! `unreachable`: every step can be reached.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unreachable",
    severity: Severity::Warning,
    summary: "Every step can be reached.",
    why: "A step behind `fail`, `absent` or a `one_of` of which every branch ends is never done.",
    cure: "Take it away, move it up, or give the step before it a `when`.",
    example: r##"# flows/read_account.yaml
steps:
  - goto: /members
  - fail: { class: unsupported, message: Not yet }
  - read: { email: column "Email" }"##,
};

/// No path leads to the step at `span`.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "this step is never reached").label("every way ends before it")
}
