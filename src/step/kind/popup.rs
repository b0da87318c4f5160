//! `popup`: steps in a window that the app opened.

use async_trait::async_trait;

use super::StepKind;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Step, Use};
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "popup",
    summary: "Does steps in the window that the step right before it opened, and closes it. The flow goes on in the first window. The \
              last of the steps may close the window itself. Windows that no `popup` follows are closed at once.",
    example: "- click: button \"Choose a member\"\n- popup:\n    do:\n      - click: row \"Ada\" > button \"Choose\"",
    schema: r##"{ "type": "object", "required": ["do"], "additionalProperties": false,
        "properties": { "do": { "$ref": "#/$defs/steps" } } }"##,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Popup {
    steps: Vec<Step>,
}

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    let fields = compiler.fields(written.value, &["do"], "`popup`")?;
    let steps = compiler.required(&fields, "do").map(|node| compiler.steps(node));
    Some(Box::new(Popup { steps: steps? }))
}

#[async_trait]
impl Effect for Popup {
    fn phrase(&self, _teller: &Teller<'_>) -> Phrase {
        Phrase { doing: "work in the new window".into(), done: "worked in the new window".into() }
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        stage.window(&self.steps).await
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Window(&self.steps)
    }

    fn texts<'a>(&'a self, _visit: &mut dyn FnMut(Use, &'a Template)) {}
}
