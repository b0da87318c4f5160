//! The JSON Schema (2020-12) of `connector.yaml`, for editors.
//!
//! Like that of flows it says less than `usher check` and never more.

use serde_json::{Value, json};

use super::reference::KEYS;
use super::service_account::{KINDS, METHODS};
use super::settings::TYPES;
use crate::step;

/// The JSON Schema of `connector.yaml`.
pub fn schema() -> Value {
    let mut properties = serde_json::Map::new();
    for (key, says) in KEYS {
        let mut property = property(key);
        property["description"] = json!(says);
        properties.insert((*key).to_owned(), property);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An Usher connector",
        "description": "connector.yaml: what the app is",
        "type": "object",
        "required": ["usher", "name", "title", "version", "service_account", "account"],
        "additionalProperties": false,
        "properties": properties,
        "$defs": step::definitions(),
    })
}

/// What may stand under a key; its description comes from the reference.
fn property(key: &str) -> Value {
    match key {
        "usher" => json!({ "enum": [1, "1"] }),
        "name" => json!({ "type": ["string", "number"], "pattern": "^[a-z0-9][a-z0-9-]*$" }),
        "version" => json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$" }),
        "app" => app(),
        "settings" => named(setting()),
        "origins" => json!({ "type": "array", "items": { "$ref": "#/$defs/value" } }),
        "service_account" => service_account(),
        "tenant" => json!({ "$ref": "#/$defs/locator" }),
        "account" => account(),
        "entitlements" => named(entitlement()),
        "secrets" => json!({ "type": "array", "items": { "$ref": "#/$defs/locator" } }),
        "pop_ups" => list(
            json!({ "when": { "$ref": "#/$defs/locator" }, "do": { "$ref": "#/$defs/steps" } }),
            &["when", "do"],
        ),
        "errors" => list(
            json!({
                "when": { "$ref": "#/$defs/locator" },
                "class": { "$ref": "#/$defs/class" },
                "message": { "$ref": "#/$defs/value" },
            }),
            &["when", "class"],
        ),
        _ => json!({ "$ref": "#/$defs/text" }),
    }
}

fn app() -> Value {
    object(
        json!({
            "homepage": { "$ref": "#/$defs/text" },
            "base_url": { "$ref": "#/$defs/value" },
            "terms": object(
                json!({
                    "url": { "$ref": "#/$defs/text" },
                    "read": { "description": "The day, as 2026-11-21", "$ref": "#/$defs/text" },
                }),
                &["url", "read"],
            ),
        }),
        &[],
    )
}

fn setting() -> Value {
    let types: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
    object(
        json!({
            "type": { "enum": types },
            "title": { "$ref": "#/$defs/text" },
            "help": { "$ref": "#/$defs/text" },
            "default": { "type": ["string", "number", "boolean"] },
            "required": { "type": "boolean" },
        }),
        &["type", "title"],
    )
}

fn service_account() -> Value {
    let kinds: Vec<&str> = KINDS.iter().map(|(word, ..)| *word).collect();
    object(
        json!({
            "role": { "$ref": "#/$defs/text" },
            "why": { "$ref": "#/$defs/text" },
            "logins": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "enum": METHODS },
                "additionalProperties": named(json!({ "enum": kinds })),
            },
        }),
        &["logins"],
    )
}

fn account() -> Value {
    let attribute = object(
        json!({
            "from": { "description": "A SCIM attribute path, or a template over `user`", "$ref": "#/$defs/text" },
            "required": { "type": "boolean" },
            "read_only": { "type": "boolean" },
        }),
        &[],
    );
    object(
        json!({
            "id": { "$ref": "#/$defs/text" },
            "match": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/text" } },
            "attributes": named(attribute),
            "deactivate": { "oneOf": [
                { "enum": ["suspend", "remove"] },
                object(json!({ "downgrade": { "$ref": "#/$defs/text" } }), &["downgrade"]),
            ] },
        }),
        &["match", "attributes"],
    )
}

fn entitlement() -> Value {
    object(
        json!({
            "holds": { "enum": ["one", "many"] },
            "values": { "oneOf": [
                { "const": "listed" },
                { "type": "object", "minProperties": 1, "additionalProperties": { "$ref": "#/$defs/text" } },
            ] },
            "default": { "$ref": "#/$defs/text" },
            "admins": { "type": "array", "items": { "$ref": "#/$defs/text" } },
            "none": { "$ref": "#/$defs/text" },
            "order": { "const": "highest_first" },
            "parent": { "$ref": "#/$defs/text" },
        }),
        &["holds", "values"],
    )
}

/// A mapping from names that templates can say.
fn named(value: Value) -> Value {
    json!({ "type": "object", "propertyNames": { "$ref": "#/$defs/variable" }, "additionalProperties": value })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

fn list(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "array", "items": object(properties, required) })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::playbook::{Node, read_bytes};

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    /// The files of a connector that are YAML, each with whether its schema takes it.
    fn verdicts(folder: &Path) -> Vec<(String, bool)> {
        let judges = [schema(), step::schema()].map(step::Judge::new);
        let flows =
            std::fs::read_dir(folder.join("flows")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = flows.chain([folder.join("connector.yaml")]).collect();
        files.sort();
        let mut verdicts = Vec::new();
        for path in files {
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let Ok(node) = read_bytes("file", &bytes) else { continue };
            let which = usize::from(!path.ends_with("connector.yaml"));
            let taken = judges[which].mistake(&Node::to_json(&node)).is_none();
            verdicts.push((path.strip_prefix(folder).unwrap().display().to_string(), taken));
        }
        verdicts
    }

    #[test]
    fn connectors_without_a_mistake_are_taken() {
        for entry in std::fs::read_dir(root().join("connectors")).unwrap() {
            let folder = entry.unwrap().path();
            if folder.join("connector.yaml").is_file() {
                for (file, taken) in verdicts(&folder) {
                    assert!(taken, "{}/{file}", folder.display());
                }
            }
        }
    }

    #[test]
    fn what_is_refused_is_a_mistake_for_check_too() {
        let mut refused = 0;
        for entry in std::fs::read_dir(root().join("fixtures/connectors/broken")).unwrap() {
            let folder = entry.unwrap().path();
            if !folder.is_dir() {
                continue;
            }
            let told = super::super::load(&folder).diagnostics;
            for (file, _) in verdicts(&folder).into_iter().filter(|(_, taken)| !taken) {
                refused += 1;
                let shown = folder.join(&file).display().to_string();
                let has_error = told.iter().any(|mistake| mistake.span.file() == shown);
                assert!(has_error, "{shown} is refused by the schema and passed by `check`");
            }
        }
        assert!(refused >= 8, "only {refused} files are refused");
    }

    #[test]
    fn the_keys_of_every_mapping_are_those_that_are_read() {
        let schema = schema();
        let keys = |pointer: &str| -> Vec<String> {
            let properties = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
            let mut keys: Vec<String> = properties.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let lists = regex::Regex::new(r#"\[((?:"[a-z_]+",? ?)+)\]"#).unwrap();
        assert_eq!(keys("/properties").len(), super::super::manifest::KEYS.len());
        for (pointer, source) in [
            ("/properties/settings/additionalProperties/properties", "settings.rs"),
            ("/properties/service_account/properties", "service_account.rs"),
            ("/properties/account/properties", "account.rs"),
            ("/properties/account/properties/attributes/additionalProperties/properties", "account.rs"),
            ("/properties/entitlements/additionalProperties/properties", "entitlement.rs"),
        ] {
            let text = std::fs::read_to_string(root().join("src/connector").join(source)).unwrap();
            let read = lists.captures_iter(&text).any(|list| {
                let mut names: Vec<String> =
                    list[1].split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect();
                names.sort();
                names == keys(pointer)
            });
            assert!(read, "{pointer}: {:?} is no list of keys in {source}", keys(pointer));
        }
    }

    #[test]
    fn the_files_in_the_tree_are_what_the_code_says() {
        for (name, schema) in [("connector", schema()), ("flow", step::schema())] {
            let path = root().join(format!("connectors/{name}.schema.json"));
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(written == text, "connectors/{name}.schema.json is old; UPDATE=1 writes it anew");
        }
    }
}
