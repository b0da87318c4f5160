//! What differs between two answers to the same request.
//!
//! Deliberately not compared: `meta` (times, versions, addresses) and headers, which differ whenever the answers do.

use serde_json::{Value, json};

use crate::store::ExchangeBody;

/// How much of a value people are shown.
const SHOWN: usize = 60;

/// A place where two answers differ.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    /// Where: `status`, or a place in the body.
    what: String,
    then: Option<Value>,
    now: Option<Value>,
}

impl Difference {
    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        json!({ "what": self.what, "then": self.then, "now": self.now })
    }

    /// For people.
    pub(super) fn to_row(&self) -> Vec<String> {
        let text = |value: &Option<Value>| match value {
            None => "-".to_owned(),
            Some(value) => {
                let text = value.to_string();
                let mut short: String = text.chars().take(SHOWN).collect();
                if short.len() < text.len() {
                    short.push('…');
                }
                short
            }
        };
        vec![self.what.clone(), text(&self.then), text(&self.now)]
    }
}

/// What differs between an answer then and an answer now: status and body each.
pub(super) fn differences(then: (u16, &ExchangeBody), now: (u16, &ExchangeBody)) -> Vec<Difference> {
    let mut found = Vec::new();
    if then.0 != now.0 {
        let (then, now) = (Some(then.0.into()), Some(now.0.into()));
        found.push(Difference { what: "status".to_owned(), then, now });
    }
    walk("", value(then.1).as_ref(), value(now.1).as_ref(), &mut found);
    found
}

fn value(body: &ExchangeBody) -> Option<Value> {
    match body {
        ExchangeBody::None => None,
        ExchangeBody::Text(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())),
        ExchangeBody::NotKept(why) => Some(why.as_str().into()),
    }
}

fn walk(place: &str, then: Option<&Value>, now: Option<&Value>, found: &mut Vec<Difference>) {
    match (then, now) {
        (then, now) if then == now => {}
        (Some(Value::Object(then)), Some(Value::Object(now))) => {
            let added = now.keys().filter(|name| !then.contains_key(*name));
            for name in then.keys().chain(added).filter(|name| *name != "meta") {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                walk(&place, then.get(name), now.get(name), found);
            }
        }
        (Some(Value::Array(then)), Some(Value::Array(now))) => {
            for index in 0..then.len().max(now.len()) {
                walk(&format!("{place}[{index}]"), then.get(index), now.get(index), found);
            }
        }
        (then, now) => {
            let what = if place.is_empty() { "body" } else { place };
            found.push(Difference { what: what.to_owned(), then: then.cloned(), now: now.cloned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(then: &Value, now: &Value, expected: &[(&str, Value, Value)]) {
        let body = |value: &Value| ExchangeBody::Text(value.to_string());
        let found = differences((200, &body(then)), (200, &body(now)));
        let found: Vec<Value> = found.iter().map(Difference::to_json).collect();
        let expected: Vec<Value> = expected
            .iter()
            .map(|(what, then, now)| json!({ "what": what, "then": then, "now": now }))
            .collect();
        assert_eq!(found, expected, "{then} {now}");
    }

    #[test]
    fn answers_differ_in_what_matters() {
        let user = json!({ "id": "1", "active": true, "meta": { "version": "W/\"1\"" } });
        check(&user, &json!({ "id": "1", "active": true, "meta": { "version": "W/\"2\"" } }), &[]);
        check(&user, &json!({ "id": "1", "active": false }), &[("active", json!(true), json!(false))]);
        check(
            &json!({ "Resources": [{ "id": "1", "meta": {} }], "n": 1 }),
            &json!({ "Resources": [{ "id": "1" }, { "id": "2" }], "m": 1 }),
            &[
                ("Resources[1]", Value::Null, json!({ "id": "2" })),
                ("n", json!(1), Value::Null),
                ("m", Value::Null, json!(1)),
            ],
        );
        check(
            &json!({ "a": { "b": [1, 2] } }),
            &json!({ "a": { "b": [1, 3] } }),
            &[("a.b[1]", json!(2), json!(3))],
        );
        let none = ExchangeBody::None;
        let found = differences((204, &none), (404, &ExchangeBody::Text("\"gone\"".to_owned())));
        assert_eq!(found.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["status", "body"]);
        assert_eq!(found[1].to_row(), ["body", "-", "\"gone\""]);
        assert_eq!(differences((204, &none), (204, &none)), []);
    }
}
