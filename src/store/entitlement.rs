//! The values of entitlements that an app lists, as a sync last read them.
//!
//! A value is known by its key. What it was called before is kept, so that who was given it under that name holds it still; a value that is
//! not there any more is kept as one that is gone.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::job::{self, Lease, LeaseError};
use super::sql::{Db, Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    OF_INTEGRATION = "SELECT * FROM entitlements WHERE integration_id = $1 ORDER BY of_type, label, value_key";
    PUT = "INSERT INTO entitlements (integration_id, of_type, value_key, label, former, parent, description, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (integration_id, of_type, value_key) DO UPDATE SET label = excluded.label, former = excluded.former, parent = excluded.parent, description = excluded.description, seen_at = excluded.seen_at, gone_at = NULL";
    GONE = "UPDATE entitlements SET gone_at = $4 WHERE integration_id = $1 AND of_type = $2 AND value_key = $3";
}

/// A value that can be held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedValue {
    /// The app's own id of it, or else what it shows.
    pub key: String,
    /// What the app shows.
    pub label: String,
    /// The key of the value that it belongs to.
    pub parent: Option<String>,
    /// What the app says of it.
    pub description: Option<String>,
}

/// A value, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntitlementRow {
    /// The type of entitlement.
    pub of_type: String,
    /// The value as it was last seen.
    pub value: ListedValue,
    /// What it was called before, the latest first.
    pub former: Vec<String>,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// When it was first found missing.
    pub gone_at: Option<Timestamp>,
}

impl Store {
    /// The listed values of an integration, those included that are gone, by type and label.
    pub async fn entitlements(&self, integration_id: &str) -> Result<Vec<EntitlementRow>, StoreError> {
        of_integration(&mut self.reader().await?, integration_id).await
    }

    /// Keeps a complete list of the values of a type. Those that are not on it are gone.
    pub async fn keep_entitlements(
        &self,
        held: &Lease,
        integration_id: &str,
        of_type: &str,
        values: Vec<ListedValue>,
    ) -> Result<(), LeaseError> {
        let (held, integration_id, of_type) = (held.clone(), integration_id.to_owned(), of_type.to_owned());
        self.writer
            .write(move |tx| {
                async move { keep(tx, &held, (&integration_id, &of_type), values).await }.boxed()
            })
            .await
    }
}

async fn of_integration(db: &mut Db, integration_id: &str) -> Result<Vec<EntitlementRow>, StoreError> {
    db.all(OF_INTEGRATION, args![integration_id]).await?.iter().map(read).collect()
}

async fn keep(
    tx: &mut Tx,
    held: &Lease,
    (integration_id, of_type): (&str, &str),
    values: Vec<ListedValue>,
) -> Result<(), LeaseError> {
    job::held_by(tx, held).await?;
    let known = of_integration(&mut tx.db, integration_id).await?;
    let known = known.into_iter().filter(|row| row.of_type == of_type);
    let mut before: BTreeMap<String, EntitlementRow> =
        known.map(|row| (row.value.key.clone(), row)).collect();
    let is_first = before.is_empty();
    let shown: Vec<String> = values.iter().map(|value| value.label.clone()).collect();
    let mut changes = Vec::new();
    for value in values {
        let known = before.remove(&value.key);
        let mut former = known.as_ref().map(|row| row.former.clone()).unwrap_or_default();
        match &known {
            Some(row) if row.value.label != value.label => {
                former.insert(0, row.value.label.clone());
                changes.push(json!({ "renamed": row.value.label, "to": value.label, "key": value.key }));
            }
            Some(row) if row.gone_at.is_some() => {
                changes.push(json!({ "back": value.label, "key": value.key }));
            }
            Some(row) if row.value != value => {
                changes.push(json!({ "changed": value.label, "key": value.key }))
            }
            Some(_) => {}
            None => changes.push(json!({ "found": value.label, "key": value.key })),
        }
        // A name that another value has now is that one's.
        former.retain(|label| !shown.contains(label));
        former.dedup();
        let ListedValue { key, label, parent, description } = value;
        let former = json!(former).to_string();
        let values = args![integration_id, of_type, key, label, former, parent, description, tx.now];
        tx.db.write(PUT, values);
    }
    for row in before.into_values().filter(|row| row.gone_at.is_none()) {
        tx.db.write(GONE, args![integration_id, of_type, &row.value.key, tx.now]);
        changes.push(json!({ "gone": row.value.label, "key": row.value.key }));
    }
    if changes.is_empty() {
        return Ok(());
    }
    // Whoever reads what an identity provider asks for has to know them.
    tx.touched.configuration = true;
    let data = json!({ "type": of_type, "changes": changes });
    let kind = if is_first { "entitlements.listed" } else { "entitlements.changed" };
    let mut event = NewEvent::new(kind, "usher").of(integration_id).with(data);
    event.job_id = Some(held.job_id.clone());
    event::append(tx, event);
    Ok(())
}

fn read(row: &Row) -> Result<EntitlementRow, StoreError> {
    Ok(EntitlementRow {
        of_type: row.text("of_type")?,
        value: ListedValue {
            key: row.text("value_key")?,
            label: row.text("label")?,
            parent: row.maybe_text("parent")?,
            description: row.maybe_text("description")?,
        },
        former: row.json("former")?,
        seen_at: row.time("seen_at")?,
        gone_at: row.maybe_time("gone_at")?,
    })
}
