//! The `usher` command.

use std::process::ExitCode;

/// A request is a few hundred small pieces of memory that come and go between threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    usher::cli::main()
}
