//! `unescaped_path`: a value in an address passes the filter `urlencode`.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostics, Rule, Severity};
use crate::step::flow::{Flow, Use, each_step};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unescaped_path",
    severity: Severity::Warning,
    summary: "A value in an address passes the filter `urlencode`.",
    why: "A `/`, `#`, `?` or `+` in it would lead to another page. Settings, which the admin copies from the address bar, are taken as they are.",
    cure: "Write `{{ … | urlencode }}`.",
    example: r##"# flows/read_account.yaml
steps:
  - goto: /members?q={{ account.email }}
  - read: { email: column "Email" }"##,
};

/// What the admin copies from the address bar, and the numbers that a `request` counts its pages by.
const SAFE: &[&str] = &["settings", "page", "listed"];

fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Checks the addresses of all flows.
pub(in crate::step) fn check(flows: &BTreeMap<String, Flow>, diagnostics: &mut Diagnostics) {
    for flow in flows.values() {
        each_step(&flow.steps, &mut |step| {
            step.effect.texts(&mut |r#use, template| {
                let bare = if r#use == Use::Address { template.unescaped() } else { Vec::new() };
                for (name, span) in bare.iter().filter(|(name, _)| !SAFE.contains(&root(name))) {
                    let found = RULE.at(span, format!("`{name}` stands in an address as it is"));
                    diagnostics.push(found.label(format!("write `{name} | urlencode`")));
                }
            });
        });
    }
}
