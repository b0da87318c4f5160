//! Sending a request of the journal again.
//!
//! What was a secret is not kept and cannot be sent: it is left out, and that is said.

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::context::Context;
use super::super::input::read_secret;
use super::super::output::table;
use super::compare::{Difference, differences};
use super::{exchange_json, http};
use crate::journal::redacted;
use crate::secret::{ExposeSecret as _, MASK, SecretString};
use crate::store::{Exchange, ExchangeBody};

/// The request to send again, where to and as whom.
#[derive(clap::Args)]
pub(super) struct Replay {
    /// Its number in the list
    pub(super) number: i64,
    /// The running gateway
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    server: String,
    /// The token to send it with: @FILE, - for standard input, $VARIABLE for the environment
    #[arg(long, value_name = "SOURCE")]
    token: String,
}

impl Replay {
    pub(super) async fn run(self, context: &Context, exchange: &Exchange) -> anyhow::Result<Exit> {
        let Some(token) = read_secret("the token", &self.token)? else {
            bail!(
                "the token must not be an argument, where every process can read it; \
                 use --token @FILE, --token - or --token '$VARIABLE'"
            );
        };
        let again = Again::of(exchange)?;
        let (status, body) = again.send(&self.server, &token).await?;
        let found = differences((exchange.summary.status, &exchange.answer.body), (status, &body));
        let now = match &body {
            ExchangeBody::Text(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
            }
            ExchangeBody::None | ExchangeBody::NotKept(_) => Value::Null,
        };
        let shown = json!({
            "then": exchange_json(exchange),
            "left_out": again.left_out,
            "now": { "status": status, "body": now },
            "differences": found.iter().map(Difference::to_json).collect::<Vec<_>>(),
        });
        context.format.print(&shown, |_| in_words(exchange, &again, status, &found))?;
        Ok(Exit::Done)
    }
}

/// A request as it can be sent again.
struct Again<'a> {
    exchange: &'a Exchange,
    body: Option<String>,
    /// Where something is left out.
    left_out: Vec<String>,
}

impl<'a> Again<'a> {
    fn of(exchange: &'a Exchange) -> anyhow::Result<Self> {
        let number = exchange.summary.number;
        let target = &exchange.summary.target;
        if target.contains(MASK) || target.ends_with('…') {
            bail!("request {number} cannot be sent again: its address is not kept whole");
        }
        let mut left_out = Vec::new();
        let body = match &exchange.request.body {
            ExchangeBody::None => None,
            ExchangeBody::NotKept(why) => bail!("request {number} cannot be sent again: its body had {why}"),
            ExchangeBody::Text(text) if !text.contains(MASK) => Some(text.clone()),
            ExchangeBody::Text(text) => {
                let value = serde_json::from_str(text).context("the body cannot be read")?;
                let rest = without_secrets(value, "", &mut left_out);
                let Some(rest) = rest.filter(|rest| !is_emptied(rest)) else {
                    bail!("request {number} cannot be sent again: all that it asked for was secret");
                };
                Some(rest.to_string())
            }
        };
        Ok(Self { exchange, body, left_out })
    }

    async fn send(&self, server: &str, token: &SecretString) -> anyhow::Result<(u16, ExchangeBody)> {
        let summary = &self.exchange.summary;
        let url = format!("{}{}", server.trim_end_matches('/'), summary.target);
        let method = Method::from_bytes(summary.method.as_bytes()).context("the method cannot be sent")?;
        let client = reqwest::Client::builder().no_proxy().build().context("cannot make requests")?;
        let mut request = client.request(method, &url).bearer_auth(token.expose_secret());
        for (name, value) in &self.exchange.request.headers {
            request = request.header(&**name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let answer = request.send().await.with_context(|| format!("nothing answers at {server}"))?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.context("the answer ended too early")?;
        Ok((status, redacted(&bytes, bytes.len() as u64)))
    }
}

/// `value` without what is masked, of which `left_out` gets the places; `None` where nothing is left. An operation of a patch without its
/// value would mean something else, so it goes as a whole.
fn without_secrets(value: Value, place: &str, left_out: &mut Vec<String>) -> Option<Value> {
    let is_masked = |value: &Value| value.as_str().is_some_and(|text| text.contains(MASK));
    match value {
        Value::Object(members) => {
            let is_operation = members.keys().any(|name| name.eq_ignore_ascii_case("op"));
            if is_operation && members.values().any(is_masked) {
                left_out.push(place.to_owned());
                return None;
            }
            let kept = members.into_iter().filter_map(|(name, member)| {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                without_secrets(member, &place, left_out).map(|member| (name, member))
            });
            Some(Value::Object(kept.collect()))
        }
        Value::Array(elements) => {
            let kept = elements.into_iter().enumerate().filter_map(|(index, element)| {
                without_secrets(element, &format!("{place}[{index}]"), left_out)
            });
            Some(Value::Array(kept.collect()))
        }
        value if is_masked(&value) => {
            left_out.push(place.to_owned());
            None
        }
        value => Some(value),
    }
}

/// Whether a patch or a bulk request has no operation left.
fn is_emptied(value: &Value) -> bool {
    let operations = value.as_object().and_then(|members| {
        members
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("operations"))
            .map(|(_, operations)| operations)
    });
    operations.and_then(Value::as_array).is_some_and(Vec::is_empty)
}

fn in_words(exchange: &Exchange, again: &Again<'_>, status: u16, found: &[Difference]) -> String {
    let summary = &exchange.summary;
    let mut lines = vec![format!("sent again: {} {}", summary.method, http::readable(&summary.target))];
    if !again.left_out.is_empty() {
        lines.push(format!("left out, because secrets are not kept: {}", again.left_out.join(", ")));
    }
    lines.push(format!("then: {}, {}", http::status(summary.status), summary.at.to_rfc3339()));
    lines.push(format!("now:  {}", http::status(status)));
    lines.push(String::new());
    lines.push(match found {
        [] => "the answers are the same, but for times and versions".to_owned(),
        found => {
            let rows: Vec<Vec<String>> = found.iter().map(Difference::to_row).collect();
            table(&["WHAT DIFFERS", "THEN", "NOW"], &rows)
        }
    });
    http::harmless_lines(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_is_left_out_and_said() {
        let operation = |path: &str, value: &str| json!({ "op": "replace", "path": path, "value": value });
        for (kept, sent, places) in [
            (
                json!({ "userName": "ada", "password": MASK }),
                Some(json!({ "userName": "ada" })),
                vec!["password"],
            ),
            (
                json!({ "Operations": [operation("title", "x"), operation("password", MASK)] }),
                Some(json!({ "Operations": [operation("title", "x")] })),
                vec!["Operations[1]"],
            ),
            (
                json!({ "Operations": [{ "op": "replace", "value": { "active": true, "password": MASK } }] }),
                Some(json!({ "Operations": [{ "op": "replace", "value": { "active": true } }] })),
                vec!["Operations[0].value.password"],
            ),
            (json!({ "Operations": [operation("password", MASK)] }), None, vec!["Operations[0]"]),
            (json!({ "userName": "ada" }), Some(json!({ "userName": "ada" })), vec![]),
        ] {
            let mut left_out = Vec::new();
            let rest = without_secrets(kept.clone(), "", &mut left_out).filter(|rest| !is_emptied(rest));
            assert_eq!((rest, left_out), (sent, places.into_iter().map(str::to_owned).collect()), "{kept}");
        }
    }
}
