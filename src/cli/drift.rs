//! `usher drift`: what is not as it is wanted in the apps, and the jobs that put it right.

use clap::Subcommand;

use crate::store::Decision;

use super::context::Context;
use super::unsettled::{self, What, Which};
use super::{Exit, OPERATOR};

/// What is not as it is wanted in an app, as the last sync found it, and the jobs that put it right
#[derive(clap::Args)]
pub(super) struct Drift {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Lists it, with what would make it as it is wanted
    List {
        /// Only of this integration
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
    },
    /// Asks for the jobs that make it as it is wanted; each reads and compares anew
    Correct {
        /// The integration
        name: String,
        #[command(flatten)]
        which: Which,
        /// Why, for the record
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Drift {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::List { integration } => {
                unsettled::list(context, &installation, integration.as_ref(), What::Drift).await?;
            }
            Act::Correct { name, which, reason } => {
                let id = super::integration::find(&installation, &name).await?.row.id;
                let decision = Decision { by: OPERATOR.to_owned(), reason, corrects: true };
                let mut decided = Vec::new();
                for found in which.choose(installation.store.drift(Some(&id)).await?)? {
                    let outcome = installation.store.correct_drift(&found, &decision).await?;
                    decided.push((found.item.item.name, outcome));
                }
                unsettled::tell(context, &decided)?;
            }
        }
        Ok(Exit::Done)
    }
}
