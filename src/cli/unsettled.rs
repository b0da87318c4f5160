//! What the last sync found and nobody has dealt with, as `usher drift` and `usher orphan` list it, and the choice among it.

use std::collections::HashMap;

use anyhow::bail;
use serde_json::{Value, json};

use crate::diagnostic::one_of;
use crate::server::Installation;
use crate::store::Unsettled;

use super::context::Context;
use super::output::table;

/// Which of an integration's findings somebody decides on.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Only this one, by its name as it is listed; may be given several times
    #[arg(long = "account", value_name = "NAME")]
    names: Vec<String>,
    /// All that are listed
    #[arg(long)]
    all: bool,
}

impl Which {
    /// Those of `found` that are meant.
    ///
    /// # Errors
    /// A name is none of them, or of several.
    pub(super) fn choose(&self, found: Vec<Unsettled>) -> anyhow::Result<Vec<Unsettled>> {
        if self.all {
            return Ok(found);
        }
        let is_it = |one: &Unsettled, name: &str| one.item.item.name.to_lowercase() == name.to_lowercase();
        for name in &self.names {
            match found.iter().filter(|one| is_it(one, name)).count() {
                1 => {}
                0 if found.is_empty() => bail!("nothing is listed, so `{name}` is not either"),
                0 => {
                    let names: Vec<&str> = found.iter().map(|one| one.item.item.name.as_str()).collect();
                    bail!("`{name}` is not listed; there is {}", one_of(&names))
                }
                several => bail!("{several} of them go by the name `{name}`; decide on them with --all"),
            }
        }
        let mut found = found;
        found.retain(|one| self.names.iter().any(|name| is_it(one, name)));
        Ok(found)
    }
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Drift,
    Orphans,
}

/// Lists findings; of one integration, where one is named.
pub(super) async fn list(
    context: &Context,
    installation: &Installation,
    integration: Option<&String>,
    what: What,
) -> anyhow::Result<()> {
    let id = match integration {
        Some(name) => Some(super::integration::find(installation, name).await?.row.id),
        None => None,
    };
    let (found, empty, hint) = match what {
        What::Drift => (
            installation.store.drift(id.as_deref()).await?,
            "nothing is known not to be as it is wanted",
            "put it right: usher drift correct INTEGRATION --account NAME, or --all",
        ),
        What::Orphans => (
            installation.store.orphans(id.as_deref()).await?,
            "no account of anybody who was removed is known",
            "decide: usher orphan remove INTEGRATION --account NAME --reason WHY, or adopt",
        ),
    };
    let rows = installation.store.list_integrations().await?;
    let names: HashMap<String, String> = rows.into_iter().map(|row| (row.id, row.name)).collect();
    let shown: Vec<Value> = found.iter().map(|one| in_json(one, &names)).collect();
    context.format.print(&shown, |shown| {
        if shown.is_empty() {
            return empty.to_owned();
        }
        let columns = ["integration", "kind", "account", "note", "found", "plan"];
        let cell = |one: &Value, name: &&str| one[*name].as_str().map(str::to_owned).unwrap_or_default();
        let rows: Vec<Vec<String>> =
            shown.iter().map(|one| columns.iter().map(|name| cell(one, name)).collect()).collect();
        let table = table(&["INTEGRATION", "FOUND", "WHICH", "WHAT", "WHEN", "PLAN"], &rows);
        format!("{table}\n\n{hint}")
    })
}

fn in_json(one: &Unsettled, names: &HashMap<String, String>) -> Value {
    let item = &one.item.item;
    json!({
        "integration": names.get(&one.integration_id).unwrap_or(&one.integration_id),
        "kind": item.kind.as_str(),
        "account": item.name,
        "user_id": item.user_id,
        "group_id": item.group_id,
        "note": item.note,
        "seen": item.account,
        "found": one.found_at.to_rfc3339(),
        "plan": one.plan_id,
        "number": one.item.number,
    })
}

/// Tells what became of each.
pub(super) fn tell(context: &Context, decided: &[(String, String)]) -> anyhow::Result<()> {
    let shown: Vec<Value> =
        decided.iter().map(|(name, outcome)| json!({ "account": name, "outcome": outcome })).collect();
    context.format.print(&shown, |_| match decided {
        [] => "nothing is listed, and nothing was done".to_owned(),
        _ => {
            decided.iter().map(|(name, outcome)| format!("{name}: {outcome}")).collect::<Vec<_>>().join("\n")
        }
    })
}
