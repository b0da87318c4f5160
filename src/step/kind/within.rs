//! `within`: scopes the steps in it.

use async_trait::async_trait;

use super::StepKind;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Step, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "within",
    summary: "The steps in it find their elements inside the one that matches.",
    example: "- within: dialog \"Edit member\"\n  do:\n    - click: button \"Save\"",
    schema: r##"{ "$ref": "#/$defs/locator" }"##,
    beside: &["do"],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Within {
    scope: Locator<Template>,
    steps: Vec<Step>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let scope = compiler.locator(written.value);
    let steps = compiler.required_beside(written, "do").map(|node| compiler.steps(node));
    Some(Box::new(Within { scope: scope?, steps: steps? }))
}

#[async_trait]
impl Effect for Within {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let element = teller.element(&self.scope);
        Phrase { doing: format!("look into {element}"), done: format!("was in {element}") }
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.scope)?;
        stage.expect(&target).await?;
        stage.enter(target.locator);
        stage.steps(&self.steps).await
    }

    fn shape(&self) -> Shape<'_> {
        Shape::All(&self.steps)
    }

    fn looks(&self) -> bool {
        true
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.scope]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.scope.for_each_text(&mut |text| visit(Use::Locator, text));
    }
}
