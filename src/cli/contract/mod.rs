//! `usher test`: a connector held to its contract, against a sandbox of the app. The suite sets up an installation of its own that lasts as
//! long as the run, pushes people and groups to it as an identity provider does, and looks at what the worker makes of that: so what is
//! tested is what runs in earnest.

mod accounts;
mod case;
mod entitlements;
mod groups;
mod guards;
mod jobs;
mod people;
mod person;
mod recordings;
mod report;
mod sandbox;
mod story;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::connector::{Connector, SettingError, texts};
use crate::diagnostic::{near, one_of};
use crate::id::SystemEntropy;

use super::Exit;
use super::context::Context;
use super::junit;
use super::run::{Access, folder_of, load_or_tell, misused};

use case::Case;
use person::Mark;
use recordings::Recordings;
use sandbox::{Entry, Kept, Sandbox};
use story::{Asked, PROTECTED, Suite};

/// Holds a connector to its contract, against a sandbox of the app: this makes, changes and removes accounts there
///
/// It logs in, reads the list, invites somebody and changes them in every way that the connector can, each verified by reading; it tries what
/// must be refused, and a wrong password once. Whom it made goes again at the end.
#[derive(clap::Args)]
pub(super) struct Test {
    /// The connector: a name in --connectors, or its folder
    connector: String,
    #[command(flatten)]
    access: Access,
    /// Says that the app is a sandbox, in which accounts may be made, changed and removed, and a wrong password be tried
    #[arg(long)]
    sandbox: bool,
    /// Only this case; once for each
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,
    /// Not this case; once for each
    #[arg(long, value_name = "CASE")]
    without: Vec<String>,
    /// An account of the sandbox that may be renamed, deactivated and so on, in the place of one that the suite invites; it is put back
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// Invites this many people first, so that the list has more than one page
    #[arg(long, value_name = "N", default_value_t = 0)]
    fill: usize,
    /// Where the people of the suite have their addresses
    #[arg(long, value_name = "DOMAIN", default_value = "example.org")]
    domain: String,
    /// Where the pictures of failures are kept; in the system's temporary folder, if not given
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Writes the result as JUnit's XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Keeps in this folder, none yet or an empty one, what `usher replay` needs to play each case without the app: an archive for each. Every
    /// job then logs in for itself, which with one-time codes takes half a minute
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

impl Test {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let folder = folder_of(&self.connector, context)?;
        let Some(connector) = load_or_tell(&folder) else { return Ok(Exit::Failed) };
        let (login, credentials, mut wrong) = self.access.entry(&connector)?;
        let given = self.access.values()?.into_iter();
        let plain = |name: String| name.strip_prefix("settings.").map(str::to_owned).unwrap_or(name);
        let settings = given.map(|(name, value)| (plain(name), value)).collect();
        let errors = connector.settings_scope(&settings).err().unwrap_or_default();
        wrong.extend(errors.iter().map(|error| match error {
            SettingError::Missing { name, .. } => format!("{error}; say `--set {name}=…`"),
            _ => error.to_string(),
        }));
        let cases = self.cases(&connector, &mut wrong);
        if !self.sandbox {
            wrong.push(
                "this makes, changes and removes accounts in the app, and tries a wrong password once: \
                 say `--sandbox` where the app is one"
                    .to_owned(),
            );
        }
        if !wrong.is_empty() {
            return Ok(misused(&wrong));
        }
        let mark = Mark::draw(&SystemEntropy, &self.domain);
        let entry = Entry { settings, login, credentials };
        let protected = vec![mark.user_name(PROTECTED)];
        let recordings = self.record.map(Recordings::prepare).transpose().context("--record")?;
        let kept = (Kept::at(self.pictures), recordings.is_some());
        let sandbox = Sandbox::open(context, (&folder, &connector), &entry, protected, kept).await?;
        let invite = texts(&folder).into_iter().find(|text| text.path == "flows/invite.yaml");
        let invite = String::from_utf8_lossy(&invite.map(|text| text.bytes).unwrap_or_default()).into_owned();
        let asked = Asked { entry, cases, member: self.member, fill: self.fill, mark };
        eprintln!("{} {}, with Chromium:", connector.name, connector.version);
        let mut suite = Suite::new(sandbox, connector.clone(), invite, asked);
        suite.recordings = recordings;
        suite.play().await?;
        let Suite { sandbox, report, .. } = suite;
        sandbox.close().await;
        if let Some(path) = &self.junit {
            junit::write(path, &format!("usher test {}", connector.name), &report.for_junit())
                .context("--junit")?;
        }
        let shown = report.as_json(&connector);
        context.format.print(&shown, |_| report.in_words(&connector))?;
        Ok(if report.is_good() { Exit::Done } else { Exit::Failed })
    }

    /// The names of the cases to play. One that there is not is a mistake.
    fn cases(&self, connector: &Connector, wrong: &mut Vec<String>) -> BTreeSet<String> {
        let all: Vec<String> = Case::of(connector).iter().map(Case::name).collect();
        for name in self.only.iter().chain(&self.without).filter(|name| !all.contains(name)) {
            let meant = match near(name, all.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", one_of(&all)),
            };
            wrong.push(format!("there is no case `{name}`; {meant}"));
        }
        let is_asked = |name: &String| self.only.is_empty() || self.only.contains(name);
        all.into_iter().filter(|name| is_asked(name) && !self.without.contains(name)).collect()
    }
}
