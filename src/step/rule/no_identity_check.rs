//! `no_identity_check`: before a commit step the flow finds an element by what tells the account, its `match` attribute or its id, and
//! the group that it is about.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "no_identity_check",
    severity: Severity::Error,
    summary: "Before a commit step the flow finds an element by what tells the account, its `match` attribute or its id, and the group that it is about.",
    why: "The page might show someone else, or another group, and the change would be made to them.",
    cure: "Put `expect: text \"{{ account.email }}\"` before it, or work within the row that has it.",
    example: r##"# flows/remove.yaml
steps:
  - goto: /members
  - click: button "Remove"
    commit: true"##,
};

/// The commit step at `span` comes before anything that shows `name`, such as `account.email`, which tells `what` (such as "whose
/// account") this is.
pub(in crate::step) fn found(span: &Span, what: &str, name: &str) -> Diagnostic {
    RULE.at(span, format!("nothing before it shows {what} this is"))
        .help(format!("put `expect: text \"{{{{ {name} }}}}\"` before it, or work within the row"))
}
