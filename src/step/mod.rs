//! The vocabulary: what a connector's flows can say, and the plan of steps that it becomes.
//!
//! One kind of step is one file in `kind/`: keyword, words, schema, effect, example. Everything around a step (waiting,
//! pop-ups, known errors, commit rules, records) is the runner's and reaches a kind through [`Stage`].
//!
//! Invariants: every template of a flow is checked for names when it is compiled; all mistakes of a file are noted at
//! once; no step runs other code than its kind's, and none waits for a fixed time.

mod compile;
mod declare;
mod extract;
mod failure;
mod flow;
mod kind;
mod link;
mod paths;
mod purpose;
mod records;
mod reference;
mod rule;
mod schema;
mod stage;
mod values;
mod words;

pub use compile::{
    Compiler, MODIFIERS, Written, compile_errors, compile_flow, compile_locator, compile_pop_ups,
    compile_secrets, compile_template,
};
pub use failure::{At, Failure, Next, Told};
pub use flow::{Book, Call, Effect, Flow, KnownError, Need, Output, Pictures, PopUp, Role, Shape, Step, Use};
pub use kind::{KINDS, StepKind};
pub use link::check_flows;
pub use purpose::{GROUP, Purpose, RANDOM_PASSWORD, Vocabulary};
pub use reference::{reference, table as reference_table};
pub use rule::{RULES, check_settings};
#[cfg(test)]
pub use schema::Judge;
pub use schema::{definitions, schema};
pub use stage::Stage;
pub use words::{Phrase, Teller, locator_in_words, shorten};

#[cfg(test)]
mod tests;
