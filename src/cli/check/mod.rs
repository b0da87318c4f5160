//! `usher check`: every mistake of connectors, with its place.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use crate::connector::load;
use crate::diagnostic::{Colour, Diagnostic, Severity, render};

use super::Exit;
use super::context::Context;
use super::output::Format;

mod sarif;

/// Shows every mistake of connectors, with its place
///
/// Exits with 0 where there is no error, 1 where there is one, 2 where there is nothing to check.
#[derive(clap::Args)]
pub(super) struct Check {
    /// Connectors, or folders of connectors; --connectors, if none is given
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let given = if self.folders.is_empty() { vec![context.connectors.clone()] } else { self.folders };
        let mut folders = Vec::new();
        for folder in &given {
            match connectors(folder) {
                Ok(found) if !found.is_empty() => folders.extend(found),
                Ok(_) => return Ok(nothing(folder, "there is no connector in it")),
                Err(error) => return Ok(nothing(folder, &error.to_string())),
            }
        }
        let diagnostics: Vec<Diagnostic> =
            folders.iter().flat_map(|folder| load(folder).diagnostics).collect();
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
        if context.format == Format::Sarif {
            println!("{}", serde_json::to_string_pretty(&sarif::log(&diagnostics))?);
        } else {
            context.format.print(&diagnostics, |diagnostics| text(diagnostics, errors, folders.len()))?;
        }
        Ok(if errors == 0 { Exit::Done } else { Exit::Failed })
    }
}

fn text(diagnostics: &[Diagnostic], errors: usize, connectors: usize) -> String {
    let colour = if std::io::stdout().is_terminal() { Colour::Ansi } else { Colour::Plain };
    let shown = render(diagnostics, colour);
    let warnings = match diagnostics.len() - errors {
        0 => String::new(),
        warnings => format!("{warnings} warning(s)"),
    };
    match (errors, warnings.as_str()) {
        (0, "") => format!("{connectors} connector(s), no mistakes"),
        (0, warnings) => format!("{shown}\n{warnings}"),
        (errors, "") => format!("{shown}\n{errors} mistake(s)"),
        (errors, warnings) => format!("{shown}\n{errors} mistake(s), {warnings}"),
    }
}

/// The call is wrong: `folder` cannot be checked.
fn nothing(folder: &Path, why: &str) -> Exit {
    eprintln!("error: cannot check {}: {why}", folder.display());
    Exit::Misused
}

/// The connector that `folder` is, or those in it, by name.
fn connectors(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    if is_connector(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_connector(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Half of one is one too: what it lacks is a mistake to tell.
fn is_connector(folder: &Path) -> bool {
    ["connector.yaml", "flows"].iter().any(|part| folder.join(part).symlink_metadata().is_ok())
}
