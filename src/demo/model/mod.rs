//! What Acme Desk knows: members, teams, groups, seats, and the record of every change. No HTTP, no sessions.

mod change;
mod groups;
mod listing;
mod member;
mod organisation;
mod refusal;
mod request;
mod seed;

pub use change::{Action, Change, Difference};
pub use groups::Group;
pub use member::{Member, Role, Status};

pub(super) use listing::{Direction, ListQuery, SortBy, list};
pub(super) use organisation::Organisation;
pub(super) use refusal::Refusal;
pub(super) use request::{By, Edit, Invitation};
pub(super) use seed::seed;
