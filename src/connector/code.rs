//! The kinds of mistake that a check can tell, by code: those of the grammar, and the rules of the linter.

use crate::diagnostic::Severity;
use crate::step::RULES;

/// A kind of mistake.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Its code in every format; stable.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is right, a sentence.
    pub summary: &'static str,
    /// What happens otherwise, and the cure, where it is a rule of the linter; else nothing.
    pub help: Option<(&'static str, &'static str)>,
}

/// Every kind of mistake, by code.
pub fn codes() -> Vec<Code> {
    let grammar =
        GRAMMAR.iter().map(|(id, summary)| Code { id, severity: Severity::Error, summary, help: None });
    let rules = RULES.iter().map(|rule| {
        let help = Some((rule.why, rule.cure));
        Code { id: rule.id, severity: rule.severity, summary: rule.summary, help }
    });
    let mut codes: Vec<Code> = grammar.chain(rules).collect();
    codes.sort_by_key(|code| code.id);
    codes
}

/// Those of the grammar: the code, and what is right.
const GRAMMAR: &[(&str, &str)] = &[
    ("absent_elsewhere", "`absent` stands in `read_account` or a part of it."),
    ("alias", "No YAML alias (`*…`); the value is written out."),
    ("ambiguous", "A key is a value of one entitlement only."),
    ("anchor", "No YAML anchor (`&…`)."),
    (
        "bad_name",
        "Names are small letters, digits and `_`, a letter first; the connector's has `-` instead of `_`.",
    ),
    ("bad_version", "A version is three numbers, such as `1.2.0`."),
    ("byte_order_mark", "A file is UTF-8 without a byte order mark."),
    ("cannot_commit", "`commit: true` stands on a step that can change the app."),
    ("commit_in_pop_up", "A pop-up is closed without a commit step."),
    ("constant", "A condition depends on something."),
    ("contradiction", "What is said does not contradict itself."),
    ("duplicate_key", "A key is given once."),
    ("empty", "A text, list or mapping that must hold something does."),
    ("expect", "`expect` says one thing that is expected."),
    ("file_name", "`flows` holds files `<name>.yaml`, named by small letters, digits and `_`."),
    ("file_outside", "A file to upload is in the connector's folder."),
    ("invalid_utf8", "A file is UTF-8."),
    ("key", "A key is a name."),
    ("language_version", "`usher` is a version of the language that this program speaks."),
    ("link_out", "A link stays inside the connector's folder."),
    ("locator_syntax", "A locator is written as its grammar has it."),
    ("missing_file", "`connector.yaml` and `flows` are there."),
    ("missing_flow", "Flows that `connector.yaml` speaks of are there, and `login` and `list_accounts`."),
    ("missing_key", "What must be said is said."),
    ("missing_value", "A flow is run with the values that it needs."),
    ("no_keyword", "A step says what it does."),
    ("no_steps", "A list of steps has one."),
    ("no_value", "A control of a `form` has a value."),
    ("not_a_file", "A file of a connector is a plain file."),
    ("not_a_folder", "`flows` and the connector itself are folders."),
    ("not_a_sub_flow", "`run` runs flows that Usher does not run itself."),
    ("one_branch", "`one_of` has two branches or more."),
    ("open_secret", "Passwords, codes and tokens are declared `secret`."),
    ("optional_commit", "The commit step is not optional."),
    ("regex", "A regular expression is one."),
    ("reserved_name", "A name does not mean something else already."),
    ("ring", "A flow does not run itself, by whatever way."),
    ("scim_path", "`from` is a SCIM attribute path or a template over `user`."),
    ("several_documents", "A file holds one YAML document."),
    ("tab", "Indentation is spaces."),
    ("tag", "No YAML tag (`!…`)."),
    ("template_here", "A template stands where values are filled in."),
    (
        "template_syntax",
        "A template or condition is written as Jinja has it, with the filters and tests that there are.",
    ),
    ("too_deep", "Nothing is nested too deep."),
    ("too_large", "A file has at most 1 MiB, a connector 2 MiB."),
    ("too_many_mistakes", "Only so many mistakes are told at once."),
    ("too_many_nodes", "A file has at most 20,000 values."),
    ("too_many_patterns", "A connector has at most 1000 regular expressions."),
    ("two_keywords", "A step does one thing."),
    ("unknown_key", "A key is one that is known there."),
    ("unknown_key_name", "`press` names a key of the keyboard."),
    ("unknown_login", "A way to log in is `password`, `sso` or `token`."),
    ("unknown_modifier", "Beside a step's keyword stands what every step, or this kind, can have."),
    ("unknown_step", "A step is of a kind that there is."),
    ("unknown_type", "A type is one that there is."),
    ("unknown_value", "A word is one of those that can stand there."),
    ("unquoted_template", "A value with `{{ … }}` is between quotes where it begins with it."),
    ("unreadable", "A file can be read."),
    ("wrong_type", "A value is of the kind that is expected there."),
    ("yaml", "A file is YAML."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::connector::{Text, load_texts};

    /// Which `GRAMMAR` is sorted as, and every code once.
    #[test]
    fn each_code_is_there_once() {
        let mut ids: Vec<&str> = GRAMMAR.iter().map(|(id, _)| *id).collect();
        assert!(ids.is_sorted());
        ids = codes().iter().map(|code| code.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), codes().len());
    }

    /// The codes that the source names are those of [`codes`].
    #[test]
    fn every_code_that_the_source_names_is_known() {
        let named =
            regex::Regex::new(r#"(?:Diagnostic::(?:error|warning)|\.(?:error|warning))\(\s*"([a-z0-9_]+)""#)
                .unwrap();
        let refused = regex::Regex::new(r#"(?:Refused::Told\(|not_used\(&span,)\s*"([a-z_]+)""#).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = ["src/diagnostic", "src/playbook", "src/step", "src/connector"]
            .map(|path| root.join(path))
            .to_vec();
        let mut found: BTreeSet<String> = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                    found.extend(named.captures_iter(code).map(|found| found[1].to_owned()));
                    found.extend(refused.captures_iter(code).map(|found| found[1].to_owned()));
                }
            }
        }
        let known: BTreeSet<String> = codes().iter().map(|code| code.id.to_owned()).collect();
        let grammar: BTreeSet<String> = GRAMMAR.iter().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(
            found.difference(&known).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "told and not in the list"
        );
        assert_eq!(
            grammar.difference(&found).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "in the list and never told"
        );
    }

    const PLAIN: &[(&str, &str)] = &[
        (
            "connector.yaml",
            "usher: 1\nname: desk\ntitle: Desk\nversion: 1.0.0\nsettings:\n  base_url: { type: url, title: Desk URL }\n\
             service_account:\n  logins:\n    password: { username: text, password: secret }\naccount:\n  match: [email]\n  \
             attributes:\n    email: { from: userName, required: true }\nentitlements:\n  role:\n    holds: one\n    \
             values: { owner: Owner, viewer: Viewer }\n",
        ),
        (
            "flows/list_accounts.yaml",
            "steps:\n  - goto: /members\n  - collect: { rows: row, as: { email: column \"Email\" }, next: button \"Next\" }\n",
        ),
        ("flows/login.yaml", "steps:\n  - goto: /login\n"),
    ];

    /// What is said of a plain connector with the files of an example in it.
    fn said(example: &str) -> Vec<(&'static str, Severity)> {
        let plain = PLAIN.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let mut files: std::collections::BTreeMap<String, String> = plain.collect();
        let mut current = String::new();
        for line in example.lines() {
            if let Some(path) = line.strip_prefix("# ") {
                current = path.to_owned();
                files.insert(current.clone(), String::new());
            } else if let Some(text) = files.get_mut(&current) {
                text.push_str(line);
                text.push('\n');
            }
        }
        let texts: Vec<Text> =
            files.into_iter().map(|(path, text)| Text { path, bytes: text.into_bytes() }).collect();
        load_texts(Path::new("c"), &texts)
            .diagnostics
            .iter()
            .map(|found| (found.code, found.severity))
            .collect()
    }

    #[test]
    fn the_example_of_each_rule_breaks_it_and_nothing_else() {
        assert_eq!(said(""), []);
        for rule in RULES {
            let mut found = said(rule.example);
            found.dedup();
            assert_eq!(found, [(rule.id, rule.severity)], "{}", rule.id);
        }
        assert!(RULES.is_sorted_by_key(|rule| rule.id));
    }
}
