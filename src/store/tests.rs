//! What only the inside can check: that every statement is one, and that watching leaves nothing behind.

use std::sync::Arc;

use super::*;
use crate::clock::SystemClock;
use crate::id::SystemEntropy;
use futures::FutureExt as _;

pub(super) async fn store() -> (tempfile::TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemEntropy));
    let store = Store::open(&StoreOptions::new(root.path()), clock, ids).await.unwrap();
    (root, store)
}

/// The same on a server of the tests; none where there is none.
async fn store_on_a_server() -> Option<(tempfile::TempDir, Store)> {
    let Ok(server) = std::env::var("USHER_TEST_POSTGRES") else {
        assert!(std::env::var_os("CI").is_none(), "run the tests by tests/with-postgres");
        eprintln!("skipped: no PostgreSQL; tests/with-postgres starts one");
        return None;
    };
    let root = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemEntropy));
    let url = format!("{server}&schema=t_{}", ids.next().replace('-', "_"));
    let database = Database::Server(url.parse().unwrap());
    let options = StoreOptions { database, migrate: true, ..StoreOptions::new(root.path()) };
    Some((root, Store::open(&options, clock, ids).await.unwrap()))
}

#[tokio::test]
async fn every_statement_prepares() {
    let (_root, store) = store().await;
    prepare(&store, statements()).await;
}

#[tokio::test]
async fn every_statement_prepares_on_a_server() {
    let Some((_root, store)) = store_on_a_server().await else { return };
    prepare(&store, [statements(), job::statements_of_postgres()].concat()).await;
}

fn statements() -> Vec<(&'static str, &'static str)> {
    let statements = [
        account::STATEMENTS,
        artifact::STATEMENTS,
        chain::STATEMENTS,
        copy::STATEMENTS,
        attempt::STATEMENTS,
        credential::STATEMENTS,
        engine::STATEMENTS,
        entitlement::STATEMENTS,
        event::STATEMENTS,
        &group::all_statements(),
        hold::STATEMENTS,
        hook::STATEMENTS,
        integration::STATEMENTS,
        &job::all_statements(),
        &plan::all_statements(),
        journal::STATEMENTS,
        leaver::STATEMENTS,
        listed::STATEMENTS,
        operator_key::STATEMENTS,
        oversight::STATEMENTS,
        migrate::STATEMENTS,
        retention::STATEMENTS,
        sql::STATEMENTS,
        token::STATEMENTS,
        &user::all_statements(),
        writer::STATEMENTS,
    ]
    .concat();
    assert!(statements.len() > 80, "{}", statements.len());
    statements
}

async fn prepare(store: &Store, statements: Vec<(&'static str, &'static str)>) {
    let mut db = store.reader().await.unwrap();
    for (name, sql) in statements {
        if let Err(error) = db.prepare(sql).await {
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

async fn fail_after_writing(tx: &mut writer::Tx) -> Result<(), StoreError> {
    event::append(tx, NewEvent::new("never", "test"));
    Err(StoreError::Unreadable { column: "x", reason: "on purpose".into() })
}

#[tokio::test]
async fn refused_work_leaves_no_trace_and_its_neighbours_alone() {
    let (_root, store) = store().await;
    // All are brought before the writer looks, so they share a commit.
    let writes = (0..40).map(|index| {
        let store = store.clone();
        async move {
            if index % 3 == 0 {
                let answer = store.writer.write(|tx| fail_after_writing(tx).boxed()).await;
                assert!(matches!(answer, Err(StoreError::Unreadable { .. })), "{answer:?}");
            } else {
                store.append_event(NewEvent::new("kept", "test")).await.unwrap();
            }
        }
    });
    futures::future::join_all(writes).await;
    let events = store.list_events(&EventFilter::All, None, 100).await.unwrap();
    assert_eq!(events.len(), 26);
    assert!(events.iter().all(|event| event.kind == "kept"));
    store.verify_events().await.unwrap();
}

/// What is written last is done after the work has said that all is well.
#[tokio::test]
async fn a_fault_of_what_was_written_last_is_its_works_own() {
    let (_root, store) = store().await;
    let writes = (0..9).map(|index| {
        let store = store.clone();
        async move {
            let write = store.writer.write(move |tx| {
                async move {
                    event::append(tx, NewEvent::new("kept", "test"));
                    if index % 3 == 0 {
                        tx.db.write(
                            "INSERT INTO artifacts (name, bytes, created_at) VALUES (NULL, 1, 1)",
                            &[],
                        );
                    }
                    Ok::<_, StoreError>(())
                }
                .boxed()
            });
            assert_eq!(write.await.is_err(), index % 3 == 0, "{index}");
        }
    });
    futures::future::join_all(writes).await;
    assert_eq!(store.verify_events().await.unwrap().events, 6);
}

/// A fault may have ended the transaction: whoever passes it over writes nothing behind it.
#[tokio::test]
async fn after_a_fault_nothing_more_is_done_by_the_same_work() {
    let (_root, store) = store().await;
    let write = store.writer.write(|tx| {
        async move {
            assert!(tx.db.one("SELECT nothing", &[]).await.is_err());
            tx.db.write(
                "INSERT INTO artifacts (name, bytes, created_at, unneeded) VALUES ('late', 1, 1, 1)",
                &[],
            );
            assert!(tx.db.one("SELECT name FROM artifacts", &[]).await.is_err());
            Ok::<_, StoreError>(())
        }
        .boxed()
    });
    assert!(write.await.is_err());
    assert_eq!(store.unneeded_artifacts("", 9).await.unwrap(), [""; 0]);
    store.append_event(NewEvent::new("after", "test")).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_said_and_writing_goes_on_when_there_is_space_again() {
    let (_root, store) = store().await;
    let pages = |sql: &'static str| {
        store.writer.write(move |tx| async move { tx.db.one(sql, &[]).await.map(drop) }.boxed())
    };
    let note = |kind: &'static str| {
        let data = serde_json::json!({ "text": "x".repeat(200_000) });
        store.append_event(NewEvent::new(kind, "test").with(data))
    };
    note("before").await.unwrap();
    pages("PRAGMA max_page_count = 120").await.unwrap();
    let mut refused = 0;
    for _ in 0..4 {
        match note("during").await {
            Ok(()) => {}
            Err(StoreError::Full(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    // The limit is the connection's; one that a fault left in doubt was opened anew, without it.
    assert!(refused >= 1, "{refused}");
    pages("PRAGMA max_page_count = 1000000").await.unwrap();
    note("after").await.unwrap();
    let head = store.verify_events().await.unwrap();
    assert_eq!(head.events, 6 - refused);
}
