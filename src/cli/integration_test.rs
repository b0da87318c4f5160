//! `usher integration test`: a real login and a real reading, by the server that runs or by a worker of its own.

use anyhow::Context as _;
use serde_json::json;

use crate::server::Installation;
use crate::store::{JobRequest, JobState, Priority, Work};

use super::context::Context;
use super::{Exit, OPERATOR};

/// Asks for a test of the integration's login and waits for its result.
pub(super) async fn run(context: &Context, installation: &Installation, name: &str) -> anyhow::Result<Exit> {
    let integration = super::integration::find(installation, name).await?;
    let request = JobRequest {
        priority: Priority::INTERACTIVE,
        cause: json!({ "event": "integration.tested", "by": OPERATOR }),
    };
    let store = &installation.store;
    let job = store.request_job(&integration.row.id, Work::TestLogin, request, OPERATOR).await?;
    // Where a server runs, its worker takes the job; otherwise this process is the worker for as long as it takes.
    let worker = installation.start_worker(installation.worker_options(super::browser::chromium()?)).await?;
    eprintln!("testing {name}: job {}", job.id);
    let settled = store.settled_job(&job.id).await;
    if let Some(worker) = worker {
        worker.stop().await;
    }
    let settled = settled?.context("the job is gone")?;
    let message = settled.message.clone().unwrap_or_default();
    let shown = json!({ "job": settled.id, "state": settled.state.as_str(), "class": settled.class, "message": message });
    context.format.print(&shown, |_| match settled.class {
        None => message.clone(),
        Some(class) => format!("{class}: {message}\nsee: usher job show {}", settled.id),
    })?;
    Ok(if settled.state == JobState::Done { Exit::Done } else { Exit::Failed })
}
