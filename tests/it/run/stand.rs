//! Where a flow is tried: Acme Desk, a session of Chromium, a connector, and a witness that keeps everything.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use usher::browser::{Browser, Network, Session, SessionOptions};
use usher::clock::{Clock, SystemClock};
use usher::connector::{Connector, load};
use usher::demo::{AcmeDesk, Member, Options, PASSWORD, SERVICE_ACCOUNT};
use usher::diagnostic::{Colour, Diagnostic, Diagnostics, Severity, Source, render};
use usher::failure::FailureClass;
use usher::id::SystemEntropy;
use usher::playbook::{Scope, ScopeValue, read};
use usher::run::{Call, Identity, Limits, Report, UsedCodes, logged_in, run};
use usher::secret::{Redactor, SecretString};
use usher::server::find_chromium;
use usher::step::{Book, Vocabulary, check_flows, compile_flow};
use usher::trace::{NotAllowed, Picture, StepOutcome, StepRecord, Witness};

use crate::browser::lab::with_chromium;
use crate::browser::plain::Plain;

/// Everything that was told, in order.
#[derive(Default)]
pub struct Log {
    pub records: Vec<StepRecord>,
    pub pictures: Vec<(u32, Picture)>,
    pub words_of_commit: Vec<&'static str>,
    /// What [`Witness::before_commit`] answers with.
    pub refuse_commit: Option<NotAllowed>,
    /// Closed as soon as the commit step was carried out.
    pub close_when_committed: Option<Browser>,
}

#[async_trait]
impl Witness for Log {
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>) {
        self.pictures.extend(pictures.into_iter().map(|picture| (record.seq, picture)));
        self.records.push(record);
    }

    async fn may_go_on(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    async fn before_commit(&mut self) -> Result<(), NotAllowed> {
        self.words_of_commit.push("before");
        self.refuse_commit.clone().map_or(Ok(()), Err)
    }

    async fn committed(&mut self) {
        self.words_of_commit.push("committed");
        if let Some(browser) = self.close_when_committed.take() {
            browser.close().await;
        }
    }
}

impl Log {
    /// `flow keyword: words`, in the order in which the steps began; what did not end well says how.
    pub fn lines(&self) -> Vec<String> {
        let mut records: Vec<&StepRecord> = self.records.iter().collect();
        records.sort_by_key(|record| record.seq);
        let line = |record: &&StepRecord| {
            let how = match &record.outcome {
                StepOutcome::Ok => String::new(),
                StepOutcome::Skipped { why } => format!(" [skipped: {why}]"),
                StepOutcome::Failed { class, .. } => format!(" [{class}]"),
            };
            let indent = "  ".repeat(record.depth as usize);
            format!("{indent}{} {}: {}{how}", record.flow, record.keyword, record.words)
        };
        records.iter().map(line).collect()
    }

    /// The record of the commit step.
    pub fn commit(&self) -> &StepRecord {
        self.records.iter().find(|record| record.commit).expect("a commit step")
    }
}

pub struct Stand {
    pub desk: AcmeDesk,
    pub browser: Browser,
    pub session: Session,
    pub connector: Connector,
    pub log: Log,
    pub limits: Limits,
    /// Whom the commit step must find; the account's address where this is not set.
    pub identity: Option<String>,
    /// The group that the account enters or leaves.
    pub group: Option<String>,
    /// Where flows find the app.
    pub base_url: String,
    totp: Option<String>,
    password: String,
}

impl Stand {
    /// What the runner has of the connector, to be changed.
    pub fn book(&mut self) -> &mut Book {
        Arc::get_mut(&mut self.connector.book).unwrap()
    }

    /// Goes on in a browser of somebody else, in a new session. It is to be ended with the test.
    pub async fn move_elsewhere(&mut self) -> Plain {
        let plain = Plain::start(&find_chromium().unwrap()).await;
        let options = SessionOptions {
            origins: vec![self.base_url.clone()],
            viewport: (1000, 700),
            network: Network::Real,
        };
        self.session = plain.connect().await.open_session(&options).await.unwrap();
        plain
    }

    /// With Acme Desk adjusted, logged out.
    pub fn with<F: Future<Output = ()>>(adjust: impl FnOnce(&mut Options), test: impl FnOnce(Stand) -> F) {
        with_chromium(|launch| async move {
            let mut options =
                Options::new(Arc::new(|| SystemClock.now().as_ms()), Arc::new(|bytes| bytes.fill(7)));
            let drawn = std::sync::atomic::AtomicU64::new(1);
            options.fill = Arc::new(move |bytes: &mut [u8]| {
                for chunk in bytes.chunks_mut(8) {
                    let next = drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
                    chunk.copy_from_slice(&next[..chunk.len()]);
                }
            });
            adjust(&mut options);
            let totp = options.totp_secret.clone();
            let desk = AcmeDesk::start(options).await.unwrap();
            let browser = Browser::launch(&launch).await.unwrap();
            let options =
                SessionOptions { origins: vec![desk.url()], viewport: (1280, 900), network: Network::Real };
            let session = browser.open_session(&options).await.unwrap();
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let connector = load(&root.join("connectors/acme-desk")).connector.unwrap();
            let (log, limits, password) = (Log::default(), Limits::default(), PASSWORD.to_owned());
            let base_url = desk.url();
            let stand = Self {
                desk,
                browser,
                session,
                connector,
                log,
                limits,
                identity: None,
                group: None,
                base_url,
                totp,
                password,
            };
            let browser = stand.browser.clone();
            test(stand).await;
            browser.close().await;
        });
    }

    /// As usual, logged in; what was logged meanwhile is forgotten.
    pub fn logged_in<F: Future<Output = ()>>(test: impl FnOnce(Stand) -> F) {
        Self::with(
            |_| {},
            |mut stand| async move {
                stand.log_in().await;
                test(stand).await;
            },
        );
    }

    pub async fn log_in(&mut self) {
        let report = self.run("login", &[]).await;
        assert!(report.outcome.is_ok(), "{report:?}\n{:#?}", self.log.lines());
        self.log = Log::default();
    }

    pub fn password(mut self, password: &str) -> Self {
        self.password = password.to_owned();
        self
    }

    /// Runs a flow; `values` are dotted names of the scope.
    pub async fn run(&mut self, flow: &str, values: &[(&str, &str)]) -> Report {
        let scope = self.scope(flow, values);
        let email =
            values.iter().find(|(name, _)| *name == "account.email").map(|(_, email)| (*email).to_owned());
        let call = Call {
            book: &self.connector.book,
            flow,
            scope,
            identity: Identity {
                subject: self.identity.clone().or(email).into_iter().collect(),
                group: self.group.clone(),
            },
            page: self.session.page(),
            redactor: self.redactor(),
            limits: self.limits,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            codes: &UsedCodes::default(),
        };
        run(call, &mut self.log).await
    }

    pub async fn session_holds(&self) -> bool {
        let scope = self.scope("login", &[]);
        let book = &self.connector.book;
        logged_in(book, &scope, self.session.page(), self.limits, &self.redactor()).await.unwrap()
    }

    fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.add(&SecretString::from(self.password.clone()));
        redactor
    }

    fn scope(&self, flow: &str, values: &[(&str, &str)]) -> Scope {
        let mut scope = Scope::default();
        let text = |value: &str| ScopeValue::from(value);
        let settings = [("base_url".to_owned(), text(&self.base_url)), ("org_id".to_owned(), text("acme"))];
        scope.set("settings", ScopeValue::Map(settings.into()));
        if flow == "login" {
            let mut credentials = BTreeMap::from([
                ("username".to_owned(), text(SERVICE_ACCOUNT)),
                ("password".to_owned(), SecretString::from(self.password.clone()).into()),
            ]);
            if let Some(secret) = self.totp.clone() {
                credentials.insert("totp".to_owned(), ScopeValue::Computed(Arc::new(move || code(&secret))));
            }
            scope.set("credentials", ScopeValue::Map(credentials));
        }
        let mut roots: BTreeMap<String, BTreeMap<String, ScopeValue>> = BTreeMap::new();
        for (name, value) in values {
            match name.split_once('.') {
                Some((root, field)) => {
                    roots.entry(root.to_owned()).or_default().insert(field.to_owned(), text(value));
                }
                None => scope.set(*name, *value),
            }
        }
        roots.into_iter().for_each(|(root, fields)| scope.set(root, ScopeValue::Map(fields)));
        scope
    }

    /// Puts a flow in the place of one of the connector's, or beside them. It must have no mistake; what it means for the others is left.
    pub fn write(&mut self, name: &str, text: &str) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut flows: std::collections::BTreeSet<String> =
            self.connector.book.flows.keys().cloned().collect();
        flows.insert(name.to_owned());
        let vocabulary = Vocabulary {
            settings: names(&["base_url", "org_id"]),
            attributes: names(&["id", "email", "name"]),
            match_by: vec!["email".into()],
            one_valued: names(&["role"]),
            many_valued: names(&["team"]),
            values: Default::default(),
            credentials: names(&["username", "password", "totp"]),
            flows,
        };
        let mut found = Diagnostics::default();
        let file = format!("flows/{name}.yaml");
        let node = read(Source::new(file.clone(), text)).unwrap();
        let flow = compile_flow(name, &node, &vocabulary, &mut found).unwrap();
        self.book().flows.insert(name.to_owned(), flow);
        check_flows(&self.connector.book.flows, &vocabulary, &mut found);
        let own: Vec<_> = found.into_sorted().into_iter().filter(|found| found.span.file() == file).collect();
        let is_error = |found: &Diagnostic| found.severity == Severity::Error;
        assert!(!own.iter().any(is_error), "{}", render(&own, Colour::Plain));
    }

    pub fn member(&self, email: &str) -> Member {
        self.desk.members().into_iter().find(|member| member.email == email).expect("a member")
    }

    /// Somebody who is active and no owner.
    pub fn somebody(&self) -> Member {
        let is_somebody = |member: &Member| {
            member.status == usher::demo::Status::Active
                && member.role == usher::demo::Role::Agent
                && member.name.chars().all(|c| c.is_alphabetic() || c == ' ')
        };
        self.desk.members().into_iter().find(is_somebody).expect("an agent")
    }

    /// Short waits, where a test is about waiting in vain.
    pub fn impatient(&mut self) {
        self.limits.step = Duration::from_millis(4000);
    }
}

/// The class and the message of a run that failed.
pub fn failure(report: &Report) -> (FailureClass, &str) {
    let failure = report.outcome.as_ref().expect_err("a failure");
    (failure.class, &failure.message)
}

/// The one-time code of now (RFC 6238, 30 s, six digits, SHA-1).
fn code(secret: &str) -> SecretString {
    let key = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(key).build().unwrap();
    let now = u64::try_from(SystemClock.now().as_secs()).unwrap();
    SecretString::from(totp.generate(now).to_string())
}
