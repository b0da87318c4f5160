//! `fill`: one text control, found by any locator.

use async_trait::async_trait;

use super::StepKind;
use crate::browser::{Action, Text};
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "fill",
    summary: "Types into one text control, found by any locator; what was in it is replaced.",
    example: "- fill: { into: searchbox, with: \"{{ account.email }}\" }",
    schema: r##"{ "type": "object", "required": ["into", "with"], "additionalProperties": false,
        "properties": { "into": { "$ref": "#/$defs/locator" }, "with": { "$ref": "#/$defs/value" } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Fill {
    into: Locator<Template>,
    with: Template,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["into", "with"], "`fill`")?;
    let into = compiler.required(&fields, "into").and_then(|node| compiler.locator(node));
    let with = compiler.required(&fields, "with").and_then(|node| compiler.template(node));
    Some(Box::new(Fill { into: into?, with: with? }))
}

#[async_trait]
impl Effect for Fill {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let rest = format!("{} into {}", teller.value(&self.with), teller.element(&self.into));
        Phrase::new("type", "typed", &rest)
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.into)?;
        let value = stage.render(&self.with)?;
        stage.act(&target, Action::Fill(Text { text: value.text, secret: value.secret })).await?;
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.into]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.into.for_each_text(&mut |text| visit(Use::Locator, text));
        visit(Use::Value, &self.with);
    }
}
