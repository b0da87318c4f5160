//! The language as a page for authors, `connectors/REFERENCE.md`: what `connector.yaml` says, and the vocabulary of flows.

use super::code::codes;
use crate::diagnostic::{Rule, Severity};
use crate::step::{self, RULES, reference_table as table};

/// What `connector.yaml` says, by key.
pub(super) const KEYS: &[(&str, &str)] = &[
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
        "`NAME: { holds: one or many, values, default?, admins?, none?, order?, parent? }`; `values` are `{ KEY: what the app shows }`, or `listed` where `list_<name>s` reads them; `none` is what the app shows where nothing is held; with `order: highest_first` the highest counts where several are given of which an account holds one; `parent` is the type that the values belong to, which stands before: whoever holds one of them holds that too.",
    ),
    ("pop_ups", "`[{ when: LOCATOR, do: STEPS }]`: what may be in the way, and how it is closed."),
    ("errors", "`[{ when: LOCATOR, class: CLASS, message? }]`: the app's own words, told apart."),
    (
        "secrets",
        "`[LOCATOR]`: what the app shows and nobody else may see, such as a key or an invitation's link. It is hidden in pictures and pages, and what it shows is masked wherever it is told or recorded. Controls for passwords, codes and tokens, and whatever is typed as a secret, need not be said.",
    ),
];

const HEAD: &str = "<!-- Made from the code; `UPDATE=1 cargo test --lib connector::reference` writes it anew. -->\n\
# The language of connectors\n\nA connector is a folder: `connector.yaml` says what the app is, `flows/<name>.yaml` how one thing is done in it. \
[`acme-desk`](acme-desk) is one to read; `usher check` shows every mistake with its place. Words in capitals stand for something; \
`?` marks what may be left out. A VALUE is a text in which `{{ … }}` is filled in (Jinja, over `settings`, `account`, `credentials` \
in `login`, `wanted` in `update`, the entitlement's `key` and `label` in its flows, those of which an account holds one also in `invite` \
and `reactivate`, and variables). In flows that change an account `random_password` is a secret that nobody knows, the same for the \
whole run, for apps that make no account without one.\n";

const CHECK: &str = "## Mistakes\n\n`usher check [DIR]…` checks connectors, or all in a folder of them. It exits with 0 where \
there is no error, 1 where there is one, 2 where there is nothing to check.\n\n`--format json` prints a list of \
`{ file, line, column, end_line, end_column, code, severity, message, label, help }`, sorted by file and place: lines and columns \
count from 1, columns in characters; the end is just behind the last character; `severity` is `error` or `warning`; `label` (what \
was expected, or the near name) and `help` (the cure) may be null. `--format sarif` prints SARIF 2.1.0, which code hosts show beside \
the lines. Codes are stable:\n";

/// The whole reference, as Markdown.
pub fn reference() -> String {
    let keys =
        table(["key", "says"], KEYS.iter().map(|(key, says)| [format!("`{key}`"), (*says).to_owned()]));
    let vocabulary = step::reference();
    let (rules, mistakes) = (rules(), mistakes());
    format!("{HEAD}\n## connector.yaml\n\n{keys}\n{vocabulary}\n{rules}\n{mistakes}")
}

/// The rules of the linter, each with an example that breaks it.
fn rules() -> String {
    let mut page = "## Lint rules\n\nWhat is grammatical and still wrong. An error keeps a connector from being used, a \
                    warning does not. Each example breaks its rule.\n"
        .to_owned();
    for Rule { id, severity, summary, why, cure, example } in RULES {
        let level = level(*severity);
        page.push_str(&format!(
            "\n### {id}\n\n{summary} ({level})\n\n{why} {cure}\n\n```yaml\n{example}\n```\n"
        ));
    }
    page
}

fn mistakes() -> String {
    let rows = codes().into_iter().map(|code| {
        let summary = if code.help.is_some() {
            format!("A lint rule: {}", code.summary)
        } else {
            code.summary.to_owned()
        };
        [format!("`{}`", code.id), level(code.severity).to_owned(), summary]
    });
    format!("{CHECK}\n{}", table(["code", "is", "what is right"], rows))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_connector_yaml_is_in_it() {
        let names: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, super::super::manifest::KEYS);
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
