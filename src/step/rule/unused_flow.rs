//! `unused_flow`: a flow has a name that means something, or another flow runs it.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostics, Rule, Severity};
use crate::step::flow::Flow;
use crate::step::purpose::{Purpose, Vocabulary};

pub(in crate::step) const RULE: Rule = Rule {
    id: "unused_flow",
    severity: Severity::Warning,
    summary: "A flow has a name that means something, or another flow runs it.",
    why: "It is never run: perhaps its name is misspelt, and the app can do less than was meant.",
    cure: "Correct its name, `run` it, or take the file away.",
    example: r##"# flows/deactivat.yaml
steps:
  - goto: /members"##,
};

/// Looks for flows that nothing runs.
pub(in crate::step) fn check(
    flows: &BTreeMap<String, Flow>,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) {
    let called: BTreeSet<&str> =
        flows.values().flat_map(|flow| &flow.calls).map(|call| call.flow.as_str()).collect();
    let unused = |flow: &&Flow| {
        !called.contains(flow.name.as_str()) && Purpose::of(&flow.name, vocabulary) == Purpose::SubFlow
    };
    for flow in flows.values().filter(unused) {
        let line = flow.span.text().lines().next().unwrap_or_default().len();
        let found = RULE.at(&flow.span.sub(0, line), format!("nothing runs the flow `{}`", flow.name));
        let names = Purpose::flow_names(vocabulary);
        diagnostics.push(found.suggest(&flow.name, names.iter().map(String::as_str)));
    }
}
