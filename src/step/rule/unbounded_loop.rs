//! `unbounded_loop`: `repeat` says how often at the most.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unbounded_loop",
    severity: Severity::Error,
    summary: "`repeat` says how often at the most.",
    why: "A page that never shows what is waited for would keep a worker busy for ever.",
    cure: "Say `at_most:` and a number that a person would find plenty.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - repeat:
      until: text "End of list"
      do: [click: button "Load more"]
  - collect: { rows: row (has cell /@/), as: { email: column "Email" }, next: button "Next" }"##,
};

/// The `repeat` at `span` does not.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "a loop without a bound").help("say `at_most:` and how often at the most")
}
