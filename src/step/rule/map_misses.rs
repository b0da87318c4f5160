//! `map_misses`: a `map` without a `default` has a line for every value that the entitlement declares.

use crate::diagnostic::{Rule, Severity, one_of};
use crate::playbook::Node;
use crate::step::compile::Compiler;
use crate::step::purpose::Purpose;

pub(in crate::step) const RULE: Rule = Rule {
    id: "map_misses",
    severity: Severity::Warning,
    summary: "A `map` without a `default` has a line for every value that the entitlement declares.",
    why: "An account with the value that is missing makes the whole reading fail.",
    cure: "Add the value to the `map`, or take it from `values` of the entitlement.",
    example: r##"# flows/list_accounts.yaml
steps:
  - goto: /members
  - collect:
      rows: row (has cell /@/)
      as: { email: column "Email", role: { read: column "Role", map: { Boss: owner } } }
      next: button "Next""##,
};

impl Compiler<'_> {
    /// Checks the `map` of the extractor `node`, where it reads the status or an entitlement of an account.
    pub(in crate::step) fn mapped(&mut self, name: &str, node: &Node) {
        let reads_account = matches!(self.purpose, Purpose::ListAccounts | Purpose::ReadAccount);
        let Some(map) = node.get("map").filter(|_| reads_account) else { return };
        let given: Vec<(&str, &Node)> = map
            .as_map()
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| Some((entry.value.as_text()?, &entry.value)))
            .collect();
        if name == "status" {
            given.iter().for_each(|(word, node)| self.status(word, &node.span));
            return;
        }
        let Some(values) = self.vocabulary.values.get(name) else { return };
        for (word, node) in &given {
            let known = values.iter().flat_map(|(key, label)| [key.as_str(), label.as_str()]).collect();
            self.one_of(word, known, &node.span, name);
        }
        let missing: Vec<&str> = values
            .iter()
            .filter(|(key, label)| !given.iter().any(|(word, _)| *word == key || *word == label))
            .map(|(key, _)| key.as_str())
            .collect();
        if !missing.is_empty() && node.get("default").is_none() {
            let found = RULE.at(&map.span, format!("this `map` gives no {}", one_of(&missing)));
            self.note(found.help("an account that has it cannot be read; add what the app shows for it"));
        }
    }
}
