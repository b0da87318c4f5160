//! The vocabulary as a page for authors: `connectors/REFERENCE.md`, but for what `connector.yaml` says.
//!
//! Everything that a definition in the code says is taken from there; the tests hold the few tables below to the code.

use std::fmt::Write as _;

use serde_json::Value;

use super::kind::KINDS;
use super::purpose::{Purpose, Vocabulary};
use crate::failure::{CLASSES, Retry, Stops};
use crate::playbook::ROLES;

/// What may stand beside the keyword of any step.
pub(super) const BESIDE: &[(&str, &str)] = &[
    ("name", "The author's own name for the step, in logs."),
    (
        "when",
        "An expression, such as `account.name != \"\"`; where it does not hold the step is passed over.",
    ),
    ("timeout", "How long the step may wait, such as `20s` or `500ms`; 10 s if not said."),
    (
        "commit",
        "`true`: the one step that changes the app. Before it everything may be tried again, after it never.",
    ),
    ("optional", "`true`: that the element is not there is no failure."),
    ("screenshot", "`off`: no picture is taken."),
];

/// What an extractor can say.
pub(super) const EXTRACTOR: &[(&str, &str)] = &[
    ("read", "The element."),
    (
        "names",
        "Instead of `read`: all elements that match now, whose names are many values, such as `checkbox (is checked)`.",
    ),
    ("attribute", "The attribute of it that is read, such as `href`; its text if not said."),
    ("match", "A regular expression; its first group, or all of it, is the value."),
    (
        "map",
        "What the page shows and what it means, such as `{ Active: active }`; anything else is a failure.",
    ),
    ("default", "The value where nothing can be read."),
];

/// Forms of a locator.
const LOCATORS: &[(&str, &str)] = &[
    ("button \"Save\"", "A role or kind, and the exact accessible name; white space is folded."),
    ("cell \"ada@acme.com\"i", "The whole name, regardless of case, as addresses are compared."),
    ("link ~\"Edit\"", "The name contains it, regardless of case."),
    ("heading /Members \\(\\d+\\)/", "The name matches a regular expression; `/…/i` regardless of case."),
    ("dialog \"Invite\" > field \"Email\"", "Inside, to any depth."),
    ("row (has cell \"ada@acme.example\")", "One that has another inside; may be said several times."),
    ("row (has cell \"ada@acme.example\") > column \"Role\"", "The row's cell under that heading."),
    (
        "row (has column \"Email\" > text \"ada@acme.example\")",
        "One whose cell under that heading says just this.",
    ),
    ("field \"Email\"", "Any control with that label, placeholder or accessible name."),
    ("label \"Role\"", "A control with that label."),
    ("placeholder \"Search\"", "A control with that placeholder."),
    ("text \"No users\"", "The innermost element with that text; inside a cell it may be the cell itself."),
    ("title \"Remove\"", "An element with that `title`."),
    ("testid \"save\"", "An element with that `data-testid`."),
    (
        "checkbox \"Mail\" (is checked)",
        "One in that state: `checked`, `disabled`, `expanded`, `selected`, `level 2`; `(is not …)` for one that is not.",
    ),
    (
        "box (has text \"ada\") (has button \"Edit\")",
        "The smallest element that has all of this inside: a card or a line that has no role.",
    ),
    ("frame \"Billing\" > button \"Save\"", "In the document of an `iframe`, by its title or name."),
    ("css \"tr.member\"", "A CSS selector."),
    ("xpath \"//tr\"", "An XPath expression."),
    ("option \"Admin\" nth 2", "Which of several, also `first` and `last`; a last resort."),
];

/// The reference of flows, steps, locators, extractors and failure classes, as Markdown.
pub fn reference() -> String {
    [flows(), steps(), locators(), extractors(), classes()].join("\n")
}

fn flows() -> String {
    let set = |name: &str| std::iter::once(name.to_owned()).collect();
    let declared =
        Vocabulary { one_valued: set("<one>"), many_valued: set("<many>"), ..Vocabulary::default() };
    let names: Vec<String> = Purpose::flow_names(&declared).iter().map(|name| format!("`{name}`")).collect();
    format!(
        "## Flows\n\n`flows/<name>.yaml` has `steps`; `login` has `at` and `logged_in` besides: where to look whether the \
         session still holds, and what is there if it does.\nThese names mean something, with `<one>` and `<many>` for \
         entitlements that hold one value or many; a flow of any other name is a part of others, for `run`:\n\n{}\n\n\
         Templates see `settings` and `account` (the account as the app shows it), `credentials` in `login`, `wanted` in `update` (what the \
         attributes shall be), and the entitlement that a flow is about (`role.key`, `role.label`, \
         `role.parent`: the key of what it belongs to). `list_<many>s` collects `key`, the app's own id where it has one, so that a value keeps it under \
         another name; `label`, what the app shows; `description` and `parent` where there are any. The flows for groups see `group.id` and \
         `group.name`, as the app shows them, `create_group` the name it shall have; `rename_group` also `wanted.name`. `list_groups` collects \
         `name`, and `id` where the app has one; whoever changes who is in a group reads `group` of an account: the names of its groups, \
         between commas or each on a line. Where an entitlement is called `group`, these flows are that entitlement's.\n",
        names.join(", ")
    )
}

fn steps() -> String {
    let mut page = "## Steps\n".to_owned();
    for kind in KINDS {
        let schema = serde_json::from_str(kind.schema).unwrap_or_default();
        let beside: String = kind.beside.iter().map(|key| format!(" `{key}` may stand beside it.")).collect();
        let commit = if kind.may_commit { " It can be the commit step." } else { "" };
        let also = beside + commit;
        let (keyword, summary, example) = (kind.keyword, kind.summary, kind.example);
        let takes = takes(&schema);
        // Writing into a string cannot fail.
        let _ = write!(
            page,
            "\n### {keyword}\n\n{summary}{also}\n\n`{keyword}: {takes}`\n\n```yaml\n{example}\n```\n"
        );
    }
    format!(
        "{page}\n### On any step\n\n{}",
        table(["key", "says"], BESIDE.iter().map(|(key, says)| code(key, says)))
    )
}

fn locators() -> String {
    let rows = LOCATORS.iter().map(|(form, says)| code(form, says));
    let roles: Vec<String> = ROLES.iter().map(|role| format!("`{role}`")).collect();
    format!(
        "## Locators\n\nA locator must match exactly one visible element; `rows` of `collect` are the exception, and links \
         that are alike to the letter and lead to the same page count as one. Names are \
         templates, and what they come to is data.\n\n{}\nRoles: {}\n",
        table(["locator", "finds"], rows),
        roles.join(", ")
    )
}

fn extractors() -> String {
    let rows = EXTRACTOR.iter().map(|(key, says)| code(key, says));
    format!(
        "## Extractors\n\nA locator, whose text is the value, or a mapping:\n\n{}",
        table(["key", "says"], rows)
    )
}

fn classes() -> String {
    let rows = CLASSES.iter().map(|info| {
        let again = match info.retry {
            Retry::Never => "no",
            Retry::Once => "once, if nothing was committed",
            Retry::Backoff => "with growing pauses",
            Retry::ReadFirst => "after a reading",
        };
        let stops = match info.stops {
            Stops::Job => "the job",
            Stops::Account => "the account",
            Stops::Operation => "the operation",
            Stops::Integration => "the integration",
        };
        [
            format!("`{}`", info.word),
            info.says.to_owned(),
            again.to_owned(),
            stops.to_owned(),
            info.who_acts.to_owned(),
        ]
    });
    format!(
        "## Failure classes\n\n{}",
        table(["class", "means", "tried again", "concerns", "who acts"], rows)
    )
}

fn code(form: &str, says: &str) -> [String; 2] {
    [format!("`{form}`"), says.to_owned()]
}

/// A table of Markdown.
pub fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(N));
    for row in rows {
        let cells = row.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

/// What a JSON Schema takes, in the form in which it is written; words in capitals stand for something.
fn takes(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_uppercase();
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        return one_of.iter().map(takes).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(plain).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return plain(value);
    }
    match schema["type"].as_str() {
        Some("array") => format!("[{}, …]", takes(&schema["items"])),
        Some("object") => object(schema),
        Some("integer") => match (&schema["minimum"], &schema["maximum"]) {
            (Value::Number(least), Value::Number(most)) => format!("{least}–{most}"),
            _ => "NUMBER".to_owned(),
        },
        Some("boolean") => "true or false".to_owned(),
        _ => match schema["description"].as_str() {
            Some(says) => format!("TEXT ({})", says.to_lowercase()),
            None => "TEXT".to_owned(),
        },
    }
}

fn object(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        let name = match schema["propertyNames"].get("$ref") {
            Some(_) => takes(&schema["propertyNames"]),
            None => "LABEL".to_owned(),
        };
        return format!("{{ {name}: {}, … }}", takes(&schema["additionalProperties"]));
    };
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let parts: Vec<String> = properties
        .iter()
        .map(|(name, value)| {
            let mark = if required.iter().any(|one| one == name) { "" } else { "?" };
            format!("{name}{mark}: {}", takes(value))
        })
        .collect();
    format!("{{ {} }}", parts.join(", "))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, Span};
    use crate::playbook::parse_locator;

    fn names(table: &[(&'static str, &str)]) -> Vec<&'static str> {
        table.iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn the_tables_are_those_of_the_code() {
        assert_eq!(names(BESIDE), crate::step::MODIFIERS);
        assert_eq!(names(EXTRACTOR), crate::step::extract::KEYS);
        for (form, _) in LOCATORS {
            let source = Source::new("locator", *form);
            let end = source.text.len();
            assert!(parse_locator(form, &Span::new(source, 0, end)).is_ok(), "{form}");
        }
    }

    #[test]
    fn a_schema_is_shown_as_it_is_written() {
        for (schema, expected) in [
            (r##"{ "$ref": "#/$defs/locator" }"##, "LOCATOR"),
            (r#"{ "const": true }"#, "true"),
            (
                r#"{ "type": "object", "required": ["a"], "properties": { "a": { "type": "string" }, "b": { "type": "integer", "minimum": 1, "maximum": 9 } } }"#,
                "{ a: TEXT, b?: 1–9 }",
            ),
            (
                r##"{ "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } }"##,
                "{ LABEL: VALUE, … }",
            ),
            (
                r##"{ "oneOf": [ { "type": "string" }, { "type": "array", "items": { "$ref": "#/$defs/value" } } ] }"##,
                "TEXT or [VALUE, …]",
            ),
        ] {
            assert_eq!(takes(&serde_json::from_str(schema).unwrap()), expected);
        }
    }
}
