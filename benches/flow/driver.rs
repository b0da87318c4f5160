//! Usher as one of the drivers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use usher::artifact::Artifacts;
use usher::browser::{Browser, LaunchOptions, Network, Recorder, Session, SessionOptions};
use usher::clock::{Clock, SystemClock};
use usher::connector::{Connector, load};
use usher::id::SystemEntropy;
use usher::playbook::{Scope, ScopeValue};
use usher::recording;
use usher::run::{Call, Identity, Limits, UsedCodes, run};
use usher::secret::{Redactor, SecretString};
use usher::trace::{NotAllowed, Picture, Pictures, StepRecord, Witness};

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
    /// Which pictures, where not those of every step.
    #[serde(default)]
    evidence: Option<Pictures>,
    /// Keeps everything that a job keeps which fails.
    #[serde(default)]
    tracing: bool,
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
                        usher.signed_in(&Network::Real, &mut Log::new(&usher, Pictures::Nothing)).await,
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
        let mut log = Log::new(
            self,
            flow.evidence.unwrap_or(if flow.pictures { Pictures::EveryStep } else { Pictures::Nothing }),
        );
        let recorder = Recorder::default();
        let network = if flow.tracing { Network::Recorded(recorder.clone()) } else { Network::Real };
        let session = self.signed_in(&network, &mut log).await;
        let mut scope = self.scope();
        scope.set("account", map([("email", ScopeValue::from(&*flow.email))]));
        scope.set("role", map([("label", ScopeValue::from(&*flow.role))]));
        self.run(&session, "change_role", scope, vec![flow.email.clone()], &mut log).await;
        if flow.tracing {
            let mut redactor = Redactor::default();
            redactor.add(&self.password);
            let network = recorder.recording(&redactor).await;
            let about = recording::Session {
                browser: self.browser.version(),
                viewport: (1280, 900),
                origins: vec![self.desk.clone()],
                username: Some(&self.username),
            };
            for (path, bytes) in recording::write(about, &self.connector, Vec::new(), &network) {
                let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
                log.keep(bytes, extension).await;
            }
        }
        log.written().await;
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

    async fn signed_in(&self, network: &Network, log: &mut Log) -> Session {
        let options = SessionOptions {
            origins: vec![self.desk.clone()],
            viewport: (1280, 900),
            network: network.clone(),
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

    async fn run(&self, session: &Session, flow: &str, scope: Scope, identity: Vec<String>, log: &mut Log) {
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

/// Keeps the step log and, where they are wanted, the pictures and pages: off the way of the flow, as a job does.
struct Log {
    pictures: Pictures,
    lines: String,
    given: mpsc::Sender<(Vec<u8>, String)>,
    writing: JoinHandle<()>,
}

impl Log {
    fn new(usher: &Usher, pictures: Pictures) -> Self {
        let (given, mut waiting) = mpsc::channel::<(Vec<u8>, String)>(64);
        let artifacts = usher.artifacts.clone();
        let writing = tokio::spawn(async move {
            while let Some((bytes, extension)) = waiting.recv().await {
                artifacts.put(bytes, &extension).await.unwrap();
            }
        });
        Self { pictures, lines: String::new(), given, writing }
    }

    async fn keep(&self, bytes: Vec<u8>, extension: &str) {
        self.given.send((bytes, extension.to_owned())).await.unwrap();
    }

    /// Returns when everything is written.
    async fn written(self) {
        self.keep(self.lines.clone().into_bytes(), "json").await;
        drop(self.given);
        self.writing.await.unwrap();
    }
}

#[async_trait]
impl Witness for Log {
    async fn step(&mut self, record: StepRecord, pictures: Vec<Picture>) {
        for picture in pictures {
            if let Some(jpeg) = picture.jpeg {
                self.keep(jpeg, "jpeg").await;
            }
            if let Some(page) = picture.page {
                self.keep(page.into_bytes(), "html").await;
            }
        }
        self.lines += &serde_json::to_string(&record).unwrap();
    }

    fn pictures(&self) -> Pictures {
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
