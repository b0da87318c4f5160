//! Slots that rest: no job runs, and the worker keeps the session open for the next one.
//!
//! The app sees that session as open. So the slot is not free before it is closed: whoever else wants it waits until the worker gives
//! it up, which it does when it cannot take the waiting job itself, or until it is silent.

use futures::FutureExt as _;

use super::super::Store;
use super::super::error::StoreError;
use super::super::sql::{args, statements};
use super::super::writer::Tx;
use super::claim::SlotId;

statements! {
    BEAT = "UPDATE slots SET beat = beat + 1 WHERE worker = $1 AND job_id IS NULL";
    RESTING = "SELECT id FROM slots WHERE worker = $1 AND job_id IS NULL ORDER BY id";
    WANTED = "SELECT s.id FROM slots s WHERE s.worker = $1 AND s.job_id IS NULL AND EXISTS (SELECT 1 FROM jobs j WHERE j.integration_id = s.integration_id AND j.state = 'ready') ORDER BY s.id";
    HELD = "SELECT count(*) AS held FROM slots WHERE worker = $1";
    GIVE_UP = "UPDATE slots SET worker = NULL, lease_ms = NULL WHERE id = $1 AND worker = $2 AND job_id IS NULL";
    GIVE_UP_ALL = "UPDATE slots SET worker = NULL, lease_ms = NULL WHERE worker = $1 AND job_id IS NULL";
}

impl Store {
    /// Lets the slots that rest with a worker stay its own.
    pub async fn beat_resting(&self, worker: &str) -> Result<(), StoreError> {
        if let Some(mut db) = self.engine.beside().await? {
            return db.change(BEAT, args![worker]).await.map(drop);
        }
        let worker = worker.to_owned();
        self.writer
            .write(move |tx| async move { tx.db.change(BEAT, args![&worker]).await.map(drop) }.boxed())
            .await
    }

    /// The slots that rest with a worker.
    pub async fn resting(&self, worker: &str) -> Result<Vec<SlotId>, StoreError> {
        let rows = self.reader().await?.all(RESTING, args![worker]).await?;
        rows.iter().map(|row| row.int("id").map(SlotId)).collect()
    }

    /// The slots that rest with a worker while a job of their integration could run.
    pub async fn resting_and_wanted(&self, worker: &str) -> Result<Vec<SlotId>, StoreError> {
        let rows = self.reader().await?.all(WANTED, args![worker]).await?;
        rows.iter().map(|row| row.int("id").map(SlotId)).collect()
    }

    /// How many slots a worker has, those that rest and those in which a job runs.
    pub async fn slots_held(&self, worker: &str) -> Result<usize, StoreError> {
        let held = self.reader().await?.one(HELD, args![worker]).await?;
        let held = held.map(|row| row.int("held")).transpose()?.unwrap_or_default();
        Ok(usize::try_from(held).unwrap_or_default())
    }

    /// Frees slots that rest with a worker, now that their sessions are closed.
    pub async fn give_up_slots(&self, worker: &str, slots: Vec<SlotId>) -> Result<(), StoreError> {
        if slots.is_empty() {
            return Ok(());
        }
        let worker = worker.to_owned();
        let give_up = move |tx: &mut Tx| {
            for slot in slots {
                tx.db.write(GIVE_UP, args![slot.0, &worker]);
            }
            tx.touched.work();
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(give_up(tx)).boxed()).await
    }

    /// Frees all slots that rest with a worker, which ends.
    pub async fn give_up_all_slots(&self, worker: &str) -> Result<(), StoreError> {
        let worker = worker.to_owned();
        let give_up = move |tx: &mut Tx| {
            tx.db.write(GIVE_UP_ALL, args![&worker]);
            tx.touched.work();
            Ok::<_, StoreError>(())
        };
        self.writer.write(move |tx| std::future::ready(give_up(tx)).boxed()).await
    }
}
