//! Durable state in a file.

use crate::postgres::Engine;

/// What the checks run on.
pub const ENGINE: Engine = Engine::Sqlite;

#[path = "store/mod.rs"]
pub mod store;

#[path = "store/file.rs"]
mod file;
