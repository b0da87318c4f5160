//! One attempt at one claimed job, from the session to the last row.

use std::sync::Arc;

use crate::artifact::Artifacts;
use crate::clock::SharedClock;
use crate::failure::FailureClass;
use crate::id::{Ids, SharedEntropy};
use crate::integration::{Credentials, Integration, Integrations};
use crate::playbook::{Scope, ScopeValue};
use crate::reconcile::Protection;
use crate::run::{self, Call, Report};
use crate::secret::{ExposeSecret, Redactor};
use crate::step::Failure;
use crate::store::{Claimed, Finish, Kind, Mode, Outcome, Store};

use super::after::Committed;
use super::finish::{Ended, finish};
use super::lease::HeldLease;
use super::provision::{Aim, MayChange, Provisioned, list_accounts};
use super::session::{AppSession, Login, Sessions, Stamp};
use super::terms;
use super::totp;
use super::witness::JobWitness;

/// What attempts need of the installation.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// Durable state.
    pub store: Store,
    /// Pictures.
    pub artifacts: Artifacts,
    /// Integrations with their connectors and credentials.
    pub integrations: Integrations,
    /// The time.
    pub clock: SharedClock,
    /// Randomness, for the pauses between attempts.
    pub entropy: SharedEntropy,
    /// Ids.
    pub ids: Ids,
}

/// Runs the claimed job and writes how it ended. The job is left to others where the lease is lost.
pub(super) async fn attempt(workshop: &Workshop, sessions: &Sessions, claimed: &Claimed, lease: &HeldLease) {
    let ended = tokio::select! {
        ended = carry_out(workshop, sessions, claimed, lease) => ended,
        // The lease is lost: dropping the work closes its page before anything else can be clicked.
        () = lease.keep() => {
            tracing::warn!(job = claimed.job.id, "the claim was taken back");
            return;
        }
    };
    let finish = finish(workshop, claimed, ended);
    if let Err(error) = workshop.store.finish(&lease.lease, finish).await {
        tracing::warn!(job = claimed.job.id, %error, "the end of the attempt was not written; the job will be read first");
    }
}

async fn carry_out(workshop: &Workshop, sessions: &Sessions, claimed: &Claimed, lease: &HeldLease) -> Ended {
    let integration = match workshop.integrations.get(&claimed.job.integration_id).await {
        Ok(Some(integration)) => integration,
        Ok(None) => return Ended::failed(internal("the integration is gone")),
        Err(error) => return Ended::failed(internal(&error.to_string())),
    };
    let credentials = match workshop.integrations.credentials(&integration).await {
        Ok(credentials) => credentials,
        Err(error) => return Ended::failed(internal(&in_full(&error))),
    };
    let attempt = match workshop.store.start_attempt(&lease.lease, &integration.connector.hash).await {
        Ok(attempt) => attempt,
        Err(error) => return Ended::failed(internal(&error.to_string())),
    };
    let stamp = Stamp {
        connector_hash: integration.connector.hash.clone(),
        credentials_changed_at: credentials.changed_at,
        settings_changed_at: integration.row.modified_at,
    };
    let session = match sessions.take(&integration, stamp).await {
        Ok(session) => session,
        Err(failure) => return Ended::failed(failure),
    };
    let mut flows = Flows {
        workshop,
        integration: &integration,
        credentials: &credentials,
        session,
        witness: JobWitness::new(&workshop.store, &workshop.artifacts, lease, attempt),
        has_tried_login: false,
    };
    let ended = work(&mut flows, claimed).await;
    let Flows { session, .. } = flows;
    match &ended.result {
        // A page in an unknown state is of no use to the next job.
        Err(_) => session.session.close().await,
        Ok(()) => sessions.put_back(session),
    }
    ended
}

async fn work(flows: &mut Flows<'_>, claimed: &Claimed) -> Ended {
    match claimed.job.kind {
        Kind::TestLogin => {
            flows.session.login = Login::Needed;
            let result = test(flows).await;
            Ended { result, ..Ended::nothing(flows.committed()) }
        }
        Kind::Provision => match provision(flows, claimed).await {
            Ok(Provisioned { seen, done, result }) => Ended { seen, done, result, committed: flows.committed() },
            Err(failure) => Ended { result: Err(failure), ..Ended::nothing(Committed::No) },
        },
    }
}

/// Logs in and reads the first list, as far as the connector can.
async fn test(flows: &mut Flows<'_>) -> Result<(), Failure> {
    flows.log_in().await?;
    if flows.integration.connector.can("list_accounts") {
        let integration = flows.integration;
        let list = list_accounts(integration, flows).await?;
        if !list.complete {
            let message = "the list of accounts was read, but nothing on the page proves that it is complete";
            return Err(Failure::new(FailureClass::UiDrift, message));
        }
    }
    Ok(())
}

async fn provision(flows: &mut Flows<'_>, claimed: &Claimed) -> Result<Provisioned, Failure> {
    let (job, store) = (&claimed.job, &flows.workshop.store);
    let user_id = job.user_id.as_deref().unwrap_or_default();
    let failed = |error: crate::store::StoreError| internal(&error.to_string());
    let user = store.find_user_or_tombstone(&job.integration_id, user_id).await.map_err(failed)?;
    let user = user.ok_or_else(|| internal("the user of this job is gone"))?;
    let account = store.find_account(&job.integration_id, user_id).await.map_err(failed)?;
    let integration = flows.integration;
    let username = flows.credentials.values.get("username").map(|name| name.expose_secret().to_owned());
    let aim = Aim {
        integration,
        wanted: terms::wanted(&integration.connector, &user)?,
        before: account.and_then(|account| terms::kept(&account.seen)),
        protection: Protection::new(integration.row.policy.protected.iter().cloned().chain(username)),
        may_change: if integration.row.policy.mode == Mode::Live { MayChange::Yes } else { MayChange::No },
    };
    Ok(aim.reach(flows).await)
}

/// Runs flows of one integration in one session, and logs in when that is needed.
pub(super) struct Flows<'a> {
    workshop: &'a Workshop,
    integration: &'a Integration,
    credentials: &'a Credentials,
    session: AppSession,
    witness: JobWitness<'a>,
    has_tried_login: bool,
}

impl Flows<'_> {
    /// Runs a flow. A session that the app ended before anything was committed is logged in again, once a job (R24).
    pub(super) async fn run(&mut self, flow: &str, scope: Scope, identity: Option<String>) -> Report {
        if let Err(failure) = self.ensure_login().await {
            return Report { outcome: Err(failure), committed: run::Committed::No };
        }
        let report = self.run_once(flow, scope.clone(), identity.clone()).await;
        let lost = matches!(&report.outcome, Err(failure) if failure.class == FailureClass::SessionLost);
        if !lost || self.has_tried_login || report.committed == run::Committed::Yes {
            return report;
        }
        match self.log_in().await {
            Ok(()) => self.run_once(flow, scope, identity).await,
            Err(failure) => Report { outcome: Err(failure), committed: run::Committed::No },
        }
    }

    /// Logs in, whatever is known of the session.
    pub(super) async fn log_in(&mut self) -> Result<(), Failure> {
        self.has_tried_login = true;
        let mut scope = terms::scope(self.integration);
        let entropy = Arc::clone(&self.workshop.entropy);
        drop(entropy);
        scope.set("credentials", self.credentials_scope()?);
        totp::await_window(&self.workshop.clock, self.credentials).await;
        self.run_once("login", scope, None).await.outcome?;
        self.session.login = Login::Holds;
        Ok(())
    }

    fn committed(&self) -> Committed {
        if self.witness.has_committed { Committed::Perhaps } else { Committed::No }
    }

    async fn ensure_login(&mut self) -> Result<(), Failure> {
        if self.session.login == Login::Doubtful {
            let scope = terms::scope(self.integration);
            let page = self.session.session.page().clone();
            let call = self.call("login", scope, None, &page);
            if run::logged_in(&call).await? {
                self.session.login = Login::Holds;
            }
        }
        match self.session.login {
            Login::Holds => Ok(()),
            Login::Needed | Login::Doubtful => self.log_in().await,
        }
    }

    async fn run_once(&mut self, flow: &str, scope: Scope, identity: Option<String>) -> Report {
        let page = self.session.session.page().clone();
        let call = Call {
            book: &self.integration.connector.book,
            flow,
            scope,
            identity,
            page: &page,
            redactor: self.redactor(),
            clock: self.workshop.clock.clone(),
        };
        run::run(call, &mut self.witness).await
    }

    fn call<'c>(&'c self, flow: &'c str, scope: Scope, identity: Option<String>, page: &'c crate::browser::Page) -> Call<'c> {
        Call {
            book: &self.integration.connector.book,
            flow,
            scope,
            identity,
            page,
            redactor: self.redactor(),
            clock: self.workshop.clock.clone(),
        }
    }

    /// What the app must not get to echo into a log.
    fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        for (name, secret) in &self.credentials.values {
            if name != "username" {
                redactor.add(secret);
            }
        }
        redactor
    }

    fn credentials_scope(&self) -> Result<ScopeValue, Failure> {
        let mut fields = std::collections::BTreeMap::new();
        for (name, secret) in &self.credentials.values {
            let value = match name.as_str() {
                "username" => ScopeValue::Text(secret.expose_secret().to_owned()),
                "totp" => totp::code(secret, self.workshop.clock.clone())?,
                _ => ScopeValue::Secret(secret.clone()),
            };
            fields.insert(name.clone(), value);
        }
        Ok(ScopeValue::Map(fields))
    }
}

pub(super) fn internal(message: &str) -> Failure {
    Failure::new(FailureClass::Internal, message)
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// How a finished attempt ended where nothing else is known.
impl Ended {
    pub(super) fn outcome_done(&self) -> Option<Outcome> {
        self.result.as_ref().ok().map(|()| Outcome::Done { message: None })
    }
}

#[expect(unused_imports, reason = "named in documentation")]
use Finish as _;
