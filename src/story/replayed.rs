//! The story of a recording that was run once more, with what came out otherwise.

use std::collections::BTreeMap;

use crate::recording::{Files, Recorded, ReplayedRun};
use crate::trace::Picture;

use super::{Run, Shot, Standing, Step, Story, network};

/// What a replay is told from.
#[derive(Debug)]
pub struct Taken<'a> {
    /// What was replayed, as it was named.
    pub what: &'a str,
    /// The recording.
    pub recorded: &'a Recorded,
    /// Its files.
    pub files: &'a Files,
    /// The files of the connector that ran now.
    pub texts: BTreeMap<String, String>,
    /// The runs.
    pub ran: &'a [ReplayedRun],
    /// The pictures of each run, by step.
    pub pictures: Vec<BTreeMap<u32, Vec<Picture>>>,
    /// What came of it, in words, a line each.
    pub verdict: Vec<String>,
    /// Whether that is as it should be.
    pub is_good: bool,
}

/// Tells of a replay.
pub fn of_replay(taken: Taken<'_>) -> Story {
    let Taken { what, recorded, files, texts, ran, pictures, verdict, is_good } = taken;
    let failure = ran.iter().find_map(|run| run.report.outcome.as_ref().err());
    let flow = ran.last().map_or("nothing", |run| run.flow.as_str());
    let same = ran.iter().all(|run| run.differences.is_empty());
    let connector = &recorded.connector;
    let mut pictures = pictures.into_iter();
    let runs = ran.iter().zip(&recorded.runs).map(|(run, before)| Run {
        flow: run.flow.clone(),
        given: Some(format!("{:#}", before.given)),
        steps: steps(run, pictures.next().unwrap_or_default()),
    });
    Story {
        title: format!("replay of {flow}"),
        word: if same { "as recorded" } else { "otherwise than recorded" }.to_owned(),
        standing: if is_good { Standing::Good } else { Standing::Bad },
        class: failure.map(|failure| failure.class),
        message: failure.map(ToString::to_string),
        facts: vec![
            ("App", "not asked for anything: every answer came from the recording".to_owned()),
            ("Recording", what.to_owned()),
            ("Connector", format!("{} {} was recorded", connector.name, connector.version)),
            ("Browser", recorded.browser.clone()),
        ],
        others: Vec::new(),
        replay: Some(format!("usher replay {what}")),
        runs: runs.collect(),
        texts,
        network: network::of_har(files.get("network.har").map_or(&[], Vec::as_slice)),
        remarks: verdict,
        missing: Vec::new(),
    }
}

fn steps(run: &ReplayedRun, mut pictures: BTreeMap<u32, Vec<Picture>>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for record in &run.steps {
        let asked = run.never_recorded.iter().filter(|asked| asked.seq == record.seq);
        let remarks = asked.map(|asked| format!("Not in the recording: {}", asked.what)).collect();
        let taken = pictures.remove(&record.seq).unwrap_or_default();
        let shot = |Picture { moment, jpeg, page }: Picture| Shot { moment, jpeg, html: page };
        let mut shots: Vec<Shot> = taken.into_iter().map(shot).collect();
        shots.sort_by_key(Shot::rank);
        steps.push(Step { record: record.clone(), shots, remarks });
    }
    // Where the runs part: at that step, or after the last, where the recording went on.
    if let Some(parting) = &run.parting {
        let place = parting.index.min(steps.len().saturating_sub(1));
        if let Some(step) = steps.get_mut(place) {
            let remark = if place == parting.index {
                format!("Here it parts from the recording, which has: {}", parting.recorded)
            } else {
                format!("The recording goes on after this step: {}", parting.recorded)
            };
            step.remarks.insert(0, remark);
        }
    }
    steps
}
