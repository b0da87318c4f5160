//! `usher orphan`: accounts of people who were removed, and what becomes of them.

use clap::Subcommand;

use crate::server::Installation;
use crate::store::{Decision, OrphanEnd};

use super::context::Context;
use super::unsettled::{self, What, Which};
use super::{Exit, OPERATOR};

/// Accounts of people who were removed, which the last sync found in the app nevertheless
#[derive(clap::Args)]
pub(super) struct Orphan {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Lists them
    List {
        /// Only of this integration
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
    },
    /// Removes them from the app, as it was wanted when their users were removed; nothing does so by itself
    Remove {
        /// The integration
        name: String,
        #[command(flatten)]
        which: Which,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Makes users of them, whom the identity provider can import
    Adopt {
        /// The integration
        name: String,
        #[command(flatten)]
        which: Which,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Orphan {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::List { integration } => {
                unsettled::list(context, &installation, integration.as_ref(), What::Orphans).await?;
            }
            Act::Remove { name, which, reason } => {
                end(context, &installation, (&name, &which), OrphanEnd::Remove, Some(reason)).await?;
            }
            Act::Adopt { name, which, reason } => {
                end(context, &installation, (&name, &which), OrphanEnd::Adopt, reason).await?;
            }
        }
        Ok(Exit::Done)
    }
}

async fn end(
    context: &Context,
    installation: &Installation,
    (name, which): (&str, &Which),
    end: OrphanEnd,
    reason: Option<String>,
) -> anyhow::Result<()> {
    let integration = super::integration::find(installation, name).await?;
    let schema = integration.connector.user_schema();
    let decision = Decision { by: OPERATOR.to_owned(), reason, corrects: false };
    let mut decided = Vec::new();
    for found in which.choose(installation.store.orphans(Some(&integration.row.id)).await?)? {
        let outcome = installation.store.end_orphan(&found, end, &decision, &schema).await?;
        decided.push((found.item.item.name, outcome));
    }
    unsettled::tell(context, &decided)
}
