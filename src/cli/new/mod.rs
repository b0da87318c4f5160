//! `usher new`: a connector to start from. It passes `usher check` and reads like a guide.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::clock::{Clock as _, SystemClock};

use super::Exit;
use super::context::Context;

/// The files of a new connector.
const FILES: &[(&str, &str)] = &[
    ("connector.yaml", include_str!("connector.yaml")),
    ("flows/deactivate.yaml", include_str!("deactivate.yaml")),
    ("flows/find_member.yaml", include_str!("find_member.yaml")),
    ("flows/list_accounts.yaml", include_str!("list_accounts.yaml")),
    ("flows/login.yaml", include_str!("login.yaml")),
];

/// Makes a connector to start from
#[derive(clap::Args)]
pub(super) struct New {
    /// Its name: small letters, digits and hyphens
    name: String,
    /// Where its folder is made; the folder of the connectors, if not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl New {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(plain) || self.name.starts_with('-') {
            bail!(
                "`{}` cannot be the name of a connector: a name is small letters, digits and `-`, as in `acme-desk`",
                self.name
            );
        }
        let folder = self.dir.as_ref().unwrap_or(&context.connectors).join(&self.name);
        if folder.exists() {
            bail!("{} is there already; nothing was written", folder.display());
        }
        let now = SystemClock.now().to_rfc3339();
        let day = now.split('T').next().unwrap_or_default();
        for (path, text) in FILES {
            let text = text
                .replace("__NAME__", &self.name)
                .replace("__TITLE__", &title(&self.name))
                .replace("__DAY__", day);
            write(&folder.join(path), &text)?;
        }
        let shown =
            json!({ "folder": folder, "files": FILES.iter().map(|(path, _)| path).collect::<Vec<_>>() });
        context.format.print(&shown, |_| {
            format!(
                "{} is made; begin with connector.yaml and flows/login.yaml, then\n  usher check {0}\n  usher run {0} login \
                 --set base_url=… --credential username=… --credential password=@FILE",
                folder.display()
            )
        })?;
        Ok(Exit::Done)
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text)).with_context(|| format!("cannot write {}", path.display()))
}

/// `acme-desk` as people write it: `Acme Desk`.
fn title(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    name.split('-').map(word).collect::<Vec<_>>().join(" ")
}
