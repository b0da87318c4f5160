//! The whole way: a SCIM request in, a change in the app out; judged by the app's own record.

mod story;
mod world;
