//! `usher operator-key`: the keys with which operators ask over HTTP.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::operator::OperatorRole;
use crate::secret::ExposeSecret;

use super::context::Context;
use super::output::Format;
use super::token::{LIFE, LIFE_HEAD, life_json, lifetime, rows};
use super::{Exit, OPERATOR};

/// The keys with which operators use the API
#[derive(clap::Args)]
pub(super) struct OperatorKey {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Makes a key and prints it, alone; it cannot be shown again
    New {
        /// Its name: small letters, digits and hyphens. Events tell by it who did what
        name: String,
        /// After how many days it ends; never, if not given
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
        /// Lets its holder look and change nothing
        #[arg(long)]
        reads_only: bool,
    },
    /// Lists the keys, without the keys themselves
    List,
    /// Ends a key at once
    Revoke {
        /// Its id, from `usher operator-key list`
        id: String,
    },
}

impl OperatorKey {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::New { name, expires_in_days, reads_only } => {
                let role = if reads_only { OperatorRole::Auditor } else { OperatorRole::Admin };
                let operators = &installation.operators;
                let (row, key) = operators.new_key(&name, role, lifetime(expires_in_days), OPERATOR).await?;
                match context.format {
                    Format::Text => println!("{}", key.expose_secret()),
                    Format::Json | Format::Sarif => println!(
                        "{}",
                        json!({ "id": row.id, "name": row.name, "role": row.role, "key": key.expose_secret() })
                    ),
                }
            }
            Act::List => {
                let keys: Vec<Value> = installation
                    .store
                    .list_operator_keys()
                    .await?
                    .into_iter()
                    .map(|row| {
                        let mut shown = json!({ "id": row.id, "name": row.name, "role": row.role });
                        life_json(&mut shown, &row.life);
                        shown
                    })
                    .collect();
                context.format.print(&keys, |keys| {
                    let head = [&["ID", "NAME", "ROLE"][..], &LIFE_HEAD].concat();
                    rows(keys, &head, &[&["id", "name", "role"][..], &LIFE].concat())
                })?;
            }
            Act::Revoke { id } => {
                let key = installation.store.revoke_operator_key(&id, OPERATOR).await?;
                let key = key.with_context(|| {
                    format!("there is no key `{id}`; `usher operator-key list` shows them")
                })?;
                context
                    .format
                    .print(&json!({ "id": key.id, "revoked": true }), |_| format!("revoked {id}"))?;
            }
        }
        Ok(Exit::Done)
    }
}
