//! `expect`: waits for something, or fails.

use async_trait::async_trait;
use regex::Regex;

use super::StepKind;
use crate::diagnostic::Diagnostic;
use crate::locator::Locator;
use crate::playbook::{Node, Template};
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "expect",
    summary: "Waits until an element is there or gone, the address matches, or a field has a value; or fails.",
    example: "- expect: status \"Member updated\"",
    schema: r##"{ "oneOf": [ { "$ref": "#/$defs/locator" },
        { "type": "object", "required": ["gone"], "additionalProperties": false,
          "properties": { "gone": { "$ref": "#/$defs/locator" } } },
        { "type": "object", "required": ["url"], "additionalProperties": false,
          "properties": { "url": { "type": "string", "description": "A regular expression between slashes" } } },
        { "type": "object", "required": ["field", "is"], "additionalProperties": false,
          "properties": { "field": { "$ref": "#/$defs/locator" }, "is": { "$ref": "#/$defs/value" } } } ] }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
enum Expect {
    There(Locator<Template>),
    Gone(Locator<Template>),
    Url(Regex),
    Field { field: Locator<Template>, is: Template },
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let node = written.value;
    let expect = match node.as_map() {
        None => Expect::There(compiler.locator(node)?),
        Some(_) => of_mapping(node, compiler)?,
    };
    Some(Box::new(expect))
}

fn of_mapping(node: &Node, compiler: &mut Compiler<'_>) -> Option<Expect> {
    let fields = compiler.fields(node, &["gone", "url", "field", "is"], "`expect`")?;
    let given = ["gone", "url", "field"].into_iter().filter(|key| fields.get(key).is_some()).count();
    if given != 1 || fields.get("is").is_some() != fields.get("field").is_some() {
        let found = Diagnostic::error("expect", &node.span, "it is not clear what is expected");
        compiler.note(
            found.help("a locator, or one of { gone: LOCATOR }, { url: /…/ }, { field: LOCATOR, is: value }"),
        );
        return None;
    }
    if let Some(gone) = fields.get("gone") {
        return Some(Expect::Gone(compiler.locator(gone)?));
    }
    if let Some(url) = fields.get("url") {
        return Some(Expect::Url(compiler.pattern(url)?));
    }
    let field = fields.get("field").and_then(|node| compiler.locator(node));
    let is = fields.get("is").and_then(|node| compiler.template(node));
    Some(Expect::Field { field: field?, is: is? })
}

#[async_trait]
impl Effect for Expect {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        match self {
            Self::There(locator) => Phrase::new("expect", "saw", &teller.element(locator)),
            Self::Gone(locator) => {
                let element = teller.element(locator);
                Phrase { doing: format!("expect no {element}"), done: format!("saw no {element}") }
            }
            Self::Url(pattern) => Phrase::new("expect", "saw", &format!("an address like /{pattern}/")),
            Self::Field { field, is } => {
                Phrase::new("expect", "saw", &format!("{} in {}", teller.value(is), teller.element(field)))
            }
        }
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        match self {
            Self::There(locator) => {
                let target = stage.target(locator)?;
                stage.expect(&target).await?;
            }
            Self::Gone(locator) => {
                let target = stage.target(locator)?;
                stage.gone(&target).await?;
            }
            Self::Url(pattern) => stage.url_matches(pattern).await?,
            Self::Field { field, is } => {
                let (target, value) = (stage.target(field)?, stage.render(is)?);
                stage.field_is(&target, &value.text).await?;
            }
        }
        Ok(Next::GoOn)
    }

    fn looks(&self) -> bool {
        true
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        match self {
            Self::There(locator) | Self::Gone(locator) | Self::Field { field: locator, .. } => vec![locator],
            Self::Url(_) => Vec::new(),
        }
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        match self {
            Self::There(locator) => locator.for_each_text(&mut |text| visit(Use::Locator, text)),
            // What is gone shows nothing.
            Self::Gone(locator) => locator.for_each_text(&mut |text| visit(Use::Value, text)),
            Self::Url(_) => {}
            Self::Field { field, is } => {
                field.for_each_text(&mut |text| visit(Use::Locator, text));
                visit(Use::Locator, is);
            }
        }
    }
}
