//! `nth`: a locator does not count elements with `nth`, `first` or `last`.

use crate::diagnostic::{Rule, Severity, Span};
use crate::playbook::counting_places;
use crate::step::compile::Compiler;

pub(in crate::step) const RULE: Rule = Rule {
    id: "nth",
    severity: Severity::Warning,
    summary: "A locator does not count elements with `nth`, `first` or `last`.",
    why: "Another element is found as soon as the page shows one more, or in another order.",
    cure: "Say what the element is: its name, or the row, dialog or region that it is in.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - click: link "Members" nth 2
  - collect: { rows: row (has cell /@/), as: { email: column "Email" }, next: button "Next" }"##,
};

impl Compiler<'_> {
    /// Notes each place where the locator `text` counts.
    pub(in crate::step) fn nth(&mut self, text: &str, span: &Span) {
        for place in counting_places(text, span) {
            let found = RULE.at(&place, "an element by its number is another one once the page has one more");
            self.note(found.help("say what it is: its name, or the row, dialog or region that it is in"));
        }
    }
}
