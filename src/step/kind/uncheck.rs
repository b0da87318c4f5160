//! `uncheck`: a checkbox or switch, turned off where it is on.

use super::StepKind;
use super::check::Check;
use crate::step::compile::{Compiled, Compiler, Written};

pub(super) const KIND: StepKind = StepKind {
    keyword: "uncheck",
    summary: "Turns a checkbox or switch off, where it is on.",
    example: "- uncheck: checkbox \"Send an invitation\"",
    schema: r##"{ "$ref": "#/$defs/locator" }"##,
    beside: &[],
    may_commit: true,
    compile,
};

fn compile(written: &Written<'_>, compiler: &mut Compiler<'_>) -> Compiled {
    Some(Box::new(Check { on: compiler.locator(written.value)?, checked: false }))
}
