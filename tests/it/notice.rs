//! Who is told of what happens: by signed webhooks and by mail, over real HTTP and SMTP.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::Semaphore;
use usher::clock::{Clock as _, ManualClock, Timestamp};
use usher::id::SystemEntropy;
use usher::integration::{NewIntegration, Policy};
use usher::notice::{Mailer, To};
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::{Installation, Metrics, Paths};
use usher::store::{Change, HookRow, IntegrationRow, JobRequest, NewEvent, Priority, UserChange};

use crate::from_pypi::programs;
use crate::on_sqlite::store::body;

const SECRET_PATH: &str = "canary-T0-hook-path";

/// Somebody who takes webhooks, and keeps what they were sent.
#[derive(Clone, Default)]
struct Listener {
    taken: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    /// How it answers, one after the other; with 200 after that.
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// Whether it answers at all before it is told to.
    holds: Option<Arc<Semaphore>>,
}

impl Listener {
    async fn listen(&self) -> String {
        let take = async |State(own): State<Self>, headers: HeaderMap, body: String| {
            own.taken.lock().unwrap().push((headers, body));
            if let Some(holds) = &own.holds {
                holds.acquire().await.unwrap().forget();
            }
            let answer = own.answers.lock().unwrap().pop_front().unwrap_or(200);
            StatusCode::from_u16(answer).unwrap()
        };
        let router = Router::new().route(&format!("/{SECRET_PATH}"), post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/{SECRET_PATH}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    /// What it was sent since it was asked last: kind, sentence and id of each.
    fn taken(&self) -> Vec<(String, String, String)> {
        let taken = std::mem::take(&mut *self.taken.lock().unwrap());
        let told = |(headers, body): (HeaderMap, String)| {
            let body: Value = serde_json::from_str(&body).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (
                text(&body["type"]),
                text(&body["data"]["text"]),
                headers["webhook-id"].to_str().unwrap().to_owned(),
            )
        };
        taken.into_iter().map(told).collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.taken().into_iter().map(|(kind, ..)| kind).collect()
    }
}

struct Stand {
    root: TempDir,
    clock: Arc<ManualClock>,
    installation: Installation,
}

impl Stand {
    async fn new(mailer: Option<Mailer>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_ms(1_800_000_000_000));
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
        let paths = Paths { mailer, ..Paths::new(root.path().join("data"), connectors) };
        let installation = Installation::open(paths, clock.clone(), Arc::new(SystemEntropy)).await.unwrap();
        Self { root, clock, installation }
    }

    async fn integration(&self, name: &str) -> IntegrationRow {
        let text = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let credentials = text(&[("username", "owner@acme.example"), ("password", "acme-password")]);
        let new = NewIntegration {
            name: name.to_owned(),
            connector: "acme-desk".to_owned(),
            settings: text(&[("base_url", "http://127.0.0.1:9"), ("org_id", "acme")]).into_iter().collect(),
            login: "password".to_owned(),
            credentials: credentials
                .into_iter()
                .map(|(key, value)| (key, SecretString::from(value)))
                .collect(),
            policy: Policy::default(),
        };
        self.installation.integrations.create(new, "test").await.unwrap().row
    }

    async fn webhook(
        &self,
        url: &str,
        of: Option<&IntegrationRow>,
        kinds: &[&str],
    ) -> (String, SecretString) {
        let to = To::Webhook { url: SecretString::from(url), secret: None };
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let added = self.installation.notices.add(to, of.map(|row| row.id.clone()), kinds, "test").await;
        let (id, secret) = added.unwrap();
        (id, secret.unwrap())
    }

    async fn tell(&self) {
        self.installation.notices.tell().await.unwrap();
    }

    async fn hook(&self, id: &str) -> HookRow {
        self.installation.store.find_hook(id).await.unwrap().unwrap()
    }

    async fn pause(&self, row: &IntegrationRow, reason: &str) {
        self.installation.store.pause_integration(&row.id, reason, "test").await.unwrap();
        self.installation.store.resume_integration(&row.id, "test").await.unwrap();
    }
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_signed_and_in_its_order() {
    let stand = Stand::new(None).await;
    let desk = stand.integration("desk").await;
    stand.pause(&desk, "before").await;
    let listener = Listener::default();
    let (id, secret) = stand.webhook(&listener.listen().await, None, &[]).await;
    listener.answers.lock().unwrap().extend([500, 404]);
    stand.pause(&desk, "first").await;
    stand.installation.store.hold_leavers(&desk.id, "second", "test").await.unwrap();
    stand.tell().await;
    stand.tell().await;
    let (kind, text, first) = listener.taken().pop().expect("one try and no more");
    assert_eq!((kind.as_str(), text.as_str()), ("integration.paused", "desk: paused: first."));
    let hook = stand.hook(&id).await;
    assert_eq!((hook.failures, hook.error.as_deref()), (1, Some("it answered 500 Internal Server Error")));
    // Later and later.
    stand.clock.advance(Duration::from_secs(10));
    stand.tell().await;
    stand.clock.advance(Duration::from_secs(19));
    stand.tell().await;
    assert_eq!(listener.taken().len(), 1);
    stand.clock.advance(Duration::from_secs(1));
    stand.tell().await;
    let taken = listener.taken.lock().unwrap().clone();
    let (headers, body) = &taken[0];
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signed = format!("{}.{}.{body}", header("webhook-id"), stand.clock.now().as_secs());
    let key = STANDARD.decode(secret.expose_secret().strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(signed.as_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    let told = listener.taken();
    assert_eq!((told.len(), &told[0].2), (2, &first), "the same id each time, and then the next");
    assert!(
        told[1].1.starts_with("desk: leavers are held (0 jobs): second. `usher leavers list`"),
        "{told:?}"
    );
    let hook = stand.hook(&id).await;
    assert_eq!((hook.failures, hook.error), (0, None));
    stand.tell().await;
    assert_eq!(listener.taken(), []);
    // The address and the key are nowhere but with who gave them.
    let database = std::fs::read(stand.root.path().join("data/usher.db")).unwrap();
    let wal = std::fs::read(stand.root.path().join("data/usher.db-wal")).unwrap_or_default();
    for canary in [SECRET_PATH, secret.expose_secret()] {
        let is_in = |bytes: &[u8]| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!is_in(&database) && !is_in(&wal), "{canary}");
        assert!(!format!("{:?}{:?}", hook.hook, stand.installation.notices).contains(canary));
    }
    assert!(stand.installation.store.remove_hook(&id, "test").await.unwrap());
    stand.pause(&desk, "after").await;
    stand.tell().await;
    assert_eq!(listener.taken(), []);
}

#[tokio::test]
async fn who_is_told_says_of_which_integration_and_of_what() {
    let stand = Stand::new(None).await;
    let (desk, shop) = (stand.integration("desk").await, stand.integration("shop").await);
    let (of_shop, of_leavers) = (Listener::default(), Listener::default());
    stand.webhook(&of_shop.listen().await, Some(&shop), &[]).await;
    stand.webhook(&of_leavers.listen().await, None, &["leavers.held"]).await;
    for row in [&desk, &shop] {
        stand.pause(row, "moved").await;
        stand.installation.store.hold_leavers(&row.id, "moved", "test").await.unwrap();
    }
    stand.tell().await;
    assert_eq!(of_shop.kinds(), ["integration.paused", "leavers.held"]);
    assert_eq!(of_leavers.kinds(), ["leavers.held", "leavers.held"]);
    let to = To::Webhook { url: SecretString::from("https://hooks.example"), secret: None };
    let refused = stand.installation.notices.add(to, None, vec!["lunch".into()], "test").await.unwrap_err();
    assert!(refused.to_string().contains("breaker.opened, canary.failed"), "{refused}");
}

#[tokio::test]
async fn what_the_record_has_of_an_account_is_not_told() {
    let stand = Stand::new(None).await;
    let listener = Listener::default();
    stand.webhook(&listener.listen().await, None, &[]).await;
    let acme = stand.integration("acme").await;
    let account = json!({ "attributes": { "email": "canary-ada@acme.example" } });
    let data =
        json!({ "message": "remove the seat", "wanted": account, "before": account, "after": account });
    let event = NewEvent::new("job.needs_human", "usher").of(&acme.id).with(data);
    stand.installation.store.append_event(event).await.unwrap();
    stand.tell().await;
    let taken = listener.taken.lock().unwrap();
    assert!(taken[0].1.contains("remove the seat") && !taken[0].1.contains("canary-ada"), "{}", taken[0].1);
}

#[tokio::test]
async fn of_two_who_look_at_once_one_tells() {
    let stand = Stand::new(None).await;
    let desk = stand.integration("desk").await;
    let holds = Arc::new(Semaphore::new(0));
    let listener = Listener { holds: Some(holds.clone()), ..Listener::default() };
    stand.webhook(&listener.listen().await, None, &[]).await;
    stand.pause(&desk, "once").await;
    let other =
        Installation::open(stand.installation.paths.clone(), stand.clock.clone(), Arc::new(SystemEntropy));
    let other = other.await.unwrap();
    let telling = tokio::spawn({
        let notices = stand.installation.notices.clone();
        async move { notices.tell().await }
    });
    while listener.taken.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    other.notices.tell().await.unwrap();
    holds.add_permits(1);
    telling.await.unwrap().unwrap();
    other.notices.tell().await.unwrap();
    assert_eq!(listener.kinds(), ["integration.paused"]);
}

#[tokio::test]
async fn leavers_who_wait_too_long_are_told_of_once() {
    let stand = Stand::new(None).await;
    let desk = stand.integration("desk").await;
    let listener = Listener::default();
    stand.webhook(&listener.listen().await, None, &["leavers.late"]).await;
    let store = &stand.installation.store;
    let leaver = |name: &str| Change {
        integration_id: desk.id.clone(),
        user: UserChange::Insert(body(name, false)),
        job: Some(JobRequest { priority: Priority::LEAVER, cause: json!({}) }),
        events: Vec::<NewEvent>::new(),
    };
    store.record(leaver("ada")).await.unwrap();
    stand.clock.advance(Duration::from_secs(1800));
    store.record(leaver("grace")).await.unwrap();
    stand.tell().await;
    assert_eq!(listener.taken(), []);
    stand.clock.advance(Duration::from_secs(1800));
    stand.tell().await;
    stand.tell().await;
    let told = listener.taken();
    let expected = "desk: 1 who left should be without access already, the first since 2027-01-15T08:00:00.000Z. \
                    `usher leavers list` shows them.";
    assert_eq!((told.len(), told[0].1.as_str()), (1, expected));
    stand.clock.advance(Duration::from_secs(1800));
    stand.tell().await;
    assert_eq!(listener.taken().len(), 1);
}

#[tokio::test]
async fn how_everything_stands_is_given_as_numbers() {
    let stand = Stand::new(None).await;
    let desk = stand.integration("desk").await;
    let (id, _) = stand.webhook("http://127.0.0.1:9", None, &[]).await;
    let store = &stand.installation.store;
    let leaver = Change {
        integration_id: desk.id.clone(),
        user: UserChange::Insert(body("ada", false)),
        job: Some(JobRequest { priority: Priority::LEAVER, cause: json!({}) }),
        events: Vec::<NewEvent>::new(),
    };
    store.record(leaver).await.unwrap();
    store.hold_leavers(&desk.id, "moved", "test").await.unwrap();
    stand.tell().await;
    stand.clock.advance(Duration::from_secs(90));
    let metrics = Metrics::start(&stand.installation, (Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let text = reqwest::get(metrics.url()).await.unwrap().text().await.unwrap();
    for line in [
        "usher_integration_stands{integration=\"desk\",state=\"Not validated\"} 1.0",
        "usher_integration_stands{integration=\"desk\",state=\"Working\"} 0.0",
        "usher_jobs{integration=\"desk\",state=\"held\"} 1.0",
        "usher_jobs{integration=\"desk\",state=\"ready\"} 0.0",
        "usher_leavers_waiting{integration=\"desk\"} 1.0",
        "usher_leavers_longest_wait_seconds{integration=\"desk\"} 90.0",
        "usher_leavers_held{integration=\"desk\"} 1.0",
        "usher_events_total{integration=\"desk\",kind=\"leavers.held\"} 1",
        &format!("usher_hook_failures{{hook=\"{id}\"}} 1.0"),
        "# EOF",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    store.release_leavers(&desk.id, "moved back", "test").await.unwrap();
    store.hold_leavers(&desk.id, "moved again", "test").await.unwrap();
    for _ in 0..2 {
        let text = reqwest::get(metrics.url()).await.unwrap().text().await.unwrap();
        let line = "usher_events_total{integration=\"desk\",kind=\"leavers.held\"} 2";
        assert!(text.lines().any(|one| one == line), "each is counted once: {text}");
    }
}

#[tokio::test]
async fn mail_is_sent_over_smtp() {
    let Some(programs) = programs() else { return };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut server = Command::new(programs.join("python"))
        .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
        .args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let server_url = SecretString::from(format!("smtp://127.0.0.1:{port}"));
    let mailer = Mailer::new(&server_url, "Usher <usher@company.example>").unwrap();
    while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    let stand = Stand::new(Some(mailer)).await;
    let desk = stand.integration("desk").await;
    let to = To::Email("oncall@company.example".into());
    stand.installation.notices.add(to, None, Vec::new(), "test").await.unwrap();
    stand.pause(&desk, "the app is being moved").await;
    stand.tell().await;
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut mail = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains("END MESSAGE") {
            break;
        }
        mail.push_str(&line);
        mail.push('\n');
    }
    for expected in [
        "From: Usher <usher@company.example>",
        "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        "To: oncall@company.example",
        "Subject: [Usher] desk: paused: the app is being moved.",
        "\ndesk: paused: the app is being moved.\n",
    ] {
        assert!(mail.contains(expected), "{expected}: {mail}");
    }
    let hooks = stand.installation.store.list_hooks().await.unwrap();
    assert_eq!((hooks[0].failures, &hooks[0].error), (0, &None));
    server.kill().await.unwrap();
    stand.pause(&desk, "again").await;
    stand.tell().await;
    assert_eq!(stand.installation.store.list_hooks().await.unwrap()[0].failures, 1);

    let without = Stand::new(None).await;
    let to = To::Email("oncall@company.example".into());
    let refused = without.installation.notices.add(to, None, Vec::new(), "test").await.unwrap_err();
    assert!(refused.to_string().contains("USHER_SMTP"), "{refused}");
}
