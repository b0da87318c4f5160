//! Records of data rather than of a page: what `as:` of an export or of an endpoint's answer says, and reading it out.
//!
//! A record is JSON: the rows of a CSV file are objects of texts by heading. A field is named by its path, `profile.email`; a heading
//! or key that has a dot in it is found as it is first.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compile::Compiler;
use super::extract::Meaning;
use super::failure::Failure;
use super::purpose::Purpose;
use crate::failure::FailureClass;
use crate::playbook::Node;

/// The path of the whole.
const WHOLE: &str = ".";
const KEYS: &[&str] = &["read", "match", "map", "default"];

/// The JSON Schema of `as:`.
macro_rules! fields_schema {
    () => {
        r##"{ "type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/$defs/variable" },
          "additionalProperties": { "oneOf": [ { "type": "string", "description": "A column, or a path such as profile.email" },
            { "type": "object", "required": ["read"], "additionalProperties": false, "properties": {
              "read": { "type": "string" }, "match": { "type": "string" }, "map": { "type": "object", "minProperties": 1,
              "additionalProperties": { "$ref": "#/$defs/value" } }, "default": { "$ref": "#/$defs/value" } } } ] } }"##
    };
}
pub(super) use fields_schema;

/// The fields of a record, by what they become.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Vec<(String, Field)>);

/// How one value is read out of a record.
#[derive(Debug)]
pub(super) struct Field {
    path: String,
    meaning: Meaning,
}

impl Fields {
    /// Reads `{ email: Email, status: { read: Status, map: … } }`. Where the records are `accounts`, the names are attributes.
    pub(super) fn compile(node: &Node, accounts: Purpose, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(entries) = node.as_map().filter(|entries| !entries.is_empty()) else {
            compiler.note(node.unexpected("names and columns or paths, such as `{ email: Email }`"));
            return None;
        };
        let mut fields = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = entry.key.text.as_str();
            if compiler.purpose == accounts {
                compiler.attribute(name, &entry.key.span);
            }
            compiler.mapped(name, &entry.value);
            fields.extend(Field::compile(&entry.value, compiler).map(|field| (name.to_owned(), field)));
        }
        Some(Self(fields))
    }

    /// The values of one record.
    ///
    /// # Errors
    /// A field is not there, or its value is none that the connector knows.
    pub(super) fn read(&self, record: &Value) -> Result<BTreeMap<String, String>, Failure> {
        let values = self.0.iter();
        values
            .map(|(name, field)| Ok((name.clone(), field.meaning.finish(name, field.find(record))?)))
            .collect()
    }
}

impl Field {
    fn compile(node: &Node, compiler: &mut Compiler<'_>) -> Option<Self> {
        if node.as_map().is_none() {
            let path = compiler.text(node, "a column or a path, such as `Email` or `profile.email`")?;
            return Some(Self { path: path.to_owned(), meaning: Meaning::default() });
        }
        let fields = compiler.fields(node, KEYS, "a value of a record")?;
        let path =
            compiler.required(&fields, "read").and_then(|node| compiler.text(node, "a column or a path"));
        let meaning = Meaning::compile(&fields, compiler);
        Some(Self { path: path?.to_owned(), meaning })
    }

    fn find(&self, record: &Value) -> Result<String, String> {
        let path = &self.path;
        let found = at_path(record, path).ok_or_else(|| {
            let has: Vec<&str> =
                record.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
            format!("there is no `{path}`; there is {}", super::words::shorten(&has.join(", ")))
        })?;
        text_of(found).ok_or_else(|| format!("`{path}` is no single value"))
    }
}

/// What stands at `path`: a key as it is, or keys and places joined by dots; a dot alone is the whole. `null` counts as nothing.
pub(super) fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let found = if path == WHOLE {
        Some(value)
    } else if let Some(found) = value.get(path) {
        Some(found)
    } else {
        path.split('.').try_fold(value, |value, key| match key.parse::<usize>() {
            Ok(index) if value.is_array() => value.get(index),
            _ => value.get(key),
        })
    };
    found.filter(|value| !value.is_null())
}

/// A text, number or truth value as text; a list of such, joined by commas.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Array(values) => {
            let texts: Option<Vec<String>> = values.iter().map(text_of).collect();
            texts.map(|texts| texts.join(", "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// The records of JSON text: the list at `path`, or the list that it is or the only one in it where no path is said.
///
/// # Errors
/// It is no JSON, or there is no list.
pub(super) fn of_json(text: &str, path: Option<&str>) -> Result<Vec<Value>, Failure> {
    let drift = |message: String| Failure::new(FailureClass::UiDrift, message);
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| drift(format!("this is no JSON: {error}")))?;
    let list = match path {
        Some(path) => at_path(&value, path).and_then(Value::as_array),
        None => value.as_array().or_else(|| {
            let mut lists = value.as_object()?.values().filter_map(Value::as_array);
            lists.next().filter(|_| lists.next().is_none())
        }),
    };
    list.cloned().ok_or_else(|| match path {
        Some(path) => drift(format!("there is no list at `{path}`")),
        None => drift("there is not one list in it; `rows:` says where it is".to_owned()),
    })
}

/// The records of CSV text (RFC 4180), whatever the separator: comma, semicolon, tab or bar. The first line has the headings.
///
/// # Errors
/// It is no text, or has no headings.
pub(super) fn of_csv(bytes: &[u8]) -> Result<Vec<Value>, Failure> {
    let drift = |message: String| Failure::new(FailureClass::UiDrift, message);
    let text = decoded(bytes).ok_or_else(|| drift("the export is neither UTF-8 nor UTF-16".to_owned()))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator_of(&text))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headings: Vec<String> = reader
        .headers()
        .map_err(|error| drift(format!("this is no CSV: {error}")))?
        .iter()
        .map(|heading| heading.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let record = |cells: csv::StringRecord| {
        let cells = cells.iter().map(|cell| Value::String(cell.to_owned()));
        Value::Object(headings.iter().cloned().zip(cells).collect())
    };
    let rows = reader
        .records()
        .map(|row| row.map(record).map_err(|error| drift(format!("this is no CSV: {error}"))));
    rows.collect()
}

/// UTF-8, or UTF-16 with its mark, as spreadsheets write it.
fn decoded(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(unit));
        String::from_utf16(&units.collect::<Vec<u16>>()).ok()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// The separator that stands most often in the first line, outside of quotes.
fn separator_of(text: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0u32), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in text.trim_start().bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            _ => counts
                .iter_mut()
                .filter(|(separator, _)| *separator == byte)
                .for_each(|(_, count)| *count += 1),
        }
    }
    // The first of the most frequent ones.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn exports_are_read_however_spreadsheets_write_them() {
        let expected =
            json!([{ "Email": "a@x", "Full name": "Ada \"A\" L;\nII" }, { "Email": "b@x", "Full name": "" }]);
        let plain = "Email,Full  name\r\na@x,\"Ada \"\"A\"\" L;\nII\"\r\nb@x,\r\n";
        let semicolons = "\u{feff}\"Email\";Full name\na@x;\"Ada \"\"A\"\" L;\nII\"\nb@x;\n";
        let wide: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain(plain.replace(",", "\t").encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        for bytes in [plain.as_bytes(), semicolons.as_bytes(), &wide] {
            assert_eq!(Value::Array(of_csv(bytes).unwrap()), expected, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(of_csv(b"Email\n").unwrap(), Vec::<Value>::new());
        assert_eq!(of_csv(b"a\nb,c\n").unwrap(), [json!({ "a": "b" })]);
        assert!(of_csv(b"\xC3\x28").is_err());
    }

    #[test]
    fn a_list_is_found_where_it_is_said_or_where_there_is_but_one() {
        let text = r#"{ "data": { "users": [1] }, "links": [2], "total": 3 }"#;
        assert_eq!(of_json(text, Some("data.users")).unwrap(), [json!(1)]);
        assert_eq!(of_json(text, None).unwrap(), [json!(2)]);
        assert_eq!(of_json("[3]", Some(".")).unwrap(), [json!(3)]);
        assert_eq!(of_json("[3]", None).unwrap(), [json!(3)]);
        assert_eq!(of_json(r#"[[4]]"#, Some("0")).unwrap(), [json!(4)]);
        for (text, path) in [(text, Some("data")), (r#"{ "a": [], "b": [] }"#, None), ("<html>", None)] {
            assert!(of_json(text, path).is_err(), "{text} {path:?}");
        }
    }

    #[test]
    fn values_are_found_by_their_paths() {
        let record = json!({ "a.b": 1, "c": { "d": [true, "x"], "e": null }, "f": {} });
        for (path, expected) in [
            ("a.b", Ok("1")),
            ("c.d", Ok("true, x")),
            ("c.d.1", Ok("x")),
            ("c.e", Err("there is no `c.e`; there is a.b, c, f")),
            ("f", Err("`f` is no single value")),
        ] {
            let field = Field { path: path.to_owned(), meaning: Meaning::default() };
            assert_eq!(field.find(&record), expected.map(str::to_owned).map_err(str::to_owned), "{path}");
        }
    }
}
