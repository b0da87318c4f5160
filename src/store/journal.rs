//! The journal of SCIM: what was asked of an integration and what it answered.
//!
//! Invariants: what comes here is redacted already; of each integration the last [`EXCHANGES_KEPT`] are kept, and, apart from
//! them, the last [`STRANGERS_KEPT`] of those who were not let in, so that nobody from outside can push out what is of use.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;

use super::Store;
use super::engine::Kind;
use super::error::StoreError;
use super::sql::{Composed, Row, args, statements};
use super::writer::Tx;
use crate::clock::Timestamp;

statements! {
    NAMED = "SELECT id FROM integrations WHERE name = $1";
    TRIM = "DELETE FROM exchanges WHERE integration_id = $1 AND let_in = $2 AND number <= (SELECT number FROM exchanges WHERE integration_id = $1 AND let_in = $2 ORDER BY number DESC LIMIT 1 OFFSET $3)";
    LOSE = "INSERT INTO exchanges_lost (integration_id, lost, last_at) VALUES ($1, $2, $3) ON CONFLICT (integration_id) DO UPDATE SET lost = exchanges_lost.lost + excluded.lost, last_at = excluded.last_at";
    LOST = "SELECT lost, last_at FROM exchanges_lost WHERE integration_id = $1";
    LATEST = "SELECT number, token_id, at, method, target, status, duration_ms, user_agent FROM exchanges WHERE integration_id = $1 ORDER BY number DESC LIMIT $2";
    FIND = "SELECT * FROM exchanges WHERE integration_id = $1 AND number = $2";
}

/// A row each, in the order of [`insert`]'s parameters.
const INSERT: &str = "INSERT INTO exchanges (integration_id, token_id, let_in, at, method, target, status, duration_ms, user_agent, request_headers, answer_headers, request_note, answer_note, request_body, answer_body) VALUES ";

/// How many exchanges of those who were let in are kept of an integration.
pub const EXCHANGES_KEPT: u32 = 1000;

/// How many exchanges of those who were not let in are kept of an integration.
pub const STRANGERS_KEPT: u32 = 100;

/// How many rows one statement writes, the largest number that still fits first: few texts of it, each of which is prepared once, and
/// far below the engines' limits on parameters.
const ROWS_AT_ONCE: [usize; 4] = [64, 16, 4, 1];

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeBy {
    /// The holder of a token of the integration.
    Token {
        /// The integration's id.
        integration_id: String,
        /// The token's id.
        token_id: String,
    },
    /// Somebody who was not let in to the integration of that name, if there is one.
    Stranger {
        /// The name.
        integration: String,
    },
}

/// What is kept of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExchangeBody {
    /// There was none.
    #[default]
    None,
    /// The body, redacted.
    Text(String),
    /// There was one that is not kept; why, in words.
    NotKept(String),
}

/// Headers by their usual spelling.
pub type Headers = BTreeMap<Cow<'static, str>, String>;

/// A request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeMessage {
    /// The headers that are kept.
    pub headers: Headers,
    /// The body.
    pub body: ExchangeBody,
}

/// An exchange to be kept.
#[derive(Clone, Debug)]
pub struct NewExchange {
    /// Who asked.
    pub by: ExchangeBy,
    /// When the request came.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub duration_ms: u64,
    /// What was asked.
    pub request: ExchangeMessage,
    /// What was answered.
    pub answer: ExchangeMessage,
}

/// A request and its answer on one line.
#[derive(Clone, Debug)]
pub struct ExchangeSummary {
    /// Its number, which grows with time; other integrations have numbers in between.
    pub number: i64,
    /// The token that was used; none where nobody was let in.
    pub token_id: Option<String>,
    /// When the request came.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub duration_ms: u64,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What it was about.
    pub summary: ExchangeSummary,
    /// What was asked.
    pub request: ExchangeMessage,
    /// What was answered.
    pub answer: ExchangeMessage,
}

/// Exchanges that came faster than they could be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many there were.
    pub exchanges: u64,
    /// When the last of them was counted.
    pub last_at: Timestamp,
}

/// The latest exchanges of an integration.
#[derive(Clone, Debug)]
pub struct JournalPage {
    /// Newest last.
    pub exchanges: Vec<ExchangeSummary>,
    /// What is not in the journal although it should be.
    pub lost: Option<Lost>,
}

impl Store {
    /// Keeps exchanges in the order in which they are given, drops the oldest that are too many now, and adds to the count of what was
    /// lost, by integration id. What was asked of an integration that does not exist is not kept.
    pub async fn keep_exchanges(
        &self,
        exchanges: Vec<NewExchange>,
        lost: BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        self.writer.write(move |tx| async move { keep(tx, exchanges, lost).await }.boxed()).await
    }

    /// The latest exchanges of an integration, `limit` at most.
    pub async fn list_exchanges(&self, integration_id: &str, limit: u32) -> Result<JournalPage, StoreError> {
        let mut db = self.snapshot().await?;
        let rows = db.all(LATEST, args![integration_id, i64::from(limit)]).await?;
        let exchanges = rows.iter().rev().map(summary).collect::<Result<_, _>>()?;
        let lost = match db.one(LOST, args![integration_id]).await? {
            Some(row) => Some(Lost { exchanges: unsigned(row.int("lost")?), last_at: row.time("last_at")? }),
            None => None,
        };
        Ok(JournalPage { exchanges, lost })
    }

    /// The integration's exchange of that number.
    pub async fn find_exchange(
        &self,
        integration_id: &str,
        number: i64,
    ) -> Result<Option<Exchange>, StoreError> {
        let row = self.reader().await?.one(FIND, args![integration_id, number]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Exchange {
            summary: summary(&row)?,
            request: message(&row, ["request_headers", "request_body", "request_note"])?,
            answer: message(&row, ["answer_headers", "answer_body", "answer_note"])?,
        }))
    }
}

async fn keep(
    tx: &mut Tx,
    exchanges: Vec<NewExchange>,
    lost: BTreeMap<String, u64>,
) -> Result<(), StoreError> {
    let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut known = Vec::with_capacity(exchanges.len());
    for exchange in exchanges {
        let id = match &exchange.by {
            ExchangeBy::Token { integration_id, .. } => Some(integration_id.clone()),
            ExchangeBy::Stranger { integration } => match names.get(integration) {
                Some(id) => id.clone(),
                None => {
                    let row = tx.db.one(NAMED, args![integration]).await?;
                    let id = row.map(|row| row.text("id")).transpose()?;
                    names.insert(integration.clone(), id.clone());
                    id
                }
            },
        };
        known.extend(id.map(|id| (id, exchange)));
    }
    let mut left = &known[..];
    for rows in ROWS_AT_ONCE {
        while let Some((first, rest)) = left.split_at_checked(rows) {
            tx.db.all_of(insert(tx.db.kind(), first)).await?;
            left = rest;
        }
    }
    let kinds: BTreeSet<(&str, bool)> =
        known.iter().map(|(id, exchange)| (id.as_str(), let_in(exchange))).collect();
    for (id, let_in) in kinds {
        let most = if let_in { EXCHANGES_KEPT } else { STRANGERS_KEPT };
        tx.db.write(TRIM, args![id, let_in, i64::from(most)]);
    }
    for (id, count) in lost {
        tx.db.write(LOSE, args![id, signed(count), tx.now]);
    }
    Ok(())
}

fn let_in(exchange: &NewExchange) -> bool {
    matches!(exchange.by, ExchangeBy::Token { .. })
}

/// One statement for several rows; as many rows, as many texts of it.
fn insert(kind: Kind, rows: &[(String, NewExchange)]) -> Composed<'_> {
    let mut statement = Composed::new(kind);
    statement.push(INSERT);
    for (index, (integration_id, exchange)) in rows.iter().enumerate() {
        let token_id = match &exchange.by {
            ExchangeBy::Token { token_id, .. } => Some(token_id),
            ExchangeBy::Stranger { .. } => None,
        };
        let (request, answer) = (&exchange.request, &exchange.answer);
        statement.push(if index == 0 { "(" } else { ", (" });
        statement.bind(integration_id).push(", ").bind(token_id).push(", ").bind(let_in(exchange));
        statement.push(", ").bind(exchange.at).push(", ").bind(&exchange.method);
        statement.push(", ").bind(&exchange.target).push(", ").bind(i64::from(exchange.status));
        statement.push(", ").bind(signed(exchange.duration_ms));
        statement.push(", ").bind(request.headers.get(USER_AGENT));
        statement.push(", ").bind(json(&request.headers)).push(", ").bind(json(&answer.headers));
        statement.push(", ").bind(request.note()).push(", ").bind(answer.note());
        statement.push(", ").bind(request.text()).push(", ").bind(answer.text()).push(")");
    }
    statement
}

/// The header by which clients tell what they are.
const USER_AGENT: &str = "User-Agent";

impl ExchangeMessage {
    fn text(&self) -> Option<&String> {
        match &self.body {
            ExchangeBody::Text(text) => Some(text),
            ExchangeBody::None | ExchangeBody::NotKept(_) => None,
        }
    }

    fn note(&self) -> Option<&String> {
        match &self.body {
            ExchangeBody::NotKept(why) => Some(why),
            ExchangeBody::None | ExchangeBody::Text(_) => None,
        }
    }
}

fn json(headers: &Headers) -> String {
    // Texts by texts: there is nothing in it that JSON does not have.
    serde_json::to_string(headers).unwrap_or_default()
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn summary(row: &Row) -> Result<ExchangeSummary, StoreError> {
    Ok(ExchangeSummary {
        number: row.int("number")?,
        token_id: row.maybe_text("token_id")?,
        at: row.time("at")?,
        method: row.text("method")?,
        target: row.text("target")?,
        status: u16::try_from(row.int("status")?).unwrap_or(0),
        duration_ms: unsigned(row.int("duration_ms")?),
        user_agent: row.maybe_text("user_agent")?,
    })
}

fn message(row: &Row, [headers, body, note]: [&'static str; 3]) -> Result<ExchangeMessage, StoreError> {
    let body = match (row.maybe_text(body)?, row.maybe_text(note)?) {
        (Some(text), _) => ExchangeBody::Text(text),
        (None, Some(why)) => ExchangeBody::NotKept(why),
        (None, None) => ExchangeBody::None,
    };
    Ok(ExchangeMessage { headers: row.json(headers)?, body })
}
