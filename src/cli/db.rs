//! `usher db`: the database, as a whole.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use crate::store::{Copied, Database, DatabaseUrl, Store};

use super::Exit;
use super::context::Context;
use super::output::table;

/// The database as a whole: its version, its soundness, its place
#[derive(clap::Args)]
pub(super) struct Db {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Brings the database to the version that this program works with; makes it where there is none
    Migrate,
    /// Reads every event and tells whether the chain of them holds
    Check,
    /// Copies the database of the data directory to a server, whole; stop `usher serve` first
    Copy {
        /// The server's database, which must be empty, as `postgres://user@host/database`; `USHER_TO` keeps it off the process list
        #[arg(long, value_name = "URL", env = "USHER_TO", hide_env_values = true)]
        to: String,
    },
}

impl Db {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.act {
            Act::Migrate => migrate(context).await,
            Act::Check => check(context).await,
            Act::Copy { to } => copy(context, &to).await,
        }
    }
}

async fn migrate(context: &Context) -> anyhow::Result<Exit> {
    let store = context.open_store(context.database()?, true).await?;
    store.close().await;
    let done = json!({ "version": Store::schema_version() });
    context.format.print(&done, |done| format!("the database is at schema version {}", done["version"]))?;
    Ok(Exit::Done)
}

async fn check(context: &Context) -> anyhow::Result<Exit> {
    let store = context.open_store(context.database()?, false).await?;
    let head = store.verify_events().await?;
    store.close().await;
    let done = json!({ "version": Store::schema_version(), "events": head.events, "hash": head.hash });
    context.format.print(&done, |done| {
        format!(
            "the database is at schema version {}; the chain of its {} events holds and ends with {}",
            done["version"],
            done["events"],
            done["hash"].as_str().unwrap_or_default()
        )
    })?;
    Ok(Exit::Done)
}

async fn copy(context: &Context, to: &str) -> anyhow::Result<Exit> {
    anyhow::ensure!(
        context.database.is_none(),
        "`usher db copy` copies the database of --data: leave --database away"
    );
    let to: DatabaseUrl = context.address("--to", to, "USHER_TO")?;
    let source = context.open_store(Database::File, false).await?;
    let target = context.open_store(Database::Server(to.clone()), true).await?;
    let copied = source.copy_to(&target).await;
    source.close().await;
    target.close().await;
    let copied = copied.with_context(|| format!("nothing was copied to {to}"))?;
    let row =
        |copied: &Copied| json!({ "table": copied.table, "rows": copied.rows, "sha256": copied.checksum });
    let done = json!({ "to": to.to_string(), "tables": copied.iter().map(row).collect::<Vec<_>>() });
    context.format.print(&done, |_| {
        let rows: Vec<_> = copied
            .iter()
            .map(|copied| vec![copied.table.to_owned(), copied.rows.to_string(), copied.checksum.clone()])
            .collect();
        let tables = table(&["TABLE", "ROWS", "SHA-256, HERE AND THERE"], &rows);
        format!("{tables}\n\nIt is the same on the server. Go on with the same data directory, which has the key and the pictures:\n  usher serve --data {} --database {to}", context.data.display())
    })?;
    Ok(Exit::Done)
}
