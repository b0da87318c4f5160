//! `usher scim-journal`: what identity providers asked of an integration, and what they were told.

mod compare;
mod http;
mod replay;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::server::Installation;
use crate::store::{EXCHANGES_KEPT, Exchange, ExchangeBody, ExchangeMessage, ExchangeSummary};

use super::Exit;
use super::context::Context;
use super::output::table;

/// What identity providers asked over SCIM and what they were told, without secrets
#[derive(clap::Args)]
pub(super) struct ScimJournal {
    /// The integration
    integration: String,
    /// How many requests to list, of the latest
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Subcommand)]
enum Act {
    /// Shows a request and its answer
    Show {
        /// Its number in the list
        number: i64,
    },
    /// Prints requests and their answers as a conversation, for a file that ends in .http
    Export {
        /// Their numbers in the list; all of them, if none is given
        numbers: Vec<i64>,
    },
    /// Sends a request again, and shows what is answered now beside what was answered then
    Replay(replay::Replay),
}

impl ScimJournal {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let installation = context.open().await?;
        let integration = super::integration::find(&installation, &self.integration).await?.row;
        let journal = Journal { installation: &installation, id: &integration.id, name: &integration.name };
        match self.act {
            None => journal.list(context, self.limit).await?,
            Some(Act::Show { number }) => {
                let exchange = journal.find(number).await?;
                context.format.print(&exchange_json(&exchange), |_| shown(&exchange))?;
            }
            Some(Act::Export { numbers }) => journal.export(context, numbers).await?,
            Some(Act::Replay(replay)) => {
                let exchange = journal.find(replay.number).await?;
                return replay.run(context, &exchange).await;
            }
        }
        Ok(Exit::Done)
    }
}

/// The journal of one integration.
struct Journal<'a> {
    installation: &'a Installation,
    id: &'a str,
    name: &'a str,
}

impl Journal<'_> {
    async fn list(&self, context: &Context, limit: u32) -> anyhow::Result<()> {
        let page = self.installation.store.list_exchanges(self.id, limit).await?;
        let exchanges: Vec<Value> = page.exchanges.iter().map(summary_json).map(Value::Object).collect();
        let lost =
            page.lost.map(|lost| json!({ "requests": lost.exchanges, "last": lost.last_at.to_rfc3339() }));
        context.format.print(&json!({ "exchanges": exchanges, "lost": lost }), |_| {
            let prefix = format!("/scim/v2/{}", self.name);
            let rows: Vec<Vec<String>> = page.exchanges.iter().map(|one| row(one, &prefix)).collect();
            let mut text = table(&["NUMBER", "TIME", "METHOD", "PATH", "STATUS", "MS", "CLIENT"], &rows);
            if let Some(lost) = page.lost {
                let (count, last) = (lost.exchanges, lost.last_at.to_rfc3339());
                text.push_str(&format!(
                    "\n{count} requests are not in the journal, the last at {last}: they came faster than it could be written"
                ));
            }
            text
        })
    }

    async fn find(&self, number: i64) -> anyhow::Result<Exchange> {
        let found = self.installation.store.find_exchange(self.id, number).await?;
        let name = self.name;
        found.with_context(|| {
            format!(
                "there is no request {number} of {name}, or no longer: the last {EXCHANGES_KEPT} are kept; \
                 `usher scim-journal {name}` lists them"
            )
        })
    }

    async fn export(&self, context: &Context, mut numbers: Vec<i64>) -> anyhow::Result<()> {
        if numbers.is_empty() {
            let page = self.installation.store.list_exchanges(self.id, u32::MAX).await?;
            numbers = page.exchanges.iter().map(|one| one.number).collect();
        }
        let mut exchanges = Vec::with_capacity(numbers.len());
        for number in numbers {
            exchanges.push(self.find(number).await?);
        }
        let shown: Vec<Value> = exchanges.iter().map(exchange_json).collect();
        context.format.print(&shown, |_| {
            let blocks: Vec<String> = exchanges.iter().map(conversation).collect();
            blocks.join("\n\n")
        })
    }
}

fn row(one: &ExchangeSummary, prefix: &str) -> Vec<String> {
    let path = one.target.strip_prefix(prefix).filter(|rest| !rest.is_empty()).unwrap_or(&one.target);
    let agent = one.user_agent.as_deref().unwrap_or("-");
    let client = if one.token_id.is_some() { agent.to_owned() } else { format!("{agent} (not let in)") };
    vec![
        one.number.to_string(),
        one.at.to_rfc3339(),
        http::harmless(&one.method),
        http::readable(path),
        one.status.to_string(),
        one.duration_ms.to_string(),
        http::harmless(&client),
    ]
}

/// A request and its answer for people.
fn shown(exchange: &Exchange) -> String {
    let summary = &exchange.summary;
    let token = summary.token_id.as_deref().unwrap_or("nobody was let in");
    let (number, at, ms) = (summary.number, summary.at.to_rfc3339(), summary.duration_ms);
    let (request, answer) =
        (http::request(exchange, http::Json::Indented), http::answer(exchange, http::Json::Indented));
    format!("request {number}, {at}, {ms} ms, {token}\n\n{request}\n\n{answer}")
}

/// The same in the form of `fixtures/scim/*.http`.
fn conversation(exchange: &Exchange) -> String {
    let summary = &exchange.summary;
    let (request, answer) =
        (http::request(exchange, http::Json::AsKept), http::answer(exchange, http::Json::AsKept));
    format!("### {}, {}\n{request}\n\n{answer}", summary.number, summary.at.to_rfc3339())
}

fn summary_json(one: &ExchangeSummary) -> Map<String, Value> {
    let json = json!({
        "number": one.number,
        "at": one.at.to_rfc3339(),
        "method": one.method,
        "target": one.target,
        "status": one.status,
        "duration_ms": one.duration_ms,
        "user_agent": one.user_agent,
        "token": one.token_id,
    });
    match json {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn exchange_json(exchange: &Exchange) -> Value {
    let mut json = summary_json(&exchange.summary);
    json.insert("request".to_owned(), message_json(&exchange.request));
    json.insert("answer".to_owned(), message_json(&exchange.answer));
    Value::Object(json)
}

fn message_json(message: &ExchangeMessage) -> Value {
    let (body, note) = match &message.body {
        ExchangeBody::None => (Value::Null, None),
        ExchangeBody::Text(text) => {
            (serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()), None)
        }
        ExchangeBody::NotKept(why) => (Value::Null, Some(why)),
    };
    json!({ "headers": message.headers, "body": body, "body_not_kept": note })
}
