//! `click`: one trusted click.

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
    keyword: "click",
    summary: "Clicks the one element that matches, once it is visible, still, enabled and uncovered.",
    example: "- click: button \"Save\"",
    schema: r##"{ "$ref": "#/$defs/locator" }"##,
    beside: &[],
    may_commit: true,
    compile,
};

#[derive(Debug)]
struct Click {
    on: Locator<Template>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    Some(Box::new(Click { on: compiler.locator(written.value)? }))
}

#[async_trait]
impl Effect for Click {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        Phrase::new("click", "clicked", &teller.element(&self.on))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.on)?;
        stage.act(&target, Action::Click).await?;
        Ok(Next::GoOn)
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.on]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.on.for_each_text(&mut |text| visit(Use::Locator, text));
    }
}
