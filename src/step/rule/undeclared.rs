//! `undeclared`: templates, `match` and the like use names that are declared: settings, attributes, entitlements and their keys, credentials, variables that a step before has set.

use crate::diagnostic::{Rule, Severity};

pub(in crate::step) const RULE: Rule = Rule {
    id: "undeclared",
    severity: Severity::Error,
    summary: "Templates, `match` and the like use names that are declared: settings, attributes, entitlements and their keys, credentials, variables that a step before has set.",
    why: "It would have no value when the flow runs.",
    cure: "Correct the name, or declare it: in `connector.yaml`, by `set` or `read` in a step before, or `with` of the caller.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /{{ settings.organisation }}
  - click: link "{{ page }}"
  - collect: { rows: row (has cell /@/), as: { email: column "Email" }, next: button "Next" }"##,
};
