//! `commit_in_reading`: a flow that only reads has no commit step.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "commit_in_reading",
    severity: Severity::Error,
    summary: "A flow that only reads has no commit step.",
    why: "It runs before and after every change, and whenever someone looks; it must leave the app as it is.",
    cure: "Take `commit: true` away, or move the step to the flow that changes the app.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - collect: { rows: row (has cell /@/), as: { email: column "Email" }, next: button "Next" }
  - click: button "Export"
    commit: true"##,
};

/// The step at `span` is one.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "a flow that only reads has no commit step")
}
