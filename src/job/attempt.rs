//! One attempt at one claimed job, from the session to the last row.

use serde_json::json;

use crate::account::Group;
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::reconcile::Protection;
use crate::step::Failure;
use crate::store::{Claimed, Finish, Kind, LeaseError, Mode, Outcome, Seen};

use super::Workshop;
use super::deposit::Deposit;
use super::finish::{Ended, finish};
use super::flows::Flows;
use super::group::{GroupAim, Replicated};
use super::lease::HeldLease;
use super::provision::{Aim, MayChange, Provisioned, list_accounts};
use super::session::{Login, Sessions, Stamp};
use super::sync::sync;
use super::terms;
use super::trials::Trials;
use super::witness::JobWitness;
use super::worker::{AFTER_FAULT, Recordings};

/// Runs the claimed job and writes how it ended. Where the lease is lost the job is left to whoever has it now; where the time is
/// `over` first it is handed back, to be read first if a commit step had come.
pub(super) async fn attempt(
    workshop: &Workshop,
    sessions: &Sessions,
    claimed: &Claimed,
    lease: &HeldLease,
    over: impl Future<Output = ()>,
) {
    // Dropping the work closes its page, so that nothing more is clicked.
    let finish = tokio::select! {
        ended = carry_out(workshop, sessions, claimed, lease) => {
            let rests = ended.result.is_ok();
            Finish { rests, ..finish(workshop, claimed, ended) }
        }
        () = lease.keep() => {
            tracing::warn!(job = claimed.job.id, "the claim was taken back");
            return;
        }
        () = over => {
            tracing::info!(job = claimed.job.id, "handed back");
            Finish::with(Outcome::Requeue { message: "the worker was told to end".to_owned() })
        }
    };
    if let Err(error) = write(workshop, lease, finish).await {
        tracing::warn!(job = claimed.job.id, %error, "the end of an attempt was not written; the app is read first");
        // The slot may be somebody else's.
        sessions.close_kept(claimed.slot).await;
    }
}

/// Writes how the attempt ended. What the store cannot do now it may in a moment, as long as the claim holds.
async fn write(workshop: &Workshop, lease: &HeldLease, finish: Finish) -> Result<(), LeaseError> {
    loop {
        match workshop.store.finish(&lease.lease, finish.clone()).await {
            Err(LeaseError::Store(error)) if lease.check().is_ok() => {
                tracing::warn!(job = lease.lease.job_id, %error, "the end of an attempt is written again");
                drop(tokio::time::timeout(AFTER_FAULT, std::future::pending::<()>()).await);
            }
            other => return other.map(drop),
        }
    }
}

async fn carry_out(workshop: &Workshop, sessions: &Sessions, claimed: &Claimed, lease: &HeldLease) -> Ended {
    match prepare(workshop, sessions, claimed, lease).await {
        Ok(ended) => ended,
        Err(failure) => Ended::failed(failure),
    }
}

async fn prepare(
    workshop: &Workshop,
    sessions: &Sessions,
    claimed: &Claimed,
    lease: &HeldLease,
) -> Result<Ended, Failure> {
    let integration =
        workshop.integrations.get(&claimed.job.integration_id).await.map_err(|error| internal(&error))?;
    let integration = integration.ok_or_else(|| gone("the integration"))?;
    let credentials =
        workshop.integrations.credentials(&integration).await.map_err(|error| internal(&error))?;
    let attempt = workshop.store.start_attempt(&lease.lease, &integration.connector.hash).await;
    let attempt = attempt.map_err(|error| internal(&error))?;
    let stamp = Stamp {
        connector_hash: integration.connector.hash.clone(),
        credentials_changed_at: credentials.changed_at,
        settings_changed_at: integration.row.modified_at,
    };
    let breakers = workshop.store.breakers(&claimed.job.integration_id).await;
    let trials = Trials::new(&claimed.job, breakers.map_err(|error| internal(&error))?);
    let records_all = sessions.recordings == Recordings::OfAll;
    if claimed.job.kind == Kind::TestLogin || records_all {
        // A session that is logged in shows no form to log in with, and what it was answered before is in no recording.
        sessions.close_kept(claimed.slot).await;
    }
    let session = sessions.take(claimed.slot, &integration, stamp).await?;
    let (store, artifacts) = (workshop.store.clone(), workshop.artifacts.clone());
    let deposit = Deposit::new(store, artifacts, (lease.lease.clone(), attempt));
    let witness = JobWitness::new(&workshop.store, lease, deposit, integration.row.policy.pictures);
    let mut flows = Flows::new(workshop, (&integration, &credentials), session, witness, trials);
    let mut ended = match claimed.job.kind {
        Kind::TestLogin => test(&mut flows).await,
        Kind::Provision => provision(workshop, &integration, &mut flows, claimed).await,
        Kind::Group => replicate(workshop, &integration, &mut flows, claimed).await,
        Kind::Sync => sync(workshop, &integration, &mut flows, claimed).await,
    };
    flows.leave(records_all || ended.result.is_err()).await;
    let connector = &integration.connector;
    let connector = json!({ "name": connector.name, "version": connector.version, "hash": connector.hash });
    ended.facts.insert("connector".to_owned(), connector);
    ended.trial = flows.trial(&ended.result);
    // A reading that the connector cannot do is nobody's task in the app.
    ended.is_for_a_person = matches!(claimed.job.kind, Kind::Provision | Kind::Group)
        && (claimed.job.by_hand || integration.row.policy.human_tasks);
    match &ended.result {
        Ok(()) => sessions.put_back(claimed.slot, flows.session),
        // A page in an unknown state is of no use to the next job.
        Err(_) => flows.session.close().await,
    }
    Ok(ended)
}

/// Logs in anew and reads the list of accounts, as far as the connector can.
async fn test(flows: &mut Flows<'_>) -> Ended {
    flows.session.login = Login::Needed;
    let integration = flows.integration;
    let result = async {
        flows.log_in().await?;
        if !integration.connector.can("list_accounts") {
            return Ok("logged in".to_owned());
        }
        let list = list_accounts(integration, flows).await?;
        if !list.complete {
            let message = "the list of accounts was read, but nothing on the page proves that it is complete";
            return Err(Failure::new(FailureClass::UiDrift, message));
        }
        Ok(format!("logged in and read {} accounts", list.accounts.len()))
    };
    Ended::reading(result.await)
}

async fn provision(
    workshop: &Workshop,
    integration: &Integration,
    flows: &mut Flows<'_>,
    claimed: &Claimed,
) -> Ended {
    let aim = match aim(workshop, integration, flows.username(), claimed).await {
        Ok(aim) => aim,
        Err(failure) => return Ended::failed(failure),
    };
    let provisioned = aim.reach(flows).await;
    let facts = provisioned.facts(&aim.wanted);
    let Provisioned { seen, done, result, .. } = provisioned;
    let seen = seen.as_ref().map(|account| Seen::Account(terms::seen(account)));
    Ended { seen, done, facts, result, committed: flows.committed(), ..Ended::succeeded() }
}

async fn replicate(
    workshop: &Workshop,
    integration: &Integration,
    flows: &mut Flows<'_>,
    claimed: &Claimed,
) -> Ended {
    let aim = match group_aim(workshop, integration, flows.username(), claimed).await {
        Ok(aim) => aim,
        Err(failure) => return Ended::failed(failure),
    };
    let Replicated { seen, done, result } = aim.reach(flows).await;
    let seen = seen.map(Seen::Group);
    Ended { seen, done, result, committed: flows.committed(), ..Ended::succeeded() }
}

/// The same of a group.
async fn group_aim<'a>(
    workshop: &'a Workshop,
    integration: &'a Integration,
    service_account: Option<String>,
    claimed: &'a Claimed,
) -> Result<GroupAim<'a>, Failure> {
    let (job, store) = (&claimed.job, &workshop.store);
    let id = job.group_id.as_deref().unwrap_or_default();
    let group = store.find_group_or_tombstone(&job.integration_id, id).await;
    let group = group.map_err(|error| internal(&error))?.ok_or_else(|| gone("the group"))?;
    let others = store.other_groups_in_app(&job.integration_id, id).await;
    Ok(GroupAim {
        integration,
        store,
        lease: &claimed.lease,
        id: group.id,
        wanted: group.deleted_at.is_none().then_some(group.body.display_name),
        before: group.in_app.into_iter().chain(group.making.map(|name| Group { id: None, name })).collect(),
        others: others.map_err(|error| internal(&error))?,
        protection: protection(integration, service_account),
        may_change: may_change(integration, job.by_hand),
    })
}

pub(super) fn protection(integration: &Integration, service_account: Option<String>) -> Protection {
    Protection::new(integration.row.policy.protected.iter().cloned().chain(service_account))
}

fn may_change(integration: &Integration, by_hand: bool) -> MayChange {
    match (by_hand, integration.row.policy.mode) {
        (true, _) => MayChange::ByHand,
        (false, Mode::Live) => MayChange::Yes,
        (false, Mode::Observe | Mode::Plan) => MayChange::No,
    }
}

/// What this job is to reach: the wish as it is now, which may be newer than the one that made the job.
async fn aim<'a>(
    workshop: &Workshop,
    integration: &'a Integration,
    service_account: Option<String>,
    claimed: &Claimed,
) -> Result<Aim<'a>, Failure> {
    let (job, store) = (&claimed.job, &workshop.store);
    let user_id = job.user_id.as_deref().unwrap_or_default();
    let user =
        store.find_user_or_tombstone(&job.integration_id, user_id).await.map_err(|error| internal(&error))?;
    // Whoever is gone has no account; the one that goes by the name may be somebody else's by now.
    let user = user.filter(|user| user.gone_at.is_none()).ok_or_else(|| gone("the user"))?;
    let account = store.find_account(&job.integration_id, user_id).await.map_err(|error| internal(&error))?;
    let policy = &integration.row.policy;
    let groups = match policy.grants.is_empty() {
        true => Vec::new(),
        false => store.groups_of_user(user_id).await.map_err(|error| internal(&error))?,
    };
    let granted = terms::granted(&policy.grants, &groups);
    let memberships = match integration.connector.moves_members() {
        false => Vec::new(),
        true => {
            let memberships = store.memberships(&job.integration_id, user_id).await;
            memberships.map_err(|error| internal(&error))?
        }
    };
    Ok(Aim {
        integration,
        wanted: terms::wanted(&integration.connector, &user, &granted, memberships)?,
        before: account.map(|account| terms::kept(account.seen)),
        protection: protection(integration, service_account),
        may_change: may_change(integration, job.by_hand),
    })
}

fn gone(what: &str) -> Failure {
    Failure::new(FailureClass::Internal, format!("{what} of this job is gone"))
}

/// A fault of Usher's own, with its causes.
pub(super) fn internal(error: &dyn std::error::Error) -> Failure {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Failure::new(FailureClass::Internal, message)
}
