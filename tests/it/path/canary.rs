//! Secrets of every kind are planted, and then every byte that Usher wrote is searched for them.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine as _;
use tokio::io::AsyncReadExt as _;
use tokio::io::{AsyncBufReadExt, BufReader};
use usher::demo::{AcmeDesk, Options};
use usher::failure::FailureClass;
use usher::notice::To;
use usher::operator::OperatorRole;
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::Installation;
use usher::store::{JobFilter, JobRow, JobState, Store};

use super::faults::{ADA, job_when, many_members, no_patience};
use super::world::{PASSWORD, Scim, connectors, open_with, set_up, user};
use crate::cli::copy;

const TOTP: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// Sent by [`user`] as the attribute `password`.
const SENT: &str = "canary-Pa55word-from-okta";
const WRONG: &str = "canary-Wr0ng-password";
/// What every cookie and every form token that Acme Desk draws begins with.
const DRAWN: &str = "cafec0decafec0de";

/// Every file below `folder` with its bytes, those that are packed unpacked.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files(&path, found);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let packed = std::mem::take(&mut bytes);
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
        }
        found.push((path.display().to_string(), bytes));
    }
}

/// Where a secret is: as it is, in the base64 of it, or percent-encoded.
fn places(found: &[(String, Vec<u8>)], secret: &str) -> Vec<String> {
    let engines =
        [base64::engine::general_purpose::STANDARD_NO_PAD, base64::engine::general_purpose::URL_SAFE_NO_PAD];
    let mut forms = vec![secret.to_owned()];
    forms.extend(engines.iter().map(|engine| engine.encode(secret)));
    forms.push(secret.replace(' ', "%20"));
    forms.push(secret.replace(' ', "+"));
    let has = |bytes: &[u8], form: &str| bytes.windows(form.len()).any(|window| window == form.as_bytes());
    let shows = |(_, bytes): &&(String, Vec<u8>)| forms.iter().any(|form| has(bytes, form));
    found.iter().filter(shows).map(|(path, _)| path.clone()).collect()
}

/// Acme Desk with a one-time code, and all that it draws recognisable.
fn options() -> Options {
    let next = AtomicU8::new(0);
    let fill = Arc::new(move |bytes: &mut [u8]| {
        let mark = [0xca, 0xfe, 0xc0, 0xde, 0xca, 0xfe, 0xc0, 0xde, next.fetch_add(1, Ordering::Relaxed)];
        bytes.iter_mut().zip(mark.iter().cycle()).for_each(|(byte, mark)| *byte = *mark);
    });
    Options { totp_secret: Some(TOTP.to_owned()), fill, ..many_members() }
}

/// A gateway that is a process of its own and logs everything.
struct Gateway {
    child: tokio::process::Child,
    url: String,
    log: tokio::task::JoinHandle<String>,
}

impl Gateway {
    async fn start(data: &Path) -> Self {
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_usher"))
            .arg("--data")
            .arg(data)
            .arg("--connectors")
            .arg(data.join("connectors"))
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
        let log = tokio::spawn(async move {
            let mut rest = String::new();
            stderr.read_to_string(&mut rest).await.unwrap();
            log + &rest
        });
        Self { child, url, log }
    }

    /// Ends it; what it logged.
    async fn end(mut self) -> String {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap());
        rustix::process::kill_process(id.unwrap(), rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().await.unwrap().success());
        let log = self.log.await.unwrap();
        assert!(log.contains("TRACE"), "it does log: {log}");
        log
    }
}

/// Runs a command on the data; what it said.
fn usher(data: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("--data").arg(data).arg("--connectors").arg(data.join("connectors")).args(arguments);
    let ran = command.env("TMPDIR", data).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    [ran.stdout, ran.stderr].concat()
}

async fn put(installation: &Installation, name: &str, secret: &str) {
    let id = installation.integrations.find("desk").await.unwrap().unwrap().row.id;
    let credentials = [(name.to_owned(), SecretString::from(secret))].into();
    installation.integrations.put_credentials(&id, &credentials, "test").await.unwrap();
}

/// Everything that can be taken out of Usher, written below the data; what was said of it.
async fn exports(data: &Path, store: &Store, found: &mut Vec<(String, Vec<u8>)>) {
    for JobRow { id, .. } in store.list_jobs(&all()).await.unwrap() {
        let to = data.join("exports").join(&id);
        found.push((
            format!("export of {id}"),
            usher(data, &["job", "export", &id, "--to", to.to_str().unwrap()]),
        ));
        let page = data.join(format!("{id}.html"));
        let open = ["job", "open", &id, "--to", page.to_str().unwrap(), "--no-browser"];
        found.push((format!("page of {id}"), usher(data, &open)));
        found.push((format!("show of {id}"), usher(data, &["job", "show", &id, "--format", "json"])));
    }
    let bundle = data.join("bundle");
    let about = ["--integration", "desk", "--person", ADA, "--to", bundle.to_str().unwrap()];
    found.push((
        "export of evidence".to_owned(),
        usher(data, &[&["evidence", "export"][..], &about].concat()),
    ));
}

/// No secret is in any of the files.
fn nowhere(found: &[(String, Vec<u8>)], planted: &[(&str, &str)]) {
    let bytes: usize = found.iter().map(|(_, bytes)| bytes.len()).sum();
    println!("{} kinds planted, {} files and {bytes} bytes searched", planted.len(), found.len());
    for (what, secret) in planted {
        assert_eq!(places(found, secret), [""; 0], "{what}");
    }
}

fn all() -> JobFilter {
    JobFilter { integration_id: None, state: None, before: None, limit: 9 }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_byte_that_was_written() {
    let desk = AcmeDesk::start(options()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let data = root.path();
    // As Usher makes it.
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).unwrap();
    copy(&connectors().join("acme-desk"), &data.join("connectors/acme-desk"));
    // What the app shows and the connector says to be secret: somebody's name on the page after the login.
    let shown = desk.members()[4].name.clone();
    assert!(!shown.contains("Ada"), "nobody else says it");
    let manifest = data.join("connectors/acme-desk/connector.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\nsecrets:\n  - text \"{shown}\"\n")).unwrap();

    let flow = data.join("connectors/acme-desk/flows/change_role.yaml");
    let text = std::fs::read_to_string(&flow).unwrap();
    std::fs::write(&flow, text.replace("button \"Save\"", "button /./")).unwrap();

    let installation = open_with(data, &data.join("connectors")).await;
    let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
    let id = installation.integrations.find("desk").await.unwrap().unwrap().row.id;
    put(&installation, "totp", TOTP).await;
    let to = To::Webhook { url: SecretString::from("http://127.0.0.1:9/canary-h00k"), secret: None };
    let (_, signing) = installation.notices.add(to, None, Vec::new(), "test").await.unwrap();
    let (_, key) = installation.operators.new_key("ci", OperatorRole::Admin, None, "test").await.unwrap();

    let gateway = Gateway::start(data).await;
    let scim = Scim::new(&gateway.url, &token);
    let asked =
        scim.http.get(format!("{}/api/v1/integrations", gateway.url)).bearer_auth(key.expose_secret());
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let store = &installation.store;
    let last = async |state: JobState| {
        let job = store.list_jobs(&JobFilter { limit: 1, ..all() }).await.unwrap().remove(0);
        let job = job_when(store, &job.id, |job| job.state == state || job.state.is_settled()).await;
        assert_eq!(job.state, state, "{:?}", job.message);
        job.class
    };
    let ada = scim.create(&user(ADA, "Ada Lovelace", true, "agent")).await;
    assert_eq!(last(JobState::Done).await, None);
    // A page that shows a refused password leaves pictures, pages and a recording.
    put(&installation, "password", WRONG).await;
    scim.put(&ada, &user(ADA, "Ada King", true, "agent")).await;
    assert_eq!(last(JobState::Failed).await, Some(FailureClass::AuthFailed));
    // So does a page that is not as the connector says, behind a login that went well.
    put(&installation, "password", PASSWORD).await;
    assert!(store.resume_integration(&id, "test").await.unwrap());
    scim.put(&ada, &user(ADA, "Ada King", true, "viewer")).await;
    assert_eq!(last(JobState::Failed).await, Some(FailureClass::UiDrift));

    let mut found = vec![("the log".to_owned(), gateway.end().await.into_bytes())];
    exports(data, store, &mut found).await;
    // While the database is open, what was written last is in its log and nowhere else.
    files(data, &mut found);
    // The connector says it itself.
    found.retain(|(path, _)| !path.ends_with("connector.yaml") && !path.ends_with(".yaml.gz"));
    let has = |part: &str| found.iter().any(|(path, _)| path.contains(part));
    for part in [".jpeg", ".html", "/network.har", "/bodies/", "/recording.json", "-wal"] {
        assert!(has(part), "there is {part}");
    }
    assert!(!places(&found, ADA).is_empty(), "what is there is found");
    let (key, signing) = (key.expose_secret(), signing.unwrap());
    let bare = |secret: &str| secret.split_once('_').map_or(secret, |(_, bare)| bare).to_owned();
    let (of_token, of_key) = (bare(&token), bare(key));
    let planted: [(&str, &str); 12] = [
        ("the service account's password", PASSWORD),
        ("a password that was refused", WRONG),
        ("the secret of its one-time codes", TOTP),
        ("a person's password, from the identity provider", SENT),
        ("a SCIM token", &token),
        ("a SCIM token without its prefix", &of_token),
        ("an operator's key", key),
        ("an operator's key without its prefix", &of_key),
        ("a key that signs webhooks", signing.expose_secret()),
        ("an address of a webhook, which may hold a key", "canary-h00k"),
        ("cookies and form tokens", DRAWN),
        ("what the connector says to be secret", &shown),
    ];
    nowhere(&found, &planted);
    desk.stop().await;
}
