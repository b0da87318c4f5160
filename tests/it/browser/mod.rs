//! The driver, on `fixtures/pages/*.html` in a real Chromium. What the pages recorded is the judge.

mod act;
mod end;
mod find;
mod lab;
mod look;
mod navigate;
mod picture;
