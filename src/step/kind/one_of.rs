//! `one_of`: whichever appears first.

use async_trait::async_trait;

use super::StepKind;
use super::fail::Fail;
use crate::diagnostic::Diagnostic;
use crate::locator::Locator;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Step, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "one_of",
    summary: "Waits until one of several elements appears, and does what belongs to it.",
    example: "- one_of:\n    - when: button \"Account menu\"\n    - when: alert /incorrect/i\n      \
              fail: { class: auth_failed, message: the app refused the password }",
    schema: r##"{ "type": "array", "minItems": 2, "items": { "type": "object", "required": ["when"],
        "additionalProperties": false, "properties": { "when": { "$ref": "#/$defs/locator" },
        "do": { "$ref": "#/$defs/steps" }, "fail": { "$ref": "#/$defs/failure" } } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct OneOf {
    branches: Vec<Branch>,
}

#[derive(Debug)]
struct Branch {
    when: Locator<Template>,
    steps: Vec<Step>,
    fail: Option<Fail>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let mut branches = Vec::new();
    for node in compiler.list(written.value, "a list of `when` and what belongs to it") {
        let Some(fields) = compiler.fields(node, &["when", "do", "fail"], "a branch") else { continue };
        let when = compiler.required(&fields, "when").and_then(|node| compiler.locator(node));
        let steps = fields.get("do").map(|node| compiler.steps(node)).unwrap_or_default();
        let fail = fields.get("fail").and_then(|node| Fail::compile(node, compiler));
        if let Some(when) = when {
            branches.push(Branch { when, steps, fail });
        }
    }
    if written.value.as_list().is_some_and(|items| items.len() < 2) {
        let found =
            Diagnostic::error("one_branch", &written.value.span, "`one_of` with less than two branches");
        compiler
            .note(found.help("`expect` waits for one element; `optional: true` puts up with its absence"));
    }
    Some(Box::new(OneOf { branches }))
}

#[async_trait]
impl Effect for OneOf {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let all: Vec<String> = self.branches.iter().map(|branch| teller.element(&branch.when)).collect();
        Phrase::new("expect", "saw", &format!("one of: {}", all.join(", ")))
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let mut targets = Vec::with_capacity(self.branches.len());
        for branch in &self.branches {
            targets.push(stage.target(&branch.when)?);
        }
        let first = stage.first_of(&targets).await?;
        let Some(branch) = self.branches.get(first) else { return Ok(Next::GoOn) };
        let saw = stage.teller().element(&branch.when);
        stage.say(format!("saw {saw}"));
        let next = stage.steps(&branch.steps).await?;
        match &branch.fail {
            Some(fail) if next == Next::GoOn => Err(fail.failure(stage)),
            _ => Ok(next),
        }
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Either(
            self.branches.iter().map(|branch| (branch.steps.as_slice(), branch.fail.is_some())).collect(),
        )
    }

    fn looks(&self) -> bool {
        true
    }

    fn locators(&self) -> Vec<&Locator<Template>> {
        self.branches.iter().map(|branch| &branch.when).collect()
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        for branch in &self.branches {
            // One of them is seen, and it is not known which: no proof of anything.
            branch.when.for_each_text(&mut |text| visit(Use::Value, text));
            if let Some(fail) = &branch.fail {
                visit(Use::Value, fail.text());
            }
        }
    }
}
