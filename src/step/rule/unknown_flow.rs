//! `unknown_flow`: `run` names a flow of the connector.

use crate::diagnostic::{Rule, Severity};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unknown_flow",
    severity: Severity::Error,
    summary: "`run` names a flow of the connector.",
    why: "There would be nothing to run.",
    cure: "Correct the name, or write `flows/<name>.yaml`.",
    example: r##"# flows/read_account.yaml
steps:
  - run: find_member
  - read: { email: column "Email" }"##,
};
