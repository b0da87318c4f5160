//! Asks for a job and waits for its end, carried out by the server that runs or by a worker of this process.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::{Either, select};

use crate::clock::{Clock as _, SystemClock};
use crate::integration::Integration;
use crate::operator::asked;
use crate::server::Installation;
use crate::store::{JobRow, Store, Work};
use crate::trace::Progress;

use super::OPERATOR;

/// The job as it has settled. `event` is what is asked for, as events name it.
pub(super) async fn carry_out(
    installation: &Installation,
    integration: &Integration,
    work: Work,
    event: &str,
) -> anyhow::Result<JobRow> {
    let store = &installation.store;
    let job = store.request_job(&integration.row.id, work, asked(event, OPERATOR), OPERATOR).await?;
    // Where a server runs, its worker takes the job; otherwise this process is the worker for as long as it takes.
    let worker = installation.start_worker(installation.worker_options(super::browser::chromium()?)).await?;
    eprintln!("{}: job {}", integration.row.name, job.id);
    let teller = Teller { began: SystemClock.elapsed(), told: Cell::new(None) };
    let telling = pin!(teller.keep_telling(store, &job.id));
    let settled = match select(pin!(store.settled_job(&job.id)), telling).await {
        Either::Left((settled, _)) => settled,
        Either::Right(((), settling)) => settling.await,
    };
    if let Ok(Some(settled)) = &settled {
        teller.tell(settled);
    }
    if let Some(worker) = worker {
        worker.stop().await;
    }
    settled?.context("the job is gone")
}

/// Tells how far a list is read.
struct Teller {
    began: Duration,
    told: Cell<Option<Progress>>,
}

impl Teller {
    /// Tells as often as more is noted, until that cannot be looked at.
    async fn keep_telling(&self, store: &Store, id: &str) {
        let mut watch = store.watch_job(id);
        while let Ok(Some(job)) = store.find_job(id).await {
            self.tell(&job);
            watch.changed().await;
        }
    }

    fn tell(&self, job: &JobRow) {
        let noted = job.progress.clone().and_then(|noted| serde_json::from_value::<Progress>(noted).ok());
        if let Some(progress) = noted.filter(|_| noted != self.told.get()) {
            eprintln!("{}", in_words(progress, SystemClock.elapsed().saturating_sub(self.began)));
            self.told.set(noted);
        }
    }
}

/// How far it is, and how long the rest takes where it goes on as until now.
fn in_words(progress: Progress, took: Duration) -> String {
    let Progress { pages, rows, total } = progress;
    let on = format!("on {pages} page{}", if pages == 1 { "" } else { "s" });
    let Some(total) = total.filter(|total| *total >= rows) else { return format!("read {rows} {on}") };
    let left = took.as_secs_f64() * (total - rows) as f64 / rows.max(1) as f64;
    format!("read {rows} of {total} {on}; about {left:.0} s more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_read() {
        let words = |rows, total| in_words(Progress { pages: 10, rows, total }, Duration::from_secs(3));
        assert_eq!(words(250, Some(1000)), "read 250 of 1000 on 10 pages; about 9 s more");
        assert_eq!(words(250, None), "read 250 on 10 pages");
        assert_eq!(words(0, Some(0)), "read 0 of 0 on 10 pages; about 0 s more");
    }
}
