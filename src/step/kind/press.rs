//! `press`: a key.

use async_trait::async_trait;

use super::StepKind;
use crate::browser::{Action, Target};
use crate::diagnostic::Diagnostic;
use crate::locator::{Kind, Locator, Name};
use crate::playbook::{Node, Template};
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "press",
    summary: "Presses a key, such as Enter, Escape, ArrowDown or Control+A, where the focus is or on an element.",
    example: "- press: { key: Enter, on: field \"Search members\" }",
    schema: r##"{ "oneOf": [ { "type": "string" }, { "type": "object", "required": ["key"], "additionalProperties": false,
        "properties": { "key": { "type": "string" }, "on": { "$ref": "#/$defs/locator" } } } ] }"##,
    beside: &[],
    may_commit: true,
    compile,
};

const MODIFIERS: &[&str] = &["Alt", "Control", "Meta", "Shift"];
const KEYS: &[&str] = &[
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "Backspace",
    "Delete",
    "End",
    "Enter",
    "Escape",
    "Home",
    "PageDown",
    "PageUp",
    "Space",
    "Tab",
];
/// The element that has the focus, or the page where none has.
const FOCUSED: &str = ":focus, body:not(:has(:focus))";

#[derive(Debug)]
struct Press {
    key: String,
    on: Option<Locator<Template>>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    if written.value.as_map().is_none() {
        return Some(Box::new(Press { key: key(written.value, compiler)?, on: None }));
    }
    let fields = compiler.fields(written.value, &["key", "on"], "`press`")?;
    let key = compiler.required(&fields, "key").and_then(|node| key(node, compiler));
    let on = match fields.get("on") {
        Some(node) => Some(compiler.locator(node)?),
        None => None,
    };
    Some(Box::new(Press { key: key?, on }))
}

/// `Enter`, `a`, `Control+A`.
fn key(node: &Node, compiler: &mut Compiler<'_>) -> Option<String> {
    let text = compiler.text(node, "a key, such as `Enter`")?;
    let (modifiers, key) = match text.rsplit_once('+') {
        Some((modifiers, key)) if !key.is_empty() => (modifiers, key),
        _ => ("", text),
    };
    let unknown = modifiers
        .split('+')
        .find(|modifier| !modifier.is_empty() && !MODIFIERS.contains(modifier))
        .or_else(|| (!KEYS.contains(&key) && key.chars().count() != 1).then_some(key));
    if let Some(unknown) = unknown {
        let found = Diagnostic::error("unknown_key_name", &node.span, format!("`{unknown}` is no key"));
        compiler.note(found.suggest(unknown, KEYS.iter().chain(MODIFIERS).copied()));
        return None;
    }
    Some(text.to_owned())
}

#[async_trait]
impl Effect for Press {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let on = self.on.as_ref().map(|on| format!(" on {}", teller.element(on))).unwrap_or_default();
        Phrase::new("press", "pressed", &format!("{}{on}", self.key))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = match &self.on {
            Some(on) => stage.target(on)?,
            None => Target {
                within: Vec::new(),
                locator: Locator::one(Kind::Css, Name::Exact(FOCUSED.to_owned())),
            },
        };
        stage.act(&target, Action::Press(self.key.clone())).await?;
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        self.on.iter().collect()
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        if let Some(on) = &self.on {
            on.for_each_text(&mut |text| visit(Use::Locator, text));
        }
    }
}
