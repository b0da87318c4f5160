//! Who is told of what happens: each reads the events from where it stands, in their order, and goes on when it was told.

use futures::FutureExt as _;
use serde_json::json;

use super::Store;
use super::error::StoreError;
use super::event::{self, EventRow, NewEvent};
use super::sql::{Row, args, statements};
use super::word::words;
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::vault::Sealed;

statements! {
    INSERT = "INSERT INTO hooks (id, integration_id, channel, shown, key_id, sealed, kinds, seen, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT coalesce(max(seq), 0) FROM events), $8, $8)";
    LIST = "SELECT * FROM hooks ORDER BY created_at, id";
    FIND = "SELECT * FROM hooks WHERE id = $1";
    DUE = "SELECT * FROM hooks WHERE due_at <= $1 ORDER BY id";
    REMOVE = "DELETE FROM hooks WHERE id = $1";
    TAKE = "UPDATE hooks SET due_at = $3 WHERE id = $1 AND due_at <= $2";
    NEXT = "SELECT * FROM events WHERE seq > $1 AND kind IN (SELECT value FROM json_each($2)) AND (CAST($3 AS TEXT) IS NULL OR integration_id = $3) ORDER BY seq LIMIT 1";
    LAST = "SELECT coalesce(max(seq), 0) AS seq FROM events";
    TOLD = "UPDATE hooks SET seen = $2, failures = 0, error = NULL, due_at = $3 WHERE id = $1 AND seen < $2";
    FREE = "UPDATE hooks SET due_at = $2 WHERE id = $1";
    NOT_TOLD = "UPDATE hooks SET failures = failures + 1, error = $2, due_at = $3 WHERE id = $1";
}

/// So many events without one that is wanted are passed over by a write, and not read again and again.
const MANY: i64 = 500;

words! {
    /// How somebody is told.
    Channel("channel") {
        /// A signed POST to an address.
        Webhook = "webhook",
        /// A mail.
        Email = "email",
    }
}

/// Somebody to be told.
#[derive(Clone, Debug)]
pub struct NewHook {
    /// Its id, for which the address is sealed.
    pub id: String,
    /// Only of this integration; of all without it.
    pub integration_id: Option<String>,
    /// How.
    pub channel: Channel,
    /// The address as it may be shown.
    pub shown: String,
    /// The address with its secrets, sealed.
    pub sealed: Sealed,
    /// Of which kinds of events.
    pub kinds: Vec<String>,
}

/// Somebody who is told.
#[derive(Clone, Debug)]
pub struct HookRow {
    /// Who.
    pub hook: NewHook,
    /// The last event that was told, or passed over.
    pub seen: i64,
    /// How often in a row the next could not be told.
    pub failures: i64,
    /// Why, the last time.
    pub error: Option<String>,
    /// When the next try is, or the next look.
    pub due_at: Timestamp,
    /// Since when.
    pub created_at: Timestamp,
}

impl Store {
    /// Tells somebody from now on; what happened before is not told.
    pub async fn add_hook(&self, hook: NewHook, by: &str) -> Result<(), StoreError> {
        let by = by.to_owned();
        self.writer.write(move |tx| std::future::ready(add(tx, &hook, &by)).boxed()).await
    }

    /// Tells them no more. Returns whether there was such a one.
    pub async fn remove_hook(&self, id: &str, by: &str) -> Result<bool, StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.writer.write(move |tx| async move { remove(tx, &id, &by).await }.boxed()).await
    }

    /// Everybody who is told, in the order of their making.
    pub async fn list_hooks(&self) -> Result<Vec<HookRow>, StoreError> {
        self.reader().await?.all(LIST, &[]).await?.iter().map(read).collect()
    }

    /// The one with this id.
    pub async fn find_hook(&self, id: &str) -> Result<Option<HookRow>, StoreError> {
        self.reader().await?.one(FIND, args![id]).await?.as_ref().map(read).transpose()
    }

    /// Those for whom it is time to look, and whom nobody else has taken.
    pub async fn due_hooks(&self) -> Result<Vec<HookRow>, StoreError> {
        self.reader().await?.all(DUE, args![self.clock.now()]).await?.iter().map(read).collect()
    }

    /// What is to be told next; none where there is nothing new. What nobody wants to be told is passed over.
    pub async fn next_for_hook(&self, hook: &HookRow) -> Result<Option<EventRow>, StoreError> {
        let kinds = json!(hook.hook.kinds).to_string();
        let (found, last) = {
            let mut db = self.snapshot().await?;
            let values = args![hook.seen, &kinds, hook.hook.integration_id.as_ref()];
            let found = db.one(NEXT, values).await?;
            let last = db.one(LAST, &[]).await?.map_or(Ok(0), |row| row.int("seq"))?;
            (found.as_ref().map(event::read).transpose()?, last)
        };
        if found.is_none() && last - hook.seen > MANY {
            self.hook_was_told(&hook.hook.id, last).await?;
        }
        Ok(found)
    }

    /// Takes it until then, unless somebody else has; whoever takes it tells.
    pub async fn take_hook(&self, id: &str, until: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.writer.write(move |tx| async move { take_it(tx, &id, until).await }.boxed()).await
    }

    /// It was told everything up to this event.
    pub async fn hook_was_told(&self, id: &str, seq: i64) -> Result<(), StoreError> {
        let id = id.to_owned();
        let write = move |tx: &mut Tx| {
            tx.db.write(TOLD, args![&id, seq, tx.now]);
            tx.db.write(FREE, args![&id, tx.now]);
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(write(tx)).boxed()).await
    }

    /// It could not be told, for this reason, and is to be tried again then.
    pub async fn hook_was_not_told(&self, id: &str, why: &str, again: Timestamp) -> Result<(), StoreError> {
        let (id, why) = (id.to_owned(), why.to_owned());
        let write = move |tx: &mut Tx| {
            tx.db.write(NOT_TOLD, args![&id, &why, again]);
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(write(tx)).boxed()).await
    }
}

async fn take_it(tx: &mut Tx, id: &str, until: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.db.change(TAKE, args![id, tx.now, until]).await? > 0)
}

fn add(tx: &mut Tx, hook: &NewHook, by: &str) -> Result<(), StoreError> {
    let kinds = json!(hook.kinds);
    let values = args![
        &hook.id,
        hook.integration_id.as_ref(),
        hook.channel.as_str(),
        &hook.shown,
        hook.sealed.key_id(),
        hook.sealed.as_bytes(),
        &kinds,
        tx.now,
    ];
    tx.db.write(INSERT, values);
    let mut event = NewEvent::new("hook.added", by).to(&hook.id);
    event.integration_id.clone_from(&hook.integration_id);
    event::append(tx, event.with(json!({ "channel": hook.channel, "to": hook.shown, "kinds": kinds })));
    Ok(())
}

async fn remove(tx: &mut Tx, id: &str, by: &str) -> Result<bool, StoreError> {
    let was_there = tx.db.change(REMOVE, args![id]).await? > 0;
    if was_there {
        event::append(tx, NewEvent::new("hook.removed", by).to(id));
    }
    Ok(was_there)
}

fn read(row: &Row) -> Result<HookRow, StoreError> {
    Ok(HookRow {
        hook: NewHook {
            id: row.text("id")?,
            integration_id: row.maybe_text("integration_id")?,
            channel: row.word("channel")?,
            shown: row.text("shown")?,
            sealed: Sealed::from_parts(row.text("key_id")?, row.bytes("sealed")?),
            kinds: row.json("kinds")?,
        },
        seen: row.int("seen")?,
        failures: row.int("failures")?,
        error: row.maybe_text("error")?,
        due_at: row.time("due_at")?,
        created_at: row.time("created_at")?,
    })
}
