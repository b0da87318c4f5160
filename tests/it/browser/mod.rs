//! The driver, on `fixtures/pages/*.html` in a real Chromium. What the pages recorded is the judge.

mod act;
mod author;
mod cards;
pub mod devtools;
mod elsewhere;
mod end;
mod find;
mod frames;
pub mod lab;
mod look;
mod navigate;
mod picture;
pub mod plain;
mod replayed;
mod snapshot;
mod tree;
mod waits;
