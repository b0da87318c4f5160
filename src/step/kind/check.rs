//! `check`: a checkbox or switch, turned on where it is off.

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
    keyword: "check",
    summary: "Turns a checkbox or switch on, where it is off.",
    example: "- check: checkbox \"Send an invitation\"",
    schema: r##"{ "$ref": "#/$defs/locator" }"##,
    beside: &[],
    may_commit: true,
    compile,
};

/// Turns a checkbox on, or off for `uncheck`.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) on: Locator<Template>,
    pub(super) checked: bool,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    Some(Box::new(Check { on: compiler.locator(written.value)?, checked: true }))
}

#[async_trait]
impl Effect for Check {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let (verb, past) = if self.checked { ("check", "checked") } else { ("uncheck", "unchecked") };
        Phrase::new(verb, past, &teller.element(&self.on))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.on)?;
        stage.act(&target, Action::Check(self.checked)).await?;
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.on]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.on.for_each_text(&mut |text| visit(Use::Locator, text));
    }
}
