//! The values of entitlements that the app lists.

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::{Entitlement, Values};
use crate::failure::FailureClass;
use crate::integration::Integration;
use crate::job::Workshop;
use crate::job::attempt::internal;
use crate::job::flows::Flows;
use crate::job::terms;
use crate::run::Identity;
use crate::step::{Failure, Output};
use crate::store::{Claimed, LeaseError, ListedValue};

/// Reads every list of values and keeps what it finds. Gives what is to be said of lists that were not believed.
pub(super) async fn read_and_keep(
    workshop: &Workshop,
    integration: &Integration,
    flows: &mut Flows<'_>,
    claimed: &Claimed,
) -> Result<Vec<String>, Failure> {
    let mut doubts = Vec::new();
    let connector = &integration.connector;
    for entitlement in connector.entitlements.iter().filter(|one| one.values == Values::Listed) {
        let name = &entitlement.name;
        let flow = format!("list_{name}s");
        let output = flows.run(&flow, terms::scope(integration), Identity::default()).await.outcome?;
        if !output.complete {
            doubts.push(format!("the list of {name}s is left as it was: nothing proves that it was whole"));
            continue;
        }
        let values = values(entitlement, &flow, output)?;
        if let Some(doubt) = doubt(workshop, integration, name, &values).await? {
            doubts.push(doubt);
            continue;
        }
        let kept = workshop.store.keep_entitlements(&claimed.lease, &integration.row.id, name, values).await;
        kept.map_err(|error| match error {
            LeaseError::Lost => Failure::new(FailureClass::Internal, "the claim was taken back"),
            LeaseError::Store(error) => internal(&error),
        })?;
    }
    Ok(doubts)
}

/// The values in the rows of a list.
fn values(entitlement: &Entitlement, flow: &str, output: Output) -> Result<Vec<ListedValue>, Failure> {
    let drift = |message: String| Failure::new(FailureClass::UiDrift, message);
    let mut keys = BTreeSet::new();
    let mut values = Vec::with_capacity(output.rows.len());
    for mut row in output.rows {
        let mut said = |column: &str| {
            row.remove(column).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let (label, parent, description) = (said("label"), said("parent"), said("description"));
        let key =
            said("key").ok_or_else(|| drift(format!("the flow `{flow}` listed a value without a `key`")))?;
        if !keys.insert(key.clone()) {
            return Err(drift(format!("the flow `{flow}` listed the {} `{key}` twice", entitlement.name)));
        }
        let label = label.unwrap_or_else(|| key.clone());
        values.push(ListedValue {
            key,
            label,
            parent: parent.filter(|_| entitlement.parent.is_some()),
            description,
        });
    }
    Ok(values)
}

/// Why a list is not believed: more of what was there would be gone than the safeguard allows.
async fn doubt(
    workshop: &Workshop,
    integration: &Integration,
    name: &str,
    values: &[ListedValue],
) -> Result<Option<String>, Failure> {
    let known = workshop.store.entitlements(&integration.row.id).await.map_err(|error| internal(&error))?;
    let listed: BTreeMap<&str, &ListedValue> =
        values.iter().map(|value| (value.key.as_str(), value)).collect();
    let there: Vec<_> = known.iter().filter(|row| row.of_type == name && row.gone_at.is_none()).collect();
    let gone = there.iter().filter(|row| !listed.contains_key(row.value.key.as_str())).count();
    let is_much = integration.row.policy.safeguard.holds(gone as u64, there.len() as u64);
    Ok(is_much.then(|| {
        format!(
            "the list of {name}s is left as it was: {gone} of {} would be gone, more than the safeguard allows",
            there.len()
        )
    }))
}
