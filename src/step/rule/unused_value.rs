//! `unused_value`: what `with` gives, the flow that is run uses.

use crate::diagnostic::{Rule, Severity};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unused_value",
    severity: Severity::Error,
    summary: "What `with` gives, the flow that is run uses.",
    why: "A misspelt name would leave the flow without its value.",
    cure: "Correct the name, or take it away.",
    example: r##"# flows/read_account.yaml
steps:
  - run: find
    with: { place: members }
  - read: { email: column "Email" }
# flows/find.yaml
steps:
  - goto: /members"##,
};
