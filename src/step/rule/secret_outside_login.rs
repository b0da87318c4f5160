//! `secret_outside_login`: credentials are used in `login` alone.

use crate::diagnostic::{Diagnostic, Rule, Severity, Span};

pub(in crate::step) const RULE: Rule = Rule {
    id: "secret_outside_login",
    severity: Severity::Error,
    summary: "Credentials are used in `login` alone.",
    why: "A password that is typed in the middle of the work could land in a field that everyone can read.",
    cure: "Move the step to `flows/login.yaml`; a session that is logged in needs no password.",
    example: r##"# flows/remove.yaml
steps:
  - goto: /members
  - within: row (has cell "{{ account.email }}")
    do:
      - form: { Your password: "{{ credentials.password }}" }
      - click: button "Remove"
        commit: true"##,
};

/// The name at `span` is a credential, in another flow.
pub(in crate::step) fn found(span: &Span) -> Diagnostic {
    RULE.at(span, "credentials are there in `login` alone")
        .help("a session that is logged in needs no password; move the step to flows/login.yaml")
}
