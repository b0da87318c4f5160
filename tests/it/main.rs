//! The one integration-test binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    // The checks of durable state are compiled once for each engine.
    clippy::duplicate_mod,
    missing_docs
)]

mod api;
mod browser;
mod cli;
mod connector;
mod demo;
mod evidence;
mod from_pypi;
mod fuzz;
mod gateway;
mod house;
mod notice;
mod on_postgres;
mod on_sqlite;
mod path;
mod postgres;
mod run;
mod s3;
mod story;
