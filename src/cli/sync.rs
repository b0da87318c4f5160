//! `usher sync`: reads every account of an app and compares them with what is known.

use serde_json::json;

use crate::operator::not_paused;
use crate::store::{JobState, Work};

use super::Exit;
use super::carry_out::carry_out;
use super::context::Context;
use super::plan::in_words;

/// Reads every account of an integration's app and compares them with what is known; changes nothing in the app
///
/// What it finds is a plan. In an integration that is live it becomes known at once, unless a safeguard holds it: accounts of people who
/// are not known become users, whom the identity provider can import.
#[derive(clap::Args)]
pub(super) struct Sync {
    /// The integration
    #[arg(value_name = "INTEGRATION")]
    name: String,
}

impl Sync {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let integration = super::integration::find(&installation, &self.name).await?;
        not_paused(&integration.row)?;
        let settled = carry_out(&installation, &integration, Work::Sync, "sync.asked").await?;
        let message = settled.message.clone().unwrap_or_default();
        let plan = match installation.store.plan_of_job(&settled).await? {
            Some(plan) => Some(installation.operators.plan_in_full(&plan).await?),
            None => None,
        };
        let shown = json!({
            "job": settled.id, "state": settled.state.as_str(), "class": settled.class, "message": message, "plan": plan,
        });
        context.format.print(&shown, |shown| match (settled.class, &plan) {
            (Some(class), _) => format!("{class}: {message}\nsee: usher job show {}", settled.id),
            (None, Some(plan)) => format!("{message}\n\n{}", in_words(plan)),
            (None, None) => shown["message"].as_str().unwrap_or_default().to_owned(),
        })?;
        Ok(if settled.state == JobState::Done { Exit::Done } else { Exit::Failed })
    }
}
