//! `two_commits`: no path through a flow has two commit steps.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "two_commits",
    severity: Severity::Error,
    summary: "No path through a flow has two commit steps.",
    why: "After the first it is not known what happened; the second might be done twice or to the wrong account.",
    cure: "Make it two flows, or let one click save both.",
    example: r##"# flows/remove.yaml
steps:
  - goto: /members
  - within: row (has cell "{{ account.email }}")
    do:
      - click: button "Remove"
        commit: true
      - click: button "Really"
        commit: true"##,
};

/// The step at `span` is the second.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "a second commit step on the same path")
        .help("after a commit step nothing else may change the app; make it two flows")
}
