//! `usher replay`: a recorded run once more, without the app.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde_json::{Map, Value, json};

use crate::connector::{Connector, CredentialKind};
use crate::run::{Reach, USERNAME};
use crate::secret::{MASK, SecretString};

use super::Exit;
use super::context::Context;
use super::run::{
    Pace, Pictures, Progress, Recorded, Trial, as_json, folder_of, in_words, launch, load_or_tell, misused,
    tell_values,
};

/// A secret for one-time codes, where a recording has masked the one that was used.
const ANY_TOTP_SECRET: &str = "JBSWY3DPEHPK3PXP";

/// Runs a recorded run once more, in Chromium, with every request answered from the recording: nothing is asked of any network
///
/// With the files of the recording it must come out as it did. With --edited the connector as it is now runs, and goes as far as the recording
/// can carry it: what it asks for beyond that is told.
#[derive(clap::Args)]
pub(super) struct Replay {
    /// The folder that `usher run --record` made
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Runs the connector as it is now, not that of the recording
    #[arg(long)]
    edited: bool,
    /// Shows the browser's window
    #[arg(long)]
    headed: bool,
    /// Shows before each step what it is and what its locators match, and waits for Enter
    #[arg(long)]
    step: bool,
    /// Where every picture is kept; otherwise only those of failures and of the commit step, in a temporary folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

impl Replay {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let recorded = Recorded::read(&self.folder)?;
        let playback = Recorded::playback(&self.folder)?;
        let Some(connector) = self.connector(context, &recorded)? else { return Ok(Exit::Failed) };
        let flow = recorded.run.flow.clone();
        if !connector.can(&flow) {
            bail!("the connector `{}` has no flow `{flow}` any more", connector.name);
        }
        let told = match tell_values(&connector, &flow, &recorded.given) {
            Ok(told) => told,
            Err(wrong) => return Ok(misused(&wrong)),
        };
        let mut trial = Trial::open(&launch(self.headed)?, credentials(&connector, &recorded)).await?;
        trial.play(playback.clone());
        let pace = if self.step { Pace::StepByStep } else { Pace::Through };
        let pictures = Pictures { folder: self.pictures.clone(), all: self.pictures.is_some() };
        let mut progress = Progress::new(context.format, pace, pictures);
        let reach = match recorded.run.rest.get("stopped_before_commit") {
            Some(Value::Bool(true)) => Reach::Commit,
            _ => Reach::End,
        };
        let report = trial.run(&connector, &flow, told, reach, &mut progress).await;
        trial.close().await;
        let report = report?;
        let shown = as_json(&connector, &flow, &report, &progress);
        let differences = differences(&recorded.run.rest, &shown);
        let refused = playback.refused();
        let is_good = if self.edited { report.outcome.is_ok() } else { differences.is_empty() };
        let told = json!({
            "recording": self.folder, "edited": self.edited, "same": differences.is_empty(),
            "differences": differences, "never_recorded": refused, "run": shown,
        });
        context.format.print(&told, |_| {
            let mut lines = vec![in_words(&report, &progress), String::new()];
            lines.extend(
                refused.iter().map(|line| format!("asked for what the recording does not have: {line}")),
            );
            lines.push(match (differences.as_slice(), self.edited) {
                ([], _) => "it came out as it was recorded".to_owned(),
                (found, true) => format!("otherwise than it was recorded:\n{}", found.join("\n")),
                (found, false) => format!("it did not come out as it was recorded:\n{}", found.join("\n")),
            });
            lines.join("\n")
        })?;
        Ok(if is_good { Exit::Done } else { Exit::Failed })
    }

    /// The connector that is to run; where it has mistakes they are shown.
    fn connector(&self, context: &Context, recorded: &Recorded) -> anyhow::Result<Option<Connector>> {
        let folder = match self.edited {
            true => folder_of(&recorded.connector.name, context)?,
            false => self.folder.join("connector"),
        };
        let Some(connector) = load_or_tell(&folder) else { return Ok(None) };
        if !self.edited && connector.hash != recorded.connector.hash {
            let folder = Path::new(&folder).display();
            bail!("{folder} is not the connector that was recorded; --edited runs the one in --connectors");
        }
        Ok(Some(connector))
    }
}

/// Credentials in the place of those that no recording has: wherever they are typed, the recording is masked.
fn credentials(connector: &Connector, recorded: &Recorded) -> BTreeMap<String, SecretString> {
    let fields = connector.service_account.logins.iter().flat_map(|login| &login.credentials);
    let value = |name: &str, kind: CredentialKind| match (name, kind) {
        (USERNAME, _) => recorded.username.clone().unwrap_or_default(),
        ("totp", _) => ANY_TOTP_SECRET.to_owned(),
        _ => MASK.to_owned(),
    };
    fields.map(|field| (field.name.clone(), SecretString::from(value(&field.name, field.kind)))).collect()
}

/// What of a run came out otherwise than it was recorded, a line each. Times are none of it, nor where pictures are kept.
fn differences(recorded: &Map<String, Value>, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for name in
        ["class", "message", "committed", "stopped_before_commit", "absent", "values", "rows", "complete"]
    {
        let (before, now) = (recorded.get(name).unwrap_or(&Value::Null), &now[name]);
        if before != now {
            found.push(format!("{name}: {before} was recorded, and now it is {now}"));
        }
    }
    let steps = |value: Option<&Value>| -> Vec<String> {
        let mut steps: Vec<&Value> = value.and_then(Value::as_array).into_iter().flatten().collect();
        steps.sort_by_key(|step| step["seq"].as_u64());
        steps.into_iter().map(in_a_line).collect()
    };
    let (before, now) = (steps(recorded.get("steps")), steps(now.get("steps")));
    let same = before.iter().zip(&now).take_while(|(before, now)| before == now).count();
    let end = || "nothing more".to_owned();
    if before.len() != same || now.len() != same {
        let [before, now] = [before, now].map(|steps| steps.get(same).cloned().unwrap_or_else(end));
        found.push(format!("step {}: {before} was recorded, and now it is {now}", same + 1));
    }
    found
}

fn in_a_line(step: &Value) -> String {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let outcome = match step["outcome"]["is"].as_str() {
        Some("failed") => format!(" [{}]", step["outcome"]["class"].as_str().unwrap_or_default()),
        Some("skipped") => " [skipped]".to_owned(),
        _ => String::new(),
    };
    format!("{}: {}{outcome}", text("flow"), text("words"))
}
