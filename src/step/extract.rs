//! Extractors: how a value is read off the page. A locator (its text),
//! `{ read: LOCATOR, attribute?, match?, map?, default? }`, or `{ names: LOCATOR, match?, map? }` for many values.
//!
//! A value is never guessed: what `match` or `map` does not know fails the step, unless there is a `default`.

use regex::Regex;

use super::compile::Compiler;
use super::failure::Failure;
use super::flow::Use;
use super::values::Fields;
use crate::browser::Read;
use crate::diagnostic::Diagnostic;
use crate::failure::FailureClass;
use crate::locator::Locator;
use crate::playbook::{Node, ScopeValue, Template};

pub(super) const KEYS: &[&str] = &["read", "names", "attribute", "match", "map", "default"];

/// How one value is read.
#[derive(Debug)]
pub struct Extractor {
    /// The element.
    pub locator: Locator<Template>,
    takes: Takes,
    attribute: Option<String>,
    meaning: Meaning,
}

/// What a text that was read means: `match`, `map` and `default` of an extractor.
#[derive(Debug, Default)]
pub struct Meaning {
    pattern: Option<Regex>,
    map: Option<Vec<(String, String)>>,
    default: Option<String>,
}

/// What of the elements is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// The text or an attribute of the one that matches.
    One,
    /// The names of all that match; as a text, each on a line of its own.
    Names,
}

impl Extractor {
    /// Reads it from its node.
    pub fn compile(node: &Node, compiler: &mut Compiler<'_>) -> Option<Self> {
        if node.as_map().is_none() {
            let locator = compiler.locator(node)?;
            return Some(Self { locator, takes: Takes::One, attribute: None, meaning: Meaning::default() });
        }
        let fields = compiler.fields(node, KEYS, "an extractor")?;
        let takes = if fields.get("names").is_some() { Takes::Names } else { Takes::One };
        if takes == Takes::Names {
            for (key, node) in ["read", "attribute", "default"].map(|key| (key, fields.get(key))) {
                let Some(node) = node else { continue };
                let message = format!("`{key}` is for one value, `names` for many");
                compiler.note(Diagnostic::error("contradiction", &node.span, message));
            }
        }
        let element = if takes == Takes::Names { "names" } else { "read" };
        let locator = compiler.required(&fields, element).and_then(|node| compiler.locator(node));
        let attribute = fields
            .get("attribute")
            .and_then(|node| compiler.text(node, "the name of an attribute"))
            .map(str::to_owned);
        let meaning = Meaning::compile(&fields, compiler);
        Some(Self { locator: locator?, takes, attribute, meaning })
    }

    /// What the page is asked for.
    pub fn read(&self) -> Read {
        Read { attribute: self.attribute.clone(), all: self.takes == Takes::Names }
    }

    /// Whether it has a value even where the page has none.
    pub fn has_default(&self) -> bool {
        self.meaning.has_default()
    }

    /// Whether it is the page as it is that counts, and nothing is waited for.
    pub fn waits_for_nothing(&self) -> bool {
        self.has_default() || self.takes == Takes::Names
    }

    /// `value` as templates see it.
    pub fn in_scope(&self, value: &str) -> ScopeValue {
        match self.takes {
            Takes::One => value.into(),
            Takes::Names => value.lines().map(str::to_owned).collect::<Vec<_>>().into(),
        }
    }

    /// Calls `visit` with its templates.
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.locator.for_each_text(&mut |text| visit(Use::Locator, text));
    }

    /// The value, from what the page had for `name`.
    ///
    /// # Errors
    /// It had nothing that is a value, and there is no default.
    pub fn finish(&self, name: &str, found: Option<String>) -> Result<String, Failure> {
        if self.takes == Takes::Names {
            let lines = found.unwrap_or_default();
            let one = |line: &str| self.meaning.finish(name, Ok(line.to_owned())).map(|one| one + "\n");
            return lines.lines().map(one).collect();
        }
        let locator = &self.locator;
        let found = found.ok_or_else(|| match &self.attribute {
            Some(attribute) => format!("{locator} has no attribute `{attribute}`"),
            None => format!("there is no {locator}"),
        });
        self.meaning.finish(name, found)
    }
}

impl Meaning {
    /// Reads its keys from among `fields`.
    pub(super) fn compile(fields: &Fields<'_>, compiler: &mut Compiler<'_>) -> Self {
        let pattern = fields.get("match").and_then(|node| compiler.pattern(node));
        let map = fields.get("map").and_then(|node| table(node, compiler));
        let default = fields.get("default").and_then(|node| literal(node, compiler));
        Self { pattern, map, default }
    }

    /// Whether there is a value even where nothing was read.
    pub(super) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// The value, from what there was for `name`, or from why there was nothing.
    ///
    /// # Errors
    /// There was nothing that is a value, and there is no default.
    pub(super) fn finish(&self, name: &str, found: Result<String, String>) -> Result<String, Failure> {
        match (found.and_then(|found| self.value(&found)), &self.default) {
            (Ok(value), _) => Ok(value),
            (Err(_), Some(default)) => Ok(default.clone()),
            (Err(message), None) => Err(Failure::new(FailureClass::UiDrift, format!("{name}: {message}"))),
        }
    }

    fn value(&self, found: &str) -> Result<String, String> {
        let text = found.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = match &self.pattern {
            None => text,
            Some(pattern) => {
                let groups = pattern.captures(&text);
                let group = groups.as_ref().and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
                let none = || format!("{} does not match /{pattern}/", quote(&text));
                group.ok_or_else(none)?.as_str().to_owned()
            }
        };
        let Some(map) = &self.map else { return Ok(text) };
        let known = map.iter().find(|(shown, _)| *shown == text).map(|(_, value)| value.clone());
        known.ok_or_else(|| {
            let shown: Vec<String> = map.iter().map(|(shown, _)| quote(shown)).collect();
            format!("the app shows {}; its `map` has {}", quote(&text), shown.join(", "))
        })
    }
}

fn quote(text: &str) -> String {
    format!("“{}”", super::words::shorten(text))
}

/// `{ Active: active, Pending: invited }`.
fn table(node: &Node, compiler: &mut Compiler<'_>) -> Option<Vec<(String, String)>> {
    let Some(entries) = node.as_map().filter(|entries| !entries.is_empty()) else {
        compiler.note(node.unexpected("what the page shows and what it means, such as `{ Active: active }`"));
        return None;
    };
    let rows =
        entries.iter().filter_map(|entry| Some((entry.key.text.clone(), literal(&entry.value, compiler)?)));
    Some(rows.collect())
}

/// A text, a number or a truth value, without templates.
fn literal(node: &Node, compiler: &mut Compiler<'_>) -> Option<String> {
    let template = compiler.template(node)?;
    let literal = template.literal().map(str::to_owned);
    if literal.is_none() {
        compiler.note(Diagnostic::error("template_here", &node.span, "a template cannot stand here"));
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostics, Source};
    use crate::step::purpose::{Purpose, Vocabulary};

    fn extractor(text: &str) -> Extractor {
        let node = crate::playbook::read(Source::new("f", text)).unwrap();
        let mut found = Diagnostics::default();
        let vocabulary = Vocabulary::default();
        let extractor =
            Extractor::compile(&node, &mut Compiler::new(Purpose::ReadAccount, &vocabulary, &mut found));
        assert!(found.is_empty(), "{:?}", found.into_sorted());
        extractor.unwrap()
    }

    #[test]
    fn a_value_is_read_or_refused_and_never_guessed() {
        let id = "{ read: link /./, attribute: href, match: '/members/(\\d+)' }";
        let status = "{ read: column \"Status\", map: { Active: active, Pending: invited } }";
        for (written, found, expected) in [
            ("column \"Name\"", Some(" Ada \n Lovelace "), Ok("Ada Lovelace")),
            ("column \"Name\"", Some(""), Ok("")),
            ("column \"Name\"", None, Err("x: there is no column \"Name\"")),
            (id, Some("/orgs/acme/members/17?tab=1"), Ok("17")),
            (id, Some("/orgs/acme"), Err("x: “/orgs/acme” does not match //members/(\\d+)/")),
            (id, None, Err("x: link /./ has no attribute `href`")),
            (status, Some("Pending"), Ok("invited")),
            (status, Some("Paused"), Err("x: the app shows “Paused”; its `map` has “Active”, “Pending”")),
            ("{ read: text \"Owner\", default: none }", None, Ok("none")),
            ("{ read: text /./, match: 'of (\\d+)', default: 0 }", Some("nobody"), Ok("0")),
            ("{ read: text /./, match: '\\d+' }", Some("53 people"), Ok("53")),
            ("{ names: checkbox (is checked) }", Some("Sales, EMEA\nOps\n"), Ok("Sales, EMEA\nOps\n")),
            ("{ names: listitem, match: '^(\\w+)', map: { a: A, b: B } }", Some("b 1\na 2\n"), Ok("B\nA\n")),
            (
                "{ names: listitem, map: { a: A } }",
                Some("a\nb\n"),
                Err("x: the app shows “b”; its `map` has “a”"),
            ),
            ("{ names: listitem }", Some(""), Ok("")),
        ] {
            let value = extractor(written).finish("x", found.map(str::to_owned));
            assert_eq!(
                value.map_err(|failure| failure.message),
                expected.map(str::to_owned).map_err(str::to_owned)
            );
        }
    }
}
