//! From tree to steps: what step kinds share as they read their nodes.
//!
//! Every mistake is noted and reading goes on, so that an author sees all of them at once. Every template passes
//! [`Compiler::template`] or [`Compiler::locator`], so no name escapes the check.

use std::sync::Arc;

use super::flow::{Call, Effect, Flow, KnownError, Need, OpenName, Pictures, PopUp, Role, Step};
use super::kind::{self, KINDS};
use super::purpose::{Purpose, Vocabulary};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, one_of};
use crate::locator::Locator;
use crate::playbook::{Key, Names, Node, Template};

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
    let Compiler { open_names, yields, reads, calls, names, .. } = compiler;
    Some(Flow {
        name: name.to_owned(),
        span: node.span.clone(),
        at,
        logged_in,
        steps,
        open_names,
        yields,
        reads,
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

/// Compiles `secrets:` of `connector.yaml`: locators.
pub fn compile_secrets(
    node: &Node,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) -> Vec<Locator<Template>> {
    let mut compiler = Compiler::new(Purpose::SubFlow, vocabulary, diagnostics);
    let nodes = compiler.list(node, "a list of locators").iter();
    let locators = nodes.filter_map(|node| compiler.locator(node)).collect();
    compiler.no_open_names();
    locators
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
    pub(super) diagnostics: &'a mut Diagnostics,
    /// What templates can use here.
    pub(super) names: Names,
    /// Every variable the flow sets or reads, and where.
    pub(super) yields: Vec<(String, Span)>,
    /// What the flow reads of an account, where that is what it is for.
    pub(super) reads: Vec<String>,
    pub(super) open_names: Vec<OpenName>,
    /// The sub-flows that ran before this place.
    pub(super) ran: Arc<Vec<String>>,
    pub(super) calls: Vec<Call>,
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
        let (yields, reads, open_names) = <(Vec<_>, Vec<_>, Vec<_>)>::default();
        let (ran, calls) = <(Arc<_>, Vec<_>)>::default();
        Self { purpose, vocabulary, diagnostics, names, yields, reads, open_names, ran, calls }
    }

    /// Notes a mistake.
    pub fn note(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn take<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
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
        if self.diagnostics.is_full() {
            return None;
        }
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
}

fn example_of(word: &str) -> &'static str {
    kind::find(word).and_then(|kind| kind.example.lines().next()).unwrap_or_default().trim_start_matches("- ")
}

/// What a kind's `compile` gives.
pub type Compiled = Option<Box<dyn Effect>>;
