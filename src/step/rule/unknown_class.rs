//! `unknown_class`: `class` is one of the failure classes.

use crate::diagnostic::{Rule, Severity};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unknown_class",
    severity: Severity::Error,
    summary: "`class` is one of the failure classes.",
    why: "The class decides whether a job is tried again and who has to act.",
    cure: "Take one of the table \"Failure classes\".",
    example: r##"# flows/read_account.yaml
steps:
  - goto: /members
  - fail: { class: no_seats, message: The app has no free seat }"##,
};
