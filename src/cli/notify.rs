//! `usher notify`: who is told of what happens.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::notice::{KINDS, To};
use crate::secret::{ExposeSecret, SecretString};
use crate::server::Installation;
use crate::store::HookRow;

use super::context::Context;
use super::input::read_secret;
use super::output::table;
use super::{Exit, OPERATOR};

/// Who is told of what happens
#[derive(clap::Args)]
pub(super) struct Notify {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Tells somebody from now on, by a signed webhook or by mail
    Add(Add),
    /// Lists who is told, and whether it works
    List,
    /// Sends a word, to see whether it arrives
    Test {
        /// Its id
        id: String,
    },
    /// Tells them no more
    Remove {
        /// Its id
        id: String,
    },
    /// Lists the kinds of events that can be told
    Kinds,
}

#[derive(clap::Args)]
struct Add {
    /// The address that takes signed POSTs: from @FILE, - or $NAME, as it may let somebody in; or as it is
    #[arg(long, value_name = "URL", required_unless_present = "email", conflicts_with = "email")]
    webhook: Option<String>,
    /// The key of the signatures, from @FILE, - or $NAME; one is drawn, and printed once, where none is given
    #[arg(long, value_name = "SOURCE", requires = "webhook")]
    secret: Option<String>,
    /// An address of mail; USHER_SMTP names the server
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Only of this integration
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
    /// Only of this kind of events; `usher notify kinds` lists them
    #[arg(long = "on", value_name = "KIND")]
    kinds: Vec<String>,
}

impl Notify {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::Add(add) => add.run(context, &installation).await?,
            Act::List => list(context, &installation).await?,
            Act::Test { id } => return test(context, &installation, &id).await,
            Act::Remove { id } => {
                if !installation.store.remove_hook(&id, OPERATOR).await? {
                    bail!(unknown(&id));
                }
                context
                    .format
                    .print(&json!({ "id": id, "removed": true }), |_| format!("{id} is removed"))?;
            }
            Act::Kinds => {
                let shown: Vec<Value> =
                    KINDS.iter().map(|(kind, says)| json!({ "kind": kind, "says": says })).collect();
                context.format.print(&shown, |_| {
                    let rows: Vec<Vec<String>> = KINDS
                        .iter()
                        .map(|(kind, says)| vec![(*kind).to_owned(), (*says).to_owned()])
                        .collect();
                    table(&["KIND", "WHEN"], &rows)
                })?;
            }
        }
        Ok(Exit::Done)
    }
}

impl Add {
    async fn run(self, context: &Context, installation: &Installation) -> anyhow::Result<()> {
        let integration_id = match &self.integration {
            Some(name) => Some(super::integration::find(installation, name).await?.row.id),
            None => None,
        };
        let to = match (self.webhook, self.email) {
            (Some(url), _) => {
                let url = read_secret("the address", &url)?.unwrap_or_else(|| SecretString::from(url));
                let secret = match &self.secret {
                    Some(source) => Some(read_secret("the key", source)?.context(
                        "give the key by @FILE, - or $NAME: arguments can be read by every process of this machine",
                    )?),
                    None => None,
                };
                To::Webhook { url, secret }
            }
            (None, email) => To::Email(email.unwrap_or_default()),
        };
        let (id, drawn) = installation.notices.add(to, integration_id, self.kinds, OPERATOR).await?;
        let secret = drawn.as_ref().map(ExposeSecret::expose_secret);
        context.format.print(&json!({ "id": id, "secret": secret }), |_| {
            let key = secret.map(|secret| format!("\nthe key of its signatures, shown once: {secret}"));
            format!("{id} is told from now on; `usher notify test {id}` tries it{}", key.unwrap_or_default())
        })
    }
}

async fn list(context: &Context, installation: &Installation) -> anyhow::Result<()> {
    let integrations = installation.store.list_integrations().await?;
    let hooks = installation.store.list_hooks().await?;
    let shown: Vec<Value> = hooks
        .iter()
        .map(|row| {
            let of = row.hook.integration_id.as_ref();
            let of = of.and_then(|id| integrations.iter().find(|row| row.id == *id)).map(|row| &row.name);
            json!({
                "id": row.hook.id,
                "channel": row.hook.channel,
                "to": row.hook.shown,
                "integration": of,
                "kinds": row.hook.kinds,
                "failures": row.failures,
                "error": row.error,
                "next_try": (row.failures > 0).then(|| row.due_at.to_rfc3339()),
            })
        })
        .collect();
    context.format.print(&shown, |shown| {
        let row = |one: &Value| {
            let text = |name: &str| one[name].as_str().unwrap_or("all").to_owned();
            let works = match one["error"].as_str() {
                Some(error) => format!("{} failures: {error}", one["failures"]),
                None => "yes".to_owned(),
            };
            vec![text("id"), text("channel"), text("to"), text("integration"), works]
        };
        table(&["ID", "BY", "TO", "OF", "WORKS"], &shown.iter().map(row).collect::<Vec<_>>())
    })
}

async fn test(context: &Context, installation: &Installation, id: &str) -> anyhow::Result<Exit> {
    let hook: HookRow = installation.store.find_hook(id).await?.with_context(|| unknown(id))?;
    let tried = installation.notices.try_out(&hook).await;
    let error = tried.as_ref().err();
    context.format.print(&json!({ "id": id, "to": hook.hook.shown, "error": error }), |_| match error {
        None => format!("{} took it", hook.hook.shown),
        Some(error) => format!("{}: {error}", hook.hook.shown),
    })?;
    Ok(if error.is_none() { Exit::Done } else { Exit::Failed })
}

fn unknown(id: &str) -> String {
    format!("nobody with the id `{id}` is told; `usher notify list` shows who is")
}
