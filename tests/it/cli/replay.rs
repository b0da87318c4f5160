//! `usher replay`: what was recorded of Acme Desk, once more, without it.

use usher::demo::{Role, Switches};

use super::run::{Stage, with_desk};
use super::*;

impl Stage {
    /// Records a run, which ends as `ends` expects, in the folder of that name.
    fn record(&self, flow: &str, folder: &str, more: &[&str]) -> Ran {
        self.run(flow, &[more, &["--record", folder]].concat())
    }

    /// Replays; the app, which is there, is asked for nothing and sees no change.
    fn replay(&self, folder: &str, more: &[&str]) -> Ran {
        let (asked, changed) = (self.desk.stats().requests, self.desk.record().len());
        let mut command = self.shell.command(&[&["replay", folder], more].concat());
        let ran: Ran = command.env("TMPDIR", self.shell.root.path()).output().unwrap().into();
        assert_eq!((self.desk.stats().requests, self.desk.record().len()), (asked, changed), "{ran:?}");
        ran
    }
}

#[test]
fn a_recorded_change_comes_out_the_same_without_the_app() {
    with_desk(|stage| {
        let agent = stage.agent().email;
        let account = format!("account.email={agent}");
        stage.record("change_role", "kept/role", &["--set", &account, "--set", "role=viewer"]).done();
        assert_eq!(stage.desk.record().len(), 1);
        let said = stage.replay("kept/role", &[]).done();
        assert!(said.contains("it came out as it was recorded"), "{said}");
        assert!(said.contains("clicked button “Save”"), "{said}");
        let shown = stage.replay("kept/role", &["--format", "json"]).json();
        assert_eq!(
            (&shown["same"], &shown["runs"][1]["committed"]),
            (&true.into(), &true.into()),
            "{shown:#}"
        );
        assert_eq!(shown["never_recorded"], serde_json::json!([]));

        // A list over its pages, with what it read.
        stage.record("list_accounts", "kept/list", &[]).done();
        let shown = stage.replay("kept/list", &["--format", "json"]).json();
        let rows = shown["runs"][1]["rows"].as_array().unwrap().len();
        assert_eq!((&shown["same"], rows), (&true.into(), stage.desk.members().len()), "{shown:#}");
    });
}

#[test]
fn a_recorded_failure_comes_out_the_same_and_a_mended_connector_goes_as_far_as_the_recording() {
    with_desk(|stage| {
        let agent = stage.agent().email;
        let account = format!("account.email={agent}");
        let about = ["--set", account.as_str(), "--set", "role=viewer"];
        let flow = stage.shell.path("connectors/acme-desk/flows/change_role.yaml");
        let whole = std::fs::read_to_string(&flow).unwrap();
        std::fs::write(&flow, whole.replace("button \"Save\"", "button \"Store\"")).unwrap();
        let failed = stage.record("change_role", "kept/failed", &about);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(stage.desk.record().is_empty());
        let said = stage.replay("kept/failed", &[]).done();
        assert!(said.contains("ui_drift") && said.contains("it came out as it was recorded"), "{said}");

        // Mended, it goes on until it asks for what nobody has recorded: the change itself.
        std::fs::write(&flow, &whole).unwrap();
        let shown = stage.replay("kept/failed", &["--edited", "--format", "json"]).json();
        assert_eq!((&shown["good"], &shown["same"]), (&true.into(), &false.into()), "{shown:#}");
        let asked = &shown["never_recorded"][0];
        let what = asked["what"].as_str().unwrap();
        assert!(what.starts_with("POST ") && what.ends_with("was never recorded"), "{asked}");
        let step = asked["step"].as_str().unwrap();
        assert!(step.contains("button “Save”") && step.contains("change_role.yaml:"), "{asked}");
        assert_eq!(asked["after_commit"], true);
        let steps = shown["runs"][1]["steps"].as_array().unwrap();
        assert!(steps.iter().any(|step| step["words"].as_str().unwrap().contains("“Save”")), "{shown:#}");
        let difference = shown["differences"].as_array().unwrap().last().unwrap().as_str().unwrap();
        assert!(difference.contains("[ui_drift] was recorded, and now it is"), "{difference}");

        // What was recorded green, an edited connector that does the same replays green; one that does not stops.
        stage.record("change_role", "kept/green", &about).done();
        assert_eq!(stage.agent_is(&agent), Role::Viewer);
        stage.replay("kept/green", &["--edited"]).done();
        std::fs::write(&flow, whole.replace("button \"Save\"", "button \"Store\"")).unwrap();
        let stopped = stage.replay("kept/green", &["--edited"]);
        assert!(stopped.code == Some(1) && stopped.out.contains("ui_drift"), "{stopped:?}");
        stage.replay("kept/green", &[]).done();
    });
}

#[test]
fn a_page_that_has_changed_stops_a_replay_and_what_is_no_recording_is_said() {
    with_desk(|stage| {
        stage.desk.set_switches(Switches { new_design: true, ..stage.desk.switches() });
        let agent = format!("account.email={}", stage.agent().email);
        let failed = stage.record("change_role", "kept/drift", &["--set", &agent, "--set", "role=viewer"]);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        stage.replay("kept/drift", &[]).done();
        let none = stage.replay("connectors", &[]).failed();
        assert!(none.contains("there is no recording.json in it"), "{none}");
        let manifest = stage.shell.path("kept/drift/connector/connector.yaml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, format!("{text}# changed\n")).unwrap();
        let damaged = stage.replay("kept/drift", &[]).failed();
        assert!(damaged.contains("connector/connector.yaml is not what SHA256SUMS says"), "{damaged}");
        // Who changes one by hand takes the list away.
        std::fs::remove_file(stage.shell.path("kept/drift/SHA256SUMS")).unwrap();
        let changed = stage.replay("kept/drift", &[]).failed();
        assert!(changed.contains("is not the one that was recorded"), "{changed}");
        let har = stage.shell.path("kept/drift/network.har");
        let text = std::fs::read_to_string(&har).unwrap();
        let out = regex::Regex::new(r#""_file": "[^"]*""#).unwrap();
        std::fs::write(&har, out.replace(&text, r#""_file": "../../password.txt""#).as_ref()).unwrap();
        let outside = stage.replay("kept/drift", &["--edited"]).failed();
        assert!(outside.contains("../../password.txt of the recording cannot be read"), "{outside}");
    });
}

#[test]
fn a_page_that_drifts_stops_a_flow_before_its_commit_and_a_flow_that_does_not_look_is_told_of() {
    with_desk(|stage| {
        let agent = format!("account.email={}", stage.agent().email);
        let about = ["--set", agent.as_str(), "--set", "role=viewer"];
        stage.record("change_role", "kept/careful", &about).done();
        let shown = stage.replay("kept/careful", &["--drift", "--format", "json"]).json();
        assert_eq!((&shown["went_on"], &shown["absent"]), (&0.into(), &0.into()), "{shown:#}");
        let drifts = shown["drifts"].as_array().unwrap();
        for kind in ["rename", "move", "hide", "duplicate", "cover"] {
            let stopped = drifts.iter().filter(|one| one["drift"] == kind && one["verdict"] == "stopped");
            assert!(stopped.count() >= 3, "{kind}: {shown:#}");
        }

        // Whose dialog it is, this one would rather not know.
        let flow = stage.shell.path("connectors/acme-desk/flows/change_role.yaml");
        let whole = std::fs::read_to_string(&flow).unwrap();
        let look = "- expect: text \"{{ account.email }}\"\n";
        let careless = whole.replace(look, &format!("{look}        optional: true\n"));
        assert_ne!(careless, whole);
        std::fs::write(&flow, careless).unwrap();
        let about = ["--set", agent.as_str(), "--set", "role=agent"];
        stage.record("change_role", "kept/careless", &about).done();
        let ran = stage.replay("kept/careless", &["--drift"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let went_on: Vec<&str> = ran.out.lines().filter(|line| line.contains("WENT ON")).collect();
        assert!(!went_on.is_empty() && went_on.iter().all(|line| line.contains("saw text")), "{}", ran.out);
    });
}

#[test]
fn recordings_are_packed_into_an_archive_which_is_refused_where_a_byte_of_it_changed() {
    with_desk(|stage| {
        let agent = format!("account.email={}", stage.agent().email);
        stage.record("read_account", "read.tar.gz", &["--set", &agent]).done();
        stage.record("list_accounts", "list", &[]).done();
        let there = stage.record("list_accounts", "read.tar.gz", &[]).failed();
        assert!(there.contains("is there already"), "{there}");
        stage.replay("read.tar.gz", &[]).done();
        let packed = stage.replay("read.tar.gz", &["list", "--pack", "all.tar.gz"]).done();
        assert!(packed.contains("2 of 2 came out as they were recorded"), "{packed}");
        let told = stage.replay("all.tar.gz", &["--junit", "junit.xml", "--format", "json"]).json();
        let names: Vec<&str> = told["recordings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["recording"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["all.tar.gz/list", "all.tar.gz/read"]);
        let junit = std::fs::read_to_string(stage.shell.path("junit.xml")).unwrap();
        assert!(junit.contains("tests=\"4\" failures=\"0\""), "{junit}");
        stage.replay("all.tar.gz/read", &[]).done();

        // One that differs fails all of them, and is told with what differs.
        let manifest = stage.shell.path("list/recording.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, text.replacen("\"committed\": false", "\"committed\": true", 1)).unwrap();
        std::fs::remove_file(stage.shell.path("list/SHA256SUMS")).unwrap();
        let differs = stage.replay("list", &["read.tar.gz", "--junit", "junit.xml"]);
        assert_eq!(differs.code, Some(1), "{differs:?}");
        assert!(differs.out.contains("committed: true was recorded, and now it is false"), "{differs:?}");
        let junit = std::fs::read_to_string(stage.shell.path("junit.xml")).unwrap();
        assert!(junit.contains("failures=\"1\"") && junit.contains("type=\"differs\""), "{junit}");

        let archive = stage.shell.path("all.tar.gz");
        let mut bytes = std::fs::read(&archive).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&archive, bytes).unwrap();
        let damaged = stage.replay("all.tar.gz", &[]).failed();
        assert!(damaged.contains("all.tar.gz") && damaged.contains("is no recording"), "{damaged}");
    });
}
