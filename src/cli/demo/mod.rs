//! `usher demo`: the main job from end to end, to be watched. A gateway, a worker, Acme Desk, and the requests that Okta
//! sends for five people and a group; then a table of what happened, each line checked against a reading of the app.

mod okta;
mod report;
mod story;
mod team;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use crate::clock::{Clock, SystemClock};
use crate::demo::{AcmeDesk, Options, PASSWORD, SERVICE_ACCOUNT};
use crate::integration::{NewIntegration, Policy};
use crate::secret::{ExposeSecret, SecretString};
use crate::server::{Installation, Paths, Server, ServerOptions};
use crate::store::{JobFilter, JobRow, JobState};

use super::context::Context;
use super::output::table;
use super::{Exit, OPERATOR};

use okta::{Okta, Person};
use story::{STORY, Scene};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Shows the main job from end to end with a demo app
#[derive(clap::Args)]
pub(super) struct Demo {
    /// Leaves everything running until Ctrl-C, to look around; always so in a terminal
    #[arg(long)]
    keep: bool,

    /// Where it keeps its data; a new folder under the system's temporary one, if not given
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// One request and what became of it.
#[derive(Debug, Serialize)]
struct Line {
    person: String,
    request: &'static str,
    status: u16,
    job: String,
    seconds: f64,
    /// What the last reading of the app shows.
    verified: String,
    is_verified: bool,
    picture: Option<String>,
}

/// Everything that the demo runs.
struct Stage {
    desk: AcmeDesk,
    server: Server,
    installation: Installation,
    okta: Okta,
    token: SecretString,
}

impl Demo {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let folder = folder(self.into.as_deref())?;
        let stage = set_up(context, &folder).await?;
        let (mut lines, mut in_group) = (Vec::new(), Vec::new());
        for part in &STORY {
            let mut id = String::new();
            for scene in part.scenes {
                lines.extend(stage.play(*scene, part.person, &mut id).await?);
            }
            if part.is_in_group {
                in_group.push((part.person.name(), id));
            }
        }
        lines.push(stage.push_group(&in_group).await?);
        let report = report::write(&folder, &lines, &stage.desk)?;
        let is_well = lines.iter().all(|line| line.is_verified);
        context.format.print(&lines, |lines| in_words(lines, &stage, &report))?;
        if self.keep || std::io::stdin().is_terminal() {
            stage.wait().await?;
        }
        stage.server.stop().await;
        stage.desk.stop().await;
        Ok(if is_well { Exit::Done } else { Exit::Failed })
    }
}

fn folder(into: Option<&Path>) -> anyhow::Result<PathBuf> {
    match into {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            Ok(folder.to_owned())
        }
        None => Ok(tempfile::Builder::new().prefix("usher-demo-").tempdir()?.keep()),
    }
}

async fn set_up(context: &Context, folder: &Path) -> anyhow::Result<Stage> {
    eprintln!("starting Acme Desk, the gateway and a worker with Chromium …");
    let desk = AcmeDesk::start(Options { members: 32, ..super::demo_app::options(LOOPBACK) }).await?;
    let paths = Paths::new(folder.join("data"), context.connectors.clone());
    let installation = context.open_at(paths).await?;
    let settings = [("base_url", desk.url()), ("org_id", "acme".to_owned())];
    let credentials = [("username", SERVICE_ACCOUNT), ("password", PASSWORD)];
    let new = NewIntegration {
        name: "acme-desk".to_owned(),
        connector: "acme-desk".to_owned(),
        settings: settings.map(|(name, value)| (name.to_owned(), value)).into(),
        login: "password".to_owned(),
        credentials: BTreeMap::from(
            credentials.map(|(name, value)| (name.to_owned(), SecretString::from(value))),
        ),
        policy: Policy { patience_ms: 50_000, ..Policy::default() },
    };
    let integration = installation.integrations.create(new, OPERATOR).await?;
    let (_, token) = installation.integrations.new_token(&integration, None, OPERATOR).await?;
    let worker = installation.worker_options(super::browser::chromium()?);
    let options = ServerOptions { listen: LOOPBACK, base_url: None, worker: Some(worker) };
    let server = Server::start(installation.clone(), options).await?;
    let okta = Okta::new(format!("{}/scim/v2/acme-desk", server.url()), token.expose_secret().to_owned())?;
    Ok(Stage { desk, server, installation, okta, token })
}

impl Stage {
    /// Plays one scene. What the person does themselves gives no line.
    async fn play(&self, scene: Scene, person: Person, id: &mut String) -> anyhow::Result<Option<Line>> {
        let Some(request) = scene.request() else {
            anyhow::ensure!(self.desk.accept(person.email), "{} was not invited", person.name());
            eprintln!("  {:<18} accepts the invitation", person.name());
            return Ok(None);
        };
        let began = SystemClock.elapsed();
        let answer = scene.play(&self.okta, person, id).await?;
        let seconds = SystemClock.elapsed().saturating_sub(began).as_secs_f64();
        if let Some(given) = answer.body["id"].as_str() {
            given.clone_into(id);
        }
        let job = self.latest_job(id).await?;
        let (verified, is_verified) = self.verified(&job).await?;
        eprintln!("  {:<18} {request:<18} {:>3}  {seconds:>5.1} s  {verified}", person.name(), answer.status);
        if answer.status >= 300 {
            eprintln!("    {}", answer.body["detail"].as_str().unwrap_or("no detail"));
        }
        let picture = self.picture(&job).await?;
        let (job, status) = (job.id, answer.status);
        Ok(Some(Line {
            person: person.name(),
            request,
            status,
            job,
            seconds,
            verified,
            is_verified,
            picture,
        }))
    }

    async fn latest_job(&self, user_id: &str) -> anyhow::Result<JobRow> {
        let filter = JobFilter { integration_id: None, state: None, before: None, limit: 50 };
        let jobs = self.installation.store.list_jobs(&filter).await?;
        jobs.into_iter()
            .find(|job| job.user_id.as_deref() == Some(user_id))
            .context("the request made no job")
    }

    /// What the last reading of the app showed, and whether the job ended with it.
    async fn verified(&self, job: &JobRow) -> anyhow::Result<(String, bool)> {
        let user_id = job.user_id.as_deref().unwrap_or_default();
        let account = self.installation.store.find_account(&job.integration_id, user_id).await?;
        let Some(account) = account.filter(|_| job.state == JobState::Done) else {
            return Ok((format!("{}: {}", job.state, job.message.as_deref().unwrap_or_default()), false));
        };
        let seen = account.seen;
        let role = seen
            .entitlements
            .get("role")
            .and_then(BTreeSet::first)
            .map_or("no role", String::as_str)
            .to_owned();
        let email = seen.attributes.get("email").cloned().unwrap_or_default();
        Ok((format!("{} as {role}, {email}", seen.status), true))
    }

    /// The picture that tells most: the one of the last commit step, else the last.
    async fn picture(&self, job: &JobRow) -> anyhow::Result<Option<String>> {
        let Some(detail) = self.installation.store.show_job(&job.id).await? else { return Ok(None) };
        let steps =
            detail.attempts.iter().flat_map(|attempt| attempt.steps.iter().map(move |step| (attempt, step)));
        let pictures: Vec<(bool, String)> = steps
            .filter_map(|(attempt, step)| {
                let reads = ["read", "find", "login"].iter().any(|word| step.flow.contains(word));
                Some((reads, super::job::picture(&self.installation, attempt, step)?))
            })
            .collect();
        let acting = pictures.iter().rev().find(|(reads, _)| !reads);
        Ok(acting.or(pictures.last()).map(|(_, path)| path.clone()))
    }

    async fn wait(&self) -> anyhow::Result<()> {
        println!("\nEverything stays up until Ctrl-C:");
        println!("  Acme Desk      {}/orgs/acme/members   ({SERVICE_ACCOUNT}, {PASSWORD})", self.desk.url());
        println!("  its own record {}/-/", self.desk.url());
        println!("  SCIM           {}/scim/v2/acme-desk/Users", self.server.url());
        println!("  token          {}", self.token.expose_secret());
        tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")
    }
}

fn in_words(lines: &[Line], stage: &Stage, report: &Path) -> String {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.person.clone(),
                line.request.to_owned(),
                line.status.to_string(),
                line.job.clone(),
                format!("{:.1}", line.seconds),
                line.verified.clone(),
            ]
        })
        .collect();
    let pictures: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("  {:<18} {:<18} {}", line.person, line.request, line.picture.as_deref().unwrap_or("-"))
        })
        .collect();
    let record = stage.desk.record();
    let total = Duration::from_secs_f64(lines.iter().map(|line| line.seconds).sum());
    format!(
        "\n{}\n\nscreenshots\n{}\n\n{} requests in {:.0} s; Acme Desk's own record has {} changes.\n\
         Look around: file://{}",
        table(&["WHO", "REQUEST", "HTTP", "JOB", "SECONDS", "VERIFIED IN THE APP"], &rows),
        pictures.join("\n"),
        lines.len(),
        total.as_secs_f64(),
        record.len(),
        report.display(),
    )
}
