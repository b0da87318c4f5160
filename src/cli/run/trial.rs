//! A flow run against a real app, without a database: one session, logged in by the connector's `login` where that is needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use crate::browser::{Browser, LaunchOptions, Network, Page, Recorder, Recording, Session, SessionOptions};
use crate::clock::{SharedClock, SystemClock};
use crate::connector::Connector;
use crate::id::SystemEntropy;
use crate::playbook::{Scope, Template};
use crate::recording::{self, RecordedRun};
use crate::run::{self, Call, Identity, Limits, Reach, Report, UsedCodes};
use crate::secret::{ExposeSecret, SecretString};
use crate::step::Failure;

use super::progress::Progress;
use super::values::Told;

/// What pages are laid out for, as in a job.
pub(super) const VIEWPORT: (u32, u32) = (1280, 900);

/// One session of an app, kept from run to run.
pub(in crate::cli) struct Trial {
    browser: Browser,
    session: Option<(Vec<String>, Session)>,
    credentials: BTreeMap<String, SecretString>,
    clock: SharedClock,
    codes: UsedCodes,
    network: Network,
    /// What ran while it was recorded.
    runs: Vec<RecordedRun>,
}

impl Trial {
    pub(in crate::cli) async fn open(
        launch: &LaunchOptions,
        credentials: BTreeMap<String, SecretString>,
    ) -> anyhow::Result<Self> {
        let browser = Browser::launch(launch).await?;
        Ok(Self {
            browser,
            session: None,
            credentials,
            clock: Arc::new(SystemClock),
            codes: UsedCodes::default(),
            network: Network::Real,
            runs: Vec::new(),
        })
    }

    /// From now on keeps what goes over the network of its sessions.
    pub(super) fn record(&mut self) {
        self.network = Network::Recorded(Recorder::default());
    }

    /// What went over the network, without secrets, what ran, and what could be reached; none where it was not kept.
    pub(super) async fn recording(&mut self) -> Option<(Recording, Vec<RecordedRun>, Vec<String>)> {
        let Network::Recorded(recorder) = &self.network else { return None };
        let recording = recorder.recording(&run::redactor(&self.credentials)).await;
        let origins = self.session.as_ref().map(|(origins, _)| origins.clone()).unwrap_or_default();
        Some((recording, std::mem::take(&mut self.runs), origins))
    }

    /// By what name the service account logs in.
    pub(super) fn username(&self) -> Option<&str> {
        self.credentials.get(run::USERNAME).map(ExposeSecret::expose_secret)
    }

    /// The browser.
    pub(super) fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Runs the flow; logs in first, unless the flow is `login` or the session holds.
    pub(in crate::cli) async fn run(
        &mut self,
        connector: &Connector,
        flow: &str,
        told: Told,
        reach: Reach,
        progress: &mut Progress,
    ) -> anyhow::Result<Report> {
        let is_new = self.prepare(connector, &told.settings).await?;
        let limits = Limits { reach, ..Limits::default() };
        if flow != "login" {
            let holds = match is_new {
                true => Ok(false),
                false => self.holds(connector, &told.settings, limits).await,
            };
            let ready = match holds {
                Ok(true) => Ok(()),
                Ok(false) => self.log_in(connector, &told.settings, limits, progress).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = ready {
                return Ok(Report::not_begun(failure));
            }
        }
        progress.begin(flow);
        let mut scope = told.scope;
        if flow == "login" {
            match run::credentials(&self.credentials, &self.clock) {
                Ok(credentials) => scope.set("credentials", credentials),
                Err(failure) => return Ok(Report::not_begun(failure)),
            }
        }
        self.call(connector, flow, (scope, told.identity), limits, progress).await
    }

    /// A session that may reach these origins and is logged in nowhere.
    pub(in crate::cli) async fn enter(&mut self, origins: Vec<String>) -> anyhow::Result<()> {
        let options =
            SessionOptions { origins: origins.clone(), viewport: VIEWPORT, network: self.network.clone() };
        self.session = Some((origins, self.browser.open_session(&options).await?));
        Ok(())
    }

    /// A session of the connector's app, logged in.
    pub(in crate::cli) async fn enter_app(
        &mut self,
        connector: &Connector,
        settings: &Scope,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        self.prepare(connector, settings).await?;
        let logged_in = self.log_in(connector, settings, Limits::default(), progress).await;
        logged_in.map_err(|failure| anyhow::anyhow!("{failure}"))
    }

    /// The page of the session.
    pub(in crate::cli) fn page(&self) -> Option<&Page> {
        self.session.as_ref().map(|(_, session)| session.page())
    }

    /// Ends Chromium.
    pub(in crate::cli) async fn close(self) {
        self.browser.close().await;
    }

    /// Sees to it that there is a session for what the connector may reach; whether it is a new one.
    async fn prepare(&mut self, connector: &Connector, settings: &Scope) -> anyhow::Result<bool> {
        let render = |template: &Template| template.render(settings).map(|rendered| rendered.text);
        let origins = connector.book.origins.iter().map(render).collect::<Result<Vec<_>, _>>()?;
        if self.session.as_ref().is_some_and(|(known, _)| *known == origins) {
            return Ok(false);
        }
        let options =
            SessionOptions { origins: origins.clone(), viewport: VIEWPORT, network: self.network.clone() };
        let session = self.browser.open_session(&options).await?;
        if let Some((_, old)) = self.session.replace((origins, session)) {
            old.close().await;
        }
        Ok(true)
    }

    async fn holds(&self, connector: &Connector, settings: &Scope, limits: Limits) -> Result<bool, Failure> {
        let Some((_, session)) = &self.session else { return Ok(false) };
        let redactor = run::redactor(&self.credentials);
        run::logged_in(&connector.book, settings, session.page(), limits, &redactor).await
    }

    async fn log_in(
        &mut self,
        connector: &Connector,
        settings: &Scope,
        limits: Limits,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        progress.begin("login");
        let mut scope = settings.clone();
        scope.set("credentials", run::credentials(&self.credentials, &self.clock)?);
        let report = self.call(connector, "login", (scope, Identity::default()), limits, progress).await;
        let report = report
            .map_err(|error| Failure::new(crate::failure::FailureClass::Internal, error.to_string()))?;
        report.outcome.map(drop)
    }

    async fn call(
        &mut self,
        connector: &Connector,
        flow: &str,
        (scope, identity): (Scope, Identity),
        limits: Limits,
        progress: &mut Progress,
    ) -> anyhow::Result<Report> {
        let (_, session) = self.session.as_ref().context("there is no session")?;
        let (given, began) = (recording::given(&scope), self.clock.now());
        let call = Call {
            book: &connector.book,
            flow,
            scope,
            identity: identity.clone(),
            page: session.page(),
            redactor: run::redactor(&self.credentials),
            limits,
            clock: self.clock.clone(),
            entropy: Arc::new(SystemEntropy),
            codes: &self.codes,
        };
        let report = run::run(call, progress).await;
        if matches!(self.network, Network::Recorded(_)) {
            let steps = progress.records.clone();
            self.runs.push(RecordedRun::new((flow, began), given, identity, limits.reach, &report, steps));
        }
        Ok(report)
    }
}
