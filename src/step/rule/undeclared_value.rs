//! `undeclared_value`: a key, label or status that is written out is one that exists.

use crate::account::Status;
use crate::diagnostic::{Rule, Severity, Span};
use crate::step::compile::Compiler;

pub(in crate::step) const RULE: Rule = Rule {
    id: "undeclared_value",
    severity: Severity::Error,
    summary: "A key, label or status that is written out is one that exists.",
    why: "A condition that compares with a key nobody declared never holds; a `map` that gives one shows up as drift for ever.",
    cure: "Correct the word, or declare it under `values` of the entitlement. An account is `active`, `invited` or `suspended`.",
    example: r##"# flows/change_role.yaml
steps:
  - goto: /members
  - within: row (has cell "{{ account.email }}")
    do:
      - check: checkbox "Billing"
        when: role.key == 'admin'
      - click: button "Save"
        commit: true"##,
};

impl Compiler<'_> {
    /// Notes texts that a name is compared with and that it can never be: name, text, place.
    pub(in crate::step) fn compared(&mut self, comparisons: Vec<(String, String, Span)>) {
        for (name, text, span) in comparisons {
            match name.split_once('.') {
                Some(("account", "status")) => self.status(&text, &span),
                Some((entitlement, member @ ("key" | "label"))) => {
                    let Some(values) = self.vocabulary.values.get(entitlement) else { continue };
                    let known = values.iter().map(|(key, label)| if member == "key" { key } else { label });
                    self.one_of(&text, known.map(String::as_str).collect(), &span, &name);
                }
                _ => {}
            }
        }
    }

    /// Notes a word that is the status of no account.
    pub(in crate::step) fn status(&mut self, word: &str, span: &Span) {
        if word.parse::<Status>().is_err() {
            let known = [Status::Active, Status::Invited, Status::Suspended].map(Status::as_str);
            self.one_of(word, known.to_vec(), span, "the status of an account");
        }
    }

    /// Notes a text that is none of `known`.
    pub(in crate::step) fn one_of(&mut self, text: &str, known: Vec<&str>, span: &Span, what: &str) {
        if !known.contains(&text) {
            let what = if what.contains(' ') { what.to_owned() } else { format!("`{what}`") };
            let found = RULE.at(span, format!("{what} is never `{text}`"));
            self.note(found.suggest(text, known));
        }
    }
}
