//! From tree to steps: what step kinds share as they read their nodes.
//!
//! Every mistake is noted and reading goes on, so that an author sees all of them at once. Every template passes
//! [`Compiler::template`] or [`Compiler::locator`], so no name escapes the check.

use std::time::Duration;

use regex::Regex;

use super::flow::{Call, Effect, Flow, KnownError, Need, OpenName, Pictures, PopUp, Role, Step};
use super::kind::{self, KINDS};
use super::purpose::{Purpose, Vocabulary};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, one_of};
use crate::failure::{CLASSES, FailureClass};
use crate::locator::{Kind, Locator, Name};
use crate::playbook::{Expression, Key, Names, Node, Template, Value, parse_locator};

/// The longest that a step may be told to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// What can stand beside the keyword of any step.
pub const MODIFIERS: &[&str] = &["name", "when", "timeout", "commit", "optional", "screenshot"];
/// What a flow's file can say.
const FLOW_KEYS: &[&str] = &["steps"];
const LOGIN_KEYS: &[&str] = &["at", "logged_in", "steps"];

/// Compiles the file of the flow `name`. What could not be read is left out and noted.
pub fn compile_flow(
    name: &str,
    node: &Node,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Option<Flow> {
    let mut compiler = Compiler::new(Purpose::of(name, vocabulary), vocabulary, diagnostics);
    let keys = if compiler.purpose == Purpose::Login { LOGIN_KEYS } else { FLOW_KEYS };
    let fields = compiler.fields(node, keys, "a flow")?;
    let at = fields.get("at").and_then(|node| compiler.template(node));
    let logged_in = fields.get("logged_in").and_then(|node| compiler.locator(node));
    let steps = compiler.required(&fields, "steps").map(|node| compiler.steps(node)).unwrap_or_default();
    let Compiler { open_names, yields, calls, names, .. } = compiler;
    Some(Flow {
        name: name.to_owned(),
        span: node.span.clone(),
        at,
        logged_in,
        steps,
        open_names,
        yields,
        calls,
        names,
    })
}

/// Compiles `pop_ups:` of `connector.yaml`: `{ when, do }` each.
pub fn compile_pop_ups(node: &Node, vocabulary: &Vocabulary, diagnostics: &mut Diagnostics) -> Vec<PopUp> {
    let mut compiler = Compiler::new(Purpose::SubFlow, vocabulary, diagnostics);
    let pop_ups = compiler.list(node, "a list of pop-ups").iter().filter_map(|node| {
        let fields = compiler.fields(node, &["when", "do"], "a pop-up")?;
        let when = compiler.required(&fields, "when").and_then(|node| compiler.locator(node));
        let steps = compiler.required(&fields, "do").map(|node| compiler.steps(node)).unwrap_or_default();
        Some(PopUp { when: when?, steps, span: node.span.clone() })
    });
    let pop_ups: Vec<PopUp> = pop_ups.collect();
    compiler.no_open_names();
    for step in pop_ups.iter().flat_map(|pop_up| &pop_up.steps).filter(|step| step.role == Role::Commit) {
        diagnostics.error("commit_in_pop_up", &step.span, "a pop-up is closed without a commit step");
    }
    pop_ups
}

/// Compiles `errors:` of `connector.yaml`: `{ when, class, message? }` each.
pub fn compile_errors(
    node: &Node,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Vec<KnownError> {
    let mut compiler = Compiler::new(Purpose::SubFlow, vocabulary, diagnostics);
    let errors = compiler.list(node, "a list of errors").iter().filter_map(|node| {
        let fields = compiler.fields(node, &["when", "class", "message"], "an error")?;
        let when = compiler.required(&fields, "when").and_then(|node| compiler.locator(node));
        let class = compiler.required(&fields, "class").and_then(|node| compiler.class(node));
        let message = fields.get("message").and_then(|node| compiler.template(node));
        Some(KnownError { when: when?, class: class?, message, span: node.span.clone() })
    });
    let errors = errors.collect();
    compiler.no_open_names();
    errors
}

/// Compiles one locator of `connector.yaml`, such as `tenant`.
pub fn compile_locator(
    node: &Node,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Option<Locator<Template>> {
    let mut compiler = Compiler::new(Purpose::SubFlow, vocabulary, diagnostics);
    let locator = compiler.locator(node);
    compiler.no_open_names();
    locator
}

/// Compiles one template of `connector.yaml`, such as an origin.
pub fn compile_template(
    node: &Node,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Option<Template> {
    let mut compiler = Compiler::new(Purpose::SubFlow, vocabulary, diagnostics);
    let template = compiler.template(node);
    compiler.no_open_names();
    template
}

/// Reads the nodes of one flow and notes its mistakes.
#[derive(Debug)]
pub struct Compiler<'a> {
    pub(super) purpose: Purpose,
    pub(super) vocabulary: &'a Vocabulary,
    diagnostics: &'a mut Diagnostics,
    /// What templates can use here.
    names: Names,
    /// Every variable the flow sets or reads.
    yields: Vec<String>,
    open_names: Vec<OpenName>,
    /// The sub-flows that ran before this place.
    ran: Vec<String>,
    calls: Vec<Call>,
}

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

/// A step as it is written: the value of its keyword, and what its kind lets stand beside it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'n> {
    /// The step.
    pub step: &'n Node,
    /// The keyword.
    pub keyword: &'n Key,
    /// What stands behind the keyword.
    pub value: &'n Node,
}

impl<'n> Written<'n> {
    /// What stands beside the keyword under `key`.
    pub fn beside(&self, key: &str) -> Option<&'n Node> {
        self.step.get(key)
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        purpose: Purpose,
        vocabulary: &'a Vocabulary,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let names = purpose.names(vocabulary);
        let (yields, open_names, ran, calls) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
        Self { purpose, vocabulary, diagnostics, names, yields, open_names, ran, calls }
    }

    /// Notes a mistake.
    pub fn note(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn take<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.note(diagnostic)).ok()
    }

    /// The steps of a list.
    pub fn steps(&mut self, node: &Node) -> Vec<Step> {
        if node.as_list().is_some_and(<[Node]>::is_empty) {
            self.note(Diagnostic::error("no_steps", &node.span, "a list of steps without a step"));
        }
        self.list(node, "a list of steps").iter().filter_map(|node| self.step(node)).collect()
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let written = self.keyword(node)?;
        let kind = KINDS.iter().find(|kind| kind.keyword == written.keyword.text)?;
        let name = node.get("name").and_then(|node| self.text(node, "a name")).map(str::to_owned);
        let when = node.get("when").and_then(|node| self.expression(node));
        let timeout = node.get("timeout").and_then(|node| self.duration(node));
        let role = self.role(node, kind);
        let optional = node.get("optional").and_then(|node| self.flag(node)).unwrap_or(false);
        let pictures = node.get("screenshot").map_or(Pictures::On, |node| self.pictures(node));
        if optional && role == Role::Commit {
            let found = Diagnostic::error(
                "optional_commit",
                &written.keyword.span,
                "the commit step cannot be optional",
            );
            self.note(found.help("where nothing is to be done, the flow is not run"));
        }
        let effect = (kind.compile)(&written, self)?;
        let need = if optional { Need::Optional } else { Need::Required };
        let keyword = kind.keyword;
        let span = written.keyword.span.clone();
        Some(Step { keyword, span, name, when, timeout, role, need, pictures, effect })
    }

    /// Finds the one key that says what the step does.
    fn keyword<'n>(&mut self, node: &'n Node) -> Option<Written<'n>> {
        let entries = match node.as_map() {
            Some(entries) => entries,
            None => {
                let bare = node.as_text().filter(|word| KINDS.iter().any(|kind| kind.keyword == *word));
                let found = node.unexpected("a step, such as `click: button \"Save\"`");
                self.note(match bare {
                    Some(word) => found.help(format!("`{word}` takes a value: `{}`", example_of(word))),
                    None => found,
                });
                return None;
            }
        };
        let keywords: Vec<_> =
            entries.iter().filter(|entry| KINDS.iter().any(|kind| kind.keyword == entry.key.text)).collect();
        let beside: &[&str] = match keywords.as_slice() {
            [only] => KINDS.iter().find(|kind| kind.keyword == only.key.text).map_or(&[], |kind| kind.beside),
            _ => &[],
        };
        let is_known =
            |key: &str| MODIFIERS.contains(&key) || beside.contains(&key) || kind::find(key).is_some();
        for entry in entries.iter().filter(|entry| !is_known(&entry.key.text)) {
            self.unknown_key(entry.key.text.as_str(), &entry.key.span, keywords.is_empty(), beside);
        }
        match keywords.as_slice() {
            [only] => Some(Written { step: node, keyword: &only.key, value: &only.value }),
            [] => {
                if entries.iter().all(|entry| MODIFIERS.contains(&entry.key.text.as_str())) {
                    self.note(Diagnostic::error(
                        "no_keyword",
                        &node.span,
                        "this step does not say what it does",
                    ));
                }
                None
            }
            [first, second, ..] => {
                let message = format!("`{}` and `{}` in one step", first.key.text, second.key.text);
                let found = Diagnostic::error("two_keywords", &second.key.span, message);
                self.note(found.label("begin a new step: `- …`"));
                None
            }
        }
    }

    fn unknown_key(&mut self, key: &str, span: &Span, is_keyword: bool, beside: &[&str]) {
        let found = if is_keyword {
            let keywords = KINDS.iter().map(|kind| kind.keyword);
            Diagnostic::error("unknown_step", span, format!("unknown step `{key}`")).suggest(key, keywords)
        } else {
            let found = Diagnostic::error("unknown_modifier", span, format!("a step has no `{key}`"));
            found.suggest(key, MODIFIERS.iter().chain(beside).copied())
        };
        self.note(found);
    }

    fn role(&mut self, node: &Node, kind: &kind::StepKind) -> Role {
        let Some(commit) = node.get("commit") else { return Role::Ordinary };
        if !self.flag(commit).unwrap_or(false) {
            return Role::Ordinary;
        }
        if !kind.may_commit {
            let able: Vec<&str> =
                KINDS.iter().filter(|kind| kind.may_commit).map(|kind| kind.keyword).collect();
            let message = format!("`{}` cannot be the commit step", kind.keyword);
            let found = Diagnostic::error("cannot_commit", &commit.span, message);
            self.note(found.help(format!("it is the one act that changes the app: {}", one_of(&able))));
        }
        Role::Commit
    }

    fn pictures(&mut self, node: &Node) -> Pictures {
        match (node.as_bool(), node.as_text()) {
            (Some(false), _) | (_, Some("off")) => Pictures::Off,
            (Some(true), _) | (_, Some("on")) => Pictures::On,
            _ => {
                self.note(node.unexpected("`on` or `off`"));
                Pictures::On
            }
        }
    }

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
        let (body, ignore_case) = match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((body, "i")) => (body, true),
            Some((body, "")) => (body, false),
            _ => (text, false),
        };
        match regex::RegexBuilder::new(body).case_insensitive(ignore_case).size_limit(1 << 20).build() {
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

    /// A failure class.
    pub fn class(&mut self, node: &Node) -> Option<FailureClass> {
        let word = self.text(node, "a failure class")?;
        let class = word.parse().ok();
        if class.is_none() {
            let found =
                Diagnostic::error("unknown_class", &node.span, format!("`{word}` is no failure class"));
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
        Some(expression)
    }

    /// A locator.
    pub fn locator(&mut self, node: &Node) -> Option<Locator<Template>> {
        let text = self.text(node, "a locator, such as `button \"Save\"`")?;
        let parsed = parse_locator(text, &node.span);
        let locator = self.diagnostics.take(parsed)?;
        let mut names = Vec::new();
        locator.for_each_text(&mut |template: &Template| names.extend(template.names()));
        self.names(names);
        self.by_position(&locator, &node.span);
        Some(locator)
    }

    /// Notes CSS and XPath that count elements: they find something else as soon as the page has one more.
    fn by_position(&mut self, locator: &Locator<Template>, span: &Span) {
        for part in &locator.parts {
            let Some(Name::Exact(text)) = &part.name else { continue };
            let text = text.to_string();
            let counts = match part.kind {
                Kind::Css => [":nth-", ":first-", ":last-", ":only-"].iter().any(|word| text.contains(word)),
                Kind::XPath => counts_in_xpath(&text),
                _ => false,
            };
            if counts {
                let message = format!(
                    "`{}` by position finds another element once the page has one more",
                    part.kind.word()
                );
                let found = Diagnostic::error("by_position", span, message);
                self.note(found.help(
                    "say what the element is: a role and its name, a test id, or the row that has a text",
                ));
            }
            part.has.iter().for_each(|inner| self.by_position(inner, span));
        }
    }

    /// From here on `name` is a variable.
    pub fn declare(&mut self, name: &str, span: &Span) {
        let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_word {
            let found = Diagnostic::error("bad_name", span, format!("`{name}` cannot be a variable"));
            self.note(found.help("a variable is small letters, digits and `_`, a letter first"));
        } else if Purpose::roots().contains(&name) {
            self.note(Diagnostic::error("reserved_name", span, format!("`{name}` cannot be set")));
        }
        self.names.add(name);
        self.yields.push(name.to_owned());
    }

    /// What `compile` makes while `name` is a variable that is gone afterwards.
    pub fn while_declared<T>(&mut self, name: &str, span: &Span, compile: impl FnOnce(&mut Self) -> T) -> T {
        let names = self.names.clone();
        self.declare(name, span);
        self.yields.retain(|known| known != name);
        let made = compile(self);
        self.names = names;
        made
    }

    /// Notes that another flow is run here; what it reads can be used from here on.
    pub fn calls(&mut self, call: Call) {
        self.ran.push(call.flow.clone());
        self.calls.push(call);
    }

    /// The name of a control or the like that stands as a key.
    pub fn key_template(&mut self, key: &Key) -> Option<Template> {
        let template = self.take(Template::parse(&key.text, &key.span))?;
        self.names(template.names());
        Some(template)
    }

    fn names(&mut self, used: Vec<(String, Span)>) {
        for (name, span) in used {
            let root = name.split('.').next().unwrap_or(&name).to_owned();
            if root == "credentials" && self.purpose != Purpose::Login {
                let found = Diagnostic::error(
                    "secret_outside_login",
                    &span,
                    "credentials are there in `login` alone",
                );
                self.note(found.help(
                    "a session that is logged in needs no password; move the step to flows/login.yaml",
                ));
                continue;
            }
            if !self.names.knows(&root) || self.purpose.lends(&root, self.vocabulary) {
                let open = OpenName { name: root.clone(), span: span.clone(), after: self.ran.clone() };
                self.open_names.push(open);
            }
            if self.names.knows(&root) {
                self.names.check(&[(name, span)], self.diagnostics);
            }
        }
    }

    /// Where nobody could give a value to the names that are open, they are mistakes.
    fn no_open_names(&mut self) {
        for open in std::mem::take(&mut self.open_names) {
            let note = super::link::unknown_name(&open, &self.names);
            self.note(note);
        }
    }
}

fn example_of(word: &str) -> &'static str {
    kind::find(word).and_then(|kind| kind.example.lines().next()).unwrap_or_default().trim_start_matches("- ")
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

/// `[1]`, `[last()]`, `position()`.
fn counts_in_xpath(text: &str) -> bool {
    let index = text.split('[').skip(1).any(|rest| {
        rest.split(']')
            .next()
            .is_some_and(|inside| !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit()))
    });
    index || text.contains("position()") || text.contains("last()")
}

/// What a kind's `compile` gives.
pub type Compiled = Option<Box<dyn Effect>>;
