//! The floor: what no gateway on this HTTP stack and this database can undercut. It answers the same requests in the same shapes,
//! from one table of texts; writes are one statement each, on the disk before the answer, and share commits as they gather. It
//! knows nobody, checks nothing, keeps no jobs and no events.

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
    Insert(String, String),
    Update(i64, String),
}

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
    let table =
        "CREATE TABLE users (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, resource TEXT NOT NULL)";
    sqlx::query(table).execute(&mut connection).await.unwrap();
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
            let done = match statement {
                Statement::Insert(name, resource) => {
                    let insert = sqlx::query("INSERT INTO users (name, resource) VALUES ($1, $2)").bind(name);
                    insert.bind(resource).execute(&mut connection).await
                }
                Statement::Update(seq, resource) => {
                    let update = sqlx::query("UPDATE users SET resource = $2 WHERE seq = $1").bind(seq);
                    update.bind(resource).execute(&mut connection).await
                }
            };
            answers.push((answer, done.unwrap().last_insert_rowid()));
        }
        sqlx::query("COMMIT").execute(&mut connection).await.unwrap();
        for (answer, id) in answers {
            let _ = answer.send(id);
        }
    }
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
    let resource = user.to_string();
    let seq = written(&floor, Statement::Insert(name, resource.clone())).await;
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
    written(&floor, Statement::Update(seq, resource.clone())).await;
    answer(StatusCode::OK, shown(seq, &resource))
}

async fn list(State(floor): State<Arc<Floor>>, Query(asked): Query<Asked>) -> Response {
    let rows = match &asked.filter {
        Some(filter) => {
            let name = filter.split('"').nth(1).unwrap();
            let query = sqlx::query("SELECT seq, resource FROM users WHERE name = $1").bind(name.to_owned());
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
