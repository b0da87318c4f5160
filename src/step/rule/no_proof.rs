//! `no_proof`: `collect` has a `total` or a `next`.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "no_proof",
    severity: Severity::Error,
    summary: "`collect` has a `total` or a `next`.",
    why: "Nothing else proves that the list is complete; who is missing from it would be taken for gone.",
    cure: "Say `total`, where the app shows how many there are, or `next`, which leads to the next page.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - collect: { rows: row (has cell /@/), as: { email: column "Email" } }"##,
};

/// The `collect` at `span` has neither.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "nothing proves that the list is complete")
        .help("`total` says where the app shows how many there are; `next` leads to the next page")
}
