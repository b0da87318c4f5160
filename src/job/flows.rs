//! Running the flows of one integration in one session, logging in where that is needed.

use async_trait::async_trait;

use crate::failure::FailureClass;
use crate::integration::{Credentials, Integration};
use crate::playbook::Scope;
use crate::recording::{self, RecordedRun};
use crate::run::{self, Call, Codes, Identity, Limits, Reach, Report};
use crate::secret::ExposeSecret;
use crate::step::Failure;
use crate::store::{Store, Trial};
use crate::trace::NotAllowed;

use super::Workshop;
use super::after::Committed;
use super::pages::Pages;
use super::session::{AppSession, Login, VIEWPORT};
use super::terms;
use super::trials::Trials;
use super::witness::JobWitness;

/// The flows of one integration, in one session, for one job.
pub(super) struct Flows<'a> {
    workshop: &'a Workshop,
    pub(super) integration: &'a Integration,
    credentials: &'a Credentials,
    pub(super) session: AppSession,
    witness: JobWitness<'a>,
    trials: Trials,
    /// What ran so far.
    runs: Vec<RecordedRun>,
    /// R24: one login attempt per job.
    has_logged_in: bool,
}

impl<'a> Flows<'a> {
    pub(super) fn new(
        workshop: &'a Workshop,
        (integration, credentials): (&'a Integration, &'a Credentials),
        session: AppSession,
        witness: JobWitness<'a>,
        trials: Trials,
    ) -> Self {
        session.recorder.forget();
        let (runs, has_logged_in) = (Vec::new(), false);
        Self { workshop, integration, credentials, session, witness, trials, runs, has_logged_in }
    }

    /// Runs a flow. A session that the app ended before anything was committed is logged in again, once in a job.
    pub(super) async fn run(&mut self, flow: &str, scope: Scope, identity: Identity) -> Report {
        if let Err(failure) = self.ensure_login().await {
            return Report::not_begun(failure);
        }
        let report = self.run_once(flow, scope.clone(), identity.clone()).await;
        let was_lost = matches!(&report.outcome, Err(failure) if failure.class == FailureClass::SessionLost);
        if !was_lost || self.has_logged_in || report.committed == run::Committed::Yes {
            return report;
        }
        match self.log_in().await {
            Ok(()) => self.run_once(flow, scope, identity).await,
            Err(failure) => Report::not_begun(failure),
        }
    }

    /// Logs in, whatever is known of the session.
    pub(super) async fn log_in(&mut self) -> Result<(), Failure> {
        self.has_logged_in = true;
        let mut scope = terms::scope(self.integration);
        scope.set("credentials", run::credentials(&self.credentials.values, &self.workshop.clock)?);
        self.run_once("login", scope, Identity::default()).await.outcome?;
        self.session.login = Login::Holds;
        Ok(())
    }

    /// Whether the app may have been changed so far.
    pub(super) fn committed(&self) -> Committed {
        if self.witness.has_committed { Committed::Perhaps } else { Committed::No }
    }

    /// The service account's name, which is never a target.
    pub(super) fn username(&self) -> Option<String> {
        self.credentials.values.get(run::USERNAME).map(|name| name.expose_secret().to_owned())
    }

    /// Keeps the pages of the lists that are read from now on, and goes on from those that an earlier attempt kept. `since` is the last event
    /// that happened before.
    pub(super) fn keep_pages(&mut self, since: i64) {
        let (clock, hash) = (self.workshop.clock.clone(), self.integration.connector.hash.clone());
        self.witness.keep_pages(clock, hash, since);
    }

    /// The event since which what was read may not show what happened; none where all was read in this attempt.
    pub(super) fn older_than(&self) -> Option<i64> {
        self.witness.pages.as_ref().and_then(Pages::older_than)
    }

    async fn ensure_login(&mut self) -> Result<(), Failure> {
        if self.session.login == Login::Doubtful {
            let (book, scope) = (&self.integration.connector.book, terms::scope(self.integration));
            let page = self.session.session.page();
            if run::logged_in(book, &scope, page, Limits::default(), &run::redactor(&self.credentials.values))
                .await?
            {
                self.session.login = Login::Holds;
            }
        }
        match self.session.login {
            Login::Holds => Ok(()),
            Login::Needed | Login::Doubtful => self.log_in().await,
        }
    }

    /// What this job found out about the operations that it tried, once it has ended so.
    pub(super) fn trial(&self, result: &Result<(), Failure>) -> Trial {
        let (hash, changed_at) = (&self.integration.connector.hash, self.credentials.changed_at);
        self.trials.found(result, hash, changed_at)
    }

    async fn run_once(&mut self, flow: &str, scope: Scope, identity: Identity) -> Report {
        if let Err(failure) = self.trials.begin(flow) {
            return Report::not_begun(failure);
        }
        let report = self.run_anyway(flow, scope, identity).await;
        self.trials.end(flow, report.outcome.is_ok());
        report
    }

    async fn run_anyway(&mut self, flow: &str, scope: Scope, identity: Identity) -> Report {
        self.witness.begin_run();
        let (given, began) = (recording::given(&scope), self.workshop.clock.now());
        let call = Call {
            book: &self.integration.connector.book,
            flow,
            scope,
            identity: identity.clone(),
            page: self.session.session.page(),
            redactor: run::redactor(&self.credentials.values),
            limits: Limits::default(),
            clock: self.workshop.clock.clone(),
            entropy: self.workshop.entropy.clone(),
            codes: &KeptCodes { store: &self.workshop.store, integration_id: &self.integration.row.id },
        };
        let report = run::run(call, &mut self.witness).await;
        if report.committed == run::Committed::No {
            self.witness.sent_nothing().await;
        }
        let steps = std::mem::take(&mut self.witness.steps);
        self.runs.push(RecordedRun::new((flow, began), given, identity, Reach::End, &report, steps));
        report
    }

    /// Ends the attempt, and keeps its recording where that is wanted. Returns when everything that it left is written.
    pub(super) async fn leave(&mut self, keep_recording: bool) {
        let runs = std::mem::take(&mut self.runs);
        if keep_recording {
            let network = self.session.recorder.recording(&run::redactor(&self.credentials.values)).await;
            let username = self.username();
            let session = recording::Session {
                browser: &self.session.browser,
                viewport: VIEWPORT,
                origins: self.session.origins.clone(),
                username: username.as_deref(),
            };
            let files = recording::write(session, &self.integration.connector, runs, &network);
            self.witness.deposit.files(files).await;
        } else {
            // The session may rest for long before the next job.
            self.session.recorder.forget();
        }
        self.witness.deposit.flush().await;
    }
}

/// One-time codes that any worker used.
#[derive(Debug)]
struct KeptCodes<'a> {
    store: &'a Store,
    integration_id: &'a str,
}

#[async_trait]
impl Codes for KeptCodes<'_> {
    async fn take(&self, from: i64) -> Result<i64, NotAllowed> {
        let taken = self.store.take_code_window(self.integration_id, from).await;
        taken.map_err(|error| NotAllowed {
            class: FailureClass::Internal,
            reason: format!("it is not known which one-time code was used last: {error}"),
        })
    }
}
