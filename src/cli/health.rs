//! `usher health`: asks a running server whether it is well; for container health checks.

use anyhow::Context as _;

use super::Exit;
use super::context::Context;

/// Asks a running server whether it is well
#[derive(clap::Args)]
pub(super) struct Health {
    /// Where the server listens
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
}

impl Health {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let url = format!("{}/healthz", self.url.trim_end_matches('/'));
        let answer = reqwest::get(&url).await.with_context(|| format!("nothing answers at {url}"))?;
        let well = answer.status().is_success();
        let body: serde_json::Value = answer.json().await.context("the answer is not Usher's")?;
        context.format.print(&body, |body| body["status"].as_str().unwrap_or("unknown").to_owned())?;
        Ok(if well { Exit::Done } else { Exit::Failed })
    }
}
