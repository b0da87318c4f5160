//! The recordings in `fixtures/recordings`, of every connector on its app, replayed offline.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

/// Replays all; what the files of the crate are is told, and nothing else is asked.
fn replay(shell: &Shell, more: &[&str]) -> Value {
    let folder = root().join("fixtures/recordings");
    let arguments = [&["replay", folder.to_str().unwrap(), "--sessions", "8", "--format", "json"][..], more];
    let mut command = shell.command(&arguments.concat());
    let ran: Ran = command.env("TMPDIR", shell.root.path()).output().unwrap().into();
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let recordings = told["recordings"].as_array().unwrap();
    let wrong: Vec<&Value> = recordings.iter().filter(|one| one["result"] != "same").collect();
    assert!(wrong.is_empty() && ran.code == Some(0), "{wrong:#?}");
    told
}

#[test]
fn every_recording_of_every_connector_comes_out_as_it_was_recorded() {
    crate::browser::lab::with_chromium(|_| async {
        let shell = Shell::new();
        let told = replay(&shell, &["--junit", "junit.xml"]);
        let mut of_connector: BTreeMap<String, usize> = BTreeMap::new();
        for recording in told["recordings"].as_array().unwrap() {
            let (place, _) = recording["recording"].as_str().unwrap().rsplit_once('/').unwrap();
            *of_connector.entry(place.rsplit('/').next().unwrap().to_owned()).or_default() += 1;
        }
        let expected = [("acme-desk", 25), ("homebridge", 13), ("redmine", 18), ("wordpress", 15)];
        let expected = expected.map(|(name, count)| (format!("{name}.tar.gz"), count));
        assert_eq!(of_connector, BTreeMap::from(expected));
        let junit = std::fs::read_to_string(shell.path("junit.xml")).unwrap();
        assert!(junit.contains("failures=\"0\"") && junit.contains("redmine.tar.gz/grant_group grant_group"));
    });
}
