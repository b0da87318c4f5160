//! One account made as it is wanted: read, plan, act, read again, until nothing is missing.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::account::{Attributes, Observed, Status, Wanted};
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::reconcile::{self, Capabilities, Operation, Protection, may_lose_an_admin};
use crate::run::{Identity, Report};
use crate::step::{Failure, Output, Told};

use super::after::Committed;
use super::flows::Flows;
use super::terms;

/// How often the account is read before Usher gives up on it ever becoming as wanted.
const ROUNDS: usize = 4;

/// What one attempt at an account came to.
#[derive(Debug)]
pub(super) struct Provisioned {
    /// The account as it was read first; none where no reading came to an end.
    pub(super) before: Option<Observed>,
    /// The account as it was read last.
    pub(super) seen: Option<Observed>,
    /// What was done, in words.
    pub(super) done: Vec<String>,
    /// Whether the last reading shows what is wanted, or why not.
    pub(super) result: Result<(), Failure>,
}

impl Provisioned {
    /// The same for the record: what was wanted, and the account before and after.
    pub(super) fn facts(&self, wanted: &Wanted) -> Map<String, Value> {
        let after = self.before.as_ref().and(self.seen.as_ref());
        [("wanted", json!(wanted)), ("before", json!(self.before)), ("after", json!(after))]
            .map(|(name, fact)| (name.to_owned(), fact))
            .into_iter()
            .collect()
    }
}

/// What is wanted of whom.
pub(super) struct Aim<'a> {
    pub(super) integration: &'a Integration,
    pub(super) wanted: Wanted,
    /// The account as it was seen in an earlier job.
    pub(super) before: Option<Observed>,
    pub(super) protection: Protection,
    pub(super) may_change: MayChange,
}

/// Whether the app may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MayChange {
    Yes,
    /// The integration's mode only lets Usher look.
    No,
    /// A person makes the change.
    ByHand,
}

impl MayChange {
    /// Refuses these changes of the account, or the group, of that name where it is not Usher's to make them.
    pub(super) fn these(self, words: &str, name: &str) -> Result<(), Failure> {
        let (class, message) = match self {
            Self::Yes => return Ok(()),
            Self::No => (
                FailureClass::Safeguard,
                format!("the integration's mode only lets Usher look; it would {words}"),
            ),
            Self::ByHand => {
                (FailureClass::Unsupported, format!("to be done in the app, for {name}: {words}"))
            }
        };
        Err(Failure::new(class, message))
    }
}

impl Aim<'_> {
    /// By what a person knows the account.
    fn name(&self, account: &Observed) -> String {
        let connector = &self.integration.connector;
        let shown = terms::identity(connector, &account.attributes);
        shown.or_else(|| terms::identity(connector, &self.wanted.attributes)).cloned().unwrap_or_default()
    }

    /// Makes the account as it is wanted.
    pub(super) async fn reach(&self, flows: &mut Flows<'_>) -> Provisioned {
        let mut provisioned =
            Provisioned { before: None, seen: self.before.clone(), done: Vec::new(), result: Ok(()) };
        provisioned.result = self.rounds(flows, &mut provisioned).await;
        provisioned
    }

    async fn rounds(&self, flows: &mut Flows<'_>, so_far: &mut Provisioned) -> Result<(), Failure> {
        let can = terms::capabilities(&self.integration.connector);
        let mut last: Vec<Operation> = Vec::new();
        for _round in 0..ROUNDS {
            let account = self.read(flows, so_far.seen.as_ref()).await?;
            so_far.seen = Some(account.clone());
            so_far.before.get_or_insert_with(|| account.clone());
            let plan = reconcile::plan(&self.wanted, &account, &can, &self.protection)
                .map_err(|refusal| Failure::new(refusal.class, refusal.message))?;
            if plan.is_empty() {
                return Ok(());
            }
            if plan == last {
                return Err(mismatch(&plan, &account));
            }
            self.may_change.these(&in_words(&plan), &self.name(&account))?;
            for operation in &plan {
                self.keep_an_admin(flows, operation, &account, &can).await?;
                if let Err(failure) = self.carry_out(flows, operation, &account).await
                    && (failure.told != Told::ByApp
                        || flows.committed() == Committed::No
                        || self.is_missing(operation, flows, so_far, &can).await)
                {
                    return Err(failure);
                }
                so_far.done.push(operation.to_string());
            }
            last = plan;
        }
        let account = so_far.seen.clone().unwrap_or_default();
        Err(mismatch(&last, &account))
    }

    /// Whether the operation that the app refused is still to be done. It is not where the app had done it: Chromium sends a change
    /// again by itself when a connection that it used before ends without an answer, and it is the second that is refused.
    async fn is_missing(
        &self,
        operation: &Operation,
        flows: &mut Flows<'_>,
        so_far: &mut Provisioned,
        can: &Capabilities,
    ) -> bool {
        let Ok(account) = self.read(flows, so_far.seen.as_ref()).await else { return true };
        so_far.seen = Some(account.clone());
        let plan = reconcile::plan(&self.wanted, &account, can, &self.protection);
        plan.map_or(true, |plan| plan.contains(operation))
    }

    /// Reads the account: under what it was last seen as, then under what it shall be called.
    async fn read(&self, flows: &mut Flows<'_>, last: Option<&Observed>) -> Result<Observed, Failure> {
        let known = last.filter(|last| last.status != Status::Absent);
        let connector = &self.integration.connector;
        let mut names = BTreeSet::new();
        let mut candidates = Vec::new();
        for attributes in known.map(|known| &known.attributes).into_iter().chain([&self.wanted.attributes]) {
            let Some(name) = terms::identity(connector, attributes) else { continue };
            if names.insert(name.to_lowercase()) {
                candidates.push(attributes);
            }
        }
        for attributes in candidates {
            let found = read_account(self.integration, flows, attributes, known).await?;
            if found.status == Status::Absent {
                continue;
            }
            return match (known.and_then(|known| known.id.as_ref()), &found.id) {
                (Some(before), Some(now)) if before != now => Err(Failure::new(
                    FailureClass::IdentityMismatch,
                    format!(
                        "the account of this name has the id {now} now; the one that Usher knows has {before}"
                    ),
                )),
                _ => Ok(found),
            };
        }
        Ok(Observed::absent())
    }

    async fn carry_out(
        &self,
        flows: &mut Flows<'_>,
        operation: &Operation,
        account: &Observed,
    ) -> Result<(), Failure> {
        let subject = match operation {
            Operation::Invite => {
                Observed { attributes: self.wanted.attributes.clone(), ..Observed::absent() }
            }
            _ => account.clone(),
        };
        let identity = terms::identities(&self.integration.connector, &subject.attributes);
        let scope = terms::operation_scope(self.integration, operation, &self.wanted, &subject);
        let group = match operation {
            Operation::Join { group } | Operation::Leave { group } => Some(group.name.clone()),
            _ => None,
        };
        flows.run(&operation.flow(), scope, Identity { subject: identity, group }).await.outcome.map(drop)
    }

    /// Refuses to take the last administrator away (R15): another one must be on the app's list.
    async fn keep_an_admin(
        &self,
        flows: &mut Flows<'_>,
        operation: &Operation,
        account: &Observed,
        can: &Capabilities,
    ) -> Result<(), Failure> {
        if !may_lose_an_admin(operation, &account.entitlements, can) {
            return Ok(());
        }
        let list = list_accounts(self.integration, flows).await?;
        let others = list.accounts.iter().filter(|other| {
            other.status == Status::Active && !same_account(self.integration, other, account)
        });
        let admins = others.filter(|other| {
            other.entitlements.iter().any(|(entitlement, keys)| {
                can.entitlements
                    .get(entitlement)
                    .is_some_and(|rule| keys.iter().any(|key| rule.admins.contains(key)))
            })
        });
        if admins.count() > 0 {
            return Ok(());
        }
        let message = format!("no other active administrator is on the app's list; refused to {operation}");
        Err(Failure::new(FailureClass::LastAdmin, message))
    }
}

fn mismatch(plan: &[Operation], account: &Observed) -> Failure {
    let message = format!(
        "the app reported success, but it still shows a {} account; still to do: {}",
        account.status,
        in_words(plan)
    );
    Failure::new(FailureClass::VerifyMismatch, message)
}

fn in_words(plan: &[Operation]) -> String {
    plan.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn same_account(integration: &Integration, one: &Observed, other: &Observed) -> bool {
    let name = |account: &Observed| {
        terms::identity(&integration.connector, &account.attributes).map(|name| name.to_lowercase())
    };
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        _ => name(one) == name(other),
    }
}

/// Reads the account that goes by these attributes, by `read_account` or else from the whole list.
async fn read_account(
    integration: &Integration,
    flows: &mut Flows<'_>,
    attributes: &Attributes,
    known: Option<&Observed>,
) -> Result<Observed, Failure> {
    let id = known.and_then(|known| known.id.clone());
    let asked = Observed { id, attributes: attributes.clone(), ..Observed::absent() };
    if !integration.connector.can("read_account") {
        let list = list_accounts(integration, flows).await?;
        let mut found =
            list.accounts.into_iter().filter(|account| same_account(integration, account, &asked));
        return match (found.next(), found.next(), list.complete) {
            (Some(account), None, _) => Ok(account),
            (None, _, true) => Ok(Observed::absent()),
            (None, _, false) => Err(Failure::new(
                FailureClass::UiDrift,
                "the account is not on the list, and nothing on the page proves that the list was complete",
            )),
            (Some(_), Some(_), _) => Err(Failure::new(
                FailureClass::AmbiguousMatch,
                "several accounts on the list go by this name",
            )),
        };
    }
    let scope = terms::account_scope(integration, &asked);
    let output = flows.run("read_account", scope, Identity::default()).await.outcome?;
    if output.absent {
        return Ok(Observed::absent());
    }
    let found = single(integration, &output)?;
    match (identity_of(integration, &asked), identity_of(integration, &found)) {
        (Some(name), Some(shown)) if name == shown => Ok(found),
        // A flow that reads nothing and says nothing is no proof of anything.
        (_, None) => Err(Failure::new(
            FailureClass::UiDrift,
            "the flow `read_account` ended without reading an account",
        )),
        (name, Some(shown)) => {
            let message = format!("asked for {}, the page shows {shown}", name.unwrap_or_default());
            Err(Failure::new(FailureClass::IdentityMismatch, message))
        }
    }
}

/// What `read_account` read: values, or the one row that it collected.
fn single(integration: &Integration, output: &Output) -> Result<Observed, Failure> {
    match output.rows.as_slice() {
        [] => terms::observed(&integration.connector, &output.values),
        [row] => terms::observed(&integration.connector, row),
        rows => Err(Failure::new(
            FailureClass::AmbiguousMatch,
            format!("{} accounts match where one must", rows.len()),
        )),
    }
}

fn identity_of(integration: &Integration, account: &Observed) -> Option<String> {
    terms::identity(&integration.connector, &account.attributes).map(|name| name.to_lowercase())
}

/// The app's list of accounts.
pub(super) struct AccountList {
    pub(super) accounts: Vec<Observed>,
    /// Whether the page proved that nothing is missing (R18).
    pub(super) complete: bool,
}

/// Reads the app's list of accounts.
pub(super) async fn list_accounts(
    integration: &Integration,
    flows: &mut Flows<'_>,
) -> Result<AccountList, Failure> {
    if !integration.connector.can("list_accounts") {
        return Err(Failure::new(FailureClass::Unsupported, "the connector has no flow `list_accounts`"));
    }
    let Report { outcome, .. } =
        flows.run("list_accounts", terms::scope(integration), Identity::default()).await;
    let output = outcome?;
    let accounts = output.rows.iter().map(|row| terms::observed(&integration.connector, row));
    Ok(AccountList { accounts: accounts.collect::<Result<_, _>>()?, complete: output.complete })
}
