//! `usher import`: a recording of Chrome's DevTools as a draft of a flow.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use crate::connector::Holds;
use crate::draft::{Wish, draft};

use super::Exit;
use super::context::Context;
use super::run::{folder_of, load_or_tell};

/// Turns a recording of Chrome's DevTools Recorder into a draft of a flow
///
/// In Chrome: DevTools, Recorder, record what is to be done, Export as JSON. The draft is printed; where a person must
/// decide something it says TODO. A login at the beginning of the recording is left out, unless the flow is `login`.
#[derive(clap::Args)]
pub(super) struct Import {
    /// The recording, as exported in JSON
    recording: PathBuf,
    /// The flow that it shows, such as `invite` or `change_role`
    flow: String,
    /// The connector that it is for; its attributes and entitlements are then recognised by their labels
    #[arg(long)]
    connector: Option<String>,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let json = std::fs::read_to_string(&self.recording)
            .with_context(|| format!("cannot read {}", self.recording.display()))?;
        let mut wish = Wish { flow: self.flow, ..Wish::default() };
        if let Some(name) = &self.connector {
            let Some(connector) = load_or_tell(&folder_of(name, context)?) else { return Ok(Exit::Failed) };
            wish.attributes =
                connector.account.attributes.iter().map(|attribute| attribute.name.clone()).collect();
            let one = connector.entitlements.iter().filter(|entitlement| entitlement.holds == Holds::One);
            wish.entitlements = one.map(|entitlement| entitlement.name.clone()).collect();
        }
        let draft = draft(&json, &wish)?;
        let shown = json!({ "flow": wish.flow, "yaml": draft.yaml, "decisions": draft.decisions });
        context.format.print(&shown, |_| draft.yaml.clone())?;
        eprintln!("{} decision(s) are left; they are marked TODO", draft.decisions);
        Ok(Exit::Done)
    }
}
