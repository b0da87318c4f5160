//! The command line. One file a command: its arguments, its help and what it does; registered by two sorted lines.
//!
//! Exit codes: 0 done, 1 it failed and says why, 2 the call is wrong. Secrets come from files, standard input or the
//! environment, never from arguments, where every process of the machine could read them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a terminal is what this module is for"
)]

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

mod assignments;
mod browser;
mod carry_out;
mod check;
mod context;
mod contract;
mod db;
mod demo;
mod demo_app;
mod docs;
mod drift;
mod entitlement;
mod evidence;
mod health;
mod import;
mod input;
mod integration;
mod integration_show;
mod integration_test;
mod job;
mod junit;
mod keeping;
mod kept;
mod leavers;
mod limits;
mod maintenance;
mod new;
mod notify;
mod open;
mod operator_key;
mod orphan;
mod output;
mod package;
mod pick;
mod pictures;
mod plan;
mod replay;
mod run;
mod schema;
mod scim_journal;
mod serve;
mod sync;
mod token;
mod unsettled;
mod worker;

use context::Context;
use output::Format;

macro_rules! commands {
    ($($variant:ident($module:ident),)*) => {
        #[derive(Subcommand)]
        enum Command { $($variant($module::$variant),)* }

        impl Command {
            async fn run(self, context: &Context) -> anyhow::Result<Exit> {
                match self { $(Self::$variant(command) => command.run(context).await,)* }
            }
        }
    };
}

commands! {
    Assignments(assignments),
    Check(check),
    Db(db),
    Demo(demo),
    DemoApp(demo_app),
    Docs(docs),
    Drift(drift),
    Entitlement(entitlement),
    Evidence(evidence),
    Health(health),
    Import(import),
    Integration(integration),
    Job(job),
    Leavers(leavers),
    New(new),
    Notify(notify),
    OperatorKey(operator_key),
    Orphan(orphan),
    Pick(pick),
    Plan(plan),
    Replay(replay),
    Run(run),
    Schema(schema),
    ScimJournal(scim_journal),
    Serve(serve),
    Sync(sync),
    Test(contract),
    Token(token),
    Worker(worker),
}

/// A SCIM 2.0 gateway for apps without an API: every change is made in the app's own pages, and verified there.
#[derive(Parser)]
#[command(name = "usher", version, max_term_width = 110)]
struct Usher {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    command: Command,
}

/// Who does what is done from the command line, as events name them.
const OPERATOR: &str = "operator";

/// How a command ended.
enum Exit {
    Done,
    Failed,
    /// The call is wrong; why is on standard error.
    Misused,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let usher = Usher::parse();
    if usher.context.format == Format::Sarif && !matches!(usher.command, Command::Check(_)) {
        let kind = clap::error::ErrorKind::ArgumentConflict;
        Usher::command().error(kind, "`--format sarif` is for `usher check` alone").exit();
    }
    usher.context.start_logging();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(usher.command.run(&usher.context)) {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::FAILURE,
        Ok(Exit::Misused) => ExitCode::from(2),
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
