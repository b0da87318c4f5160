//! `usher job`: what is to be done, was done, and failed.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::artifact::ArtifactName;
use crate::failure::FailureClass;
use crate::operator::shown;
use crate::recording::MANIFEST;
use crate::server::Installation;
use crate::store::{
    AttemptDetail, EvidenceRow, JobDetail, JobFilter, JobRow, JobState, OperateError, Priority, RECORDING,
};
use crate::trace::{StepOutcome, StepRecord};

use super::context::Context;
use super::open::{Opening, story_of};
use super::output::table;
use super::{Exit, OPERATOR, kept, package};

/// What is to be done, was done, and failed
#[derive(clap::Args)]
pub(super) struct Job {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Lists jobs, newest first
    List {
        /// Only those of this integration
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        /// Only those in this state: ready, blocked, running, retry, done, failed, held, needs_human, cancelled
        #[arg(long)]
        state: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Shows a job with every step of every attempt
    Show {
        /// Its id
        id: String,
        /// Saves its pictures in this folder too, wherever they are kept
        #[arg(long, value_name = "DIR")]
        pictures: Option<PathBuf>,
    },
    /// Writes everything that the attempts of a job left behind: steps, pictures, pages, and of those that failed a recording to be replayed
    Export {
        /// Its id
        id: String,
        /// The folder, none yet or an empty one, or an archive (`.tar.gz`)
        #[arg(long, value_name = "PLACE")]
        to: PathBuf,
        /// Only that attempt
        #[arg(long, value_name = "N")]
        attempt: Option<i64>,
        /// Puts fictional values in the place of what tells who people are, the same for the same person, and leaves pictures out. Whoever
        /// stands on a page by name alone, and was not read by a flow, is not known to be somebody: look before you pass it on
        #[arg(long)]
        anonymise: bool,
    },
    /// Tells what the last attempt at a job did, on one page for a browser: every step with its picture, page, times and lines
    Open {
        /// Its id
        id: String,
        /// Another attempt than the last
        #[arg(long, value_name = "N")]
        attempt: Option<i64>,
        #[command(flatten)]
        opening: Opening,
    },
    /// Tries jobs again that failed, were cancelled or wait for their next try
    Retry {
        /// Their ids
        #[arg(required_unless_present = "failed")]
        ids: Vec<String>,
        /// All of this integration that failed, in the place of ids
        #[arg(long, value_name = "INTEGRATION", conflicts_with = "ids")]
        failed: Option<String>,
        /// Of those, only the ones with this failure class
        #[arg(long, requires = "failed")]
        class: Option<FailureClass>,
    },
    /// Lets jobs that have not begun wait until they are released
    Hold {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Lets jobs go before, or behind, others of their integration
    Priority {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// leaver, interactive, or ordinary
        #[arg(long = "as", value_name = "PRIORITY")]
        priority: Priority,
    },
    /// Lets jobs go on that are held or were for a person to do: they compare anew
    Release {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Leaves jobs to you: do them in the app, then `usher job done`
    Take {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// Reads in the app whether jobs are done that are for a person to do; one ends only where it is
    Done {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Ends jobs that are not running
    Cancel {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
}

impl Job {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::List { integration, state, limit } => {
                list(context, &installation, integration, state, limit).await
            }
            Act::Show { id, pictures } => show(context, &installation, &id, pictures.as_deref()).await,
            Act::Export { id, to, attempt, anonymise } => {
                export(context, &installation, &id, (&to, attempt), anonymise).await
            }
            Act::Open { id, attempt, opening } => open(context, &installation, &id, attempt, &opening).await,
            Act::Retry { ids, failed, class } => {
                let ids = match failed {
                    Some(integration) => failed_jobs(&installation, &integration, class).await?,
                    None => ids,
                };
                operate(context, &ids, async |id| installation.store.retry_job(id, OPERATOR).await).await
            }
            Act::Hold { ids, reason } => {
                let hold = async |id: &str| installation.store.hold_job(id, &reason, OPERATOR).await;
                operate(context, &ids, hold).await
            }
            Act::Priority { ids, priority } => {
                let set = async |id: &str| installation.store.prioritize_job(id, priority, OPERATOR).await;
                operate(context, &ids, set).await
            }
            Act::Release { ids, reason } => {
                let release = async |id: &str| installation.store.release_job(id, &reason, OPERATOR).await;
                operate(context, &ids, release).await
            }
            Act::Take { ids, reason } => {
                let take = async |id: &str| installation.store.take_job(id, &reason, OPERATOR).await;
                operate(context, &ids, take).await
            }
            Act::Done { ids } => {
                operate(context, &ids, async |id| installation.store.check_job(id, OPERATOR).await).await
            }
            Act::Cancel { ids, reason } => {
                let cancel = async |id: &str| installation.store.cancel_job(id, &reason, OPERATOR).await;
                operate(context, &ids, cancel).await
            }
        }
    }
}

async fn list(
    context: &Context,
    installation: &Installation,
    integration: Option<String>,
    state: Option<String>,
    limit: u32,
) -> anyhow::Result<Exit> {
    let integration_id = match integration {
        Some(name) => Some(super::integration::find(installation, &name).await?.row.id),
        None => None,
    };
    let state: Option<JobState> = state.map(|word| word.parse()).transpose()?;
    let jobs =
        installation.store.list_jobs(&JobFilter { integration_id, state, before: None, limit }).await?;
    let jobs: Vec<Value> = jobs.iter().map(shown::job).collect();
    context.format.print(&jobs, |jobs| {
        let columns = ["id", "kind", "user", "state", "class", "attempts", "changed"];
        let cell = |job: &Value, column: &str| match about(job, column) {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        };
        let rows: Vec<Vec<String>> =
            jobs.iter().map(|job| columns.iter().map(|column| cell(job, column)).collect()).collect();
        table(&["ID", "KIND", "SUBJECT", "STATE", "CLASS", "ATTEMPTS", "CHANGED"], &rows)
    })?;
    Ok(Exit::Done)
}

/// The jobs that failed and that nothing has followed: one of each account, or group.
async fn failed_jobs(
    installation: &Installation,
    integration: &str,
    class: Option<FailureClass>,
) -> anyhow::Result<Vec<String>> {
    let integration_id = super::integration::find(installation, integration).await?.row.id;
    let ids = installation.store.failed_jobs(&integration_id, class).await?;
    if ids.is_empty() {
        anyhow::bail!("no job of {integration} stands failed so");
    }
    Ok(ids)
}

async fn show(
    context: &Context,
    installation: &Installation,
    id: &str,
    pictures: Option<&Path>,
) -> anyhow::Result<Exit> {
    let found = kept::find_job(installation, id).await?;
    let job = in_full(installation, &found);
    context.format.print(&job, |job| in_words(job, &found.attempts, installation))?;
    match pictures {
        Some(folder) => super::pictures::save(installation, &found.attempts, folder).await,
        None => Ok(Exit::Done),
    }
}

/// A job with its attempts and their steps.
fn in_full(installation: &Installation, found: &JobDetail) -> Value {
    let mut job = shown::job(&found.job);
    job["attempt_log"] = found.attempts.iter().map(|attempt| attempt_json(installation, attempt)).collect();
    job
}

async fn export(
    context: &Context,
    installation: &Installation,
    id: &str,
    (to, attempt): (&Path, Option<i64>),
    is_anonymous: bool,
) -> anyhow::Result<Exit> {
    let found = kept::find_job(installation, id).await?;
    let shown = in_full(installation, &found);
    let (mut files, missing) = kept::export(installation, &found, shown, attempt).await?;
    let (mut values, mut pictures) = (0, 0);
    if is_anonymous {
        let anonymised = kept::anonymised(installation, &found.job, files).await?;
        (files, values, pictures) = (anonymised.files, anonymised.values, anonymised.pictures);
    }
    package::finish(package::create(to)?, &files)?;
    let told = json!({
        "job": id, "folder": to, "files": files.len(), "missing": missing,
        "anonymised": is_anonymous, "values_replaced": values, "pictures_left_out": pictures,
    });
    context.format.print(&told, |_| {
        let mut lines: Vec<String> = missing.iter().map(|line| format!("missing: {line}")).collect();
        if is_anonymous {
            lines.push(format!("{values} values replaced, {pictures} pictures left out"));
        }
        lines.push(format!("{}: {} files", to.display(), files.len()));
        if files.contains_key(MANIFEST) {
            lines.push(format!("usher replay {}", to.display()));
        }
        lines.join("\n")
    })?;
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn open(
    context: &Context,
    installation: &Installation,
    id: &str,
    attempt: Option<i64>,
    opening: &Opening,
) -> anyhow::Result<Exit> {
    let found = kept::find_job(installation, id).await?;
    let page = opening.open(&story_of(installation, &found, attempt).await?)?;
    let told = json!({ "job": id, "page": page });
    context.format.print(&told, |_| page.display().to_string())?;
    Ok(Exit::Done)
}

/// Does something with each job, and tells what became of it. One that is refused does not keep the others from it.
async fn operate(
    context: &Context,
    ids: &[String],
    act: impl AsyncFn(&str) -> Result<JobRow, OperateError>,
) -> anyhow::Result<Exit> {
    let mut shown = Vec::new();
    let mut failures = 0;
    for id in ids {
        match act(id).await {
            Ok(job) => shown.push(shown::job(&job)),
            Err(error) => {
                failures += 1;
                shown.push(json!({ "id": id, "error": error.to_string() }));
            }
        }
    }
    context.format.print(&shown, |shown| {
        let line = |job: &Value| match job["error"].as_str() {
            Some(error) => format!("{}: {error}", job["id"].as_str().unwrap_or_default()),
            None => format!(
                "{} is {}",
                job["id"].as_str().unwrap_or_default(),
                job["state"].as_str().unwrap_or_default()
            ),
        };
        shown.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if failures == 0 { Exit::Done } else { Exit::Failed })
}

/// A column of a job; its group stands where another has a user.
fn about<'j>(job: &'j Value, column: &str) -> &'j Value {
    if column == "user" && job["user"].is_null() { &job["group"] } else { &job[column] }
}

fn attempt_json(installation: &Installation, detail: &AttemptDetail) -> Value {
    let attempt = &detail.attempt;
    json!({
        "number": attempt.number,
        "worker": attempt.worker,
        "connector_hash": attempt.connector_hash,
        "started": attempt.started_at.to_rfc3339(),
        "committing": attempt.committing_at.map(|at| at.to_rfc3339()),
        "finished": attempt.finished_at.map(|at| at.to_rfc3339()),
        "outcome": attempt.outcome.map(|outcome| outcome.as_str()),
        "class": attempt.class,
        "message": attempt.message,
        "recording": recording(detail),
        "steps": detail.steps.iter().map(|step| step_json(installation, detail, step)).collect::<Vec<_>>(),
    })
}

/// A step with what was kept of it, and where.
fn step_json(installation: &Installation, detail: &AttemptDetail, step: &StepRecord) -> Value {
    let mut shown = json!(step);
    let of_step = detail.evidence.iter().filter(|kept| kept.step == Some(step.seq));
    shown["kept"] =
        of_step.filter_map(|kept| Some((kept.path.clone(), address(installation, kept)?))).collect();
    shown
}

/// What is left of the recording of an attempt, in words; nothing where there never was one.
fn recording(detail: &AttemptDetail) -> Option<String> {
    let mut files = detail.evidence.iter().filter(|kept| kept.path.starts_with(RECORDING)).peekable();
    files.peek()?;
    let missing = files.find_map(|kept| Some(format!("{}: {}", kept.path, kept.missing()?)));
    Some(missing.unwrap_or_else(|| "kept".to_owned()))
}

/// Where the last picture of a step is: a path, or an address in S3; or why it is nowhere.
pub(super) fn picture(
    installation: &Installation,
    detail: &AttemptDetail,
    step: &StepRecord,
) -> Option<String> {
    address(installation, detail.picture(step)?)
}

fn address(installation: &Installation, kept: &EvidenceRow) -> Option<String> {
    if let Some(why) = kept.missing() {
        return Some(why);
    }
    let name: ArtifactName = kept.artifact.parse().ok()?;
    Some(installation.artifacts.address(&name))
}

fn in_words(job: &Value, attempts: &[AttemptDetail], installation: &Installation) -> String {
    let text = |name: &str| job[name].as_str().unwrap_or("-").to_owned();
    let whom = about(job, "user").as_str().unwrap_or("-");
    let mut lines = vec![format!("{}  {} {whom}  {}", text("id"), text("kind"), text("state"))];
    if let Some(class) = job["class"].as_str() {
        lines.push(format!("{class}: {}", text("message")));
    } else if let Some(message) = job["message"].as_str() {
        lines.push(message.to_owned());
    }
    for detail in attempts {
        let attempt = &detail.attempt;
        let outcome = attempt.outcome.map_or("running", |outcome| outcome.as_str());
        lines.push(format!(
            "\nattempt {} by {}, {}: {outcome}",
            attempt.number,
            attempt.worker,
            attempt.started_at.to_rfc3339()
        ));
        lines.extend(recording(detail).map(|said| format!("recording: {said}")));
        for step in &detail.steps {
            // What a step around others failed of is told by the one in it.
            let is_told_within = |outcome: &StepOutcome| {
                let later =
                    detail.steps.iter().filter(|other| other.seq > step.seq && other.depth > step.depth);
                later.into_iter().any(|other| other.outcome == *outcome)
            };
            let (mark, said) = match &step.outcome {
                failed @ StepOutcome::Failed { .. } if is_told_within(failed) => ("!", None),
                StepOutcome::Ok => (" ", None),
                StepOutcome::Skipped { why } => ("-", Some(why.clone())),
                StepOutcome::Failed { class, message } => ("!", Some(format!("{class}: {message}"))),
            };
            let nested = "  ".repeat(usize::try_from(step.depth).unwrap_or(0));
            let StepRecord { seq, total_ms, words, .. } = step;
            lines.push(format!("{mark} {seq:>3}  {total_ms:>6} ms  {nested}{words}  ({})", step.place()));
            let below = format!("                 {nested}");
            let said = said.iter().chain(&step.missing).map(|said| said.replace('\n', &format!("\n{below}")));
            lines.extend(said.map(|said| format!("{below}{said}")));
            lines.extend(picture(installation, detail, step).map(|path| format!("{below}picture: {path}")));
        }
    }
    lines.join("\n")
}
