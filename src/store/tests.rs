//! What only the inside can check: that every statement is one, and that watching leaves nothing behind.

use std::sync::Arc;

use sqlx::{Executor as _, SqlSafeStr as _};

use super::*;
use crate::clock::SystemClock;
use crate::id::SystemEntropy;

async fn store() -> (tempfile::TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemEntropy));
    let store = Store::open(&StoreOptions::new(root.path()), clock, ids).await.unwrap();
    (root, store)
}

#[tokio::test]
async fn every_statement_prepares() {
    let (_root, store) = store().await;
    let mut db = store.reader().await.unwrap();
    let statements = [
        account::STATEMENTS,
        artifact::STATEMENTS,
        attempt::STATEMENTS,
        credential::STATEMENTS,
        event::STATEMENTS,
        integration::STATEMENTS,
        &job::all_statements(),
        migrate::STATEMENTS,
        token::STATEMENTS,
        user::STATEMENTS,
        writer::STATEMENTS,
    ]
    .concat();
    assert!(statements.len() > 80, "{}", statements.len());
    for (name, sql) in statements {
        if let Err(error) = db.connection().prepare(sql.into_sql_str()).await {
            panic!("{name}: {error}\n{sql}");
        }
    }
}

#[tokio::test]
async fn a_watch_that_is_dropped_leaves_nothing_behind() {
    let (_root, store) = store().await;
    let (first, second) = (store.watch_job("job_1"), store.watch_job("job_1"));
    drop(first);
    assert!(!store.watchers.is_idle());
    drop(second);
    assert!(store.watchers.is_idle());
}
