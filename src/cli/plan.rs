//! `usher plan`: what syncs found, and the decision on it.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;

use crate::server::Installation;
use crate::store::PlanRow;

use super::context::Context;
use super::output::table;
use super::{Exit, OPERATOR};

/// What syncs found, and the decision on it
#[derive(clap::Args)]
pub(super) struct Plan {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Lists plans, newest first
    List {
        /// Only those of this integration
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows what a plan found, and what became of it
    Show {
        /// Its id
        id: String,
    },
    /// Takes over what a plan found: accounts become users, users have the accounts that were seen
    Apply {
        /// Its id
        id: String,
        /// Asks for jobs, too, that make accounts as they are wanted which are gone or differ
        #[arg(long)]
        correct: bool,
        /// Why, for the record; needed where a safeguard holds the plan
        #[arg(long)]
        reason: Option<String>,
    },
    /// Leaves what is known as it is
    Reject {
        /// Its id
        id: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
}

impl Plan {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::List { integration, limit } => list(context, &installation, integration, limit).await,
            Act::Show { id } => show(context, &installation, &id, None).await,
            Act::Apply { id, correct, reason } => {
                let decision = (reason.as_deref(), correct);
                let applied = installation.operators.apply_plan(&id, decision, OPERATOR).await?;
                show(context, &installation, &id, Some(applied.jobs)).await
            }
            Act::Reject { id, reason } => {
                installation.operators.reject_plan(&id, &reason, OPERATOR).await?;
                show(context, &installation, &id, None).await
            }
        }
    }
}

async fn find(installation: &Installation, id: &str) -> anyhow::Result<PlanRow> {
    let found = installation.store.find_plan(id).await?;
    found.with_context(|| format!("there is no plan `{id}`; `usher plan list` shows them"))
}

async fn list(
    context: &Context,
    installation: &Installation,
    integration: Option<String>,
    limit: u32,
) -> anyhow::Result<Exit> {
    let of = match &integration {
        Some(name) => Some(super::integration::find(installation, name).await?.row.id),
        None => None,
    };
    let mut shown = Vec::new();
    for plan in installation.store.list_plans(of.as_deref(), limit).await? {
        shown.push(installation.operators.plan_in_brief(&plan).await?);
    }
    context.format.print(&shown, |shown| {
        let row = |plan: &Value| {
            ["id", "integration", "state", "made", "found"].iter().map(|name| cell(&plan[*name])).collect()
        };
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        table(&["PLAN", "INTEGRATION", "STATE", "MADE", "FOUND"], &rows)
    })?;
    Ok(Exit::Done)
}

async fn show(
    context: &Context,
    installation: &Installation,
    id: &str,
    jobs: Option<usize>,
) -> anyhow::Result<Exit> {
    let plan = find(installation, id).await?;
    let mut shown = installation.operators.plan_in_full(&plan).await?;
    if let Some(jobs) = jobs {
        shown["jobs"] = jobs.into();
    }
    context.format.print(&shown, in_words)?;
    Ok(Exit::Done)
}

/// A plan for people.
pub(super) fn in_words(plan: &Value) -> String {
    let read = &plan["read"];
    let mut lines = vec![
        format!("{}  {}  {}", cell(&plan["id"]), cell(&plan["integration"]), cell(&plan["state"])),
        format!(
            "{} accounts and {} groups were read on {}; {} users as wanted, {} with work pending, {} protected accounts of nobody",
            read["accounts"],
            read["groups"],
            cell(&plan["made"]),
            read["as_wanted"],
            read["pending"],
            read["protected"]
        ),
    ];
    if let Some(why) = plan["held_because"].as_str() {
        lines.push(format!("held by the safeguard: {why}"));
    }
    if let Some(by) = plan["decided_by"].as_str() {
        let reason = plan["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        lines.push(format!("{} by {by} on {}{reason}", cell(&plan["state"]), cell(&plan["decided"])));
    }
    if let Some(jobs) = plan["jobs"].as_u64() {
        lines.push(format!("{jobs} jobs were asked for"));
    }
    let rows: Vec<Vec<String>> = plan["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| ["kind", "account", "note", "outcome"].iter().map(|name| cell(&item[*name])).collect())
        .collect();
    lines.push(match rows.is_empty() {
        true => "\nnothing was found that is not as it is known".to_owned(),
        false => format!("\n{}", table(&["FOUND", "ACCOUNT", "WHAT", "BECAME"], &rows)),
    });
    lines.join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(counts) => {
            counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
