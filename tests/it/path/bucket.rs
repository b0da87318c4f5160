//! Pictures in a bucket of S3: seen from everywhere; and missed, with a word about it, where they cannot be kept.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use usher::clock::SystemClock;
use usher::demo::AcmeDesk;
use usher::store::JobState;

use super::faults::{Wish, ask, done, many_members, no_patience};
use super::faults_process::{Served, usher};
use super::processes::Shared;
use super::world::{PASSWORD, Scim, connectors, open, set_up};
use crate::postgres::server;
use crate::s3::{Bucket, files, variables};

const PLACE: &str = "s3://pictures/usher";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_machine_saw_is_shown_on_another() {
    let Some(bucket) = Bucket::start().await else { return };
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let shared = Shared::new(server(), connectors()).await;
    let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let installation = shared.open(one.path(), Arc::new(SystemClock)).await;
    let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
    let at = |data: &Path| {
        let mut command = shared.command(data);
        command.envs(bucket.variables()).env("USHER_ARTIFACTS", PLACE).env("USHER_LOG", "trace");
        command
    };
    let served = Served::run(at(one.path()).args(["serve", "--listen", "127.0.0.1:0"])).await;
    let scim = Scim::new(&served.url, &token);
    let asked = ask(&scim, &installation.store, &desk.members(), Wish::Invite, 0).await;
    done(&installation.store, &asked.job).await;

    let saved = other.path().join("pictures");
    let show = |data| {
        let mut command = at(data);
        command.args(["job", "show", &asked.job, "--pictures"]).arg(&saved);
        command
    };
    let shown = show(other.path()).output().await.unwrap();
    let said = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(shown.status.success(), "{said}");
    let pictures = files(&saved);
    assert!(!pictures.is_empty());
    for picture in &pictures {
        let bytes = std::fs::read(picture).unwrap();
        assert!(
            bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]),
            "{picture:?} is no picture"
        );
    }
    assert_eq!(files(&one.path().join("artifacts")), [] as [std::path::PathBuf; 0]);
    let logged = served.said("").await + &said;
    for secret in [&bucket.secret, &token, PASSWORD] {
        assert!(!logged.contains(secret), "a secret was logged");
    }

    // Without the variables, it says what is missing and where.
    let mut blind = show(other.path());
    for (name, _) in bucket.variables() {
        blind.env_remove(name);
    }
    let blind = blind.env("AWS_ENDPOINT_URL", &bucket.url).env("AWS_EC2_METADATA_DISABLED", "true");
    let blind = failed(blind.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9").output().await.unwrap());
    assert!(blind.contains("no credentials are in the AWS_… variables"), "{blind}");
    served.terminate().await;
    installation.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_does_not_answer_costs_the_pictures_and_is_asked_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, mut connections) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            sender.send(connection).unwrap();
        }
    });
    let told = told_of(&variables(&url, "key", "canary-5ecret")).await;
    assert!(told[0].contains("s3://pictures/usher/"), "{told:?}");
    assert!(told[0].contains("no answer within 10 s"), "{told:?}");
    assert!(told[1..].iter().all(|told| told.contains("it was not tried")), "{told:?}");
    assert!(connections.try_recv().is_ok());
    assert!(connections.try_recv().is_err(), "it was asked again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_costs_the_pictures_and_is_told_with_its_cure() {
    let Some(bucket) = Bucket::start().await else { return };
    let told = told_of(&variables(&bucket.url, &bucket.key_id, "canary-5ecret")).await;
    assert!(told[0].contains("SignatureDoesNotMatch; look at AWS_ACCESS_KEY_ID"), "{told:?}");
}

/// Carries a job out whose pictures cannot be kept in what these variables reach; gives what its steps say of them.
async fn told_of(variables: &[(String, String)]) -> Vec<String> {
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
    let at = |data: &Path| {
        let mut command: Command = usher(data);
        command.envs(variables.to_vec()).env("USHER_ARTIFACTS", PLACE).env("USHER_LOG", "trace");
        command
    };
    let served = Served::run(at(data.path()).args(["serve", "--listen", "127.0.0.1:0"])).await;
    let asked =
        ask(&Scim::new(&served.url, &token), &installation.store, &desk.members(), Wish::Invite, 0).await;
    assert_eq!(done(&installation.store, &asked.job).await.state, JobState::Done);
    let shown = at(data.path()).args(["job", "show", &asked.job, "--format", "json"]).output().await.unwrap();
    let (shown, said) =
        (String::from_utf8(shown.stdout).unwrap(), served.said("evidence was not kept").await);
    assert!(!format!("{shown}{said}").contains("canary"), "a secret was shown");
    served.terminate().await;
    let job: Value = serde_json::from_str(&shown).unwrap();
    let steps = job["attempt_log"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|attempt| attempt["steps"].as_array().unwrap());
    let told = steps.filter_map(|step| step["missing"].as_str());
    told.map(str::to_owned).collect()
}

fn failed(output: Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}
