//! `usher assignments`: who holds what in an app, as it was last read there.

use anyhow::Context as _;
use serde::Serialize;

use crate::account::Status;
use crate::connector::Connector;
use crate::store::KnownUser;

use super::Exit;
use super::context::Context;

/// Prints who holds what in an app, as it was last read there, as CSV or, with `--format json`, as JSON
#[derive(clap::Args)]
pub(super) struct Assignments {
    /// The integration
    name: String,
    /// Only of this type, such as `role`
    #[arg(long, value_name = "TYPE")]
    entitlement: Option<String>,
}

/// One account, and one thing that it holds; one that holds nothing stands there once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Assignment {
    user_name: String,
    user_id: String,
    external_id: Option<String>,
    /// The app's own id.
    app_id: Option<String>,
    /// Where the account stands in the app.
    status: &'static str,
    /// Whether the identity provider wants it to be used.
    wanted: bool,
    entitlement: Option<String>,
    key: Option<String>,
    /// What the app shows for the key.
    label: Option<String>,
    /// When the account was read.
    read: String,
}

impl Assignments {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let found = super::integration::find(&installation, &self.name).await?;
        let types: Vec<&str> = found.connector.entitlements.iter().map(|one| one.name.as_str()).collect();
        if let Some(only) = self.entitlement.as_deref().filter(|only| !types.contains(only)) {
            anyhow::bail!("the app does not have `{only}`; it has {}", crate::diagnostic::one_of(&types));
        }
        let mut rows: Vec<Assignment> = Vec::new();
        let take = |known| rows.extend(of_user(&found.connector, &known));
        installation.store.each_known_user(&found.row.id, take).await?;
        rows.retain(|row| self.entitlement.is_none() || row.entitlement == self.entitlement);
        let table = table(&rows).context("the table cannot be written")?;
        context.format.print(&rows, |_| table.trim_end().to_owned())?;
        Ok(Exit::Done)
    }
}

/// What a user's account holds; nothing where no account was seen.
fn of_user(connector: &Connector, known: &KnownUser) -> Vec<Assignment> {
    let (Some(seen), Some(seen_at)) = (&known.seen, known.seen_at) else { return Vec::new() };
    if seen.status == Status::Absent {
        return Vec::new();
    }
    let user = &known.user;
    let bare = Assignment {
        user_name: user.user_name.clone(),
        user_id: user.id.clone(),
        external_id: user.external_id.clone(),
        app_id: seen.app_id.clone(),
        status: seen.status.as_str(),
        wanted: user.active && user.deleted_at.is_none(),
        entitlement: None,
        key: None,
        label: None,
        read: seen_at.to_rfc3339(),
    };
    let held = seen.entitlements.iter().flat_map(|(name, keys)| keys.iter().map(move |key| (name, key)));
    let rows: Vec<Assignment> = held
        .map(|(name, key)| {
            let label = connector.entitlement(name).map(|declared| declared.label_of(key).to_owned());
            Assignment { entitlement: Some(name.clone()), key: Some(key.clone()), label, ..bare.clone() }
        })
        .collect();
    if rows.is_empty() { vec![bare] } else { rows }
}

/// The rows as CSV (RFC 4180), its head first.
fn table(rows: &[Assignment]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = "user_name user_id external_id app_id status wanted entitlement key label read";
    writer.write_record(head.split(' '))?;
    for row in rows {
        let text = |text: &Option<String>| text.as_deref().map(no_formula).unwrap_or_default();
        writer.write_record([
            no_formula(&row.user_name),
            row.user_id.clone(),
            text(&row.external_id),
            text(&row.app_id),
            row.status.to_owned(),
            row.wanted.to_string(),
            text(&row.entitlement),
            text(&row.key),
            text(&row.label),
            row.read.clone(),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner().context("it was not written")?)?)
}

/// What no program for tables carries out: names come from the app, where anybody may choose theirs.
fn no_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        let row = Assignment {
            user_name: "=HYPERLINK(\"http://evil.example\")".into(),
            user_id: "1".into(),
            external_id: None,
            app_id: Some("a,b".into()),
            status: "active",
            wanted: true,
            entitlement: None,
            key: None,
            label: None,
            read: "2026-11-28T00:00:00.000Z".into(),
        };
        let table = table(&[row]).unwrap();
        let expected = "\"'=HYPERLINK(\"\"http://evil.example\"\")\",1,,\"a,b\",active,true,,,,2026-11-28T00:00:00.000Z\n";
        assert_eq!(table.split_once('\n').unwrap().1, expected);
    }
}
