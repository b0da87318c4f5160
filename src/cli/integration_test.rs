//! `usher integration test`: a real login and a real reading, by the server that runs or by a worker of its own.

use serde_json::json;

use crate::server::Installation;
use crate::store::{JobState, Work};

use super::Exit;
use super::carry_out::carry_out;
use super::context::Context;

/// Asks for a test of the integration's login and waits for its result.
pub(super) async fn run(context: &Context, installation: &Installation, name: &str) -> anyhow::Result<Exit> {
    let integration = super::integration::find(installation, name).await?;
    let settled = carry_out(installation, &integration, Work::TestLogin, "integration.tested").await?;
    let message = settled.message.clone().unwrap_or_default();
    let shown = json!({ "job": settled.id, "state": settled.state.as_str(), "class": settled.class, "message": message });
    context.format.print(&shown, |_| match settled.class {
        None => message.clone(),
        Some(class) => format!("{class}: {message}\nsee: usher job show {}", settled.id),
    })?;
    Ok(if settled.state == JobState::Done { Exit::Done } else { Exit::Failed })
}
