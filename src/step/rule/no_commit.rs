//! `no_commit`: every path through a flow that changes the app has a commit step.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "no_commit",
    severity: Severity::Error,
    summary: "Every path through a flow that changes the app has a commit step.",
    why: "Before the commit step everything may be tried again. Without one a flow could change the app twice, and no check of tenant and identity would happen.",
    cure: "Say `commit: true` on the one step that changes the app, whichever way the flow takes; end the other ways with `fail`.",
    example: r##"# flows/remove.yaml
steps:
  - goto: /members
  - click: row (has cell "{{ account.email }}") > button "Remove""##,
};

/// The flow `name`, whose last step is at `span`, can end without one; `on_some` paths it has one.
pub(in crate::step) fn found(span: &Span, name: &str, on_some: bool) -> Diagnostic {
    let message = if on_some { "a path to the end has no commit step" } else { "no step changes the app" };
    RULE.at(span, format!("{message} in `{name}`"))
        .help("say `commit: true` on the one step that does, whichever way the flow takes")
}
