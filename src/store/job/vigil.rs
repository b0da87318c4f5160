//! Leases whose holder is gone.
//!
//! A lease is a promise to beat; it names no time of day, which machines do not share and which jumps. Whoever watches counts on a clock
//! of its own, from when it first saw a beat, and takes the lease back once it has lasted without another one. That is never
//! earlier than the holder, who counts from before its beat was sent and stops well before, expects.

use std::collections::HashMap;
use std::time::Duration;

use super::super::Store;
use super::super::error::StoreError;
use super::super::sql::{Db, Row, statements};
use super::JobRow;
use super::claim::SlotId;
use super::lease::{Held, Lease, Stranded};

statements! {
    HELD = "SELECT id, job_id, fence, worker, beat, lease_ms FROM slots WHERE worker IS NOT NULL ORDER BY id";
}

/// What one process has seen of the leases that are held.
#[derive(Debug, Default)]
pub struct Vigil(HashMap<Held, Duration>);

impl Vigil {
    /// Looks at what is held at a time of a clock that never jumps; gives what was silent for its whole length.
    fn look(&mut self, held: Vec<Held>, now: Duration) -> Vec<Held> {
        let before = std::mem::take(&mut self.0);
        self.0 = held
            .into_iter()
            .map(|held| (before.get(&held).copied().unwrap_or(now), held))
            .map(|(at, held)| (held, at))
            .collect();
        let silent = self.0.iter().filter(|(held, since)| now.saturating_sub(**since) > held.length);
        silent.map(|(held, _)| held.clone()).collect()
    }
}

impl Store {
    /// Takes back the leases that were silent for their length while `vigil` watched, and returns the jobs, ready again. Look often:
    /// what nobody sees is not counted.
    pub async fn take_back_silent(&self, vigil: &mut Vigil) -> Result<Vec<JobRow>, StoreError> {
        let held = held(&mut self.reader().await?).await?;
        let silent = vigil.look(held, self.clock.elapsed());
        if silent.is_empty() { Ok(Vec::new()) } else { self.take_back(Stranded::Silent(silent)).await }
    }
}

pub(super) async fn held(db: &mut Db) -> Result<Vec<Held>, StoreError> {
    db.all(HELD, &[]).await?.iter().map(read).collect()
}

pub(super) fn read(row: &Row) -> Result<Held, StoreError> {
    let job_id = row.maybe_text("job_id")?;
    let lease = job_id.zip(row.maybe_int("fence")?).map(|(job_id, fence)| Lease { job_id, fence });
    Ok(Held {
        slot: SlotId(row.int("id")?),
        lease,
        worker: row.text("worker")?,
        beat: row.int("beat")?,
        length: Duration::from_millis(u64::try_from(row.int("lease_ms")?).unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(job: &str, fence: i64, beat: i64) -> Held {
        let lease = Lease { job_id: job.to_owned(), fence };
        let (slot, worker, length) = (SlotId(1), "w".to_owned(), Duration::from_secs(60));
        Held { slot, lease: Some(lease), worker, beat, length }
    }

    #[test]
    fn only_what_was_seen_without_a_beat_for_its_whole_length_is_silent() {
        let mut vigil = Vigil::default();
        let mut look = |held: &[Held], at| vigil.look(held.to_vec(), Duration::from_secs(at));
        let (beats, dies) = (held("a", 1, 1), held("b", 1, 7));
        assert_eq!(look(&[beats.clone(), dies.clone()], 1000), []);
        assert_eq!(look(&[held("a", 1, 2), dies.clone()], 1050), []);
        assert_eq!(look(&[held("a", 1, 2), dies.clone()], 1060), [], "its last moment is its own");
        assert_eq!(look(&[held("a", 1, 2), dies], 1061), [held("b", 1, 7)]);
        // Somebody else has the job; it is another lease.
        assert_eq!(look(&[held("a", 1, 2), held("b", 2, 0)], 1100), []);
        assert_eq!(look(&[held("a", 1, 2), held("b", 2, 0)], 1111), [held("a", 1, 2)]);
        // What was not there at one look is new at the next.
        assert_eq!(look(&[], 1112), []);
        assert_eq!(look(&[held("b", 2, 0)], 2000), []);
    }
}
