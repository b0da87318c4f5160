//! The JSON Schema (2020-12) of flows, for editors: put together from the fragment that each step kind keeps in its file.
//!
//! It says less than the compiler (which knows names, paths and places) and never more: what the schema refuses, `usher
//! check` refuses too.

use serde_json::{Map, Value, json};

use super::kind::{KINDS, StepKind};
use super::reference::{BESIDE, EXTRACTOR};
use crate::failure::CLASSES;

/// The JSON Schema of a flow's file.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A flow of an Usher connector",
        "description": "flows/<name>.yaml: how one thing is done in the app",
        "type": "object",
        "required": ["steps"],
        "additionalProperties": false,
        "properties": {
            "at": described("`login` alone: where to look whether the session still holds.", "value"),
            "logged_in": described("`login` alone: what is there if the session holds.", "locator"),
            "steps": described("What is done, in this order.", "steps"),
        },
        "$defs": definitions(),
    })
}

/// What schemas refer to as `#/$defs/…`.
pub fn definitions() -> Value {
    let classes: Vec<&str> = CLASSES.iter().map(|info| info.word).collect();
    json!({
        "text": { "type": ["string", "number"], "minLength": 1 },
        "value": {
            "description": "A text in which {{ … }} is filled in.",
            "type": ["string", "number", "boolean", "null"],
        },
        "locator": {
            "description": "Which element, such as: button \"Save\", dialog \"Edit\" > field \"Email\", \
                            row (has cell \"ada@acme.example\") > column \"Role\"",
            "type": "string",
            "minLength": 1,
        },
        "variable": { "type": "string", "pattern": "^[a-z][a-z0-9_]*$" },
        "class": { "description": "A failure class.", "enum": classes },
        "failure": {
            "type": "object",
            "required": ["class", "message"],
            "additionalProperties": false,
            "properties": { "class": reference("class"), "message": reference("value") },
        },
        "extractor": extractor(),
        "steps": { "type": "array", "minItems": 1, "items": reference("step") },
        "step": step(),
    })
}

fn extractor() -> Value {
    let mut properties = Map::new();
    for (name, says) in EXTRACTOR {
        let mut property = match *name {
            "read" | "names" => reference("locator"),
            "map" => {
                json!({ "type": "object", "minProperties": 1, "additionalProperties": reference("value") })
            }
            "default" => reference("value"),
            _ => reference("text"),
        };
        property["description"] = json!(says);
        properties.insert((*name).to_owned(), property);
    }
    // Many values have no attribute and no default.
    let many: Map<String, Value> = properties
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "names" | "match" | "map"))
        .map(|(name, property)| (name.clone(), property.clone()))
        .collect();
    properties.remove("names");
    json!({ "oneOf": [
        reference("locator"),
        { "type": "object", "required": ["read"], "additionalProperties": false, "properties": properties },
        { "type": "object", "required": ["names"], "additionalProperties": false, "properties": many },
    ] })
}

fn step() -> Value {
    let mut properties = Map::new();
    for kind in KINDS {
        let mut property: Value = serde_json::from_str(kind.schema).unwrap_or_default();
        property["description"] = json!(kind.summary);
        property["markdownDescription"] = json!(format!("{}\n```yaml\n{}\n```", kind.summary, kind.example));
        properties.insert(kind.keyword.to_owned(), property);
    }
    for (name, says) in BESIDE {
        let mut property = modifier(name);
        property["description"] = json!(says);
        properties.insert((*name).to_owned(), property);
    }
    let mut dependent = Map::new();
    for name in KINDS.iter().flat_map(|kind| kind.beside) {
        if !properties.contains_key(*name) {
            properties.insert((*name).to_owned(), beside(name));
        }
        dependent.insert((*name).to_owned(), json!({ "anyOf": required(|kind| kind.beside.contains(name)) }));
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": required(|_| true),
        "dependentSchemas": dependent,
        "if": { "required": ["commit"], "properties": { "commit": { "const": true } } },
        "then": { "anyOf": required(|kind| kind.may_commit) },
    })
}

/// `{ "required": [keyword] }` for each kind that `is_meant`.
fn required(is_meant: impl Fn(&StepKind) -> bool) -> Vec<Value> {
    KINDS.iter().filter(|kind| is_meant(kind)).map(|kind| json!({ "required": [kind.keyword] })).collect()
}

/// What may stand beside the keyword of any step.
fn modifier(name: &str) -> Value {
    match name {
        "timeout" => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m)$" }),
        "commit" | "optional" => json!({ "type": "boolean" }),
        "screenshot" => json!({ "enum": ["on", "off", true, false] }),
        _ => reference("text"),
    }
}

/// What a kind lets stand beside its keyword.
fn beside(name: &str) -> Value {
    match name {
        "do" => reference("steps"),
        "with" => json!({ "type": "object", "additionalProperties": reference("value") }),
        _ => json!({}),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn described(says: &str, name: &str) -> Value {
    json!({ "description": says, "$ref": format!("#/$defs/{name}") })
}

/// A schema, ready to judge.
#[cfg(test)]
pub struct Judge {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

#[cfg(test)]
impl Judge {
    /// For `schema`, which must be one.
    pub fn new(schema: Value) -> Self {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// What is wrong with `value`.
    pub fn mistake(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;
    use crate::playbook::{self, Node};

    /// A YAML text as an editor sees it.
    fn json_of(yaml: &str) -> Value {
        playbook::read(Source::new("flow", yaml)).as_ref().map(Node::to_json).unwrap()
    }

    #[test]
    fn every_kind_is_in_it_and_takes_its_own_example() {
        let schema = schema();
        let step = &schema["$defs"]["step"];
        let judge = Judge::new(schema.clone());
        for kind in KINDS {
            let fragment: Value = serde_json::from_str(kind.schema).unwrap();
            let property = &step["properties"][kind.keyword];
            for (key, value) in fragment.as_object().unwrap() {
                assert!(key == "description" || &property[key] == value, "{}: {key}", kind.keyword);
            }
            let indented = kind.example.replace('\n', "\n  ");
            let flow = json_of(&format!("steps:\n  {indented}\n"));
            assert_eq!(judge.mistake(&flow), None, "{}: {flow:#}", kind.keyword);
        }
        let references = regex::Regex::new(r##""#/\$defs/([a-z]+)""##).unwrap();
        for found in references.captures_iter(&schema.to_string()) {
            assert!(schema["$defs"].get(&found[1]).is_some(), "{}", &found[1]);
        }
    }

    #[test]
    fn what_it_refuses_is_no_flow() {
        let judge = Judge::new(schema());
        for yaml in [
            "steps: []",
            "step:\n  - click: button \"x\"",
            "steps:\n  - clik: button \"x\"",
            "steps:\n  - click: button \"x\"\n    hover: button \"x\"",
            "steps:\n  - click: button \"x\"\n    do: []",
            "steps:\n  - click: button \"x\"\n    timeout: 5 hours",
            "steps:\n  - goto: /x\n    commit: true",
            "steps:\n  - within: row first\n    with: { a: b }\n    do: [ { click: link \"x\" } ]",
            "steps:\n  - fail: { class: bad_luck, message: x }",
            "steps:\n  - repeat: { until: row first, at_most: 0, do: [ { click: link \"x\" } ] }",
            "steps:\n  - set: { Name: x }",
        ] {
            assert!(judge.mistake(&json_of(yaml)).is_some(), "{yaml}");
        }
    }
}
