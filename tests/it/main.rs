//! The one integration-test binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs
)]

mod browser;
mod cli;
mod connector;
mod demo;
mod fuzz;
mod gateway;
mod house;
mod path;
mod run;
mod store;
