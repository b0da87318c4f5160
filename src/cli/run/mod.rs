//! `usher run`: one flow of a connector against a real app, for whoever writes the connector. No database is opened.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::browser::LaunchOptions;
use crate::connector::{Connector, load};
use crate::diagnostic::{Colour, Diagnostic, one_of, render};
use crate::run::{Committed, Reach, Report};
use crate::secret::SecretString;
use crate::step::Output;

use super::Exit;
use super::context::Context;
use super::input::{pairs, read_credentials};
use super::output::{Format, table};

mod progress;
mod record;
mod trial;
mod values;
mod watch;

use record::Record;
use watch::Watch;

pub(super) use progress::{Pace, Pictures, Progress};
pub(super) use trial::Trial;
pub(super) use values::tell as tell_values;

/// The most rows that are shown in a terminal.
const MOST_ROWS: usize = 20;

/// Runs one flow of a connector against a real app, without a database
#[derive(clap::Args)]
pub(super) struct Run {
    /// The connector: a name in --connectors, or its folder
    connector: String,
    /// The flow
    flow: String,
    #[command(flatten)]
    access: Access,
    /// Stops before the commit step, marks its element on the page and takes a picture
    #[arg(long)]
    dry_run: bool,
    /// Shows the browser's window
    #[arg(long)]
    headed: bool,
    /// Shows before each step what it is and what its locators match, and waits for Enter
    #[arg(long)]
    step: bool,
    /// Runs the flow again, in the same session, whenever a file of the connector is saved
    #[arg(long)]
    watch: bool,
    /// Where every picture is kept; otherwise only those of failures and of the commit step, in a temporary folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Keeps the run in this folder or archive (`.tar.gz`): what went over the network (HAR 1.2), the steps, what was given, the connector's
    /// files; no secrets
    #[arg(long, value_name = "PLACE", conflicts_with = "watch")]
    record: Option<PathBuf>,
}

/// What an app is entered with, without an integration.
#[derive(clap::Args)]
pub(super) struct Access {
    /// A setting (`base_url=…`), what is known of the account (`account.email=…`), the new values of `update`
    /// (`wanted.name=…`), the value that the flow is about (`role=agent`), or a variable of a sub-flow
    #[arg(long = "set", value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// How the service account logs in; the connector's only way, if not given
    #[arg(long)]
    login: Option<String>,
    /// KEY=@FILE, KEY=- for standard input, KEY=$VARIABLE for the environment; a user name may be given as it is
    #[arg(long = "credential", value_name = "KEY=SOURCE")]
    credentials: Vec<String>,
}

impl Access {
    /// The credentials, and what is wrong with them for this connector, a line each.
    pub(super) fn credentials(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<(BTreeMap<String, SecretString>, Vec<String>)> {
        self.entry(connector).map(|(_, credentials, wrong)| (credentials, wrong))
    }

    /// The way to log in, the credentials, and what is wrong with them for this connector, a line each.
    pub(super) fn entry(
        &self,
        connector: &Connector,
    ) -> anyhow::Result<(String, BTreeMap<String, SecretString>, Vec<String>)> {
        let credentials = read_credentials(&self.credentials)?;
        let method = match (&self.login, connector.service_account.logins.as_slice()) {
            (Some(method), _) => method.clone(),
            (None, [only]) => only.method.clone(),
            (None, _) => "password".to_owned(),
        };
        let wrong = connector.service_account.check(&method, credentials.keys().map(String::as_str));
        Ok((method, credentials, wrong))
    }

    /// What `--set` says.
    pub(super) fn values(&self) -> anyhow::Result<BTreeMap<String, String>> {
        pairs(&self.values, "--set")
    }

    fn reads_standard_input(&self) -> bool {
        self.credentials.iter().any(|credential| credential.ends_with("=-"))
    }
}

impl Run {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let folder = folder_of(&self.connector, context)?;
        let Some(mut connector) = load_or_tell(&folder) else { return Ok(Exit::Failed) };
        if !connector.can(&self.flow) {
            return Ok(misused(&[no_flow(&connector, &self.flow)]));
        }
        if self.step && self.access.reads_standard_input() {
            let clash = "--step reads standard input; give the credential as KEY=@FILE or KEY=$VARIABLE";
            return Ok(misused(&[clash.to_owned()]));
        }
        let (credentials, mut wrong) = self.access.credentials(&connector)?;
        let given = self.access.values()?;
        let told = values::tell(&connector, &self.flow, &given);
        wrong.extend(told.as_ref().err().into_iter().flatten().cloned());
        let (true, Ok(mut told)) = (wrong.is_empty(), told) else { return Ok(misused(&wrong)) };
        let mut watch = self.watch.then(|| Watch::new(&folder)).transpose()?;
        let mut record = self.record.as_deref().map(Record::prepare).transpose()?;
        let mut trial = Trial::open(&launch(self.headed)?, credentials).await?;
        if record.is_some() {
            trial.record();
        }
        let mut progress = self.progress(context);
        let reach = if self.dry_run { Reach::Commit } else { Reach::End };
        let exit = loop {
            let report = trial.run(&connector, &self.flow, told, reach, &mut progress).await?;
            let shown = as_json(&connector, &self.flow, &report, &progress);
            if let Some(record) = record.take() {
                let written = record.write(&mut trial, &connector).await?;
                progress.say(&written);
            }
            let exit = tell(context, &report, &shown, &progress)?;
            let Some(watch) = &mut watch else { break exit };
            (connector, told) = loop {
                progress.say("waiting until a file is saved (Ctrl-C ends)");
                watch.changed().await;
                let Some(connector) = load_or_tell(&folder) else { continue };
                match values::tell(&connector, &self.flow, &given) {
                    Ok(told) if connector.can(&self.flow) => break (connector, told),
                    Ok(_) => drop(misused(&[no_flow(&connector, &self.flow)])),
                    Err(wrong) => drop(misused(&wrong)),
                }
            };
        };
        if self.headed {
            progress.say("press Enter to close the browser");
            let waited = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
            drop(waited.await);
        }
        trial.close().await;
        Ok(exit)
    }

    fn progress(&self, context: &Context) -> Progress {
        let pace = if self.step { Pace::StepByStep } else { Pace::Through };
        let pictures = Pictures { folder: self.pictures.clone(), all: self.pictures.is_some() };
        Progress::new(context.format, pace, pictures)
    }
}

/// How Chromium is started for an author, with a window or without.
pub(super) fn launch(headed: bool) -> anyhow::Result<LaunchOptions> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].map(std::env::var_os);
    if headed && cfg!(target_os = "linux") && display.iter().all(Option::is_none) {
        bail!(
            "--headed needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; \
             without it, `--pictures DIR` shows what every step did"
        );
    }
    let executable = super::browser::chromium()?;
    Ok(LaunchOptions { executable, headless: !headed, profiles: std::env::temp_dir().join("usher-run") })
}

/// The folder of a connector that is named as such or by its name.
pub(super) fn folder_of(connector: &str, context: &Context) -> anyhow::Result<PathBuf> {
    let candidates = [PathBuf::from(connector), context.connectors.join(connector)];
    let found = candidates.into_iter().find(|folder| folder.join("connector.yaml").is_file());
    found.with_context(|| {
        format!(
            "there is no connector `{connector}`, neither as a folder nor in {}",
            context.connectors.display()
        )
    })
}

/// The connector in a folder; where it has mistakes they are shown.
pub(super) fn load_or_tell(folder: &Path) -> Option<Connector> {
    let loaded = load(folder);
    if loaded.connector.is_none() {
        tell_mistakes(&loaded.diagnostics);
    }
    loaded.connector
}

/// Shows the mistakes of a connector.
pub(super) fn tell_mistakes(mistakes: &[Diagnostic]) {
    let colour = if std::io::stderr().is_terminal() { Colour::Ansi } else { Colour::Plain };
    eprintln!("{}", render(mistakes, colour));
}

fn no_flow(connector: &Connector, flow: &str) -> String {
    let flows: Vec<&String> = connector.book.flows.keys().collect();
    format!("`{}` has no flow `{flow}`; it has {}", connector.name, one_of(&flows))
}

/// Says what is wrong with the call, a line each.
pub(super) fn misused(wrong: &[String]) -> Exit {
    wrong.iter().for_each(|line| eprintln!("error: {line}"));
    Exit::Misused
}

/// Shows how the run ended.
fn tell(context: &Context, report: &Report, shown: &Value, progress: &Progress) -> anyhow::Result<Exit> {
    match context.format {
        Format::Text => println!("{}", in_words(report, progress)),
        // The steps were told as they ended.
        Format::Json | Format::Sarif => println!("{}", serde_json::to_string_pretty(shown)?),
    }
    Ok(if report.outcome.is_ok() { Exit::Done } else { Exit::Failed })
}

/// How the run ended, for programs.
pub(super) fn as_json(connector: &Connector, flow: &str, report: &Report, progress: &Progress) -> Value {
    let failure = report.outcome.as_ref().err();
    let nothing = Output::default();
    let output = report.outcome.as_ref().unwrap_or(&nothing);
    json!({
        "connector": connector.name,
        "flow": flow,
        "class": failure.map(|failure| failure.class.to_string()),
        "message": failure.map(|failure| failure.message.clone()),
        "committed": report.committed == Committed::Yes,
        "stopped_before_commit": output.stopped,
        "commit_picture": progress.commit_picture,
        "absent": output.absent,
        "values": output.values,
        "rows": output.rows,
        "complete": output.complete,
        "steps": progress.steps,
    })
}

pub(super) fn in_words(report: &Report, progress: &Progress) -> String {
    let changed =
        if report.committed == Committed::Yes { "the app was changed, or may have been\n" } else { "" };
    let output = match &report.outcome {
        Ok(output) => output,
        Err(failure) => return format!("\n{changed}failed: {failure}"),
    };
    if output.stopped {
        let picture = progress.commit_picture.as_ref().map(|path| format!("\npicture: {}", path.display()));
        return format!(
            "\nstopped before the commit step; nothing was changed{}",
            picture.unwrap_or_default()
        );
    }
    let result = result(output);
    format!("\n{changed}done{}{result}", if result.is_empty() { "" } else { "\n\n" })
}

/// What the flow read, as a table.
fn result(output: &Output) -> String {
    if output.absent {
        return "the app has no such account".to_owned();
    }
    let mut parts = Vec::new();
    if !output.values.is_empty() {
        let rows: Vec<Vec<String>> =
            output.values.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
        parts.push(table(&["NAME", "VALUE"], &rows));
    }
    if let Some(first) = output.rows.first() {
        let names: Vec<&str> = first.keys().map(String::as_str).collect();
        let headings: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
        let cell = |row: &BTreeMap<String, String>, name: &str| row.get(name).cloned().unwrap_or_default();
        let rows: Vec<Vec<String>> = output
            .rows
            .iter()
            .take(MOST_ROWS)
            .map(|row| names.iter().map(|name| cell(row, name)).collect())
            .collect();
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        parts.push(table(&headings, &rows));
        let more = output.rows.len().saturating_sub(MOST_ROWS);
        let proof = if output.complete { "complete" } else { "nothing proves that they are all" };
        let rest = if more > 0 { format!("; {more} more with --format json") } else { String::new() };
        parts.push(format!("{} rows, {proof}{rest}", output.rows.len()));
    }
    parts.join("\n\n")
}
