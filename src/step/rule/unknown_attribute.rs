//! `unknown_attribute`: what `read_account` and `list_accounts` read is an attribute, an entitlement, `id`, `status` or `group`.

use crate::diagnostic::{Rule, Severity, Span};
use crate::step::compile::Compiler;

pub(in crate::step) const RULE: Rule = Rule {
    id: "unknown_attribute",
    severity: Severity::Error,
    summary: "What `read_account` and `list_accounts` read is an attribute, an entitlement, `id`, `status`, or `group` where there is `list_groups`.",
    why: "Anything else would be read and forgotten.",
    cure: "Correct the name, or declare the attribute in `connector.yaml`.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - collect: { rows: row (has cell /@/), as: { emial: column "Email" }, next: button "Next" }"##,
};

impl Compiler<'_> {
    /// Notes a `name` that is read of an account and is nothing of it.
    pub fn attribute(&mut self, name: &str, span: &Span) {
        self.reads.push(name.to_owned());
        let vocabulary = self.vocabulary;
        if !vocabulary.account_fields().any(|known| known == name) {
            let found = RULE.at(span, format!("`{name}` is no attribute of an account"));
            self.note(found.suggest(name, vocabulary.account_fields()));
        }
    }
}
