//! What only a server has: other hands in the same rows, processes that tell each other, schemas of others.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use usher::clock::{SharedClock, SystemClock};
use usher::id::{Ids, SystemEntropy};
use usher::store::{
    CopyError, Database, Finish, JobState, NewArtifact, NewCredential, NewEvent, NewEvidence, NewIntegration,
    NewToken, Outcome, Policy, Priority, RecordError, Store, StoreError, StoreOptions, UserChange,
};
use usher::trace::StepRecord;
use usher::vault::{MasterKey, Place, Vault};

use super::store::{Bench, LEASE, START, body, change, list_users, soon};
use crate::postgres::{Server, new_schema, schema, server};

/// A connection that knows nothing of the store.
async fn hand(database: &Database) -> PgConnection {
    let Database::Server(url) = database else { panic!("{database:?}") };
    let mut hand = PgConnection::connect(server()).await.unwrap();
    let path = format!("SET search_path = {}", url.schema());
    sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut hand).await.unwrap();
    hand
}

async fn open(
    bench: &Bench,
    options: impl FnOnce(StoreOptions) -> StoreOptions,
) -> Result<Store, StoreError> {
    let clock: SharedClock = bench.clock.clone();
    let ids = Ids::new(clock.clone(), Arc::new(SystemEntropy));
    let usual = StoreOptions {
        database: bench.database.clone(),
        ..StoreOptions::new(bench.root.path().join("data"))
    };
    Store::open(&options(usual), clock, ids).await
}

/// A person who looks at a row with `FOR UPDATE`, or a tool that does, must not stop the queue. Fails without `SKIP LOCKED`.
#[tokio::test]
async fn a_row_that_another_hand_holds_holds_up_nobody_else() {
    for locked in ["slots", "jobs"] {
        let bench = Bench::new().await;
        let (held, free) = (bench.integration("held", 1).await, bench.integration("free", 1).await);
        bench.add_user(&held, "ada").await;
        bench.add_user(&free, "bob").await;
        let mut hand = hand(&bench.database).await;
        let mut transaction = hand.begin().await.unwrap();
        let lock = format!("SELECT 1 FROM {locked} WHERE integration_id = $1 FOR UPDATE");
        sqlx::query(AssertSqlSafe(lock)).bind(&held.id).execute(&mut *transaction).await.unwrap();

        let claimed = soon(bench.store.claim("worker-1", LEASE)).await.unwrap().expect("the other's job");
        assert_eq!(claimed.job.integration_id, free.id, "{locked}");
        assert!(soon(bench.store.claim("worker-1", LEASE)).await.unwrap().is_none(), "{locked}");
        transaction.rollback().await.unwrap();
        assert_eq!(bench.claimed().await.job.integration_id, held.id, "{locked}");
    }
}

/// A process that was stopped in the middle of a transaction holds the lock of all who write.
#[tokio::test]
async fn a_heart_beats_while_another_process_keeps_everybody_from_writing() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    let mut hand = hand(&bench.database).await;
    let mut transaction = hand.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('usher writes ' || current_schema(), 0))";
    sqlx::query(lock).execute(&mut *transaction).await.unwrap();
    soon(bench.store.heartbeat(&claimed.lease, LEASE)).await.unwrap();
    let insert = change(&acme, UserChange::Insert(body("bob", true)), Priority::ORDINARY);
    let mut write = tokio::spawn({
        let store = bench.store.clone();
        async move { store.record(insert).await }
    });
    soon(bench.store.heartbeat(&claimed.lease, LEASE)).await.unwrap();
    assert!(!write.is_finished());
    transaction.rollback().await.unwrap();
    soon(&mut write).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_another_process_does_is_heard_and_need_not_be_looked_for() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    // Nobody looks here.
    let there =
        open(&bench, |usual| StoreOptions { poll: Duration::from_secs(3600), ..usual }).await.unwrap();

    let job = bench.add_user(&acme, "ada").await.job.unwrap();
    let mut work = there.watch_work();
    let mut watch = there.watch_job(&job.id);
    let settled = tokio::spawn({
        let (there, id) = (there.clone(), job.id.clone());
        async move { there.settled_job(&id).await.unwrap().unwrap() }
    });
    let claimed = bench.claimed().await;
    soon(work.changed()).await;
    soon(watch.changed()).await;
    bench.done(&claimed).await;
    assert_eq!(soon(settled).await.unwrap().id, job.id);

    let before = there.configuration();
    bench.store.pause_integration(&acme.id, "why", "cli").await.unwrap();
    bench.store.resume_integration(&acme.id, "cli").await.unwrap();
    soon(async {
        while there.configuration() == before {
            work.changed().await;
        }
    })
    .await;
    there.close().await;
}

#[tokio::test]
async fn a_database_is_only_changed_where_that_was_asked_for() {
    let bench = Bench::new().await;
    // The one that is there is at this version.
    open(&bench, |usual| usual).await.unwrap().close().await;
    let empty =
        open(&bench, |usual| StoreOptions { database: schema(&new_schema()), ..usual }).await.unwrap_err();
    assert!(matches!(empty, StoreError::Behind { found: 0, .. }), "{empty}");
    assert!(empty.to_string().contains("usher db migrate"), "{empty}");

    let theirs = schema(&new_schema());
    let Database::Server(url) = &theirs else { unreachable!() };
    let mut hand = PgConnection::connect(server()).await.unwrap();
    let name = url.schema();
    let tables = format!("CREATE SCHEMA {name}; CREATE TABLE {name}.invoices (id INT)");
    sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut hand).await.unwrap();
    for migrate in [false, true] {
        let options = |usual| StoreOptions { database: theirs.clone(), migrate, ..usual };
        let error = open(&bench, options).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Foreign { .. }) && error.to_string().contains("?schema="),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_away() {
    let bench = Bench::new().await;
    let nowhere = Database::Server("postgres://usher@127.0.0.1:1/usher".parse().unwrap());
    let error = open(&bench, |usual| StoreOptions { database: nowhere, ..usual }).await.unwrap_err();
    assert!(matches!(error, StoreError::Away(_)) && error.is_transient(), "{error:?}");
}

/// A file with something in every table that a gateway and a worker fill.
async fn filled(bench: &Bench) -> Store {
    let file = open(bench, |usual| StoreOptions { database: Database::File, ..usual }).await.unwrap();
    let policy = Policy { max_sessions: 2, ..Policy::default() };
    let (name, connector) = ("acme".to_owned(), "acme-desk".to_owned());
    let new = NewIntegration { name, connector, settings: json!({ "url": "https://é.example" }), policy };
    let acme = file.create_integration(new, "cli").await.unwrap();
    let vault =
        Vault::load(&MasterKey::File(bench.root.path().join("key")), Arc::new(SystemEntropy)).unwrap();
    let sealed = vault.seal(Place::credential(&acme.id, "password"), &"secret".to_owned().into()).unwrap();
    file.put_credentials(&acme.id, vec![NewCredential { field: "password".into(), sealed }], "cli")
        .await
        .unwrap();
    let token =
        NewToken { integration_id: acme.id.clone(), token: "token-one".to_owned().into(), expires_at: None };
    file.create_token(token, "cli").await.unwrap();
    let mut users = Vec::new();
    for index in 0..1500 {
        let insert = UserChange::Insert(body(&format!("Ü{index}"), true));
        users.push(file.record(change(&acme, insert, Priority::ORDINARY)).await.unwrap().user);
    }
    let delete = UserChange::Delete { id: users[7].id.clone(), expected: None };
    file.record(change(&acme, delete, Priority::LEAVER)).await.unwrap();
    let done = file.claim("worker-1", LEASE).await.unwrap().unwrap();
    let attempt = file.start_attempt(&done.lease, "hash").await.unwrap();
    let step = StepRecord { seq: 1, words: "click".into(), started_at: START, ..StepRecord::default() };
    let artifact = NewArtifact { name: "abc.jpeg".into(), bytes: 7 };
    let picture =
        NewEvidence { path: "pictures/001-after.jpeg".into(), step: Some(1), artifact: Ok(artifact) };
    file.add_steps(&done.lease, attempt, vec![step], vec![picture]).await.unwrap();
    file.finish(&done.lease, Finish::with(Outcome::Done { message: None })).await.unwrap();
    file.claim("worker-1", LEASE).await.unwrap().unwrap();
    file
}

#[tokio::test]
async fn a_file_is_moved_to_a_server_whole_and_goes_on_where_it_was() {
    let bench = Bench::new().await;
    let file = filled(&bench).await;
    let there = &bench.store;
    let head = file.verify_events().await.unwrap();

    let copied = file.copy_to(there).await.unwrap();
    let rows = |table: &str| copied.iter().find(|copied| copied.table == table).unwrap().rows;
    assert_eq!((rows("users"), rows("user_counts"), rows("slots"), rows("steps")), (1500, 2, 2, 1));
    assert_eq!(rows("events") as i64, head.events);
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'migrations'";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut hand(&bench.database).await).await.unwrap();
    assert_eq!(copied.len() as i64, tables, "no table was forgotten");

    // What was, is; what ran when it was moved is taken back and goes on; what comes, comes after it.
    assert_eq!(there.verify_events().await.unwrap(), head);
    let acme = there.find_integration("acme").await.unwrap().unwrap();
    let (found, _) = there.find_token("acme", &"token-one".to_owned().into()).await.unwrap().unwrap();
    assert_eq!(found.id, acme.id);
    assert_eq!(list_users(there, &acme.id, None, 1400, 1000).await.total, 1499);
    let back = bench.silence().await;
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].state, JobState::Ready);
    bench.claimed().await;
    let new = bench.add_user(&acme, "someone-new").await;
    assert_eq!(list_users(there, &acme.id, None, 1499, 10).await.users[0].user.id, new.user.id);
    assert_eq!(there.verify_events().await.unwrap().events, head.events + 3);

    let again = file.copy_to(there).await.unwrap_err();
    assert!(matches!(again, CopyError::NotEmpty), "{again}");
    let backwards = there.copy_to(&file).await.unwrap_err();
    assert!(matches!(backwards, CopyError::Direction), "{backwards}");
    // The file is as it was, and can be written again.
    assert_eq!(file.verify_events().await.unwrap(), head);
    file.append_event(NewEvent::new("usher.started", "usher")).await.unwrap();
}

#[tokio::test]
async fn a_file_that_a_worker_works_on_is_not_moved() {
    let bench = Bench::new().await;
    let file = open(&bench, |usual| StoreOptions { database: Database::File, ..usual }).await.unwrap();
    let _lock = file.lock_worker().unwrap().unwrap();
    assert!(matches!(file.copy_to(&bench.store).await, Err(CopyError::InUse)));
}

/// What was answered before a crash is there after it; what was not is refused as what may be tried again; and everything goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_comes_back_has_lost_nothing() {
    let mut server = Server::start(&[("USHER_TEST_FSYNC", "on")]);
    let clock: SharedClock = Arc::new(SystemClock);
    let ids = Ids::new(clock.clone(), Arc::new(SystemEntropy));
    let root = tempfile::tempdir().unwrap();
    let database = Database::Server(format!("{}&schema=usher", server.address).parse().unwrap());
    // Nobody looks: whoever waits is told, or told to look once the connection is there again.
    let poll = Duration::from_secs(3600);
    let options =
        StoreOptions { database, migrate: true, poll, ..StoreOptions::new(root.path().join("data")) };
    let [store, other] = [0, 1].map(|_| Store::open(&options, clock.clone(), ids.clone()));
    let store = store.await.unwrap();
    let other = other.await.unwrap();
    let new = NewIntegration {
        name: "acme".into(),
        connector: "acme-desk".into(),
        settings: json!({}),
        policy: Policy::default(),
    };
    let acme = store.create_integration(new, "cli").await.unwrap();

    let (answered, mut heard) = tokio::sync::watch::channel(Vec::<String>::new());
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (store, acme, answered) = (store.clone(), acme.clone(), answered.clone());
            tokio::spawn(async move {
                let mut refused = 0;
                for index in 0.. {
                    if answered.borrow().len() >= 400 {
                        break;
                    }
                    let insert = UserChange::Insert(body(&format!("user-{writer}-{index}"), true));
                    match store.record(change(&acme, insert, Priority::ORDINARY)).await {
                        Ok(recorded) => answered.send_modify(|ids| ids.push(recorded.user.id)),
                        Err(RecordError::Store(error)) => {
                            assert!(error.is_transient(), "{error:?}");
                            refused += 1;
                            tokio::task::yield_now().await;
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
                refused
            })
        })
        .collect();
    for enough in [100, 200, 300] {
        soon(heard.wait_for(|answered| answered.len() >= enough)).await.unwrap();
        server = tokio::task::spawn_blocking(move || {
            server.crash();
            server
        })
        .await
        .unwrap();
    }
    let mut refused = 0;
    for writer in writers {
        refused += soon(writer).await.unwrap();
    }
    assert!(refused > 0, "a crash refuses what was under way");
    let answered = answered.borrow().clone();
    for id in &answered {
        assert!(store.find_user(&acme.id, id).await.unwrap().is_some(), "an answered user is there");
    }
    store.verify_events().await.unwrap();

    // The other process hears again.
    let mut work = other.watch_work();
    soon(async {
        loop {
            let insert = UserChange::Insert(body(&ids.next(), true));
            store.record(change(&acme, insert, Priority::ORDINARY)).await.unwrap();
            if tokio::time::timeout(Duration::from_millis(200), work.changed()).await.is_ok() {
                break;
            }
        }
    })
    .await;
    store.close().await;
    other.close().await;
}
