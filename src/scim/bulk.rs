//! Many requests in one (RFC 7644 section 3.7).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::Error;
use super::error::quote;
use super::resource::{check_depth, json};

/// The schema of a bulk request.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The schema of the answer to one.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The most operations of one request.
pub const MAX_OPERATIONS: usize = 1_000;

/// What a value or a path begins with that stands for the id of a resource that the same request makes.
const REFERENCE: &str = "bulkId:";

/// A bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// After how many failed operations the rest is left undone; all are tried without it.
    pub fail_on_errors: Option<u64>,
    /// What is to be done.
    pub operations: Vec<Operation>,
}

/// One request of a bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What is to be done.
    pub method: Method,
    /// To what: `/Users`, `/Groups/<id>`.
    pub path: String,
    /// The name under which others refer to what it makes.
    pub bulk_id: Option<String>,
    /// The version that the client saw, as an entity tag.
    pub version: Option<String>,
    /// The body.
    pub data: Value,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Makes a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one in part.
    Patch,
    /// Ends one.
    Delete,
}

impl Method {
    /// The word of HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl BulkRequest {
    /// Reads the body of a bulk request. The caller bounds its size.
    ///
    /// # Errors
    /// `invalidSyntax`: no such body, or a `bulkId` twice. 413: too many operations.
    pub fn from_slice(body: &[u8]) -> Result<Self, Error> {
        let body = json(body)?;
        check_depth(&body)?;
        let Value::Object(mut body) = body else {
            return Err(Error::invalid_syntax("the body must be a JSON object with `Operations`"));
        };
        match take(&mut body, "schemas") {
            Some(Value::Array(urns)) if urns.iter().any(|urn| urn == BULK_REQUEST) => {}
            _ => return Err(Error::invalid_syntax(format!("`schemas` must be [\"{BULK_REQUEST}\"]"))),
        }
        let fail_on_errors = match take(&mut body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(number) => match number.as_u64() {
                Some(number @ 1..) => Some(number),
                _ => return Err(Error::invalid_syntax("`failOnErrors` must be a whole number from 1")),
            },
        };
        let Some(Value::Array(operations)) = take(&mut body, "Operations") else {
            return Err(Error::invalid_syntax("`Operations` must be a list"));
        };
        if operations.len() > MAX_OPERATIONS {
            let detail =
                format!("at most {MAX_OPERATIONS} operations are taken in one request; send them in several");
            return Err(Error::with_status(413, detail));
        }
        let operations = operations.into_iter().enumerate();
        let operations: Vec<Operation> = operations
            .map(|(n, operation)| {
                Operation::read(operation).map_err(|error| error.within(&format!("operation {}", n + 1)))
            })
            .collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        if let Some(twice) =
            operations.iter().filter_map(|one| one.bulk_id.as_deref()).find(|id| !seen.insert(*id))
        {
            return Err(Error::invalid_syntax(format!("the `bulkId` {} is given twice", quote(twice))));
        }
        Ok(Self { fail_on_errors, operations })
    }
}

impl Operation {
    fn read(operation: Value) -> Result<Self, Error> {
        let Value::Object(mut operation) = operation else {
            return Err(Error::invalid_syntax("it must be an object with `method` and `path`"));
        };
        let mut text = |name: &str| match take(&mut operation, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid_syntax(format!("`{name}` must be text"))),
        };
        let method = match text("method")?.unwrap_or_default().to_ascii_uppercase().as_str() {
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            _ => return Err(Error::invalid_syntax("`method` must be POST, PUT, PATCH or DELETE")),
        };
        let path = text("path")?.ok_or_else(|| Error::invalid_syntax("`path` is missing"))?;
        let (bulk_id, version) = (text("bulkId")?, text("version")?);
        if method == Method::Post && bulk_id.as_deref().is_none_or(str::is_empty) {
            return Err(Error::invalid_syntax("a POST needs a `bulkId`"));
        }
        let data = take(&mut operation, "data").unwrap_or_default();
        Ok(Self { method, path, bulk_id, version, data })
    }

    /// The names of what it refers to, in its path and its body.
    pub fn references(&self) -> Vec<&str> {
        let mut found: Vec<&str> =
            self.path.split('/').filter_map(|part| part.strip_prefix(REFERENCE)).collect();
        gather(&self.data, &mut found);
        found
    }

    /// The same with ids in the place of references to what is `known`.
    #[must_use]
    pub fn resolved(&self, known: &HashMap<String, String>) -> Self {
        let path: Vec<&str> = self.path.split('/').map(|part| id_of(part, known).unwrap_or(part)).collect();
        let mut data = self.data.clone();
        put_ids(&mut data, known);
        Self { path: path.join("/"), data, ..self.clone() }
    }
}

/// The answer to one operation. `location` is where the resource is, if there is one; `error` why it failed.
pub fn outcome(
    operation: &Operation,
    (status, location): (u16, Option<String>),
    version: Option<String>,
    error: Option<&Error>,
) -> Value {
    let mut answer = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        answer.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("location", location.map(Value::String));
    put("method", Some(operation.method.as_str().into()));
    put("bulkId", operation.bulk_id.clone().map(Value::String));
    put("version", version.map(Value::String));
    put("status", Some(status.to_string().into()));
    put("response", error.map(|error| json!(error)));
    Value::Object(answer)
}

/// The answer to a bulk request.
pub fn response(outcomes: &[Value]) -> Value {
    json!({ "schemas": [BULK_RESPONSE], "Operations": outcomes })
}

fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = map.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    map.shift_remove(&key)
}

fn gather<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix(REFERENCE)),
        Value::Array(values) => values.iter().for_each(|value| gather(value, found)),
        Value::Object(parts) => parts.values().for_each(|value| gather(value, found)),
        _ => {}
    }
}

fn put_ids(value: &mut Value, known: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = id_of(text, known) {
                *text = id.to_owned();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| put_ids(value, known)),
        Value::Object(parts) => parts.values_mut().for_each(|value| put_ids(value, known)),
        _ => {}
    }
}

fn id_of<'k>(text: &str, known: &'k HashMap<String, String>) -> Option<&'k str> {
    known.get(text.strip_prefix(REFERENCE)?).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::ScimType;

    fn read(operations: Value) -> Result<BulkRequest, Error> {
        let body = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 2, "Operations": operations });
        BulkRequest::from_slice(body.to_string().as_bytes())
    }

    #[test]
    fn references_are_found_and_replaced_wherever_they_stand() {
        let request = read(json!([{
            "method": "post", "path": "/Groups/bulkId:a", "bulkId": "g",
            "data": { "members": [{ "value": "bulkId:b" }, { "value": "7" }], "displayName": "not bulkId:c" }
        }]))
        .unwrap();
        assert_eq!(request.fail_on_errors, Some(2));
        let [operation] = &request.operations[..] else { panic!("{request:?}") };
        assert_eq!(operation.references(), ["a", "b"]);
        let known = [("a", "1"), ("b", "2")].map(|(name, id)| (name.to_owned(), id.to_owned()));
        let resolved = operation.resolved(&known.into());
        assert_eq!(resolved.path, "/Groups/1");
        assert_eq!(resolved.data["members"], json!([{ "value": "2" }, { "value": "7" }]));
        assert!(resolved.references().is_empty());
    }

    #[test]
    fn a_malformed_request_is_refused_with_its_place() {
        let fails = |operations: Value, expected: &str| {
            let error = read(operations).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{error}");
            assert!(error.detail.contains(expected), "{error}");
        };
        fails(json!({}), "`Operations` must be a list");
        fails(json!([7]), "operation 1");
        fails(json!([{ "method": "GET", "path": "/Users" }]), "`method` must be");
        fails(json!([{ "method": "DELETE" }]), "`path` is missing");
        fails(json!([{ "method": "POST", "path": "/Users" }]), "a POST needs a `bulkId`");
        let twice = json!({ "method": "POST", "path": "/Users", "bulkId": "a" });
        fails(json!([twice, twice]), "given twice");
        let many = vec![json!({ "method": "DELETE", "path": "/Users/1" }); MAX_OPERATIONS + 1];
        assert_eq!(read(Value::Array(many)).unwrap_err().status, 413);
        let no_number = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 0, "Operations": [] });
        assert!(BulkRequest::from_slice(no_number.to_string().as_bytes()).is_err());
    }
}
