//! `usher integration maintenance`: when nothing begins in an app.

use anyhow::bail;
use serde_json::json;

use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::server::Installation;
use crate::store::Maintenance;

use super::OPERATOR;
use super::context::Context;

/// When the app is maintained.
#[derive(clap::Args)]
pub(super) struct Maintained {
    /// The integration
    name: String,
    /// When it begins, as 2026-12-01T22:00:00+01:00; now, if not given
    #[arg(long, value_parser = Timestamp::from_rfc3339)]
    from: Option<Timestamp>,
    /// When it ends
    #[arg(long, value_parser = Timestamp::from_rfc3339, required_unless_present = "none")]
    until: Option<Timestamp>,
    /// Why, for the record
    #[arg(long, required_unless_present = "none")]
    reason: Option<String>,
    /// There is none, or it is over
    #[arg(long, conflicts_with_all = ["from", "until", "reason"])]
    none: bool,
}

impl Maintained {
    pub(super) async fn run(self, context: &Context, installation: &Installation) -> anyhow::Result<()> {
        let name = self.name;
        let row = super::integration::find(installation, &name).await?.row;
        let from = self.from.unwrap_or_else(|| SystemClock.now());
        let said = self.until.zip(self.reason);
        let maintenance = said.map(|(until, reason)| Maintenance { from, until, reason });
        if maintenance.as_ref().is_some_and(|one| one.until <= one.from) {
            bail!("it ends before it begins");
        }
        installation.store.set_maintenance(&row.id, maintenance.clone(), OPERATOR).await?;
        let times = maintenance.map(|one| (one.from.to_rfc3339(), one.until.to_rfc3339()));
        let (from, until) = times.clone().unzip();
        context.format.print(&json!({ "name": name, "from": from, "until": until }), |_| match times {
            Some((from, until)) => format!("{name} is maintained from {from} until {until}"),
            None => format!("{name} is not maintained"),
        })
    }
}
