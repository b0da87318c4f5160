//! Jobs that take somebody's access away, held for a person and let go again, many at once.

use serde_json::json;

use super::super::error::StoreError;
use super::super::sql::{args, statements};
use super::super::writer::Tx;
use super::{find_all, tell};

statements! {
    SAFEGUARD = "UPDATE jobs SET state = CASE WHEN state = 'blocked' THEN 'blocked' ELSE 'held' END, class = 'safeguard', message = $2, waits_for = 'leavers', changed_at = $3 WHERE id IN (SELECT value FROM json_each($1))";
    UNGUARD = "UPDATE jobs SET state = CASE WHEN state = 'blocked' THEN 'blocked' ELSE 'ready' END, class = NULL, message = NULL, waits_for = NULL, tries = 0, due_at = $2, changed_at = $2 WHERE id IN (SELECT value FROM json_each($1))";
}

/// Holds these jobs, none of which may be running; one that waits behind another is held once it is its turn.
pub(in super::super) async fn safeguard(
    tx: &mut Tx,
    ids: &[String],
    reason: &str,
    by: &str,
) -> Result<(), StoreError> {
    tx.db.write(SAFEGUARD, args![&json!(ids), reason, tx.now]);
    tell_each(tx, ids, ("job.held", reason), by).await
}

/// Lets these jobs go on that were held so: each compares anew.
pub(in super::super) async fn unguard(
    tx: &mut Tx,
    ids: &[String],
    reason: &str,
    by: &str,
) -> Result<(), StoreError> {
    tx.db.write(UNGUARD, args![&json!(ids), tx.now]);
    tell_each(tx, ids, ("job.released", reason), by).await
}

async fn tell_each(
    tx: &mut Tx,
    ids: &[String],
    (kind, reason): (&str, &str),
    by: &str,
) -> Result<(), StoreError> {
    let jobs = find_all(&mut tx.db, ids.iter()).await?;
    for job in ids.iter().filter_map(|id| jobs.get(id)) {
        tx.touched.job(&job.id);
        tell(tx, job, kind, by, json!({ "class": job.class, "reason": reason }));
    }
    Ok(())
}
