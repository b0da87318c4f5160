//! Holds requests and answers to an OpenAPI document.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::Answer;

/// What a server says of itself.
#[derive(Clone)]
pub struct Contract(Arc<Value>);

impl Contract {
    /// In which an object has the members that are described and no others, where nothing else is said.
    pub fn new(mut document: Value) -> Self {
        close(&mut document);
        Self(Arc::new(document))
    }

    /// Every path with its methods, in capitals.
    pub fn operations(&self) -> Vec<(String, Vec<String>)> {
        let paths = self.0["paths"].as_object().unwrap();
        let methods = |item: &Value| {
            let members = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
            members.map(|name| name.to_uppercase()).collect()
        };
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    }

    /// Whether it may be asked without a key.
    pub fn is_open(&self, path: &str, method: &str) -> bool {
        self.0["paths"][path][method.to_lowercase()]["security"] == json!([])
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let parts = || path.split('/');
        let is_it = |template: &str| {
            template.split('/').count() == parts().count()
                && template.split('/').zip(parts()).all(|(one, part)| one == part || one.starts_with('{'))
        };
        let paths = self.0["paths"].as_object()?;
        paths.iter().find(|(template, _)| is_it(template))?.1.get(method.to_lowercase())
    }

    /// Asserts that a body may be sent.
    pub fn check_request(&self, path: &str, body: &Value) {
        let operation = self.operation("post", path).unwrap();
        let mistake = self.mistake(&operation["requestBody"]["content"]["application/json"]["schema"], body);
        assert_eq!(mistake, None, "{path}: {body}");
    }

    /// Asserts that an answer is one that is described; of what nobody describes, that it is a problem.
    pub fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let media = answer.header("content-type").unwrap().to_owned();
        let Some(operation) = self.operation(method.as_str(), path) else {
            assert!(matches!(answer.status, 404 | 405), "{method} {path} is not described: {answer:?}");
            let problem = json!({ "$ref": "#/components/schemas/Problem" });
            assert_eq!(self.mistake(&problem, &answer.body), None, "{answer:?}");
            return;
        };
        let response = &operation["responses"][answer.status.to_string()];
        let response = match response["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => response,
        };
        let schema = &response["content"][&media]["schema"];
        assert!(!schema.is_null(), "{method} {path} does not say that it answers so: {answer:?}");
        assert_eq!(self.mistake(schema, &answer.body), None, "{method} {path}: {}", answer.body);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            assert!(header["required"] != true || answer.header(name).is_some(), "{name}: {answer:?}");
        }
    }

    /// What is wrong with a value by a schema of the document.
    fn mistake(&self, schema: &Value, value: &Value) -> Option<String> {
        let all = json!({ "$defs": self.0["components"]["schemas"], "allOf": [schema] }).to_string();
        let schema: Value = serde_json::from_str(&all.replace("#/components/schemas/", "#/$defs/")).unwrap();
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        schemas.validate(value, index).err().map(|error| format!("{error:#}"))
    }
}

fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

#[test]
fn a_contract_is_broken_by_what_it_does_not_say() {
    let schema =
        json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
    let operation =
        json!({ "responses": { "200": { "content": { "application/json": { "schema": schema } } } } });
    let document = json!({ "paths": { "/a/{id}": { "get": operation } }, "components": { "schemas": {} } });
    let contract = Contract::new(document);
    let holds = |status: u16, media: &str, body: Value| {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("content-type", media.parse().unwrap());
        let answer = Answer { status, headers, body };
        std::panic::catch_unwind(|| contract.check(&Method::GET, "/a/7", &answer)).is_ok()
    };
    assert!(holds(200, "application/json", json!({ "id": "7" })));
    for (status, media, body) in [
        (201, "application/json", json!({ "id": "7" })),
        (200, "text/plain", json!({ "id": "7" })),
        (200, "application/json", json!({ "id": 7 })),
        (200, "application/json", json!({})),
        (200, "application/json", json!({ "id": "7", "more": 1 })),
    ] {
        assert!(!holds(status, media, body.clone()), "{status} {media} {body}");
    }
    assert_eq!(contract.operations(), [("/a/{id}".to_owned(), vec!["GET".to_owned()])]);
}
