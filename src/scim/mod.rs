//! SCIM as data: resources, schemas, paths, filters, patches, lists and errors (RFC 7643, RFC 7644).
//!
//! Invariants: nothing here speaks HTTP or SQL; whatever a client sends is answered with an [`Error`] of the right
//! `scimType`, in bounded time and memory, never with a panic; attribute names are matched regardless of case (RFC 7643
//! section 2.1) and kept in the schema's spelling. Input is lenient where identity providers are known to deviate, output
//! is strict. A password is forgotten while the request is read.

pub mod bulk;
pub mod catalog;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod folded;
mod grammar;
pub mod list;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
pub mod schema;

#[cfg(test)]
mod tests;

pub use error::{Error, ScimType};
pub use filter::Filter;
pub use folded::Folded;
pub use list::{ListQuery, ListResponse, SortOrder};
pub use patch::PatchRequest;
pub use path::Path;
pub use projection::Projection;
pub use resource::{Meta, Resource};
pub use schema::{Attribute, ResourceSchema, Schema};
