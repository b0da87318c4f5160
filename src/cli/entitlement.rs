//! `usher entitlement`: what can be held in an app, who holds it, and the text that says it.

use std::collections::HashMap;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::connector::Values;
use crate::diagnostic::one_of;
use crate::store::{EntitlementRow, KnownUser};

use super::Exit;
use super::context::Context;
use super::output::table;

/// What can be held in an app, who holds it, and the text that says it
#[derive(clap::Args)]
pub(super) struct Entitlement {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Lists the values of each type, as the connector declares them or the last sync read them
    ///
    /// The string value says one of them by itself: give it to a group in the identity provider, in the list `entitlements` of Usher's
    /// extension.
    List {
        /// The integration
        name: String,
        /// Only of this type, such as `role`
        #[arg(long = "type", value_name = "TYPE")]
        of_type: Option<String>,
    },
}

impl Entitlement {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let Act::List { name, of_type } = self.act;
        let installation = context.open().await?;
        let found = super::integration::find(&installation, &name).await?;
        let types: Vec<&str> = found.connector.entitlements.iter().map(|one| one.name.as_str()).collect();
        if let Some(only) = of_type.as_deref().filter(|only| !types.contains(only)) {
            anyhow::bail!("the app does not have `{only}`; it has {}", one_of(&types));
        }
        let mut holders: HashMap<(String, String), usize> = HashMap::new();
        let count = |known: KnownUser| {
            for (name, keys) in known.seen.map(|seen| seen.entitlements).unwrap_or_default() {
                for key in keys {
                    *holders.entry((name.clone(), key)).or_default() += 1;
                }
            }
        };
        installation.store.each_known_user(&found.row.id, count).await?;
        let rows = installation.store.entitlements(&found.row.id).await?;
        let mut shown = Vec::new();
        let wanted = |name: &str| of_type.as_deref().is_none_or(|only| only == name);
        for entitlement in found.connector.entitlements.iter().filter(|one| wanted(&one.name)) {
            let held = |key: &str| {
                holders.get(&(entitlement.name.clone(), key.to_owned())).copied().unwrap_or_default()
            };
            if entitlement.values == Values::Listed {
                let rows = rows.iter().filter(|row| row.of_type == entitlement.name);
                shown.extend(rows.map(|row| listed(row, held(&row.value.key), entitlement)));
            } else {
                shown.extend(entitlement.pairs().map(|(key, label)| {
                    json!({
                        "type": entitlement.name, "key": key, "label": label, "holders": held(key),
                        "string_value": entitlement.string_value(key),
                    })
                }));
            }
        }
        context.format.print(&shown, |shown| in_words(shown, &name))?;
        Ok(Exit::Done)
    }
}

fn listed(row: &EntitlementRow, holders: usize, entitlement: &crate::connector::Entitlement) -> Value {
    json!({
        "type": row.of_type,
        "key": row.value.key,
        "label": row.value.label,
        "description": row.value.description,
        "parent": row.value.parent.as_ref().zip(entitlement.parent.as_ref()).map(|(key, of)| format!("{of}:{key}")),
        "former": row.former,
        "holders": holders,
        "seen": row.seen_at.to_rfc3339(),
        "gone": row.gone_at.map(|at| at.to_rfc3339()),
        "string_value": entitlement.string_value(&row.value.key),
    })
}

fn in_words(shown: &[Value], name: &str) -> String {
    if shown.is_empty() {
        return format!("nothing is known that could be held; `usher sync {name}` reads it");
    }
    let row = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let state = if one["gone"].is_string() { "gone" } else { "" };
        let holders = one["holders"].to_string();
        vec![text("type"), text("label"), text("string_value"), text("parent"), holders, state.to_owned()]
    };
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    table(&["TYPE", "SHOWN AS", "STRING VALUE", "BELONGS TO", "HELD BY", ""], &rows)
}
