//! The floor: what no gateway on this HTTP stack and this database can undercut. It answers the same requests in the same shapes, from
//! the same tables. A write is the transaction that it has to be, user, job and event, on the disk before the answer; commits are
//! shared as they gather. And nothing else: it knows nobody, checks nothing, looks for nothing before it writes, keeps no journal.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row};
use tokio::sync::{mpsc, oneshot};

type Write = (Statement, oneshot::Sender<i64>);

enum Statement {
    Insert { name: String, email: Option<String>, resource: String },
    Update { seq: i64, resource: String },
}

/// The shape that Usher's database has.
const TABLES: &str = include_str!("../../src/store/migrations/sqlite/0001_first.sql");
const INTEGRATION: &str = "INSERT INTO integrations (id, name, connector, settings, policy, max_sessions, pace_ms, created_at, modified_at) VALUES ($1, 'desk', 'acme-desk', '{}', '{}', 1, 0, 1, 1)";
const INTEGRATION_ID: &str = "01900000-0000-7000-8000-000000000000";
/// Statements go to the database in one turn; what is known beforehand is in the text. $1 is the user's id, $2 the job's, $3 the time,
/// $4 the place of the event.
const CREATE: &str = concat!(
    "INSERT INTO users (id, integration_id, user_name, user_name_key, active, resource, folded, version, created_at, modified_at) VALUES ($1, '01900000-0000-7000-8000-000000000000', $5, $6, 1, $7, $7, 1, $3, $3); ",
    "INSERT INTO user_emails (user_id, integration_id, email) SELECT $1, '01900000-0000-7000-8000-000000000000', $8 WHERE $8 IS NOT NULL; ",
    "INSERT INTO jobs (id, integration_id, lane, kind, user_id, wanted_version, priority, state, due_at, cause, created_at, changed_at) VALUES ($2, '01900000-0000-7000-8000-000000000000', $1, 'provision', $1, 1, 50, 'ready', $3, $9, $3, $3); ",
    "INSERT INTO events (seq, at, kind, actor, integration_id, target, job_id, data, hash) VALUES ($4, $3, 'user.wanted', 'token_01900000-0000-7000-8000-000000000000', '01900000-0000-7000-8000-000000000000', $1, $2, $9, $10)"
);
const CHANGE: &str = concat!(
    "UPDATE users SET resource = $5, folded = $5, version = version + 1, modified_at = $3 WHERE id = $1; ",
    "UPDATE jobs SET wanted_version = wanted_version + 1, cause = $6, changed_at = $3 WHERE id = $2; ",
    "INSERT INTO events (seq, at, kind, actor, integration_id, target, job_id, data, hash) VALUES ($4, $3, 'user.wanted', 'token_01900000-0000-7000-8000-000000000000', '01900000-0000-7000-8000-000000000000', $1, $2, $6, $7)"
);
/// What is told of a change, as long as what Usher tells.
const CAUSE: &str =
    r#"{"event":"user.wanted","request":"POST /Users","by":"token_01900000-0000-7000-8000-000000000000"}"#;
const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[derive(Clone)]
struct Floor {
    readers: SqlitePool,
    writer: mpsc::Sender<Write>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
}

/// Serves until it is killed.
pub async fn serve() {
    let options = SqliteConnectOptions::new()
        .filename(std::env::var_os("FLOOR_DATA").expect("FLOOR_DATA"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(TABLES).execute(&mut connection).await.unwrap();
    sqlx::query(INTEGRATION).bind(INTEGRATION_ID).execute(&mut connection).await.unwrap();
    let readers =
        SqlitePoolOptions::new().max_connections(4).test_before_acquire(false).connect_lazy_with(options);
    let (writer, queue) = mpsc::channel(1024);
    let router = Router::new()
        .route("/Users", get(list).post(create))
        .route("/Users/{id}", get(find).patch(change))
        .with_state(Arc::new(Floor { readers, writer }));
    // The server runs on as many threads as Usher's.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            tokio::spawn(write(connection, queue));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            eprintln!("the floor listens on http://{}", listener.local_addr().unwrap());
            axum::serve(listener, router).await.unwrap();
        });
    })
    .join()
    .unwrap();
}

/// Commits what has gathered as one transaction.
async fn write(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Write>) {
    let (mut users, mut events) = (0, 0);
    while let Some(first) = queue.recv().await {
        let mut batch = vec![first];
        while batch.len() < 128
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        let mut answers = Vec::new();
        for (statement, answer) in batch {
            events += 1;
            let seq = match statement {
                Statement::Insert { name, email, resource } => {
                    users += 1;
                    insert(&mut connection, (users, events), (name, email, resource)).await;
                    users
                }
                Statement::Update { seq, resource } => {
                    update(&mut connection, (seq, events), resource).await;
                    seq
                }
            };
            answers.push((answer, seq));
        }
        sqlx::query("COMMIT").execute(&mut connection).await.unwrap();
        for (answer, id) in answers {
            let _ = answer.send(id);
        }
    }
}

fn user_id(seq: i64) -> String {
    format!("01900000-0000-7000-8000-{seq:012}")
}

fn job_id(seq: i64) -> String {
    format!("job_{}", user_id(seq))
}

fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

async fn insert(
    connection: &mut SqliteConnection,
    (seq, event): (i64, i64),
    (name, email, resource): (String, Option<String>, String),
) {
    let create = sqlx::query(CREATE).bind(user_id(seq)).bind(job_id(seq)).bind(now()).bind(event);
    let create = create.bind(&*name).bind(name.to_lowercase()).bind(resource).bind(email);
    create.bind(CAUSE).bind(HASH).execute(connection).await.unwrap();
}

async fn update(connection: &mut SqliteConnection, (seq, event): (i64, i64), resource: String) {
    let change = sqlx::query(CHANGE).bind(user_id(seq)).bind(job_id(seq)).bind(now()).bind(event);
    change.bind(resource).bind(CAUSE).bind(HASH).execute(connection).await.unwrap();
}

fn answer(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/scim+json; charset=utf-8")], body).into_response()
}

fn shown(seq: i64, resource: &str) -> String {
    format!("{{\"id\":\"{seq}\",{}", resource.trim_start_matches('{'))
}

async fn written(floor: &Floor, statement: Statement) -> i64 {
    let (send, receive) = oneshot::channel();
    assert!(floor.writer.send((statement, send)).await.is_ok());
    receive.await.unwrap()
}

async fn create(State(floor): State<Arc<Floor>>, body: String) -> Response {
    let user: Value = serde_json::from_str(&body).unwrap();
    let name = user["userName"].as_str().unwrap().to_owned();
    let email = user["emails"][0]["value"].as_str().map(str::to_lowercase);
    let resource = user.to_string();
    let seq = written(&floor, Statement::Insert { name, email, resource: resource.clone() }).await;
    answer(StatusCode::CREATED, shown(seq, &resource))
}

async fn text_of(floor: &Floor, seq: i64) -> String {
    let query = sqlx::query("SELECT resource FROM users WHERE seq = $1").bind(seq);
    query.fetch_one(&floor.readers).await.unwrap().get(0)
}

async fn find(State(floor): State<Arc<Floor>>, Path(seq): Path<i64>) -> Response {
    answer(StatusCode::OK, shown(seq, &text_of(&floor, seq).await))
}

async fn change(State(floor): State<Arc<Floor>>, Path(seq): Path<i64>, body: String) -> Response {
    let patch: Value = serde_json::from_str(&body).unwrap();
    let mut user: Value = serde_json::from_str(&text_of(&floor, seq).await).unwrap();
    let operation = &patch["Operations"][0];
    user[operation["path"].as_str().unwrap()] = operation["value"].clone();
    let resource = user.to_string();
    written(&floor, Statement::Update { seq, resource: resource.clone() }).await;
    answer(StatusCode::OK, shown(seq, &resource))
}

async fn list(State(floor): State<Arc<Floor>>, Query(asked): Query<Asked>) -> Response {
    let rows = match &asked.filter {
        Some(filter) => {
            let name = filter.split('"').nth(1).unwrap();
            let query = "SELECT seq, resource FROM users WHERE integration_id = $1 AND user_name_key = $2 AND gone_at IS NULL";
            let query = sqlx::query(query).bind(INTEGRATION_ID).bind(name.to_lowercase());
            query.fetch_all(&floor.readers).await
        }
        // Nobody is ever deleted here, so the n-th stands in the n-th row.
        None => {
            let page = "SELECT seq, resource FROM users WHERE seq >= $1 ORDER BY seq LIMIT $2";
            let query =
                sqlx::query(page).bind(asked.start_index.unwrap_or(1)).bind(asked.count.unwrap_or(100));
            query.fetch_all(&floor.readers).await
        }
    };
    let users: Vec<String> = rows.unwrap().iter().map(|row| shown(row.get(0), row.get(1))).collect();
    let head = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": users.len() });
    let head = head.to_string();
    answer(StatusCode::OK, format!("{},\"Resources\":[{}]}}", head.trim_end_matches('}'), users.join(",")))
}
