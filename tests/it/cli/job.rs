//! `usher job`: a job that a worker left behind, read by people and by scripts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use usher::clock::{Clock as _, SystemClock};
use usher::failure::FailureClass;
use usher::id::{Ids, SystemEntropy};
use usher::store::*;
use usher::trace::{StepOutcome, StepRecord};

use crate::on_sqlite::store::body_of;

use super::*;

/// Leaves a failed job behind, with a nesting step that ended after the one in it. Returns its id.
pub(super) async fn leave_a_failed_job(shell: &Shell) -> String {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let options = StoreOptions::new(shell.path("usher-data"));
    let store = Store::open(&options, clock.clone(), Ids::new(clock.clone(), entropy)).await.unwrap();
    let integration = store.find_integration("desk").await.unwrap().unwrap();
    let body = body_of(json!({ "userName": "ada@acme.example" }));
    let change = Change {
        integration_id: integration.id,
        user: UserChange::Insert(body),
        job: Some(JobRequest { priority: Priority::ORDINARY, cause: json!({}) }),
        events: Vec::new(),
    };
    let id = store.record(change).await.unwrap().job.unwrap().id;
    let claimed = store.claim("worker-1", Duration::from_secs(60)).await.unwrap().unwrap();
    let attempt = store.start_attempt(&claimed.lease, "hash").await.unwrap();
    let step = |seq, depth, words: &str, outcome| StepRecord {
        seq,
        depth,
        flow: "invite".into(),
        file: "flows/invite.yaml".into(),
        line: seq,
        words: words.into(),
        outcome,
        started_at: clock.now(),
        total_ms: 12,
        ..StepRecord::default()
    };
    let drift = |message: &str| StepOutcome::Failed { class: FailureClass::UiDrift, message: message.into() };
    let steps = vec![
        step(1, 0, "opened /members", StepOutcome::Ok),
        step(3, 1, "click button “Save”", drift("no button \"Save\"\nit has button \"Store\"")),
        step(2, 0, "in dialog “Edit”", drift("no button \"Save\"\nit has button \"Store\"")),
    ];
    store.add_steps(&claimed.lease, attempt, steps, Vec::new()).await.unwrap();
    let outcome = Outcome::Failed { class: FailureClass::UiDrift, message: "no button \"Save\"".into() };
    store.finish(&claimed.lease, Finish::with(outcome)).await.unwrap();
    store.close().await;
    id
}

#[tokio::test]
async fn a_job_is_shown_with_its_steps_in_the_order_in_which_they_began() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    assert_eq!(shell.run(&["job", "list", "--format", "json"]).json(), json!([]));
    let id = leave_a_failed_job(&shell).await;

    let listed = shell.run(&["job", "list"]).done();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = listed.lines().map(words).collect();
    assert_eq!(lines[0], ["ID", "KIND", "SUBJECT", "STATE", "CLASS", "ATTEMPTS", "CHANGED"]);
    assert_eq!(lines[1][..6], [id.as_str(), "provision", "ada@acme.example", "failed", "ui_drift", "1"]);
    let json =
        shell.run(&["job", "list", "--state", "failed", "--integration", "desk", "--format", "json"]).json();
    assert_eq!((json[0]["id"].as_str(), json[0]["class"].as_str()), (Some(id.as_str()), Some("ui_drift")));
    assert_eq!(shell.run(&["job", "list", "--state", "done", "--format", "json"]).json(), json!([]));

    let shown = shell.run(&["job", "show", &id]).done();
    let steps: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("attempt 1")).skip(1).collect();
    let expected = [
        "    1      12 ms  opened /members  (flows/invite.yaml:1)",
        "!   2      12 ms  in dialog “Edit”  (flows/invite.yaml:2)",
        "!   3      12 ms    click button “Save”  (flows/invite.yaml:3)",
        "                   ui_drift: no button \"Save\"",
        "                   it has button \"Store\"",
    ];
    assert_eq!(steps, expected, "{shown}");
    let json = shell.run(&["job", "show", &id, "--format", "json"]).json();
    let steps = json["attempt_log"][0]["steps"].as_array().unwrap();
    let numbers: Vec<_> = steps.iter().map(|step| (step["seq"].as_i64(), step["depth"].as_i64())).collect();
    assert_eq!(numbers, [(Some(1), Some(0)), (Some(2), Some(0)), (Some(3), Some(1))]);

    assert_eq!(shell.run(&["job", "retry", &id]).done(), format!("{id} is ready\n"));
    let ran = shell.run(&["job", "retry", &id, "job_1"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("job_1: there is no such job"), "{ran:?}");

    let refused = shell.run(&["job", "release", &id, "--reason", "they did leave"]);
    assert_eq!((refused.code, refused.out), (Some(1), format!("{id}: the job is ready\n")));
    assert_eq!(
        shell.run(&["job", "cancel", &id, "--reason", "wanted by nobody"]).done(),
        format!("{id} is cancelled\n")
    );
    let shown = shell.run(&["job", "show", &id, "--format", "json"]).json();
    assert_eq!(shown["message"], "wanted by nobody");
}
