//! `absent`: there is no such account.

use async_trait::async_trait;

use super::StepKind;
use crate::diagnostic::Diagnostic;
use crate::playbook::Template;
use crate::step::compile::{Compiled, Compiler, Written};
use crate::step::failure::{Failure, Next};
use crate::step::flow::{Effect, Shape, Use};
use crate::step::purpose::Purpose;
use crate::step::stage::Stage;
use crate::step::words::{Phrase, Teller};

pub(super) const KIND: StepKind = StepKind {
    keyword: "absent",
    summary: "In `read_account`: the app has no such account. The flow ends, and well.",
    example: "- absent: true",
    schema: r#"{ "const": true }"#,
    beside: &[],
    may_commit: false,
    compile,
};

#[derive(Debug)]
struct Absent;

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    if !matches!(compiler.purpose, Purpose::ReadAccount | Purpose::SubFlow) {
        let found = Diagnostic::error(
            "absent_elsewhere",
            &written.keyword.span,
            "`absent` says something in `read_account` alone",
        );
        compiler.note(found);
    }
    if written.value.as_bool() != Some(true) {
        compiler.note(written.value.unexpected("`true`"));
        return None;
    }
    Some(Box::new(Absent))
}

#[async_trait]
impl Effect for Absent {
    fn phrase(&self, _teller: &Teller<'_>) -> Phrase {
        Phrase { doing: "say that there is no such account".into(), done: "there is no such account".into() }
    }

    async fn run(&self, stage: &mut dyn Stage) -> Result<Next, Failure> {
        stage.output().absent = true;
        Ok(Next::End)
    }

    fn shape(&self) -> Shape<'_> {
        Shape::End
    }

    fn says_absent(&self) -> bool {
        true
    }

    fn texts<'a>(&'a self, _visit: &mut dyn FnMut(Use, &'a Template)) {}
}
