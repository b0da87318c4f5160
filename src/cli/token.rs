//! `usher token`: the bearer tokens of an integration's SCIM endpoint.

use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::secret::ExposeSecret;
use crate::store::Life;

use super::context::Context;
use super::output::{Format, table};
use super::{Exit, OPERATOR};

/// The bearer tokens of an integration's SCIM endpoint
#[derive(clap::Args)]
pub(super) struct Token {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Makes a token and prints it, alone; it cannot be shown again
    New {
        /// The integration that it opens
        integration: String,
        /// After how many days it ends; never, if not given
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// Lists the tokens of an integration, without the tokens themselves
    List {
        /// The integration that they open
        integration: String,
    },
    /// Ends a token at once
    Revoke {
        /// Its id, from `usher token list`
        id: String,
    },
}

impl Token {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let integrations = &installation.integrations;
        match self.act {
            Act::New { integration, expires_in_days } => {
                let integration = super::integration::find(&installation, &integration).await?;
                let (row, token) =
                    integrations.new_token(&integration, lifetime(expires_in_days), OPERATOR).await?;
                match context.format {
                    Format::Text => println!("{}", token.expose_secret()),
                    Format::Json | Format::Sarif => {
                        println!("{}", json!({ "id": row.id, "token": token.expose_secret() }))
                    }
                }
            }
            Act::List { integration } => {
                let integration = super::integration::find(&installation, &integration).await?;
                let tokens: Vec<Value> = installation
                    .store
                    .list_tokens(&integration.row.id)
                    .await?
                    .into_iter()
                    .map(|row| {
                        let mut shown = json!({ "id": row.id });
                        life_json(&mut shown, &row.life);
                        shown
                    })
                    .collect();
                context.format.print(&tokens, |tokens| {
                    rows(tokens, &[&["ID"][..], &LIFE_HEAD].concat(), &[&["id"][..], &LIFE].concat())
                })?;
            }
            Act::Revoke { id } => {
                let token = installation.store.revoke_token(&id, OPERATOR).await?;
                let token = token
                    .with_context(|| format!("there is no token `{id}`; `usher token list` shows them"))?;
                context
                    .format
                    .print(&json!({ "id": token.id, "revoked": true }), |_| format!("revoked {id}"))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// How long something is to open that ends after so many days.
pub(super) fn lifetime(days: Option<u32>) -> Option<Duration> {
    days.map(|days| Duration::from_secs(24 * 60 * 60) * days)
}

/// When something opens that is presented, by these names.
pub(super) const LIFE: [&str; 4] = ["created", "expires", "last_used", "revoked"];
/// Their headings.
pub(super) const LIFE_HEAD: [&str; 4] = ["CREATED", "EXPIRES", "LAST USED", "REVOKED"];

/// Adds to what is shown when it opens.
pub(super) fn life_json(shown: &mut Value, life: &Life) {
    let Life { created_at, expires_at, last_used_at, revoked_at } = life;
    for (name, at) in LIFE.iter().zip([&Some(*created_at), expires_at, last_used_at, revoked_at]) {
        shown[*name] = at.map(Timestamp::to_rfc3339).into();
    }
}

/// What is shown as a table, with these of its members.
pub(super) fn rows(shown: &[Value], head: &[&str], members: &[&str]) -> String {
    let cell = |one: &Value, member: &str| one[member].as_str().unwrap_or("-").to_owned();
    let rows: Vec<Vec<String>> =
        shown.iter().map(|one| members.iter().map(|member| cell(one, member)).collect()).collect();
    table(head, &rows)
}
