//! The language of connectors as text: the spanned YAML tree, templates, locators.
//!
//! The only module that knows the YAML parser and `minijinja`. Nothing here knows a step or a connector; it answers
//! with trees, templates and locators that remember where they were written, and with diagnostics.
//!
//! Invariants: a template's result is data and is never parsed again; whatever a secret was rendered into says so;
//! reading takes bounded time and memory whatever the file holds.

mod locator;
mod names;
mod read;
mod scope;
mod template;
mod text_map;
mod tree;

pub use locator::{ROLES, counting_places, parse as parse_locator};
pub use names::Names;
pub use read::{MAX_BYTES, read, read_bytes};
pub use scope::{Scope, ScopeValue};
pub use template::{Expression, Rendered, Template, TemplateError};
pub use tree::{Entry, Key, Node, Scalar, Value};
