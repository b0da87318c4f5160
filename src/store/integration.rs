//! Integrations: one connector set up for one external app, with its settings and policies.

use futures::FutureExt as _;

use super::Store;
use super::error::StoreError;
use super::event::{self, NewEvent};
use super::job::{breaker, pace, schedule};
use super::policy::{MAX_SESSIONS, Policy};
use super::sql::{Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    INSERT = "INSERT INTO integrations (id, name, connector, settings, policy, max_sessions, pace_ms, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)";
    UPDATE = "UPDATE integrations SET settings = $2, policy = $3, max_sessions = $4, modified_at = $5 WHERE id = $1";
    PAUSE = "UPDATE integrations SET paused_at = $2, pause_reason = $3 WHERE id = $1 AND paused_at IS NULL";
    RESUME = "UPDATE integrations SET paused_at = NULL, pause_reason = NULL WHERE id = $1 AND paused_at IS NOT NULL";
    CLOSE = "UPDATE integrations SET closed_from = $2, closed_until = $3, closed_why = $4 WHERE id = $1";
    FIND_BY_NAME = "SELECT * FROM integrations WHERE name = $1";
    FIND = "SELECT * FROM integrations WHERE id = $1";
    LIST = "SELECT * FROM integrations ORDER BY name";
    ADD_SLOT = "INSERT INTO slots (integration_id, ordinal) VALUES ($1, $2) ON CONFLICT (integration_id, ordinal) DO NOTHING";
}

/// An integration to be made.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// Its name: part of the SCIM base URL.
    pub name: String,
    /// The connector's name.
    pub connector: String,
    /// The connector's settings, as JSON; never a secret.
    pub settings: serde_json::Value,
    /// Its policies.
    pub policy: Policy,
}

/// An integration.
#[derive(Clone, Debug)]
pub struct IntegrationRow {
    /// Its id, which never changes.
    pub id: String,
    /// Its name: part of the SCIM base URL.
    pub name: String,
    /// The connector's name.
    pub connector: String,
    /// The connector's settings, as JSON; never a secret.
    pub settings: serde_json::Value,
    /// Its policies.
    pub policy: Policy,
    /// Since when no job of it is claimed; `None` where it runs.
    pub paused_at: Option<Timestamp>,
    /// Why it is paused.
    pub pause_reason: Option<String>,
    /// When the app is, was or will be maintained: no job begins then.
    pub maintenance: Option<Maintenance>,
    /// Since when nobody's access is taken away before a person has looked; `None` where leavers go at once.
    pub leavers_held_at: Option<Timestamp>,
    /// Why they are held.
    pub leavers_held_why: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its settings or policies were last changed.
    pub modified_at: Timestamp,
}

/// A time in which an app is maintained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

impl Maintenance {
    /// Whether it goes on.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// The integration cannot be made or changed so.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationError {
    /// Another integration has the name.
    #[error("there is already an integration named `{0}`")]
    NameTaken(String),
    /// The name cannot be part of a URL that every identity provider takes.
    #[error(
        "`{0}` cannot name an integration: use up to 63 small letters, digits and hyphens, a letter or digit first"
    )]
    BadName(String),
    /// A policy is outside its bounds.
    #[error("max_sessions is {0}: it must be between 1 and {MAX_SESSIONS}")]
    BadSessions(u32),
    /// A policy is outside its bounds.
    #[error(
        "no job could ever begin: at least one an hour must be allowed, and at most an hour between two of them"
    )]
    BadPace,
    /// There is no such integration.
    #[error("there is no such integration")]
    NotFound,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Makes an integration and its session slots.
    pub async fn create_integration(
        &self,
        new: NewIntegration,
        by: &str,
    ) -> Result<IntegrationRow, IntegrationError> {
        check_name(&new.name)?;
        check_policy(&new.policy)?;
        let by = by.to_owned();
        self.writer.write(move |tx| async move { create(tx, new, &by).await }.boxed()).await
    }

    /// Replaces the settings and policies of an integration. Fewer sessions take effect as the running ones end.
    pub async fn change_integration(
        &self,
        id: &str,
        settings: serde_json::Value,
        policy: Policy,
        by: &str,
    ) -> Result<IntegrationRow, IntegrationError> {
        check_policy(&policy)?;
        let (id, by) = (id.to_owned(), by.to_owned());
        self.writer
            .write(move |tx| async move { change(tx, &id, (settings, policy), &by).await }.boxed())
            .await
    }

    /// Stops claiming jobs of the integration, except tests of its login; what runs goes on. A paused one keeps its
    /// first reason. Returns whether it was running before.
    pub async fn pause_integration(&self, id: &str, reason: &str, by: &str) -> Result<bool, StoreError> {
        let (id, reason, by) = (id.to_owned(), reason.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { pause(tx, &id, &reason, &by).await }.boxed()).await
    }

    /// Lets jobs of the integration be claimed again, and operations be tried that were not begun any more. Returns whether it was paused before.
    pub async fn resume_integration(&self, id: &str, by: &str) -> Result<bool, StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { resume(tx, &id, &by).await }.boxed()).await
    }

    /// Lets no job of the integration begin in this time, in the place of one that was said before; or forgets that. Wishes are recorded all the
    /// same, and what runs goes on.
    pub async fn set_maintenance(
        &self,
        id: &str,
        maintenance: Option<Maintenance>,
        by: &str,
    ) -> Result<(), StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        let write = move |tx: &mut Tx| {
            maintain(tx, &id, maintenance.as_ref(), &by);
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(write(tx)).boxed()).await
    }

    /// The integration of this name.
    pub async fn find_integration(&self, name: &str) -> Result<Option<IntegrationRow>, StoreError> {
        self.reader().await?.one(FIND_BY_NAME, args![name]).await?.as_ref().map(read).transpose()
    }

    /// The integration with this id.
    pub async fn integration(&self, id: &str) -> Result<Option<IntegrationRow>, StoreError> {
        self.reader().await?.one(FIND, args![id]).await?.as_ref().map(read).transpose()
    }

    /// Every integration, by name.
    pub async fn list_integrations(&self) -> Result<Vec<IntegrationRow>, StoreError> {
        self.reader().await?.all(LIST, &[]).await?.iter().map(read).collect()
    }
}

/// Pauses inside a transaction; see [`Store::pause_integration`].
pub(super) async fn pause(tx: &mut Tx, id: &str, reason: &str, by: &str) -> Result<bool, StoreError> {
    tx.touched.configuration = true;
    let paused = tx.db.change(PAUSE, args![id, tx.now, reason]).await? > 0;
    if paused {
        let data = serde_json::json!({ "reason": reason });
        event::append(tx, NewEvent::new("integration.paused", by).of(id).with(data));
    }
    Ok(paused)
}

async fn resume(tx: &mut Tx, id: &str, by: &str) -> Result<bool, StoreError> {
    tx.touched.configuration = true;
    let resumed = tx.db.change(RESUME, args![id]).await? > 0;
    breaker::doubt(tx, id);
    if resumed {
        tx.touched.work();
        event::append(tx, NewEvent::new("integration.resumed", by).of(id));
    }
    Ok(resumed)
}

fn maintain(tx: &mut Tx, id: &str, maintenance: Option<&Maintenance>, by: &str) {
    tx.touched.configuration = true;
    tx.touched.work();
    let (from, until) = (maintenance.map(|one| one.from), maintenance.map(|one| one.until));
    tx.db.write(CLOSE, args![id, from, until, maintenance.map(|one| &one.reason)]);
    let data = serde_json::json!({
        "from": from.map(Timestamp::to_rfc3339),
        "until": until.map(Timestamp::to_rfc3339),
        "reason": maintenance.map(|one| &one.reason),
    });
    event::append(tx, NewEvent::new("integration.maintenance", by).of(id).with(data));
}

async fn create(tx: &mut Tx, new: NewIntegration, by: &str) -> Result<IntegrationRow, IntegrationError> {
    if tx.db.one(FIND_BY_NAME, args![&new.name]).await?.is_some() {
        return Err(IntegrationError::NameTaken(new.name));
    }
    let id = tx.ids.next();
    let sessions = i64::from(new.policy.max_sessions);
    let values =
        args![&id, &new.name, &new.connector, &new.settings, policy_text(&new.policy), sessions, tx.now];
    tx.touched.configuration = true;
    tx.db.write(INSERT, values);
    add_slots(tx, &id, sessions);
    pace::set(tx, &id, &new.policy);
    schedule::set(tx, &id, &new.policy);
    let data = serde_json::json!({ "name": new.name, "connector": new.connector });
    event::append(tx, NewEvent::new("integration.created", by).of(&id).with(data));
    row(tx, &id).await
}

async fn change(
    tx: &mut Tx,
    id: &str,
    (settings, policy): (serde_json::Value, Policy),
    by: &str,
) -> Result<IntegrationRow, IntegrationError> {
    let before = row(tx, id).await?;
    let sessions = i64::from(policy.max_sessions);
    tx.touched.configuration = true;
    tx.db.write(UPDATE, args![id, &settings, policy_text(&policy), sessions, tx.now]);
    add_slots(tx, id, sessions);
    pace::set(tx, id, &policy);
    schedule::set(tx, id, &policy);
    tx.touched.work();
    let data = serde_json::json!({
        "before": { "settings": before.settings, "policy": before.policy },
        "after": { "settings": settings, "policy": policy },
    });
    event::append(tx, NewEvent::new("integration.changed", by).of(id).with(data));
    row(tx, id).await
}

fn add_slots(tx: &mut Tx, id: &str, sessions: i64) {
    for ordinal in 0..sessions {
        tx.db.write(ADD_SLOT, args![id, ordinal]);
    }
}

async fn row(tx: &mut Tx, id: &str) -> Result<IntegrationRow, IntegrationError> {
    let found = tx.db.one(FIND, args![id]).await?.ok_or(IntegrationError::NotFound)?;
    Ok(read(&found)?)
}

pub(super) fn read(row: &Row) -> Result<IntegrationRow, StoreError> {
    Ok(IntegrationRow {
        id: row.text("id")?,
        name: row.text("name")?,
        connector: row.text("connector")?,
        settings: row.json("settings")?,
        policy: row.json("policy")?,
        paused_at: row.maybe_time("paused_at")?,
        pause_reason: row.maybe_text("pause_reason")?,
        maintenance: maintenance(row)?,
        leavers_held_at: row.maybe_time("leavers_held_at")?,
        leavers_held_why: row.maybe_text("leavers_held_why")?,
        created_at: row.time("created_at")?,
        modified_at: row.time("modified_at")?,
    })
}

fn maintenance(row: &Row) -> Result<Option<Maintenance>, StoreError> {
    let (from, until) = (row.maybe_time("closed_from")?, row.maybe_time("closed_until")?);
    let Some((from, until)) = from.zip(until) else { return Ok(None) };
    Ok(Some(Maintenance { from, until, reason: row.maybe_text("closed_why")?.unwrap_or_default() }))
}

fn policy_text(policy: &Policy) -> String {
    serde_json::json!(policy).to_string()
}

fn check_policy(policy: &Policy) -> Result<(), IntegrationError> {
    if !policy.lets_jobs_begin() {
        return Err(IntegrationError::BadPace);
    }
    match policy.max_sessions {
        1..=MAX_SESSIONS => Ok(()),
        sessions => Err(IntegrationError::BadSessions(sessions)),
    }
}

/// One label of a host name (RFC 1123 section 2.1): Okta refuses underscores anywhere in a base URL.
fn check_name(name: &str) -> Result<(), IntegrationError> {
    if is_name(name) { Ok(()) } else { Err(IntegrationError::BadName(name.to_owned())) }
}

/// Whether it is a label of a URL.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 63
        && name.bytes().next().is_some_and(allowed)
        && name.bytes().next_back().is_some_and(allowed)
        && name.bytes().all(|byte| allowed(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_of_a_url() {
        for good in ["acme", "acme-desk", "7", &"a".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "acme_desk", "Acme", "-acme", "acme-", "a/b", "a b", "ä", "..", &"a".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
