//! Several recordings, in sessions of one browser side by side: a line for each as it ends, a table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::once::{Once, Ran, Watcher, is_good};
use super::source::Source;
use crate::browser::Browser;
use crate::cli::context::Context;
use crate::cli::junit;
use crate::cli::output::table;
use crate::connector::Connector;
use crate::recording::{self, Files, ReplayedRun};
use crate::trace::{Silent, Witness};

/// What is asked of a replay of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) edited: bool,
    /// Whether only what a replay needs is kept, to be packed.
    pub(super) slim: bool,
    /// How many at a time.
    pub(super) sessions: usize,
}

/// What became of a recording.
#[derive(Debug)]
pub(super) struct Ended {
    name: String,
    /// Its runs; or why there are none.
    ran: Result<Vec<Ran>, String>,
    pub(super) is_good: bool,
}

/// Replays them; and gives the slim ones, by their names.
pub(super) async fn replay(
    context: &Context,
    sources: &[Source],
    asked: Asked,
    browser: &Browser,
) -> (Vec<Ended>, BTreeMap<String, Files>) {
    let replays = sources.iter().enumerate().map(|(index, source)| async move {
        let (ran, files) = match replay_one(context, source, asked, browser).await {
            Ok((ran, files)) => (Ok(ran), files),
            Err(error) => (Err(format!("{error:#}")), None),
        };
        let is_good = ran.as_ref().is_ok_and(|ran| is_good(ran, asked.edited));
        let ended = Ended { name: source.name.clone(), ran, is_good };
        eprintln!("  {:<10}{:>6.1} s  {}", ended.result(), ended.took().as_secs_f64(), ended.name);
        (index, (ended, files.map(|files| (source.short_name(), files))))
    });
    // As they end: one that waits long for what never comes holds up none of the others.
    let mut ended: Vec<_> =
        futures::stream::iter(replays).buffer_unordered(asked.sessions.max(1)).collect().await;
    ended.sort_by_key(|(index, _)| *index);
    let (ended, files): (Vec<_>, Vec<_>) = ended.into_iter().map(|(_, ended)| ended).unzip();
    (ended, files.into_iter().flatten().collect())
}

async fn replay_one(
    context: &Context,
    source: &Source,
    asked: Asked,
    browser: &Browser,
) -> anyhow::Result<(Vec<Ran>, Option<Files>)> {
    let files = source.files();
    let files = if asked.slim { recording::slim(&files)? } else { files };
    let kept = asked.slim.then(|| files.clone());
    let once = Once::read(context, &source.name, files, asked.edited)?;
    Ok((once.run(browser, &mut Unseen(Silent)).await?, kept))
}

impl Ended {
    fn result(&self) -> &'static str {
        match (&self.ran, self.is_good) {
            (Err(_), _) => "unusable",
            (Ok(_), true) => "same",
            (Ok(_), false) => "differs",
        }
    }

    fn took(&self) -> Duration {
        self.ran.iter().flatten().map(|ran| ran.took).sum()
    }

    /// What is the matter, a line each.
    fn wrong(&self) -> Vec<String> {
        match &self.ran {
            Err(why) => vec![why.clone()],
            Ok(_) if self.is_good => Vec::new(),
            Ok(ran) => ran.iter().flat_map(|ran| wrong(&ran.run)).collect(),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        let run = |ran: &Ran| {
            let ReplayedRun { flow, differences, never_recorded, .. } = &ran.run;
            json!({ "flow": flow, "seconds": ran.took.as_secs_f64(), "differences": differences, "never_recorded": never_recorded })
        };
        let runs: Vec<Value> = self.ran.iter().flatten().map(run).collect();
        json!({ "recording": self.name, "result": self.result(), "error": self.ran.as_ref().err(), "runs": runs })
    }

    /// A case for each run.
    pub(super) fn for_junit(&self) -> Vec<junit::Case> {
        let case = |flow: &str, seconds, outcome| junit::Case {
            name: format!("{} {flow}", self.name).trim_end().to_owned(),
            seconds,
            outcome,
        };
        let failed = |class: &str, message| junit::Outcome::Failed { class: class.to_owned(), message };
        match &self.ran {
            Err(why) => vec![case("", 0.0, failed("unusable", why.clone()))],
            Ok(ran) => ran
                .iter()
                .map(|ran| {
                    let is_same = self.is_good || ran.run.differences.is_empty();
                    let outcome = match is_same {
                        true => junit::Outcome::Passed,
                        false => failed("differs", wrong(&ran.run).join("\n")),
                    };
                    case(&ran.run.flow, ran.took.as_secs_f64(), outcome)
                })
                .collect(),
        }
    }
}

/// What differs in a run, and what it asked for in vain, a line each.
pub(super) fn wrong(run: &ReplayedRun) -> Vec<String> {
    let asked = run
        .never_recorded
        .iter()
        .map(|asked| format!("{} asked for what the recording does not have: {}", asked.step, asked.what));
    run.differences.iter().cloned().chain(asked).collect()
}

pub(super) fn in_words(ended: &[Ended]) -> String {
    let row = |ended: &Ended| {
        let runs = ended.ran.iter().flatten().map(|ran| ran.run.flow.as_str()).collect::<Vec<_>>().join(", ");
        let seconds = format!("{:.1}", ended.took().as_secs_f64());
        vec![ended.name.clone(), ended.result().to_owned(), seconds, runs]
    };
    let rows: Vec<Vec<String>> = ended.iter().map(row).collect();
    let mut lines = vec![table(&["RECORDING", "RESULT", "SECONDS", "FLOWS"], &rows)];
    for ended in ended.iter().filter(|ended| !ended.is_good) {
        lines.push(format!("\n{}:\n{}", ended.name, ended.wrong().join("\n")));
    }
    let good = ended.iter().filter(|ended| ended.is_good).count();
    lines.push(format!("\n{good} of {} came out as they were recorded", ended.len()));
    lines.join("\n")
}

/// Nobody looks.
struct Unseen(Silent);

impl Watcher for Unseen {
    fn witness(&mut self) -> &mut dyn Witness {
        &mut self.0
    }

    fn begins_run(&mut self, _flow: &str) {}

    fn ends_run(&mut self, _connector: &Connector, _run: &ReplayedRun) {}
}
