//! `unused_setting`: every setting is used.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostics, Rule, Severity, Span};
use crate::step::flow::{Book, names_of};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unused_setting",
    severity: Severity::Warning,
    summary: "Every setting is used.",
    why: "Whoever sets the connector up is asked for something that nothing needs.",
    cure: "Use `{{ settings.<name> }}`, or take the setting away.",
    example: r##"# connector.yaml
usher: 1
name: desk
title: Desk
version: 1.0.0
settings:
  base_url: { type: url, title: Desk URL }
  org_id: { type: string, title: Organization ID }
service_account:
  logins:
    password: { username: text, password: secret }
account:
  match: [email]
  attributes:
    email: { from: userName, required: true }"##,
};

/// Looks for settings (name and place) that nothing in the book uses.
pub fn check<'a>(
    settings: impl Iterator<Item = (&'a str, &'a Span)>,
    book: &Book,
    diagnostics: &mut Diagnostics,
) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut uses = |name: &str| used.extend([name.to_owned()]);
    for flow in book.flows.values() {
        names_of(&flow.steps, &mut uses);
        flow.at.iter().for_each(|at| at.names().iter().for_each(|(name, _)| uses(name)));
    }
    let locators = book.flows.values().filter_map(|flow| flow.logged_in.as_ref()).chain(&book.tenant);
    let locators = locators.chain(book.pop_ups.iter().map(|one| &one.when));
    for locator in locators.chain(book.errors.iter().map(|one| &one.when)) {
        locator.for_each_text(&mut |text| text.names().iter().for_each(|(name, _)| uses(name)));
    }
    book.pop_ups.iter().for_each(|one| names_of(&one.steps, &mut uses));
    let messages = book.errors.iter().filter_map(|one| one.message.as_ref());
    for template in book.origins.iter().chain([&book.base_url]).chain(messages) {
        template.names().iter().for_each(|(name, _)| uses(name));
    }
    // Whoever names all settings at once may use each of them.
    let whole = used.contains("settings");
    for (name, span) in settings.filter(|(name, _)| !whole && !used.contains(&format!("settings.{name}"))) {
        diagnostics.push(RULE.at(span, format!("nothing uses the setting `{name}`")));
    }
}
