//! Evidence of what was really done: one person who joins, moves and leaves, and an auditor who has nothing but the bundle.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::world::{ROLE_URN, World, user};
use crate::evidence::{files, list_anew};

const ADA: &str = "ada.king@acme.example";

fn usher(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    for variable in ["USHER_DATABASE", "USHER_ARTIFACTS"] {
        command.env_remove(variable);
    }
    command
        .args(arguments)
        .arg("--data")
        .arg(data)
        .arg("--connectors")
        .arg(super::world::connectors())
        .output()
        .unwrap()
}

fn verify(bundle: &Path, more: &[&str]) -> Value {
    // The data directory is none: nothing is asked of one.
    let arguments = ["evidence", "verify", bundle.to_str().unwrap(), "--format", "json"];
    let output = usher(Path::new("none"), &[&arguments[..], more].concat());
    let shown: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(output.status.success(), shown["is_as_exported"].as_bool().unwrap(), "{shown}");
    shown
}

/// Whether what is wrong names this.
fn names(shown: &Value, part: &str, name: &Value) -> bool {
    shown["wrong"].as_array().unwrap().iter().any(|wrong| &wrong[part] == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_sees_what_was_done_and_every_hand_that_was_in_it_since() {
    let world = World::new().await;
    let id = world.scim.create(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    assert!(world.desk.accept(ADA));
    let role = json!([{ "op": "replace", "value": { ROLE_URN: { "role": "agent" } } }]);
    assert_eq!(world.scim.patch(&id, role).await.0, 200);
    assert_eq!(world.scim.delete(&id).await.0, 204);
    world.scim.create(&user("bob@acme.example", "Bob", true, "viewer")).await;
    let actions = ["invited", "accepted", "role_changed", "removed"].map(|action| format!("{action} {ADA}"));
    assert_eq!(world.record()[..4], actions);

    let data = world.data.path().to_owned();
    let bundle = data.join("bundle");
    let export = ["evidence", "export", "--integration", "desk", "--person", ADA, "--format", "json", "--to"];
    let output = usher(&data, &[&export[..], &[bundle.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{output:?}");
    let exported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(exported["missing_pictures"], 0, "{exported}");
    let digest = exported["digest"].as_str().unwrap();
    let verified = verify(&bundle, &["--digest", digest]);
    assert_eq!(verified["wrong"], json!([]));
    let against = usher(&data, &["evidence", "verify", bundle.to_str().unwrap(), "--against-database"]);
    assert!(against.status.success(), "{against:?}");
    let World { server, desk, data: _data, .. } = world;
    server.stop().await;
    desk.stop().await;

    let whole = files(&bundle);
    let text = String::from_utf8_lossy(&whole.values().flatten().copied().collect::<Vec<u8>>()).into_owned();
    for others in ["bob@acme.example", "canary-Pa55word", super::world::PASSWORD] {
        assert!(!text.contains(others), "{others} is in the bundle");
    }
    told(
        &serde_json::from_slice(&whole[&format!("people/{id}.json")]).unwrap(),
        &whole.keys().collect::<Vec<_>>(),
    );
    for (name, bytes) in &whole {
        let path = bundle.join(name);
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let shown = verify(&bundle, &["--digest", digest]);
        assert!(names(&shown, "file", &json!(name)), "{name} changed: {shown}");
        std::fs::rename(&path, bundle.join("renamed")).unwrap();
        let shown = verify(&bundle, &["--digest", digest]);
        assert!(names(&shown, "file", &json!(name)), "{name} renamed: {shown}");
        std::fs::remove_file(bundle.join("renamed")).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::write(bundle.join("pictures/added.jpeg"), "added").unwrap();
    assert!(names(&verify(&bundle, &[]), "file", &json!("pictures/added.jpeg")));
    std::fs::remove_file(bundle.join("pictures/added.jpeg")).unwrap();

    let events = String::from_utf8(whole["events.jsonl"].clone()).unwrap();
    let line = events.lines().find(|line| line.contains("\"job.done\"")).unwrap();
    let seq = serde_json::from_str::<Value>(line).unwrap()["event"]["seq"].clone();
    std::fs::write(bundle.join("events.jsonl"), events.replacen("job.done", "job.lost", 1)).unwrap();
    list_anew(&bundle);
    let shown = verify(&bundle, &[]);
    assert!(names(&shown, "event", &seq), "{shown}");
    assert!(!names(&verify(&bundle, &[]), "file", &json!("SHA256SUMS")));
    assert!(names(&verify(&bundle, &["--digest", digest]), "file", &json!("SHA256SUMS")));
}

/// What the story of the person must tell.
fn told(story: &Value, files: &[&String]) {
    let asked: Vec<&str> =
        story["jobs"].as_array().unwrap().iter().map(|job| job["asked"]["event"].as_str().unwrap()).collect();
    assert_eq!(asked, ["user.created", "user.updated", "user.deleted"]);
    let attempt = |job: usize| story["jobs"][job]["attempts"].as_array().unwrap().last().unwrap();
    let seen = [0, 1, 2].map(|job| {
        let attempt = attempt(job);
        assert_eq!(attempt["connector"]["name"], "acme-desk");
        assert!(
            attempt["connector"]["version"].is_string() && attempt["verified_by_reading"].is_string(),
            "{attempt}"
        );
        let steps = attempt["steps"].as_array().unwrap();
        let pictures: Vec<&str> = steps
            .iter()
            .flat_map(|step| step["pictures"].as_array().unwrap())
            .filter_map(Value::as_str)
            .collect();
        assert!(!pictures.is_empty(), "{attempt}");
        assert!(
            pictures.iter().all(|picture| files.iter().any(|file| file == picture)),
            "{pictures:?} in {files:?}"
        );
        let of = |when: &str| {
            format!(
                "{} {}",
                attempt[when]["status"].as_str().unwrap(),
                attempt[when]["entitlements"]["role"][0].as_str().unwrap_or("-")
            )
        };
        format!("{} > {}", of("before"), of("after"))
    });
    assert_eq!(
        seen,
        ["absent - > invited viewer", "active viewer > active agent", "active agent > absent -"]
    );
    let joined = &story["events"][0];
    assert_eq!((&joined["kind"], &joined["by"]["kind"]), (&json!("user.created"), &json!("scim_token")));
    assert_eq!(joined["told"]["wanted"]["attributes"]["email"], ADA, "{joined}");
    assert_eq!(attempt(1)["wanted"]["entitlements"]["role"], json!(["agent"]));
}
