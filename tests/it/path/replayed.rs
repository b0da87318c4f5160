//! A job that failed, replayed from what it left behind: as it is, and as an export with other people in it.

use std::path::Path;
use std::process::Command;

use usher::evidence::{Limits, read_whole};
use usher::store::{JobFilter, JobState};

use super::faults::{ADA, job_when, many_members, no_patience};
use super::world::{PASSWORD, Scim, World, connectors, open_with, set_up, start, user};
use crate::cli::copy;

/// Runs a command on the data; how it ended, and what it said.
fn usher(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command
        .arg("--data")
        .arg(data)
        .arg("--connectors")
        .arg(data.with_file_name("connectors"))
        .args(arguments);
    let ran = command.env("TMPDIR", data).output().unwrap();
    (ran.status.code(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_replayed_without_the_app_and_exported_without_its_people() {
    let desk = usher::demo::AcmeDesk::start(many_members()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let (data, connectors_of) = (root.path().join("data"), root.path().join("connectors"));
    copy(&connectors().join("acme-desk"), &connectors_of.join("acme-desk"));
    let flow = connectors_of.join("acme-desk/flows/change_role.yaml");
    let whole = std::fs::read_to_string(&flow).unwrap();
    // Two buttons have a name.
    std::fs::write(&flow, whole.replace("button \"Save\"", "button /./")).unwrap();
    let installation = open_with(&data, &connectors_of).await;
    let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
    let server = start(&installation).await;
    let scim = Scim::new(&server.url(), &token);
    let ada = scim.create(&user(ADA, "Ada Lovelace", true, "agent")).await;
    let store = &installation.store;
    let filter = JobFilter { integration_id: None, state: None, before: None, limit: 1 };
    let last = async || {
        let job = store.list_jobs(&filter).await.unwrap().remove(0);
        job_when(store, &job.id, |job| job.state.is_settled()).await
    };
    assert_eq!(last().await.state, JobState::Done);
    scim.put(&ada, &user(ADA, "Ada Lovelace", true, "viewer")).await;
    let failed = last().await;
    assert_eq!(failed.state, JobState::Failed, "{:?}", failed.message);
    let asked = desk.stats().requests;

    let (code, said) = usher(&data, &["replay", &failed.id]);
    assert!(code == Some(0) && said.contains("it came out as it was recorded"), "{said}");
    let export = root.path().join("export.tar.gz");
    let to = export.to_str().unwrap();
    let (code, said) = usher(&data, &["job", "export", &failed.id, "--to", to, "--anonymise"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = usher(&data, &["replay", to, "--format", "json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("@example.org"), "{said}");
    let limits = Limits { files: 1000, bytes_of_one: 1 << 24, bytes: 1 << 28 };
    let files = read_whole(&export, limits).unwrap();
    for (path, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(ADA) && !text.contains("Lovelace"), "{path}: {text}");
    }
    assert!(
        files.keys().any(|path| path.contains("pages/")) && !files.keys().any(|path| path.ends_with("jpeg"))
    );
    // Mended, it goes on to its change, which nobody has recorded.
    std::fs::write(&flow, &whole).unwrap();
    let (code, said) = usher(&data, &["replay", &failed.id, "--edited"]);
    assert!(code == Some(0) && said.contains("it was carried up to its change"), "{said}");
    assert_eq!(desk.stats().requests, asked, "the app was asked for nothing");
    World { scim, desk, server, installation, data: root }.end().await;
}
