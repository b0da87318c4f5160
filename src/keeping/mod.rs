//! Whom kept evidence shows, and the end of it.
//!
//! Invariants: what a hold covers is neither let go nor erased; bytes go only when no evidence that is kept names them; whatever went is
//! said by its row, with when and why.

mod erase;
mod look;
mod sweep;
mod text;
mod who;

pub use erase::{Counts, Eraser, Refused};
pub use look::{Look, Shown};
pub use sweep::{orphans, remove_unneeded};
pub use who::Who;
