//! Durable state on a server: the same checks as in a file, and those that only several processes and machines give reason for.

use crate::postgres::Engine;

/// What the checks run on.
pub const ENGINE: Engine = Engine::Postgres;

#[path = "store/mod.rs"]
pub mod store;

#[path = "store/server.rs"]
mod server;
