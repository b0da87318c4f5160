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
use super::claim::{Held, Stranded};
use super::{JobRow, Lease};

statements! {
    HELD = "SELECT job_id, fence, worker, beat, lease_ms FROM slots WHERE job_id IS NOT NULL ORDER BY id";
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

async fn held(db: &mut Db) -> Result<Vec<Held>, StoreError> {
    db.all(HELD, &[]).await?.iter().map(read).collect()
}

pub(super) fn read(row: &Row) -> Result<Held, StoreError> {
    Ok(Held {
        lease: Lease { job_id: row.text("job_id")?, fence: row.int("fence")? },
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
        Held { lease, worker: "w".to_owned(), beat, length: Duration::from_secs(60) }
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
