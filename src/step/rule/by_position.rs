//! `by_position`: `css` and `xpath` do not count elements.

use crate::diagnostic::{Rule, Severity, Span};
use crate::locator::{Kind, Locator, Name};
use crate::playbook::Template;
use crate::step::compile::Compiler;

pub(in crate::step) const RULE: Rule = Rule {
    id: "by_position",
    severity: Severity::Error,
    summary: "`css` and `xpath` do not count elements.",
    why: "The third button is another one as soon as the app shows one more, and the click goes there.",
    cure: "Say what the element is: a role and its name, a test id, or the row that has a text.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - click: css "li:nth-child(3) a"
  - collect: { rows: row (has cell /@/), as: { email: column "Email" }, next: button "Next" }"##,
};

impl Compiler<'_> {
    /// Notes CSS and XPath that count elements: they find something else as soon as the page has one more.
    pub(in crate::step) fn by_position(&mut self, locator: &Locator<Template>, span: &Span) {
        for part in &locator.parts {
            let Some(Name::Exact(text)) = &part.name else { continue };
            let text = text.to_string();
            let counts = match part.kind {
                Kind::Css => [":nth-", ":first-", ":last-", ":only-"].iter().any(|word| text.contains(word)),
                Kind::XPath => counts_in_xpath(&text),
                _ => false,
            };
            if counts {
                let message = format!(
                    "`{}` by position finds another element once the page has one more",
                    part.kind.word()
                );
                let found = RULE.at(span, message);
                self.note(found.help(
                    "say what the element is: a role and its name, a test id, or the row that has a text",
                ));
            }
            part.has.iter().for_each(|inner| self.by_position(inner, span));
        }
    }
}

/// `[1]`, `[last()]`, `position()`.
fn counts_in_xpath(text: &str) -> bool {
    let index = text.split('[').skip(1).any(|rest| {
        rest.split(']')
            .next()
            .is_some_and(|inside| !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit()))
    });
    index || text.contains("position()") || text.contains("last()")
}
