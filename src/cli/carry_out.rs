//! Asks for a job and waits for its end, carried out by the server that runs or by a worker of this process.

use anyhow::Context as _;
use serde_json::json;

use crate::integration::Integration;
use crate::server::Installation;
use crate::store::{JobRequest, JobRow, Priority, Work};

use super::OPERATOR;

/// The job as it has settled. `event` is what is asked for, as events name it.
pub(super) async fn carry_out(
    installation: &Installation,
    integration: &Integration,
    work: Work,
    event: &str,
) -> anyhow::Result<JobRow> {
    let request =
        JobRequest { priority: Priority::INTERACTIVE, cause: json!({ "event": event, "by": OPERATOR }) };
    let store = &installation.store;
    let job = store.request_job(&integration.row.id, work, request, OPERATOR).await?;
    // Where a server runs, its worker takes the job; otherwise this process is the worker for as long as it takes.
    let worker = installation.start_worker(installation.worker_options(super::browser::chromium()?)).await?;
    eprintln!("{}: job {}", integration.row.name, job.id);
    let settled = store.settled_job(&job.id).await;
    if let Some(worker) = worker {
        worker.stop().await;
    }
    settled?.context("the job is gone")
}
