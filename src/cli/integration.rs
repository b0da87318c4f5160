//! `usher integration`: connectors set up for apps.

use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use crate::integration::{Answering, Grant, Integration as Found, NewIntegration, Policy, Profile};
use crate::server::Installation;

use super::context::Context;
use super::input::{pairs, parse_seconds, read_credentials};
use super::limits::Limits;
use super::maintenance::Maintained;
use super::output::table;
use super::{Exit, OPERATOR};

/// Connectors set up for apps
#[derive(clap::Args)]
pub(super) struct Integration {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Sets a connector up for an app
    Create(Box<Create>),
    /// Lists the integrations
    List,
    /// Shows how one is set up, and what keeps jobs of it from beginning
    Show {
        /// The integration
        name: String,
    },
    /// Logs in and reads the list of accounts; changes nothing
    Test {
        /// The integration
        name: String,
    },
    /// Changes what an integration allows and how it answers; what is not named stays
    Policy(Box<ChangedPolicy>),
    /// Lets no job of the integration start
    Pause {
        /// The integration
        name: String,
        /// Why, for those who find it paused
        #[arg(long)]
        reason: String,
    },
    /// Lets its jobs start again, and operations be tried that had stopped
    Resume {
        /// The integration
        name: String,
    },
    /// Lets no job of the integration start while the app is maintained; wishes are recorded meanwhile
    Maintenance(Maintained),
    /// Replaces credentials of its service account
    Credentials {
        /// The integration
        name: String,
        /// KEY=@FILE, KEY=- for standard input, KEY=$VARIABLE for the environment
        #[arg(long = "credential", value_name = "KEY=SOURCE", required = true)]
        credentials: Vec<String>,
    },
}

#[derive(clap::Args)]
struct Create {
    /// Its name: small letters, digits and hyphens; part of the SCIM address
    name: String,
    /// The connector
    #[arg(long)]
    connector: String,
    /// A setting of the connector
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// How the service account logs in
    #[arg(long, default_value = "password")]
    login: String,
    /// KEY=@FILE, KEY=- for standard input, KEY=$VARIABLE for the environment; a user name may be given as it is
    #[arg(long = "credential", value_name = "KEY=SOURCE")]
    credentials: Vec<String>,
    /// How a SCIM request is answered whose job takes its time
    #[arg(long, value_enum, default_value = "wait")]
    answer: Answer,
    /// How long a SCIM request waits for the true outcome: 0s to 50s
    #[arg(long, default_value = "25s", value_parser = parse_seconds)]
    patience: Duration,
    /// An account that is never changed; `*` stands for any text. The service account always is one
    #[arg(long = "protect", value_name = "PATTERN")]
    protected: Vec<String>,
    /// Which identity provider asks
    #[arg(long, value_enum, default_value = "okta")]
    profile: Provider,
    /// What the members of a group get, such as `Support Agents=role:agent`; of several for the same, the first counts
    #[arg(long = "grant", value_name = "GROUP=ENTITLEMENT:KEY", value_parser = parse_grant)]
    grants: Vec<Grant>,
    #[command(flatten)]
    limits: Limits,
}

#[derive(clap::Args)]
struct ChangedPolicy {
    /// The integration
    name: String,
    /// How a SCIM request is answered whose job takes its time
    #[arg(long, value_enum)]
    answer: Option<Answer>,
    /// How long a SCIM request waits for the true outcome: 0s to 50s
    #[arg(long, value_parser = parse_seconds)]
    patience: Option<Duration>,
    /// Accounts that are never changed, in the place of those until now; `*` stands for any text
    #[arg(long = "protect", value_name = "PATTERN")]
    protected: Option<Vec<String>>,
    /// Which identity provider asks
    #[arg(long, value_enum)]
    profile: Option<Provider>,
    /// What the members of groups get, in the place of what they got until now; each member at its next change
    #[arg(long = "grant", value_name = "GROUP=ENTITLEMENT:KEY", value_parser = parse_grant)]
    grants: Option<Vec<Grant>>,
    #[command(flatten)]
    limits: Limits,
}

/// The ways to answer.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Answer {
    /// At once: it is recorded
    Accept,
    /// With what really happened, as long as the patience lasts; then that it is recorded
    Wait,
    /// With what really happened; when the patience is over, that it has to be asked for again (429, which Okta does by itself)
    Hold,
}

impl From<Answer> for Answering {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Accept => Self::Accept,
            Answer::Wait => Self::Wait,
            Answer::Hold => Self::Hold,
        }
    }
}

/// The identity providers that differ.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Provider {
    /// Okta: roles and entitlements are listed for its entitlement discovery
    Okta,
    /// Microsoft Entra ID
    Entra,
    /// The RFCs and nothing else
    Strict,
}

impl From<Provider> for Profile {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Okta => Self::Okta,
            Provider::Entra => Self::Entra,
            Provider::Strict => Self::Strict,
        }
    }
}

impl Integration {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        match self.act {
            Act::Create(create) => return create.run(context, &installation).await,
            Act::List => list(context, &installation).await?,
            Act::Show { name } => return super::integration_show::run(context, &installation, &name).await,
            Act::Test { name } => return super::integration_test::run(context, &installation, &name).await,
            Act::Policy(change) => change.run(context, &installation).await?,
            Act::Pause { name, reason } => {
                let row = find(&installation, &name).await?.row;
                installation.store.pause_integration(&row.id, &reason, OPERATOR).await?;
                context
                    .format
                    .print(&json!({ "name": name, "paused": reason }), |_| format!("{name} is paused"))?;
            }
            Act::Resume { name } => {
                let row = find(&installation, &name).await?.row;
                installation.store.resume_integration(&row.id, OPERATOR).await?;
                context.format.print(&json!({ "name": name, "paused": null }), |_| format!("{name} runs"))?;
            }
            Act::Maintenance(maintained) => maintained.run(context, &installation).await?,
            Act::Credentials { name, credentials } => {
                let integration = find(&installation, &name).await?;
                let credentials = read_credentials(&credentials)?;
                let kept = installation.integrations.credentials(&integration).await?;
                let names = credentials.keys().chain(kept.values.keys()).map(String::as_str);
                let wrong = integration.connector.service_account.check(&integration.login, names);
                if !wrong.is_empty() {
                    bail!(wrong.join("\n"));
                }
                installation
                    .integrations
                    .put_credentials(&integration.row.id, &credentials, OPERATOR)
                    .await?;
                let changed: Vec<&String> = credentials.keys().collect();
                context.format.print(&json!({ "name": name, "changed": changed }), |_| {
                    format!("changed; `usher integration test {name}` tries them")
                })?;
            }
        }
        Ok(Exit::Done)
    }
}

impl Create {
    async fn run(self, context: &Context, installation: &Installation) -> anyhow::Result<Exit> {
        let mut policy = Policy {
            answer: self.answer.into(),
            patience_ms: u64::try_from(self.patience.as_millis())?,
            protected: self.protected,
            profile: self.profile.into(),
            grants: self.grants,
            ..Policy::default()
        };
        self.limits.apply(&mut policy)?;
        let new = NewIntegration {
            name: self.name,
            connector: self.connector,
            settings: pairs(&self.settings, "--set")?,
            login: self.login,
            credentials: read_credentials(&self.credentials)?,
            policy,
        };
        let created = installation.integrations.create(new, OPERATOR).await?;
        let name = &created.row.name;
        let path = format!("/scim/v2/{name}");
        let shown = json!({ "id": created.row.id, "name": name, "connector": created.connector.name, "scim_path": path });
        context.format.print(&shown, |_| {
            format!(
                "created {name}; its SCIM base path is {path}\n\
                 next: usher integration test {name}, then usher token new {name}"
            )
        })?;
        Ok(Exit::Done)
    }
}

impl ChangedPolicy {
    async fn run(self, context: &Context, installation: &Installation) -> anyhow::Result<()> {
        let integration = find(installation, &self.name).await?;
        let mut policy = integration.row.policy.clone();
        policy.answer = self.answer.map_or(policy.answer, Answering::from);
        if let Some(patience) = self.patience {
            policy.patience_ms = u64::try_from(patience.as_millis())?;
        }
        policy.protected = self.protected.unwrap_or(policy.protected);
        policy.profile = self.profile.map_or(policy.profile, Profile::from);
        policy.grants = self.grants.unwrap_or(policy.grants);
        self.limits.apply(&mut policy)?;
        installation.integrations.change_policy(&integration, policy.clone(), OPERATOR).await?;
        let name = self.name;
        context.format.print(&json!({ "name": name, "policy": policy }), |shown| {
            let policy = shown["policy"].as_object().into_iter().flatten();
            let rows: Vec<Vec<String>> =
                policy.map(|(name, value)| vec![name.clone(), value.to_string()]).collect();
            table(&["POLICY", "VALUE"], &rows)
        })
    }
}

async fn list(context: &Context, installation: &Installation) -> anyhow::Result<()> {
    let shown = installation.operators.list_integrations().await?;
    context.format.print(&shown, |shown| {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let rows: Vec<Vec<String>> = shown
            .iter()
            .map(|one| {
                ["name", "connector", "stands"]
                    .map(|name| text(&one[name]))
                    .into_iter()
                    .chain([text(&one["reasons"][0])])
                    .collect()
            })
            .collect();
        table(&["NAME", "CONNECTOR", "STANDS", "WHY"], &rows)
    })
}

/// The integration of that name, or an error that says which there are.
pub(super) async fn find(installation: &Installation, name: &str) -> anyhow::Result<Found> {
    if let Some(found) = installation.integrations.find(name).await? {
        return Ok(found);
    }
    let names: Vec<String> =
        installation.store.list_integrations().await?.into_iter().map(|row| row.name).collect();
    match names.as_slice() {
        [] => bail!("there is no integration yet; `usher integration create` makes one"),
        names => bail!("there is no integration `{name}`; there are: {}", names.join(", ")),
    }
}

/// `Support Agents=role:agent`.
fn parse_grant(text: &str) -> Result<Grant, String> {
    let parts = text.rsplit_once('=').and_then(|(group, given)| {
        let (entitlement, key) = given.split_once(':')?;
        let parts = [group, entitlement, key].map(str::trim);
        parts.iter().all(|part| !part.is_empty()).then_some(parts)
    });
    let [group, entitlement, key] = parts
        .ok_or("the name of a group, an entitlement and its key, as in \"Support Agents=role:agent\"")?;
    Ok(Grant { group: group.to_owned(), entitlement: entitlement.to_owned(), key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_a_group_an_entitlement_and_a_key() {
        let grant = parse_grant("A = B=role:agent").unwrap();
        assert_eq!(
            (grant.group.as_str(), grant.entitlement.as_str(), grant.key.as_str()),
            ("A = B", "role", "agent")
        );
        for wrong in ["", "Support", "Support=role", "=role:agent", "Support=:agent", "Support=role:"] {
            assert!(parse_grant(wrong).is_err(), "{wrong}");
        }
    }
}
