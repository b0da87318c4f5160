//! `usher token`: the bearer tokens of an integration's SCIM endpoint.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use crate::clock::Timestamp;
use crate::secret::ExposeSecret;

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
                let day = std::time::Duration::from_secs(24 * 60 * 60);
                let lifetime = expires_in_days.map(|days| day * days);
                let (row, token) = integrations.new_token(&integration, lifetime, OPERATOR).await?;
                match context.format {
                    Format::Text => println!("{}", token.expose_secret()),
                    Format::Json | Format::Sarif => {
                        println!("{}", json!({ "id": row.id, "token": token.expose_secret() }))
                    }
                }
            }
            Act::List { integration } => {
                let integration = super::integration::find(&installation, &integration).await?;
                let tokens: Vec<_> = installation
                    .store
                    .list_tokens(&integration.row.id)
                    .await?
                    .into_iter()
                    .map(|row| {
                        let text = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
                        json!({
                            "id": row.id, "created": row.created_at.to_rfc3339(), "expires": text(row.expires_at),
                            "last_used": text(row.last_used_at), "revoked": text(row.revoked_at),
                        })
                    })
                    .collect();
                context.format.print(&tokens, |tokens| {
                    let columns = ["id", "created", "expires", "last_used", "revoked"];
                    let cell = |token: &serde_json::Value, column: &str| {
                        token[column].as_str().unwrap_or("-").to_owned()
                    };
                    let rows: Vec<Vec<String>> = tokens
                        .iter()
                        .map(|token| columns.iter().map(|column| cell(token, column)).collect())
                        .collect();
                    table(&["ID", "CREATED", "EXPIRES", "LAST USED", "REVOKED"], &rows)
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
