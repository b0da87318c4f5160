//! `absent_unproved`: a flow says `absent: true` only after it has seen on that path what shows that nobody is there.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "absent_unproved",
    severity: Severity::Error,
    summary: "A flow says `absent: true` only after it has seen on that path what shows that nobody is there.",
    why: "A page that has not loaded yet shows nobody either; Usher would then invite someone who is there, or take a removal for done.",
    cure: "Wait for the page to say so, with `expect` or a branch of `one_of`, such as `text \"No users\"`.",
    example: r##"# flows/read_account.yaml
steps:
  - goto: /members
  - absent: true"##,
};

/// Nothing was looked at before the `absent` at `span`.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "nothing before it shows that there is no such account").help(
        "wait for the page to say so, with `expect` or a branch of `one_of`, such as `text \"No users\"`",
    )
}
