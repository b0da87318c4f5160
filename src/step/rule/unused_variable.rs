//! `unused_variable`: a variable that is set is used.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostics, Rule, Severity};
use crate::step::flow::{Flow, names_of};
use crate::step::purpose::Vocabulary;

pub(in crate::step) const RULE: Rule = Rule {
    id: "unused_variable",
    severity: Severity::Warning,
    summary: "A variable that is set is used.",
    why: "It is a leftover, or the place that should use it has another name.",
    cure: "Take it away, or use it.",
    example: r##"# flows/read_account.yaml
steps:
  - set: { domain: "{{ account.email | split('@') | last }}" }
  - goto: /members
  - read: { email: column "Email" }"##,
};

/// Looks for variables that no step of any flow uses. What is read of an account is used by who runs the flow.
pub(in crate::step) fn check(
    flows: &BTreeMap<String, Flow>,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for flow in flows.values() {
        names_of(&flow.steps, &mut |name| used.extend(name.split('.').next().map(str::to_owned)));
    }
    used.extend(vocabulary.account_fields().map(str::to_owned));
    for (name, span) in flows.values().flat_map(|flow| &flow.yields).filter(|(name, _)| !used.contains(name))
    {
        diagnostics.push(RULE.at(span, format!("nothing uses `{name}`")));
    }
}
