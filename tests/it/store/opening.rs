//! Opening a database: ours, of this version, or refused with the cure.

use super::*;

pub async fn refusal_after(sql: &str) -> StoreError {
    let bench = Bench::new().await;
    bench.store.close().await;
    bench.by_hand(sql).await;
    try_open(&bench.root, &bench.database, &bench.clock).await.unwrap_err()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_database_at_once() {
    let (root, clock) = (Arc::new(tempfile::tempdir().unwrap()), ManualClock::at(START));
    let database = ENGINE.database();
    let opening = (0..8).map(|_| {
        let (root, database, clock) = (Arc::clone(&root), database.clone(), Arc::clone(&clock));
        tokio::spawn(async move { try_open(&root, &database, &clock).await })
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
