//! The rules of the linter, one file each: what is grammatical and still wrong.
//!
//! A rule's file holds its words and, where it looks at flows that are compiled already, how it is checked; registering
//! one is two lines below. A rule that is about the text itself is told where that is read. `connectors/REFERENCE.md`
//! and SARIF read [`RULES`]; each example is held to break its rule, and each rule has a case in
//! `fixtures/connectors/broken`.

use crate::diagnostic::Rule;

pub use unused_setting::check as check_settings;

pub(super) mod absent_unproved;
pub(super) mod by_position;
pub(super) mod commit_in_reading;
pub(super) mod groups_unread;
pub(super) mod map_misses;
pub(super) mod no_commit;
pub(super) mod no_identity_check;
pub(super) mod no_proof;
pub(super) mod nth;
pub(super) mod secret_outside_login;
pub(super) mod two_commits;
pub(super) mod unbounded_loop;
pub(super) mod undeclared;
pub(super) mod undeclared_value;
pub(super) mod unescaped_path;
pub(super) mod unknown_attribute;
pub(super) mod unknown_class;
pub(super) mod unknown_flow;
pub(super) mod unreachable;
pub(super) mod unused_flow;
pub(super) mod unused_setting;
pub(super) mod unused_value;
pub(super) mod unused_variable;

/// Every rule, by id.
pub const RULES: &[Rule] = &[
    absent_unproved::RULE,
    by_position::RULE,
    commit_in_reading::RULE,
    groups_unread::RULE,
    map_misses::RULE,
    no_commit::RULE,
    no_identity_check::RULE,
    no_proof::RULE,
    nth::RULE,
    secret_outside_login::RULE,
    two_commits::RULE,
    unbounded_loop::RULE,
    undeclared::RULE,
    undeclared_value::RULE,
    unescaped_path::RULE,
    unknown_attribute::RULE,
    unknown_class::RULE,
    unknown_flow::RULE,
    unreachable::RULE,
    unused_flow::RULE,
    unused_setting::RULE,
    unused_value::RULE,
    unused_variable::RULE,
];
