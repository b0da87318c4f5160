//! The language as a page for authors, `connectors/REFERENCE.md`: what `connector.yaml` says, and the vocabulary of flows.

use crate::step::{self, reference_table as table};

/// What `connector.yaml` says, by key.
const KEYS: &[(&str, &str)] = &[
    ("usher", "The version of the language: `1`."),
    ("name", "Small letters, digits and `-`; the name of the folder."),
    ("title", "The app's name for people."),
    ("version", "Three numbers. A changed account id, attribute or entitlement key is a new first number."),
    (
        "app",
        "`homepage`, `terms: { url, read }` with the day they were read, `base_url` where no setting gives it.",
    ),
    (
        "settings",
        "What an integration is asked for: `NAME: { type, title, help?, default?, required? }`; `type` is `url`, `string`, `integer` or `boolean`.",
    ),
    ("origins", "What the browser reaches, and nothing else; the base URL if not said."),
    (
        "service_account",
        "`role` and `why` it needs it; `logins: { NAME: { FIELD: text, secret or secret? } }`.",
    ),
    ("tenant", "A locator that must match whenever a commit step runs: the right organisation is shown."),
    (
        "account",
        "`id`: the app's own immutable id; `match`: by which attributes a user and an account find each other (the first), and by any of which a page shows whose it is; `attributes: { NAME: { from, required?, read_only? } }` with a SCIM path or a template over `user`; `deactivate`: `suspend`, `remove` or `{ downgrade: KEY }`.",
    ),
    (
        "entitlements",
        "`NAME: { holds: one or many, values, default?, admins? }`; `values` are `{ KEY: what the app shows }`, or `listed` where `list_<name>s` reads them.",
    ),
    ("pop_ups", "`[{ when: LOCATOR, do: STEPS }]`: what may be in the way, and how it is closed."),
    ("errors", "`[{ when: LOCATOR, class: CLASS, message? }]`: the app's own words, told apart."),
];

/// The kinds of mistake that `usher check` tells, by code.
const CODES: &[&str] = &[
    "absent_elsewhere",
    "alias",
    "ambiguous",
    "anchor",
    "bad_name",
    "bad_version",
    "by_position",
    "byte_order_mark",
    "cannot_commit",
    "commit_in_pop_up",
    "commit_in_reading",
    "constant",
    "contradiction",
    "duplicate_key",
    "empty",
    "expect",
    "file_name",
    "key",
    "language_version",
    "locator_syntax",
    "missing_file",
    "missing_flow",
    "missing_key",
    "missing_value",
    "no_commit",
    "no_identity_check",
    "no_keyword",
    "no_proof",
    "no_steps",
    "no_value",
    "not_a_sub_flow",
    "one_branch",
    "open_secret",
    "optional_commit",
    "regex",
    "reserved_name",
    "ring",
    "scim_path",
    "secret_outside_login",
    "several_documents",
    "tab",
    "tag",
    "template_here",
    "template_syntax",
    "too_deep",
    "too_large",
    "too_many_nodes",
    "two_commits",
    "two_keywords",
    "unbounded_loop",
    "undeclared",
    "unknown_attribute",
    "unknown_class",
    "unknown_flow",
    "unknown_key",
    "unknown_key_name",
    "unknown_login",
    "unknown_modifier",
    "unknown_step",
    "unknown_type",
    "unknown_value",
    "unquoted_template",
    "unreadable",
    "unused_flow",
    "unused_value",
    "wrong_type",
    "yaml",
];

const HEAD: &str = "<!-- Made from the code; `UPDATE=1 cargo test --lib connector::reference` writes it anew. -->\n\
# The language of connectors\n\nA connector is a folder: `connector.yaml` says what the app is, `flows/<name>.yaml` how one thing is done in it. \
[`acme-desk`](acme-desk) is one to read; `usher check` shows every mistake with its place. Words in capitals stand for something; \
`?` marks what may be left out. A VALUE is a text in which `{{ … }}` is filled in (Jinja, over `settings`, `account`, `credentials` \
in `login`, `wanted` in `update`, the entitlement's `key` and `label` in its flows, those of which an account holds one also in `invite` \
and `reactivate`, and variables). In flows that change an account `random_password` is a secret that nobody knows, the same for the \
whole run, for apps that make no account without one.\n";

/// The whole reference, as Markdown.
pub fn reference() -> String {
    let keys =
        table(["key", "says"], KEYS.iter().map(|(key, says)| [format!("`{key}`"), (*says).to_owned()]));
    let codes: Vec<String> = CODES.iter().map(|code| format!("`{code}`")).collect();
    let vocabulary = step::reference();
    format!(
        "{HEAD}\n## connector.yaml\n\n{keys}\n{vocabulary}\n## Mistakes\n\n`usher check --format json` gives each mistake one of \
         these codes: {}\n",
        codes.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_connector_yaml_is_in_it() {
        let names: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, super::super::manifest::KEYS);
    }

    /// Every code that a part of the language names is listed; `fixtures/connectors/broken` has those that are put together.
    #[test]
    fn every_code_that_the_source_names_is_in_it() {
        let named =
            regex::Regex::new(r#"(?:Diagnostic::(?:error|warning)|\.(?:error|warning))\(\s*"([a-z_]+)""#)
                .unwrap();
        let told = regex::Regex::new(r"(?m)^(?:error|warning)\[([a-z_]+)\]").unwrap();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = ["src/playbook", "src/step", "src/connector", "fixtures/connectors/broken"]
            .map(|path| root.join(path))
            .to_vec();
        let mut codes = std::collections::BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let pattern = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("rs") => &named,
                    Some("err") => &told,
                    _ => {
                        folders.extend(path.is_dir().then_some(path));
                        continue;
                    }
                };
                let text = std::fs::read_to_string(&path).unwrap();
                codes.extend(pattern.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
        assert!(codes.iter().eq(CODES.iter()), "{codes:#?}");
    }

    #[test]
    fn the_page_in_the_tree_is_what_the_code_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/REFERENCE.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, reference()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == reference(),
            "connectors/REFERENCE.md is not what the code says; UPDATE=1 writes it anew"
        );
    }
}
