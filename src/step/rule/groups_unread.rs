//! `groups_unread`: a connector that changes groups lists them, and one that changes who is in them reads `group` of an account.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostics, Rule, Severity};
use crate::step::flow::Flow;
use crate::step::purpose::{GROUP, Purpose, Vocabulary};

pub(in crate::step) const RULE: Rule = Rule {
    id: "groups_unread",
    severity: Severity::Error,
    summary: "A connector that changes groups lists them, and one that changes who is in them reads `group` of an account.",
    why: "Nothing would show whether the group, or its member, is there: before the change and after it.",
    cure: "Write the flow `list_groups`; read `group` in `list_accounts`, and in `read_account` where there is one.",
    example: r##"# flows/add_member.yaml
steps:
  - goto: /groups/{{ group.id | urlencode }}
  - expect: heading "{{ group.name }}"
  - form: { Email: "{{ account.email }}" }
  - click: button "Add"
    commit: true"##,
};

/// Looks for changes of groups that nothing could verify.
pub(in crate::step) fn check(
    flows: &BTreeMap<String, Flow>,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) {
    let purpose = |flow: &Flow| Purpose::of(&flow.name, vocabulary);
    let a_part_reads = flows
        .values()
        .filter(|flow| purpose(flow) == Purpose::SubFlow)
        .any(|flow| flow.yields.iter().any(|(name, _)| name == GROUP));
    let silent = ["read_account", "list_accounts"].into_iter().find(|name| {
        flows.get(*name).is_some_and(|flow| !a_part_reads && !flow.reads.iter().any(|name| name == GROUP))
    });
    for flow in flows.values().filter(|flow| purpose(flow).is_about_a_group()) {
        let line = flow.span.text().lines().next().unwrap_or_default().len();
        let place = flow.span.sub(0, line);
        if !vocabulary.flows.contains("list_groups") {
            let message = format!("`{}` changes groups, and no flow `list_groups` reads them", flow.name);
            diagnostics.push(RULE.at(&place, message));
        } else if let (Purpose::Member, Some(silent)) = (purpose(flow), silent) {
            let message =
                format!("`{}` changes who is in a group, and `{silent}` does not read `{GROUP}`", flow.name);
            diagnostics.push(RULE.at(&place, message));
        }
    }
}
