//! `usher leavers`: who must lose access and has not yet, and whether a person has to look first.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::server::Installation;
use crate::store::Leaver;

use super::context::Context;
use super::output::table;
use super::{Exit, OPERATOR};

/// Who must lose access and has not yet, and whether a person has to look first
#[derive(clap::Args)]
pub(super) struct Leavers {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Lists them: those who are held first, then who waits longest
    List {
        /// Only those of this integration
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 200)]
        limit: u32,
    },
    /// Takes nobody's access away until they are released; what runs goes on
    Hold {
        /// The integration
        name: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Lets those go who are held, be it by a person or by the safeguard
    Release {
        /// The integration
        name: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
}

impl Leavers {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::List { integration, limit } => list(context, &installation, integration, limit).await?,
            Act::Hold { name, reason } => {
                let row = super::integration::find(&installation, &name).await?.row;
                let is_new = installation.store.hold_leavers(&row.id, &reason, OPERATOR).await?;
                context.format.print(&json!({ "name": name, "held": true, "is_new": is_new }), |_| {
                    if is_new {
                        format!("leavers of {name} are held; `usher leavers release {name} --reason WHY` lets them go")
                    } else {
                        format!(
                            "leavers of {name} were held already: {}",
                            row.leavers_held_why.unwrap_or_default()
                        )
                    }
                })?;
            }
            Act::Release { name, reason } => {
                let row = super::integration::find(&installation, &name).await?.row;
                let jobs = installation.store.release_leavers(&row.id, &reason, OPERATOR).await?;
                context.format.print(
                    &json!({ "name": name, "held": false, "jobs": jobs }),
                    |_| match jobs {
                        Some(jobs) => format!("leavers of {name} go: {jobs} jobs go on"),
                        None => format!("leavers of {name} are not held"),
                    },
                )?;
            }
        }
        Ok(Exit::Done)
    }
}

async fn list(
    context: &Context,
    installation: &Installation,
    integration: Option<String>,
    limit: u32,
) -> anyhow::Result<()> {
    let of = match &integration {
        Some(name) => Some(super::integration::find(installation, name).await?.row.id),
        None => None,
    };
    let integrations = installation.store.list_integrations().await?;
    let name_of = |id: &str| {
        integrations.iter().find(|row| row.id == id).map_or_else(|| id.to_owned(), |row| row.name.clone())
    };
    let now = SystemClock.now();
    let leavers = installation.store.leavers(of.as_deref(), limit).await?;
    let shown: Vec<Value> =
        leavers.iter().map(|leaver| leaver_json(leaver, &name_of(&leaver.integration_id), now)).collect();
    context.format.print(&shown, |shown| {
        if shown.is_empty() {
            return "nobody has to lose access who has not".to_owned();
        }
        let row = |leaver: &Value| {
            let text = |name: &str| leaver[name].as_str().unwrap_or("-").to_owned();
            let waits = in_words(leaver["waits_s"].as_u64().unwrap_or(0));
            let why = leaver["message"].as_str().or(leaver["class"].as_str()).unwrap_or_default();
            vec![text("integration"), text("user"), waits, text("state"), text("job"), why.to_owned()]
        };
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        table(&["INTEGRATION", "LEAVER", "WAITS", "STATE", "JOB", "WHY"], &rows)
    })
}

fn leaver_json(leaver: &Leaver, integration: &str, now: Timestamp) -> Value {
    json!({
        "integration": integration,
        "user": leaver.user_name,
        "user_id": leaver.user_id,
        "since": leaver.left_at.to_rfc3339(),
        "waits_s": now.since(leaver.left_at).as_secs(),
        "state": leaver.job.state.as_str(),
        "job": leaver.job.id,
        "class": leaver.job.class,
        "message": leaver.job.message,
    })
}

/// A time that a clock shows, such as `1 d 02:03:04`.
fn in_words(seconds: u64) -> String {
    let (days, hours, minutes, seconds) =
        (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    if days == 0 { clock } else { format!("{days} d {clock}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_days_where_there_are_some() {
        assert_eq!(in_words(59), "00:00:59");
        assert_eq!(in_words(2 * 86_400 + 3 * 3_600 + 4 * 60 + 5), "2 d 03:04:05");
    }
}
