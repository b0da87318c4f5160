//! `hover`: puts the mouse over an element.

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
    keyword: "hover",
    summary: "Puts the mouse over the one element that matches, for menus that open so.",
    example: "- hover: row (has cell \"{{ account.email }}\")",
    schema: r##"{ "$ref": "#/$defs/locator" }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Hover {
    over: Locator<Template>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    Some(Box::new(Hover { over: compiler.locator(written.value)? }))
}

#[async_trait]
impl Effect for Hover {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        Phrase::new("hover over", "hovered over", &teller.element(&self.over))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.over)?;
        stage.act(&target, Action::Hover).await?;
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.over]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.over.for_each_text(&mut |text| visit(Use::Locator, text));
    }
}
