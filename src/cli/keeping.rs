//! `usher evidence erase`, `hold`, `release`, `holds`, `sweep`: the end of what is kept.

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};

use crate::clock::{Clock as _, SystemClock};
use crate::job::Swept;
use crate::keeping::{Counts, Eraser, Who, orphans, remove_unneeded};
use crate::server::Installation;
use crate::store::{Covered, EXCHANGES_KEPT, HoldRow, UserRow};

use super::context::Context;
use super::evidence::{counted, people};
use super::output::table;
use super::{Exit, OPERATOR};

/// Erases what shows a person.
#[derive(clap::Args)]
pub(super) struct Erase {
    /// The integration
    #[arg(long, value_name = "NAME")]
    integration: String,
    /// Who: a user name, whoever had it, or the id of a user
    #[arg(long, value_name = "USER")]
    person: String,
    /// Why, for the record and in the place of what is erased; without a person's data in it
    #[arg(long)]
    reason: String,
    /// Also what events said of them: how the account was wanted, was and became. That something was done, when and by whom stays
    #[arg(long)]
    events_too: bool,
    /// Only counts what would be erased
    #[arg(long)]
    dry_run: bool,
}

impl Erase {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let integration = super::integration::find(&installation, &self.integration).await?;
        let people = people(&installation, &integration, &self.person).await?;
        let who = Who::of(&installation.store, &integration.connector, &people).await?;
        if who.is_in(self.reason.as_bytes()) {
            bail!("the reason names the person: it stays in the record, so write it without");
        }
        let eraser = Eraser {
            store: &installation.store,
            artifacts: &installation.artifacts,
            connector: &integration.connector,
            integration_id: &integration.row.id,
            events: self.events_too,
        };
        let counts = eraser.erase(&who, (&self.reason, OPERATOR), self.dry_run).await?;
        let left = match self.dry_run {
            true => 0,
            false => remove_unneeded(&installation.store, &installation.artifacts, usize::MAX).await?.1,
        };
        let Counts { attempts, own, pictures, pages, recordings, steps } = counts;
        let remains = remains(&people, self.events_too);
        let shown = json!({
            "people": who.ids, "dry_run": self.dry_run, "attempts": attempts, "own_attempts": own,
            "pictures": pictures, "pages": pages, "recording_files": recordings, "steps": steps,
            "not_removed_yet": left, "not_looked_for": who.left_out, "remains": remains,
        });
        context.format.print(&shown, |_| {
            let verb = if self.dry_run { "would be erased" } else { "erased" };
            let mut lines = vec![
                format!("{verb} in {} ({own} of their own jobs):", counted(attempts, "attempt", "attempts")),
                format!(
                    "  {}, {}, {} of recordings, {}",
                    counted(pictures, "picture", "pictures"),
                    counted(pages, "page", "pages"),
                    counted(recordings, "file", "files"),
                    counted(steps, "step", "steps")
                ),
            ];
            if left > 0 {
                lines.push(format!(
                    "  {} could not be removed yet; the server tries again",
                    counted(left, "file", "files")
                ));
            }
            if !who.left_out.is_empty() {
                let words: Vec<&str> = who.left_out.iter().map(String::as_str).collect();
                lines.push(format!(
                    "not looked for, because others have it too or it is too short: {}",
                    words.join(", ")
                ));
            }
            lines.push("what remains:".to_owned());
            lines.extend(remains.iter().map(|one| format!("  {one}")));
            lines.join("\n")
        })?;
        Ok(if left == 0 { Exit::Done } else { Exit::Failed })
    }
}

/// What is known of a person besides, and why it stays.
fn remains(people: &[UserRow], is_unsaid: bool) -> Vec<String> {
    let events = match is_unsaid {
        true => {
            "events: that something was done for the id, when and by whom, without what they said; for ever"
        }
        false => {
            "events: who asked for what, how the account was and became; for ever, or until --events-too"
        }
    };
    let others = "events of others and of the integration whose words name the person: for ever";
    let mut lines = vec![events.to_owned(), others.to_owned()];
    for user in people {
        lines.push(match user.gone_at {
            Some(at) => format!(
                "user {}: the wish as it was last, and the account; the person is gone since {}, and by it their jobs can be told",
                user.id,
                at.to_rfc3339()
            ),
            None => format!("user {}: the wish and the account, by which Usher works; delete it in the identity provider", user.id),
        });
    }
    lines.push(format!(
        "SCIM journal: the last {EXCHANGES_KEPT} requests; each goes when enough newer ones have come"
    ));
    lines.push("plans of syncs: what a reading found of the person".to_owned());
    lines.push("bundles and recordings that were exported, backups: where they were put".to_owned());
    lines
}

/// Lets nothing expire, nor be erased.
#[derive(clap::Args)]
pub(super) struct Hold {
    /// The integration; all of it, where nothing else is named
    #[arg(long, value_name = "NAME")]
    integration: String,
    /// What is of this person, or shows them: a user name, or the id of a user
    #[arg(long, value_name = "USER", conflicts_with = "job")]
    person: Option<String>,
    /// What is of this job
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// Why, for the record
    #[arg(long)]
    reason: String,
}

impl Hold {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let integration = super::integration::find(&installation, &self.integration).await?;
        let id = &integration.row.id;
        let covered = match (&self.person, &self.job) {
            (Some(person), _) => {
                let people = people(&installation, &integration, person).await?;
                people.into_iter().map(|user| Covered::Person(user.id)).collect()
            }
            (None, Some(job)) => {
                let found = installation.store.find_job(job).await?;
                let own = found.filter(|found| found.integration_id == *id);
                let own = own.with_context(|| format!("{} has no job `{job}`", self.integration))?;
                vec![Covered::Job(own.id)]
            }
            (None, None) => vec![Covered::Integration],
        };
        let mut holds = Vec::new();
        for covered in covered {
            holds.push(installation.store.hold_evidence(id, covered, (&self.reason, OPERATOR)).await?);
        }
        let shown: Vec<Value> = holds.iter().map(|hold| json_of(hold, &self.integration)).collect();
        context.format.print(&shown, |_| {
            let lines = holds.iter().map(|hold| format!("{} holds {}", hold.id, words(&hold.covered)));
            lines.collect::<Vec<_>>().join("\n")
        })?;
        Ok(Exit::Done)
    }
}

pub(super) async fn release(context: &Context, id: &str, reason: &str) -> anyhow::Result<Exit> {
    let installation = context.open().await?;
    let released = installation.store.release_evidence(id, (reason, OPERATOR)).await?;
    released.with_context(|| format!("no hold `{id}` is open; `usher evidence holds` lists them"))?;
    context.format.print(&json!({ "id": id, "released": true }), |_| format!("{id} is released"))?;
    Ok(Exit::Done)
}

pub(super) async fn holds(context: &Context) -> anyhow::Result<Exit> {
    let installation = context.open().await?;
    let names = installation.store.list_integrations().await?;
    let name_of = |id: &str| names.iter().find(|row| row.id == id).map_or("-", |row| row.name.as_str());
    let holds = installation.store.list_evidence_holds().await?;
    let shown: Vec<Value> = holds.iter().map(|hold| json_of(hold, name_of(&hold.integration_id))).collect();
    context.format.print(&shown, |shown| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let row = |hold: &Value| {
            ["id", "integration", "of", "since", "by", "released", "reason"]
                .map(|name| text(&hold[name]))
                .to_vec()
        };
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        table(&["ID", "INTEGRATION", "OF", "SINCE", "BY", "RELEASED", "REASON"], &rows)
    })?;
    Ok(Exit::Done)
}

fn json_of(hold: &HoldRow, integration: &str) -> Value {
    json!({
        "id": hold.id,
        "integration": integration,
        "of": words(&hold.covered),
        "reason": hold.reason,
        "by": hold.made_by,
        "since": hold.made_at.to_rfc3339(),
        "released": hold.released_at.map(|at| at.to_rfc3339()),
    })
}

fn words(covered: &Covered) -> String {
    match covered {
        Covered::Integration => "everything".to_owned(),
        Covered::Person(id) => format!("user {id}"),
        Covered::Job(id) => format!("job {id}"),
    }
}

pub(super) async fn sweep(context: &Context, is_dry: bool) -> anyhow::Result<Exit> {
    let installation = context.open().await?;
    let Swept { expired, removed, failed, .. } = match is_dry {
        true => Swept::default(),
        false => sweep_all(&installation).await?,
    };
    let now = SystemClock.now();
    let orphans = orphans(&installation.store, &installation.artifacts, now, !is_dry)
        .await
        .map_err(|error| anyhow!(error))?;
    let shown = json!({ "expired": expired, "removed": removed, "failed": failed, "orphans": orphans });
    context.format.print(&shown, |_| {
        let found = counted(orphans.len(), "file", "files");
        match is_dry {
            true => format!("{found} that nothing knows of"),
            false => format!("{expired} over, {removed} removed, {failed} could not be removed; {found} removed that nothing knew of"),
        }
    })?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// Turns of the sweep until nothing is left to do.
async fn sweep_all(installation: &Installation) -> anyhow::Result<Swept> {
    let mut swept = Swept::default();
    loop {
        let turn = installation.sweep().turn().await?;
        swept.expired += turn.expired;
        swept.removed += turn.removed;
        swept.failed = turn.failed;
        if turn.attempts == 0 && turn.removed == 0 {
            return Ok(swept);
        }
    }
}
