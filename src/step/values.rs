//! Reading the values of a step: mappings, texts, times, patterns, templates, locators. What is not as it must be is noted.

use std::time::Duration;

use regex::Regex;

use super::compile::{Compiler, Written};
use super::rule;
use crate::diagnostic::{Diagnostic, Span, one_of};
use crate::failure::{CLASSES, FailureClass};
use crate::locator::Locator;
use crate::playbook::{Expression, Key, Node, Template, Value, parse_locator};

/// The longest that a step may be told to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Regular expressions of a connector, at most.
const MOST_PATTERNS: usize = 1000;

/// The entries of a mapping whose keys are all known.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'n> {
    node: &'n Node,
}

impl<'n> Fields<'n> {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key)
    }
}

impl Compiler<'_> {
    /// The items of a list; none, and a mistake, where it is no list.
    pub fn list<'n>(&mut self, node: &'n Node, expected: &str) -> &'n [Node] {
        self.take(node.expect_list(expected)).unwrap_or_default()
    }

    /// The mapping `node`; keys that are not `known` are noted.
    pub fn fields<'n>(&mut self, node: &'n Node, known: &[&str], expected: &str) -> Option<Fields<'n>> {
        let keys = one_of(known);
        let entries = self.take(node.expect_map(&format!("{expected}: a mapping with {keys}")))?;
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.text.as_str())) {
            let key = &entry.key.text;
            let found =
                Diagnostic::error("unknown_key", &entry.key.span, format!("{expected} has no `{key}`"));
            self.note(found.suggest(key, known.iter().copied()));
        }
        Some(Fields { node })
    }

    /// The value of `key`, which must be there.
    pub fn required<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Node> {
        let value = fields.get(key);
        if value.is_none() {
            let found = Diagnostic::error("missing_key", &fields.node.span, format!("`{key}` is missing"));
            self.note(found);
        }
        value
    }

    /// The value of `key` beside the keyword, which must be there.
    pub fn required_beside<'n>(&mut self, written: &Written<'n>, key: &str) -> Option<&'n Node> {
        let value = written.beside(key);
        if value.is_none() {
            let message = format!("`{}` needs `{key}` beside it", written.keyword.text);
            self.note(Diagnostic::error("missing_key", &written.keyword.span, message));
        }
        value
    }

    /// A text without templates.
    pub fn text<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n str> {
        self.take(node.expect_text(expected))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, node: &Node) -> Option<bool> {
        self.take(node.expect_bool())
    }

    /// A whole number from 1 up to `most`.
    pub fn count(&mut self, node: &Node, most: u32) -> Option<u32> {
        let number = node.as_text().and_then(|text| text.parse().ok()).filter(|n| (1..=most).contains(n));
        if number.is_none() {
            self.note(node.unexpected(&format!("a whole number from 1 to {most}")));
        }
        number
    }

    /// A duration: `500ms`, `20s`, `2m`.
    pub fn duration(&mut self, node: &Node) -> Option<Duration> {
        let found =
            node.as_text().and_then(parse_duration).filter(|wait| !wait.is_zero() && *wait <= LONGEST_WAIT);
        if found.is_none() {
            self.note(node.unexpected("a time such as `500ms`, `20s` or `2m`, at most 10 minutes"));
        }
        found
    }

    /// A regular expression, with or without slashes around it; `/…/i` disregards case.
    pub fn pattern(&mut self, node: &Node) -> Option<Regex> {
        let text = self.text(node, "a regular expression")?;
        if !self.affords(1, &node.span) {
            return None;
        }
        let (body, ignore_case) = match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((body, "i")) => (body, true),
            Some((body, "")) => (body, false),
            _ => (text, false),
        };
        match regex::RegexBuilder::new(body).case_insensitive(ignore_case).size_limit(1 << 19).build() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let found = Diagnostic::error("regex", &node.span, "not a regular expression");
                self.note(found.label(reason));
                None
            }
        }
    }

    /// Whether `more` patterns are not too many: each takes milliseconds to compile. Where they are, that is noted once.
    fn affords(&mut self, more: usize, span: &Span) -> bool {
        let spent = self.diagnostics.spend(more);
        if spent > MOST_PATTERNS && spent - more <= MOST_PATTERNS {
            let message = format!("the connector has more than {MOST_PATTERNS} regular expressions");
            let found = Diagnostic::error("too_many_patterns", span, message);
            self.note(found.help("a name between quotes finds most elements"));
        }
        spent <= MOST_PATTERNS
    }

    /// A failure class.
    pub fn class(&mut self, node: &Node) -> Option<FailureClass> {
        let word = self.text(node, "a failure class")?;
        let class = word.parse().ok();
        if class.is_none() {
            let found = rule::unknown_class::RULE.at(&node.span, format!("`{word}` is no failure class"));
            self.note(found.suggest(word, CLASSES.iter().map(|info| info.word)));
        }
        class
    }

    /// A value: text with templates; numbers and truth values count as the text they are written as.
    pub fn template(&mut self, node: &Node) -> Option<Template> {
        let text = match &node.value {
            Value::Bool(value) => {
                if *value {
                    "true"
                } else {
                    "false"
                }
            }
            Value::Null => "",
            _ => self.text(node, "a text")?,
        };
        let template = self.take(Template::parse(text, &node.span))?;
        self.names(template.names());
        self.compared(template.comparisons());
        Some(template)
    }

    /// A condition over what templates see.
    pub fn expression(&mut self, node: &Node) -> Option<Expression> {
        if matches!(node.value, Value::Bool(_)) {
            let found = Diagnostic::error("constant", &node.span, "a condition that never changes");
            self.note(found.help("take `when` away, or the step"));
            return None;
        }
        let text = self.text(node, "a condition, such as `account.status == 'active'`")?;
        let expression = self.take(Expression::parse(text, &node.span))?;
        self.names(expression.names());
        self.compared(expression.comparisons());
        Some(expression)
    }

    /// A locator.
    pub fn locator(&mut self, node: &Node) -> Option<Locator<Template>> {
        let text = self.text(node, "a locator, such as `button \"Save\"`")?;
        if !self.affords(text.matches('/').count() / 2, &node.span) {
            return None;
        }
        let parsed = parse_locator(text, &node.span);
        let locator = self.diagnostics.take(parsed)?;
        let mut names = Vec::new();
        locator.for_each_text(&mut |template: &Template| names.extend(template.names()));
        self.names(names);
        self.by_position(&locator, &node.span);
        self.nth(text, &node.span);
        Some(locator)
    }

    /// The name of a control or the like that stands as a key.
    pub fn key_template(&mut self, key: &Key) -> Option<Template> {
        let template = self.take(Template::parse(&key.text, &key.span))?;
        self.names(template.names());
        Some(template)
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}
