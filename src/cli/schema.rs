//! `usher schema`: the JSON Schemas of a connector's files, for editors.

use clap::ValueEnum;

use crate::connector;
use crate::step;

use super::Exit;
use super::context::Context;

/// Prints the JSON Schema of a connector's files, for editors
///
/// An editor with a YAML language server checks and completes a file that begins with a line such as
/// `# yaml-language-server: $schema=../connector.schema.json`, or `../../flow.schema.json` in a flow.
#[derive(clap::Args)]
pub(super) struct Schema {
    /// Which file it is the schema of
    of: Of,
}

#[derive(Clone, Copy, ValueEnum)]
enum Of {
    /// `connector.yaml`
    Connector,
    /// `flows/NAME.yaml`
    Flow,
}

impl Schema {
    pub(super) async fn run(self, _context: &Context) -> anyhow::Result<Exit> {
        let schema = match self.of {
            Of::Connector => connector::schema(),
            Of::Flow => step::schema(),
        };
        println!("{}", serde_json::to_string_pretty(&schema)?);
        Ok(Exit::Done)
    }
}
