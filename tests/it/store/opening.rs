//! Opening a data directory: private, ours, of this version, or refused with the cure.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use sqlx::{Connection as _, SqliteConnection};

async fn refusal_after(sql: &'static str) -> StoreError {
    let bench = Bench::new().await;
    bench.store.close().await;
    let path = bench.root.path().join("data/usher.db");
    let mut hand = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut hand).await.unwrap();
    hand.close().await.unwrap();
    try_open(&bench.root, &bench.clock).await.unwrap_err()
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_with_the_cure() {
    let error = refusal_after("INSERT INTO migrations VALUES (99, 'x', 0)").await;
    let StoreError::Newer { found: 99, known } = error else { panic!("{error}") };
    assert!(known < 99);
    assert!(error.to_string().contains("run the newer usher"), "{error}");
}

#[tokio::test]
async fn a_database_that_another_build_shaped_is_refused() {
    let error = refusal_after("UPDATE migrations SET hash = 'other' WHERE version = 1").await;
    assert!(matches!(error, StoreError::Altered { version: 1 }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_refused_and_left_alone() {
    let error = refusal_after("PRAGMA application_id = 7").await;
    assert!(matches!(error, StoreError::Unsound { .. }), "{error}");

    let (root, clock) = (tempfile::tempdir().unwrap(), ManualClock::at(START));
    open(&root, &clock).await.close().await;
    let path = root.path().join("data/usher.db");
    let noise = b"these are no bytes of any database ".repeat(500);
    std::fs::write(&path, &noise).unwrap();
    let error = try_open(&root, &clock).await.unwrap_err();
    assert!(matches!(error, StoreError::Unsound { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), noise);
}

#[tokio::test]
async fn every_file_of_the_database_is_private() {
    let bench = Bench::new().await;
    bench.integration("acme", 1).await;
    let _lock = bench.store.lock_worker().unwrap().unwrap();
    let mut names = Vec::new();
    for entry in bench.root.path().join("data").read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        ["configuration.mark", "open.lock", "usher.db", "usher.db-shm", "usher.db-wal", "worker.lock"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_directory_at_once() {
    let (root, clock) = (Arc::new(tempfile::tempdir().unwrap()), ManualClock::at(START));
    let opening = (0..8).map(|_| {
        let (root, clock) = (Arc::clone(&root), Arc::clone(&clock));
        tokio::spawn(async move { try_open(&root, &clock).await })
    });
    let stores: Vec<_> = futures::future::join_all(opening).await;
    for store in &stores {
        let store = store.as_ref().unwrap().as_ref().unwrap();
        store.append_event(NewEvent::new("usher.started", "usher")).await.unwrap();
    }
    let last = stores[0].as_ref().unwrap().as_ref().unwrap();
    assert_eq!(last.verify_events().await.unwrap().events, 8);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let bench = Bench::new().await;
    bench.store.close().await;
    let write = bench.store.append_event(NewEvent::new("x", "y")).await;
    assert!(matches!(write, Err(StoreError::Closed)), "{write:?}");
    let read = bench.store.list_integrations().await;
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    bench.store.close().await;
}
