//! `dialog`: how the next native dialog is answered.

use async_trait::async_trait;

use super::StepKind;
use crate::browser::{DialogAnswer, Text};
use crate::diagnostic::Diagnostic;
use crate::playbook::{Node, Template};
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "dialog",
    summary: "Says how the next native dialog (`alert`, `confirm`, `prompt` or the question whether to leave) is answered; stands before \
              the step that opens it. Where none has opened by the end of the flow the flow fails, unless the step is `optional`. A dialog \
              that no step declares is dismissed and fails the step that opened it.",
    example: "- dialog: accept\n- click: button \"Delete\"",
    schema: r##"{ "oneOf": [ { "enum": ["accept", "dismiss"] },
        { "type": "object", "required": ["answer"], "additionalProperties": false,
          "properties": { "answer": { "enum": ["accept", "dismiss"] }, "text": { "$ref": "#/$defs/value" } } } ] }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Dialog {
    accept: bool,
    text: Option<Template>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    if written.value.as_map().is_none() {
        return Some(Box::new(Dialog { accept: answer(written.value, compiler)?, text: None }));
    }
    let fields = compiler.fields(written.value, &["answer", "text"], "`dialog`")?;
    let accept = compiler.required(&fields, "answer").and_then(|node| answer(node, compiler));
    let text = fields.get("text").and_then(|node| compiler.template(node));
    if let (Some(false), Some(node)) = (accept, fields.get("text")) {
        let found =
            Diagnostic::error("contradiction", &node.span, "a dialog that is dismissed takes no text");
        compiler.note(found.help("say `answer: accept`, or take `text` away"));
    }
    Some(Box::new(Dialog { accept: accept?, text }))
}

fn answer(node: &Node, compiler: &mut Compiler<'_>) -> Option<bool> {
    let answer = match node.as_text() {
        Some("accept") => Some(true),
        Some("dismiss") => Some(false),
        _ => None,
    };
    if answer.is_none() {
        compiler.note(node.unexpected("`accept` or `dismiss`"));
    }
    answer
}

#[async_trait]
impl Effect for Dialog {
    fn phrase(&self, teller: &Teller<'_>) -> Phrase {
        let answer = if self.accept { "accept" } else { "dismiss" };
        let text = self.text.as_ref().map(|text| format!(" with {}", teller.value(text))).unwrap_or_default();
        Phrase {
            doing: format!("{answer} the next dialog{text}"),
            done: format!("will {answer} the next dialog{text}"),
        }
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        let text = match &self.text {
            Some(text) => {
                let rendered = stage.render(text)?;
                Some(Text { text: rendered.text, secret: rendered.secret })
            }
            None => None,
        };
        stage.declare_dialog(DialogAnswer { accept: self.accept, text });
        Ok(Next::GoOn)
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(Use, &'a Template)) {
        self.text.iter().for_each(|text| visit(Use::Value, text));
    }
}
