//! `usher evidence`: bundles of what was done for a person, or within a time, for whoever audits it; and the end of what is kept.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use clap::Subcommand;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::evidence::{self, ExportError, Exporter, Scope, Stage, Verified};
use crate::integration::Integration;
use crate::server::Installation;
use crate::store::UserRow;

use super::context::Context;
use super::{Exit, OPERATOR};

/// After so many stories it is told how far an export is.
const TELL_EVERY: usize = 100;

/// How many lines tell what is wrong; JSON has all.
const SHOWN: usize = 50;

/// What was done, for whoever audits it: exported, held, erased
#[derive(clap::Args)]
pub(super) struct Evidence {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Exports all that is recorded of a person, or of a time: who asked for what, what was done, and what was seen
    Export(Export),
    /// Verifies that a bundle is as it was exported; needs nothing but the bundle
    Verify {
        /// The folder, or the `.tar.gz`
        path: PathBuf,
        /// The digest that the export printed: with it, a bundle that was made anew as a whole is noticed
        #[arg(long, value_name = "HEX")]
        digest: Option<String>,
        /// Compares it with the database that --data or --database names: its events, and whether it was exported from there
        #[arg(long)]
        against_database: bool,
    },
    /// Erases what shows a person: pictures, pages, recordings and steps, of their own jobs and of others
    Erase(super::keeping::Erase),
    /// Lets nothing expire, nor be erased, of an integration, a person or a job
    Hold(super::keeping::Hold),
    /// Ends a hold
    Release {
        /// Its id
        id: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Lists what is held
    Holds,
    /// Removes what is kept for long enough, as the server does by itself, and what a crash left behind
    Sweep {
        /// Only tells what a crash left behind
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(clap::Args)]
struct Export {
    /// The integration
    #[arg(long, value_name = "NAME")]
    integration: String,
    /// Of this person alone: a user name, whoever had it, or the id of a user
    #[arg(long, value_name = "USER", conflicts_with_all = ["from", "until"], required_unless_present = "from")]
    person: Option<String>,
    /// Of the time from here, as 2026-12-01 (UTC) or 2026-12-01T22:00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "until")]
    from: Option<Timestamp>,
    /// Of the time before this; of a day that is named, to the end
    #[arg(long, value_name = "TIME", value_parser = parse_end, requires = "from")]
    until: Option<Timestamp>,
    /// Where to: a `.tar.gz` that is not there yet, or a folder that is empty
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
}

impl Evidence {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self.act {
            Act::Export(export) => export.run(context).await,
            Act::Verify { path, digest, against_database } => {
                verify(context, &path, digest.as_deref(), against_database).await
            }
            Act::Erase(erase) => erase.run(context).await,
            Act::Hold(hold) => hold.run(context).await,
            Act::Release { id, reason } => super::keeping::release(context, &id, &reason).await,
            Act::Holds => super::keeping::holds(context).await,
            Act::Sweep { dry_run } => super::keeping::sweep(context, dry_run).await,
        }
    }
}

impl Export {
    async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let integration = super::integration::find(&installation, &self.integration).await?;
        let scope = self.scope(&installation, &integration).await?;
        let exporter = Exporter {
            store: &installation.store,
            artifacts: &installation.artifacts,
            integration: &integration,
            at: SystemClock.now(),
            by: OPERATOR,
        };
        let exported = match exporter.export(&scope, &self.to, &mut tell).await {
            Err(ExportError::Nothing) => bail!("nothing is recorded of {}", self.words()),
            other => other?,
        };
        let done = json!({
            "bundle": self.to,
            "digest": exported.packed.digest,
            "files": exported.packed.files,
            "events": exported.events,
            "stories": exported.stories,
            "pictures": exported.pictures,
            "missing_pictures": exported.missing,
        });
        context.format.print(&done, |_| {
            let missing = match exported.missing {
                0 => String::new(),
                missing => format!("; {missing} more are not kept any more"),
            };
            format!(
                "{}: {} events in {}, with {}{missing}\ndigest {}\nKeep the digest elsewhere: with it, \
                 `usher evidence verify` notices a bundle that was made anew. There is people's data in the bundle.",
                self.to.display(),
                exported.events,
                counted(exported.stories, "story", "stories"),
                counted(exported.pictures, "picture", "pictures"),
                exported.packed.digest
            )
        })?;
        Ok(Exit::Done)
    }

    async fn scope(&self, installation: &Installation, integration: &Integration) -> anyhow::Result<Scope> {
        if let (Some(from), Some(until)) = (self.from, self.until) {
            ensure!(from < until, "--until must be after --from");
            return Ok(Scope::Time { from, until });
        }
        Ok(Scope::People(
            people(installation, integration, self.person.as_deref().unwrap_or_default()).await?,
        ))
    }

    fn words(&self) -> String {
        match &self.person {
            Some(person) => format!("{person} in {}", self.integration),
            None => format!("that time in {}", self.integration),
        }
    }
}

/// Everybody of that user name, or the one of that id.
pub(super) async fn people(
    installation: &Installation,
    integration: &Integration,
    person: &str,
) -> anyhow::Result<Vec<UserRow>> {
    let id = &integration.row.id;
    let mut people = installation.store.users_ever_named(id, person).await?;
    if people.is_empty() {
        people.extend(installation.store.find_user_or_tombstone(id, person).await?);
    }
    ensure!(!people.is_empty(), "{} has nobody of the user name or the id `{person}`", integration.row.name);
    Ok(people)
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Tells now and then how far it is; what is done at once is not worth a word.
fn tell(stage: Stage) {
    match stage {
        Stage::Events(read, all) if read < all => eprintln!("{read} of {all} events"),
        Stage::Stories(told, all) if told.is_multiple_of(TELL_EVERY) => eprintln!("{told} of {all} stories"),
        Stage::Events(..) | Stage::Stories(..) => {}
    }
}

async fn verify(
    context: &Context,
    path: &Path,
    digest: Option<&str>,
    against_database: bool,
) -> anyhow::Result<Exit> {
    let mut verified = evidence::verify(path, digest)?;
    if against_database {
        let store = context.open_store(context.database()?, false).await?;
        verified.compare(&store).await?;
        store.close().await;
    }
    let shown = json!({
        "bundle": path,
        "is_as_exported": verified.wrong.is_empty(),
        "digest": verified.digest,
        "digest_compared": digest.is_some(),
        "database_compared": against_database,
        "about": verified.about,
        "files": verified.files,
        "events": verified.events.len(),
        "chain": verified.head.as_ref().map(|head| json!({ "events": head.events, "hash": head.hash })),
        "wrong": verified.wrong,
    });
    context.format.print(&shown, |_| in_words(path, &verified, digest.is_some()))?;
    Ok(if verified.wrong.is_empty() { Exit::Done } else { Exit::Failed })
}

fn in_words(path: &Path, verified: &Verified, is_digest_compared: bool) -> String {
    if !verified.wrong.is_empty() {
        let lines = verified.wrong.iter().map(|wrong| {
            let event = wrong.event.map(|event| format!("event {event} ")).unwrap_or_default();
            let file = wrong.file.as_ref().map(|file| format!("{file}: ")).unwrap_or_default();
            format!("  {file}{event}{}", wrong.what)
        });
        let mut lines: Vec<String> = lines.take(SHOWN).collect();
        lines.extend(
            verified.wrong.len().checked_sub(SHOWN + 1).map(|more| format!("  … and {} more", more + 1)),
        );
        return format!("{} is NOT as it was exported:\n{}", path.display(), lines.join("\n"));
    }
    let head = verified.head.as_ref().map_or_else(String::new, |head| {
        format!("; the chain holds to event {} and ends with {}", head.events, head.hash)
    });
    let digest = match is_digest_compared {
        true => "It is the one that was exported.".to_owned(),
        false => format!("Compare its digest with the one that the export printed: {}", verified.digest),
    };
    format!(
        "{} is in itself as a bundle is exported: {} files, {} events{head}\n{digest}",
        path.display(),
        verified.files,
        verified.events.len()
    )
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    parse(text, false)
}

fn parse_end(text: &str) -> Result<Timestamp, String> {
    parse(text, true)
}

/// A time, or a day in UTC: its begin, or where it ends.
fn parse(text: &str, is_end: bool) -> Result<Timestamp, String> {
    let Ok(day) = text.parse::<Date>() else {
        return Timestamp::from_rfc3339(text).map_err(|error| format!("{error}, or as 2026-12-01"));
    };
    // A time without an offset reads as a day too.
    if text.len() > "2026-12-01".len() {
        return Timestamp::from_rfc3339(text).map_err(|error| format!("{error}, or as 2026-12-01"));
    }
    let day = if is_end { day.tomorrow() } else { Ok(day) };
    let begin = day.and_then(|day| day.to_zoned(TimeZone::UTC)).map_err(|error| error.to_string())?;
    Ok(Timestamp::from_ms(begin.timestamp().as_millisecond()))
}
