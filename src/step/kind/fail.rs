//! `fail`: ends the flow with a failure that the app tells of.

use async_trait::async_trait;

use super::StepKind;
use crate::failure::FailureClass;
use crate::playbook::{Node, Template};
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "fail",
    summary: "Ends the flow with a failure class, and a message for whoever has to act.",
    example: "- fail: { class: auth_failed, message: Acme Desk refused the password }",
    schema: r##"{ "type": "object", "required": ["class", "message"], "additionalProperties": false,
        "properties": { "class": { "$ref": "#/$defs/class" }, "message": { "$ref": "#/$defs/value" } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

/// The failure that a connector declares.
#[derive(Debug)]
pub(super) struct Fail {
    class: FailureClass,
    message: Template,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    Some(Box::new(Fail::compile(written.value, compiler)?))
}

impl Fail {
    /// `{ class, message }`.
    pub(super) fn compile(node: &Node, compiler: &mut Compiler<'_>) -> Option<Self> {
        let fields = compiler.fields(node, &["class", "message"], "`fail`")?;
        let class = compiler.required(&fields, "class").and_then(|node| compiler.class(node));
        let message = compiler.required(&fields, "message").and_then(|node| compiler.template(node));
        Some(Self { class: class?, message: message? })
    }

    /// The failure itself.
    pub(super) fn failure(&self, stage: &dyn Stage) -> Failure {
        match stage.render(&self.message) {
            Ok(message) => Failure::by_app(self.class, message.text),
            Err(failure) => Failure::by_app(self.class, failure.message),
        }
    }

    /// Its template.
    pub(super) fn text(&self) -> &Template {
        &self.message
    }
}

#[async_trait]
impl Effect for Fail {
    fn phrase(&self, _teller: &Teller<'_>) -> Phrase {
        Phrase::new("end with", "ended with", self.class.as_str())
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        Err(self.failure(stage))
    }

    fn shape(&self) -> Shape<'_> {
        Shape::End
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        visit(Use::Value, &self.message);
    }
}
