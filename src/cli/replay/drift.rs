//! `usher replay --drift`: whether the flows of a recording notice that a page is not as it was.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::browser::Browser;
use crate::clock::SystemClock;
use crate::id::SystemEntropy;
use crate::recording::{Drifting, Tried, Verdict};

use super::once::Once;
use super::source::Source;
use crate::cli::Exit;
use crate::cli::context::Context;
use crate::cli::output::table;

/// One thing that was tried, and on which recording.
#[derive(Debug, serde::Serialize)]
struct Of<'a> {
    recording: &'a str,
    #[serde(flatten)]
    tried: Tried,
}

/// Tries everything on each recording and shows what came of it.
pub(super) async fn try_all(
    context: &Context,
    sources: &[Source],
    browser: &Browser,
) -> anyhow::Result<Exit> {
    let mut all = Vec::new();
    for source in sources {
        let once = Once::read(context, &source.name, source.files(), false)?;
        let tried = try_one(&source.name, &once, browser).await?;
        all.extend(tried.into_iter().map(|tried| Of { recording: &source.name, tried }));
    }
    let count = |is: fn(&Verdict) -> bool| all.iter().filter(|of| is(&of.tried.verdict)).count();
    let stopped = count(|verdict| matches!(verdict, Verdict::Stopped { .. }));
    let went_on = count(|verdict| *verdict == Verdict::WentOn);
    let (same, absent) =
        (count(|verdict| *verdict == Verdict::Same), count(|verdict| *verdict == Verdict::Absent));
    let told = json!({
        "tried": stopped + went_on, "stopped": stopped, "went_on": went_on, "same": same, "absent": absent,
        "drifts": all,
    });
    context.format.print(&told, |_| {
        let rows: Vec<Vec<String>> = all.iter().filter(|of| is_shown(&of.tried)).map(row).collect();
        let heads = ["RECORDING", "FLOW", "STEP", "ELEMENT", "DRIFT", "CAME TO"];
        let mut lines = vec![table(&heads, &rows), String::new()];
        lines.push(format!(
            "{} drifts: {stopped} stopped before the commit step, {went_on} went on; besides, {same} changed nothing that the locator means, \
             {absent} elements were not there",
            stopped + went_on
        ));
        lines.join("\n")
    })?;
    Ok(if went_on == 0 { Exit::Done } else { Exit::Failed })
}

/// Tries everything on one recording, with progress.
async fn try_one(name: &str, once: &Once, browser: &Browser) -> anyhow::Result<Vec<Tried>> {
    let drifting = Drifting {
        files: &once.files,
        recorded: &once.recorded,
        connector: &once.connector,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let (all, done) = (drifting.count(), AtomicUsize::new(0));
    let shows_progress = std::io::stderr().is_terminal();
    let told = |_: &Tried| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if shows_progress {
            // Where it cannot be shown nobody looks.
            drop(write!(
                std::io::stderr(),
                "\r{name}: {done} of {all}{}",
                if done == all { "\n" } else { "" }
            ));
        }
    };
    Ok(drifting.try_all(browser, &told).await?)
}

fn is_shown(tried: &Tried) -> bool {
    !matches!(tried.verdict, Verdict::Same | Verdict::Absent)
}

fn row(of: &Of<'_>) -> Vec<String> {
    let came_to = match &of.tried.verdict {
        Verdict::Stopped { told } => told.clone(),
        Verdict::Same => "the same element".to_owned(),
        Verdict::Absent => "not there".to_owned(),
        Verdict::WentOn => "WENT ON".to_owned(),
    };
    let Tried { flow, step, element, drift, .. } = &of.tried;
    vec![
        of.recording.to_owned(),
        flow.clone(),
        step.clone(),
        element.to_string(),
        drift.as_str().to_owned(),
        came_to,
    ]
}
