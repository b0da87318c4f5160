//! What must change in the app: wanted × observed × what the connector can do → a plan. Pure.
//!
//! Invariants: a plan is the smallest list of operations that makes the account as wanted, so that planning again after
//! they were done gives the empty plan; additions come before removals (R1); a person who shall not get in is only ever
//! locked out, never renamed or regranted on the way. What a plan must not do is refused here and checked again on the
//! page (R14, R15).
//!
//! Deliberately absent: reading the app, retrying, and any knowledge of pages.

mod capabilities;
mod group;
mod guard;
mod operation;
mod plan;
mod sync;

pub use capabilities::{AttributeRule, Capabilities, Deactivation, EntitlementRule, Holds, Parents};
pub use group::{GroupOperation, plan_group};
pub use guard::{Protection, may_lose_an_admin};
pub use operation::Operation;
pub use plan::{Refusal, plan};
pub use sync::{
    Comparison, Finding, GroupComparison, GroupFinding, Known, KnownGroup, Rules, compare, compare_groups,
};
