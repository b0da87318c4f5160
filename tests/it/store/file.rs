//! What only a file has: who may read it, and what else it can be.

use std::os::unix::fs::PermissionsExt as _;

use usher::clock::ManualClock;
use usher::store::{Database, StoreError};

use super::store::opening::refusal_after;
use super::store::{Bench, START, try_open};

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_refused_and_left_alone() {
    let error = refusal_after("PRAGMA application_id = 7").await;
    assert!(matches!(error, StoreError::Unsound { .. }), "{error}");

    let (root, clock) = (tempfile::tempdir().unwrap(), ManualClock::at(START));
    try_open(&root, &Database::File, &clock).await.unwrap().close().await;
    let path = root.path().join("data/usher.db");
    let noise = b"these are no bytes of any database ".repeat(500);
    std::fs::write(&path, &noise).unwrap();
    let error = try_open(&root, &Database::File, &clock).await.unwrap_err();
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
