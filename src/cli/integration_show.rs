//! `usher integration show`: how an integration is set up, and what keeps jobs of it from beginning.

use serde_json::Value;

use crate::server::Installation;

use super::Exit;
use super::context::Context;
use super::integration::find;
use super::output::table;

pub(super) async fn run(context: &Context, installation: &Installation, name: &str) -> anyhow::Result<Exit> {
    let found = find(installation, name).await?;
    let shown = installation.operators.integration_in_full(&found).await?;
    context.format.print(&shown, in_words)?;
    Ok(Exit::Done)
}

fn in_words(shown: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines =
        vec![format!("{}  {}  {}", text(&shown["name"]), text(&shown["connector"]), text(&shown["stands"]))];
    lines.extend(
        shown["reasons"].as_array().into_iter().flatten().map(|reason| format!("  {}", text(reason))),
    );
    for operation in shown["operations"].as_array().into_iter().flatten() {
        // Those that are stopped are among the reasons.
        if operation["stopped_since"].is_null() {
            let (name, failures) = (text(&operation["operation"]), &operation["failures"]);
            lines
                .push(format!("`{name}` failed, {failures} in a row, last: {}", text(&operation["message"])));
        }
    }
    let rows = |member: &str| -> Vec<Vec<String>> {
        let members = shown[member].as_object().into_iter().flatten();
        members.map(|(name, value)| vec![name.clone(), text(value)]).collect()
    };
    for (member, head) in [("jobs", "JOBS"), ("settings", "SETTING"), ("policy", "POLICY")] {
        lines.push(format!("\n{}", table(&[head, ""], &rows(member))));
    }
    lines.join("\n")
}
