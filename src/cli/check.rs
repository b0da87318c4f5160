//! `usher check`: every mistake of connectors, with its place.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::connector::load;
use crate::diagnostic::{Colour, Diagnostic, Severity, render};

use super::Exit;
use super::context::Context;

/// Shows every mistake of connectors, with its place
#[derive(clap::Args)]
pub(super) struct Check {
    /// Folders of connectors; all in --connectors, if none is given
    folders: Vec<PathBuf>,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let folders = if self.folders.is_empty() { all(context)? } else { self.folders };
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for folder in &folders {
            if !folder.is_dir() {
                bail!("{} is no folder of a connector", folder.display());
            }
            diagnostics.extend(load(folder).diagnostics);
        }
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        context.format.print(&diagnostics, |diagnostics| {
            let colour = if std::io::stdout().is_terminal() { Colour::Ansi } else { Colour::Plain };
            let shown = render(diagnostics, colour);
            match (errors, diagnostics.len()) {
                (_, 0) => format!("{} connector(s), no mistakes", folders.len()),
                (0, warnings) => format!("{shown}\n{warnings} warning(s)"),
                (errors, _) => format!("{shown}\n{errors} mistake(s)"),
            }
        })?;
        Ok(if errors == 0 { Exit::Done } else { Exit::Failed })
    }
}

/// Every folder of the connectors' folder that has a `connector.yaml`.
fn all(context: &Context) -> anyhow::Result<Vec<PathBuf>> {
    let folder = &context.connectors;
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.join("connector.yaml").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
