//! Diagnostics as SARIF 2.1.0 (OASIS, 2020), which code hosts and editors show beside the lines.
//!
//! Paths become relative references (section 3.4.3); what lies outside the working directory becomes a `file` URI.
//! Columns count characters, as those of diagnostics do.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::connector::{Code, codes};
use crate::diagnostic::{Diagnostic, Severity};

/// What a path segment of a URI may hold as it is, besides letters and digits (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The log of one run.
pub(super) fn log(diagnostics: &[Diagnostic]) -> Value {
    let codes = codes();
    let results: Vec<Value> = diagnostics.iter().map(|one| result(one, &codes)).collect();
    let rules: Vec<Value> = codes.iter().map(rule).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "usher", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    let help = match code.help {
        Some((why, cure)) => format!("{why} {cure}"),
        None => format!("{} See connectors/REFERENCE.md.", code.summary),
    };
    json!({
        "id": code.id,
        "shortDescription": { "text": code.summary },
        "fullDescription": { "text": code.help.map_or(code.summary, |(why, _)| why) },
        "help": { "text": help },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

fn result(diagnostic: &Diagnostic, codes: &[Code]) -> Value {
    let span = &diagnostic.span;
    let (end_line, end_column) = span.end_position();
    let said = [Some(&diagnostic.message), diagnostic.label.as_ref(), diagnostic.help.as_ref()];
    let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level(diagnostic.severity),
        "message": { "text": said.join("; ") },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(span.file()) },
            "region": {
                "startLine": span.line(), "startColumn": span.column(),
                "endLine": end_line, "endColumn": end_column,
            },
        } }],
    });
    if let Some(index) = codes.iter().position(|code| code.id == diagnostic.code) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A path as the URI of a file.
fn uri(path: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = Path::new(path);
    let path = path.strip_prefix(&here).unwrap_or(path);
    let segments: Vec<String> = path
        .components()
        .filter_map(|component| match component {
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
            Component::ParentDir => Some("..".to_owned()),
            Component::Normal(name) => {
                Some(utf8_percent_encode(&name.to_string_lossy(), SEGMENT).to_string())
            }
        })
        .collect();
    let start = if path.is_absolute() { "file:///" } else { "" };
    format!("{start}{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        let here = std::env::current_dir().unwrap();
        for (path, expected) in [
            ("connectors/a b/flows/x.yaml".to_owned(), "connectors/a%20b/flows/x.yaml"),
            ("./a/../b#c".to_owned(), "a/../b%23c"),
            (here.join("a/é").display().to_string(), "a/%C3%A9"),
            ("/x/y".to_owned(), "file:///x/y"),
        ] {
            assert_eq!(uri(&path), expected);
        }
    }
}
