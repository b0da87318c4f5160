//! What is secret is nowhere: not in the database, not in a picture, not in a log.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::{AsyncBufReadExt, BufReader};
use usher::demo::AcmeDesk;
use usher::integration::Policy;
use usher::operator::OperatorRole;
use usher::secret::{ExposeSecret as _, SecretString};
use usher::store::{JobFilter, JobState};

use super::faults::{ADA, job_when, many_members, no_patience};
use super::world::{PASSWORD, Scim, World, connectors, open, set_up, user};

const TOTP: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// Sent by [`user`] as the attribute `password`.
const SENT: &str = "canary-Pa55word-from-okta";
const WRONG: &str = "canary-Wr0ng-password";

/// Every file below `folder` with its bytes.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// Where a secret, or its base64, is.
fn places(found: &[(String, Vec<u8>)], secret: &str) -> Vec<String> {
    let engines =
        [base64::engine::general_purpose::STANDARD_NO_PAD, base64::engine::general_purpose::URL_SAFE_NO_PAD];
    let mut forms = vec![secret.to_owned()];
    forms.extend(engines.iter().map(|engine| engine.encode(secret)));
    let has = |bytes: &[u8], form: &str| bytes.windows(form.len()).any(|window| window == form.as_bytes());
    found
        .iter()
        .filter(|(_, bytes)| forms.iter().any(|form| has(bytes, form)))
        .map(|(path, _)| path.clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_data_directory_nor_in_the_log() {
    let desk = AcmeDesk::start(usher::demo::Options { totp_secret: Some(TOTP.to_owned()), ..many_members() });
    let desk = desk.await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let patience = Policy { patience_ms: 50_000, ..Policy::default() };
    let token = set_up(&installation, &desk.url(), PASSWORD, patience).await;
    let id = installation.integrations.find("desk").await.unwrap().unwrap().row.id;
    let put = async |name: &str, secret: &str| {
        let credentials = [(name.to_owned(), SecretString::from(secret))].into();
        installation.integrations.put_credentials(&id, &credentials, "test").await.unwrap();
    };
    put("totp", TOTP).await;

    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_usher"))
        .arg("--data")
        .arg(data.path())
        .arg("--connectors")
        .arg(connectors())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("USHER_LOG", "trace,tungstenite::protocol=trace,chromiumoxide::conn=trace")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut log = String::new();
    let url = loop {
        let from = log.len();
        assert!(stderr.read_line(&mut log).await.unwrap() > 0, "{log}");
        if let Some(rest) = log.split_at(from).1.strip_prefix("usher listens on ") {
            break rest.split(';').next().unwrap().to_owned();
        }
    };
    let reading = tokio::spawn(async move {
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).await.unwrap();
        log + &rest
    });
    let (_, key) = installation.operators.new_key("ci", OperatorRole::Admin, None, "test").await.unwrap();
    let scim = Scim::new(&url, &token);
    let asked = scim.http.get(format!("{url}/api/v1/integrations")).bearer_auth(key.expose_secret());
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let ada = scim.create(&user(ADA, "Ada Lovelace", true, "agent")).await;
    let (status, body) = scim.put(&ada, &user(ADA, "Ada King", true, "agent")).await;
    assert_eq!(status, 200, "{body}");
    // A page that shows a refused password leaves pictures too.
    put("password", WRONG).await;
    let (status, body) = scim.put(&ada, &user(ADA, "Ada Lovelace", true, "agent")).await;
    assert_eq!(status, 500, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("auth_failed"), "{body}");

    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert!(child.wait().await.unwrap().success());
    let log = reading.await.unwrap();
    assert!(log.contains("TRACE"), "it does log: {log}");

    // While the database is open, what was written last is in its log and nowhere else.
    let mut found = vec![("the log".to_owned(), log.into_bytes())];
    files(data.path(), &mut found);
    assert!(found.iter().any(|(path, _)| path.contains("/artifacts/")), "there are pictures");
    assert!(found.iter().any(|(path, _)| path.ends_with("-wal")), "the write-ahead log is searched");
    assert!(!places(&found, ADA).is_empty(), "what is there is found");
    let key = key.expose_secret();
    let (of_token, of_key) = (token.trim_start_matches("usher_"), key.trim_start_matches("usher_"));
    for secret in [PASSWORD, WRONG, TOTP, SENT, &token, of_token, key, of_key] {
        assert_eq!(places(&found, secret), [""; 0], "a secret of {} characters", secret.len());
    }
    desk.stop().await;
}

/// The pictures of the filled form, as the hashes that they are kept under.
async fn pictures_of_login(password: &str) -> BTreeSet<String> {
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let token = set_up(&installation, &desk.url(), password, no_patience()).await;
    let server = super::world::start(&installation).await;
    let world = World { scim: Scim::new(&server.url(), &token), desk, server, installation, data };
    world.scim.create(&user(ADA, "Ada Lovelace", true, "agent")).await;
    let store = &world.installation.store;
    let filter = JobFilter { integration_id: None, state: None, before: None, limit: 1 };
    let job = store.list_jobs(&filter).await.unwrap().remove(0);
    let job = job_when(store, &job.id, |job| job.state.is_settled()).await;
    assert_eq!(job.state, JobState::Failed, "{:?}", job.message);
    let shown = store.show_job(&job.id).await.unwrap().unwrap();
    let steps = shown.attempts.iter().flat_map(|detail| detail.steps.iter().map(move |step| (detail, step)));
    let filled = steps.filter(|(_, step)| step.words.contains("Password"));
    let pictures = filled.filter_map(|(detail, step)| Some(detail.picture(step)?.artifact.clone()));
    let pictures: BTreeSet<String> = pictures.collect();
    world.end().await;
    pictures
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_the_login_do_not_depend_on_the_password() {
    let (short, long) = tokio::join!(pictures_of_login("wrong"), pictures_of_login(WRONG));
    assert_eq!(short.len(), 1, "the filled form has a picture");
    assert_eq!(short, long);
}
