//! The driver, on `fixtures/pages/*.html` in a real Chromium. What the pages recorded is the judge.

mod act;
mod cards;
mod end;
mod find;
pub mod lab;
mod look;
mod navigate;
mod picture;
