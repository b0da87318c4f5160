//! `select`: an option of a native select or of an ARIA combobox or listbox.

use async_trait::async_trait;

use super::StepKind;
use crate::browser::Action;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "select",
    summary: "Chooses an option of a native select, or of an ARIA combobox or listbox.",
    example: "- select: { in: field \"Role\", option: Agent }",
    schema: r##"{ "type": "object", "required": ["in", "option"], "additionalProperties": false,
        "properties": { "in": { "$ref": "#/$defs/locator" }, "option": { "$ref": "#/$defs/value" } } }"##,
    beside: &[],
    may_commit: true,
    compile,
};

#[derive(Debug)]
struct Select {
    control: Locator<Template>,
    option: Template,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["in", "option"], "`select`")?;
    let control = compiler.required(&fields, "in").and_then(|node| compiler.locator(node));
    let option = compiler.required(&fields, "option").and_then(|node| compiler.template(node));
    Some(Box::new(Select { control: control?, option: option? }))
}

#[async_trait]
impl Effect for Select {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let rest = format!("{} in {}", teller.value(&self.option), teller.element(&self.control));
        Phrase::new("select", "selected", &rest)
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.control)?;
        let option = stage.render(&self.option)?;
        stage.act(&target, Action::Select(option.text)).await?;
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.control]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.control.for_each_text(&mut |text| visit(Use::Locator, text));
        visit(Use::Value, &self.option);
    }
}
