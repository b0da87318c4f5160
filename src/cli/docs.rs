//! `usher docs`: a connector's README.

use anyhow::Context as _;
use serde_json::json;

use crate::connector::readme;

use super::Exit;
use super::context::Context;
use super::run::{folder_of, load_or_tell};

/// Writes a connector's README: what it can do, what it needs, its attributes, its limits
#[derive(clap::Args)]
pub(super) struct Docs {
    /// The connector: a name in --connectors, or its folder
    connector: String,
    /// Writes nothing; fails when the README is out of date
    #[arg(long)]
    check: bool,
}

impl Docs {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let folder = folder_of(&self.connector, context)?;
        let Some(connector) = load_or_tell(&folder) else { return Ok(Exit::Failed) };
        let (path, text) = (folder.join("README.md"), readme(&connector));
        let is_current = std::fs::read_to_string(&path).is_ok_and(|written| written == text);
        let did = match (is_current, self.check) {
            (true, _) => "is up to date",
            (false, true) => "is out of date; `usher docs` without --check writes it anew",
            (false, false) => "is written",
        };
        if !is_current && !self.check {
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let shown = json!({ "file": path, "up_to_date": is_current });
        context.format.print(&shown, |_| format!("{} {did}", path.display()))?;
        Ok(if is_current || !self.check { Exit::Done } else { Exit::Failed })
    }
}
