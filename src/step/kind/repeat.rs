//! `repeat`: steps again and again until something is there.

use async_trait::async_trait;

use super::StepKind;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Step, Use};
use crate::step::rule;
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "repeat",
    summary: "Does steps again and again until an element is there, a bounded number of times.",
    example: "- repeat:\n    until: row (has cell \"{{ account.email }}\")\n    at_most: 50\n    do:\n      \
              - click: button \"Load more\"",
    schema: r##"{ "type": "object", "required": ["until", "do", "at_most"], "additionalProperties": false,
        "properties": { "until": { "$ref": "#/$defs/locator" }, "do": { "$ref": "#/$defs/steps" },
        "at_most": { "type": "integer", "minimum": 1, "maximum": 1000 } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

/// The most rounds that can be asked for.
const MOST: u32 = 1000;

#[derive(Debug)]
struct Repeat {
    until: Locator<Template>,
    steps: Vec<Step>,
    at_most: u32,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["until", "do", "at_most"], "`repeat`")?;
    let until = compiler.required(&fields, "until").and_then(|node| compiler.locator(node));
    let steps = compiler.required(&fields, "do").map(|node| compiler.steps(node));
    let at_most = match fields.get("at_most") {
        Some(node) => compiler.count(node, MOST),
        None => {
            compiler.note(rule::unbounded_loop::found(&written.keyword.span));
            None
        }
    };
    Some(Box::new(Repeat { until: until?, steps: steps?, at_most: at_most? }))
}

#[async_trait]
impl Effect for Repeat {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        Phrase::new("repeat until there is", "repeated until there was", &teller.element(&self.until))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let target = stage.target(&self.until)?;
        for _ in 0..self.at_most {
            if stage.is_there(&target).await? {
                return Ok(Next::GoOn);
            }
            if stage.steps(&self.steps).await? == Next::End {
                return Ok(Next::End);
            }
        }
        stage.restart_wait();
        stage.expect(&target).await?;
        Ok(Next::GoOn)
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Loop(&self.steps)
    }

    fn looks(&self) -> bool {
        true
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        vec![&self.until]
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.until.for_each_text(&mut |text| visit(Use::Locator, text));
    }
}
