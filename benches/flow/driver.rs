//! Usher as one of the drivers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use usher::artifact::Artifacts;
use usher::browser::{Browser, LaunchOptions, Network, Session, SessionOptions};
use usher::clock::{Clock, SystemClock};
use usher::connector::{Connector, load};
use usher::id::SystemEntropy;
use usher::playbook::{Scope, ScopeValue};
use usher::run::{Call, Identity, Limits, UsedCodes, run};
use usher::secret::{Redactor, SecretString};
use usher::trace::{NotAllowed, Picture, StepRecord, Witness};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
enum Order {
    Flow(Flow),
    Many { sessions: usize, flows: Vec<Flow> },
    Hold { sessions: usize },
}

#[derive(Deserialize)]
struct Flow {
    email: String,
    role: String,
    pictures: bool,
}

struct Usher {
    browser: Browser,
    connector: Connector,
    artifacts: Artifacts,
    desk: String,
    username: String,
    password: SecretString,
}

/// Obeys orders until standard input ends.
pub async fn obey() {
    let work = tempfile::tempdir().unwrap();
    let of = |name: &str| std::env::var(name).unwrap();
    let launch = LaunchOptions {
        executable: PathBuf::from(of("CHROMIUM")),
        headless: true,
        profiles: work.path().join("profiles"),
    };
    let connector = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/flow/connector"));
    let usher = Arc::new(Usher {
        browser: Browser::launch(&launch).await.unwrap(),
        connector: connector.connector.expect("a connector without mistakes"),
        artifacts: Artifacts::folder(work.path().join("artifacts")),
        desk: of("DESK_URL"),
        username: of("DESK_USER"),
        password: SecretString::from(of("DESK_PASSWORD")),
    });
    let mut held = Vec::new();
    println!("{}", json!({ "ready": true }));
    let mut lines = std::io::stdin().lines();
    while let Some(line) = tokio::task::block_in_place(|| lines.next()) {
        let order: Order = serde_json::from_str(&line.unwrap()).unwrap();
        let began = SystemClock.elapsed();
        match order {
            Order::Flow(flow) => usher.flow(&flow).await,
            Order::Many { sessions, flows } => usher.many(sessions, flows).await,
            Order::Hold { sessions } => {
                for _ in 0..sessions {
                    held.push(
                        usher
                            .signed_in(&mut Log { usher: &usher, pictures: false, lines: String::new() })
                            .await,
                    );
                }
            }
        }
        let ms = (SystemClock.elapsed() - began).as_secs_f64() * 1000.0;
        println!("{}", json!({ "ms": ms }));
    }
    drop(held);
    usher.browser.clone().close().await;
}

impl Usher {
    async fn flow(&self, flow: &Flow) {
        let mut log = Log { usher: self, pictures: flow.pictures, lines: String::new() };
        let session = self.signed_in(&mut log).await;
        let mut scope = self.scope();
        scope.set("account", map([("email", ScopeValue::from(&*flow.email))]));
        scope.set("role", map([("label", ScopeValue::from(&*flow.role))]));
        self.run(&session, "change_role", scope, vec![flow.email.clone()], &mut log).await;
        session.close().await;
    }

    async fn many(self: &Arc<Self>, sessions: usize, flows: Vec<Flow>) {
        let left = Arc::new(Mutex::new(flows.into_iter()));
        let workers = (0..sessions).map(|_| {
            let (usher, left) = (Arc::clone(self), Arc::clone(&left));
            tokio::spawn(async move {
                loop {
                    let Some(flow) = left.lock().await.next() else { break };
                    usher.flow(&flow).await;
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    }

    async fn signed_in(&self, log: &mut Log<'_>) -> Session {
        let options = SessionOptions {
            origins: vec![self.desk.clone()],
            viewport: (1280, 900),
            network: Network::Real,
        };
        let session = self.browser.open_session(&options).await.unwrap();
        let mut scope = self.scope();
        let credentials =
            [("username", ScopeValue::from(&*self.username)), ("password", self.password.clone().into())];
        scope.set("credentials", map(credentials));
        self.run(&session, "login", scope, Vec::new(), log).await;
        session
    }

    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        scope.set("settings", map([("base_url", ScopeValue::from(&*self.desk))]));
        scope
    }

    async fn run(
        &self,
        session: &Session,
        flow: &str,
        scope: Scope,
        identity: Vec<String>,
        log: &mut Log<'_>,
    ) {
        let mut redactor = Redactor::default();
        redactor.add(&self.password);
        let call = Call {
            book: &self.connector.book,
            flow,
            scope,
            identity: Identity { subject: identity, group: None },
            page: session.page(),
            redactor,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            codes: &UsedCodes::default(),
        };
        let report = run(call, log).await;
        report.outcome.unwrap_or_else(|failure| panic!("{flow}: {failure}"));
    }
}

fn map<const N: usize>(values: [(&str, ScopeValue); N]) -> ScopeValue {
    ScopeValue::Map(
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
    )
}

/// Keeps the step log and, where they are wanted, the pictures, as a job does.
struct Log<'a> {
    usher: &'a Usher,
    pictures: bool,
    lines: String,
}

#[async_trait]
impl Witness for Log<'_> {
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>) {
        for picture in pictures {
            self.usher.artifacts.put(picture.jpeg, "jpeg").await.unwrap();
        }
        self.lines += &serde_json::to_string(&record).unwrap();
    }

    fn wants_pictures(&self) -> bool {
        self.pictures
    }

    async fn may_go_on(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    async fn before_commit(&mut self) -> Result<(), NotAllowed> {
        Ok(())
    }

    async fn committed(&mut self) {}
}
