//! The kinds of step, one file each.
//!
//! A kind is its keyword, its words, its schema, what it compiles to and what it does; registering one is two lines
//! below. The linter, the schema and the reference page read [`KINDS`].

mod absent;
mod check;
mod click;
mod collect;
mod dialog;
mod download;
mod each;
mod expect;
mod fail;
mod fill;
mod form;
mod goto;
mod hover;
mod one_of;
mod popup;
mod press;
mod read;
mod repeat;
mod request;
mod run;
mod select;
mod set;
mod uncheck;
mod upload;
mod within;

use super::compile::{Compiled, Compiler, Written};

/// Every kind of step, by keyword.
pub const KINDS: &[StepKind] = &[
    absent::KIND,
    check::KIND,
    click::KIND,
    collect::KIND,
    dialog::KIND,
    download::KIND,
    each::KIND,
    expect::KIND,
    fail::KIND,
    fill::KIND,
    form::KIND,
    goto::KIND,
    hover::KIND,
    one_of::KIND,
    popup::KIND,
    press::KIND,
    read::KIND,
    repeat::KIND,
    request::KIND,
    run::KIND,
    select::KIND,
    set::KIND,
    uncheck::KIND,
    upload::KIND,
    within::KIND,
];

/// What is known of a kind of step.
#[derive(Clone, Copy, Debug)]
pub struct StepKind {
    /// The key by which a step says that it is of this kind.
    pub keyword: &'static str,
    /// What it does, for the reference page and editors.
    pub summary: &'static str,
    /// A step of this kind, as it is written in a flow.
    pub example: &'static str,
    /// The JSON Schema of what stands behind the keyword.
    pub schema: &'static str,
    /// What else may stand beside the keyword.
    pub beside: &'static [&'static str],
    /// Whether it can be the step that changes the app.
    pub may_commit: bool,
    /// Reads it from its node.
    pub compile: fn(&Written<'_>, &mut Compiler<'_>) -> Compiled,
}

/// The kind with that keyword.
pub fn find(keyword: &str) -> Option<&'static StepKind> {
    KINDS.iter().find(|kind| kind.keyword == keyword)
}
