//! What was answered survives the end of the process, however it ends.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Names the data directory to the process that is to be killed.
const VICTIM: &str = "USHER_TEST_VICTIM";
/// And the schema, where the database is on a server.
const SCHEMA: &str = "USHER_TEST_VICTIM_SCHEMA";

/// The name of the check that writes until it is killed, on the same engine.
fn victim_test() -> String {
    let module = module_path!().split_once("::").unwrap().1;
    format!("{module}::the_process_that_is_killed")
}

fn schema_of(database: &Database) -> &str {
    match database {
        Database::File => "",
        Database::Server(url) => url.schema(),
    }
}

#[tokio::test]
async fn a_job_that_was_committing_when_the_process_ended_is_read_first_on_restart() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let user = bench.add_user(&acme, "ada").await.user;
    bench.add_user(&acme, "bob").await;
    let committing = bench.claimed().await;
    bench.store.start_attempt(&committing.lease, "hash").await.unwrap();
    bench.store.mark_committing(&committing.lease).await.unwrap();
    let before_commit = bench.claimed().await;
    let follower = bench.wish(&acme, &user, false).await.job.unwrap();

    // Nothing is closed: the next process finds the files as they are.
    let restarted = bench.open_again().await;
    assert!(restarted.claim("worker-2", LEASE).await.unwrap().is_none(), "the leases still stand");
    let back = restarted.take_back(Stranded::All).await.unwrap();
    assert_eq!(back.len(), 2);
    let find = |id: &str| back.iter().find(|job| job.id == id).unwrap();
    assert!(find(&committing.job.id).read_first);
    assert!(!find(&before_commit.job.id).read_first);

    // The leaver behind it made it urgent, and it still goes before him.
    let first = restarted.claim("worker-2", LEASE).await.unwrap().unwrap();
    assert_eq!((&first.job.id, first.job.read_first), (&committing.job.id, true));
    restarted.finish(&first.lease, Finish::with(Outcome::Done { message: None })).await.unwrap();
    let next = restarted.claim("worker-2", LEASE).await.unwrap().unwrap();
    assert_eq!(next.job.id, follower.id);
    assert!(matches!(bench.store.heartbeat(&committing.lease, LEASE).await, Err(LeaseError::Lost)));
}

#[tokio::test]
async fn whatever_was_answered_before_kill_9_is_there_whole() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for round in 0..3 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &victim_test(), "--nocapture"])
            .env(VICTIM, bench.root.path())
            .env(SCHEMA, schema_of(&bench.database))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The harness may write before the first answer on the same line.
        let answers = BufReader::new(victim.stdout.take().unwrap()).lines();
        let answered: Vec<String> = answers
            .filter_map(|line| line.unwrap().split_once("answered ").map(|(_, id)| id.to_owned()))
            .take(40 + 30 * round)
            .collect();
        victim.kill().unwrap();
        victim.wait().unwrap();
        assert_eq!(answered.len(), 40 + 30 * round);

        let restarted = bench.open_again().await;
        for id in answered {
            let view = restarted.view_user(&acme.id, &id).await.unwrap().expect("an answered user is there");
            let job = view.job.expect("with its job");
            let told = restarted.list_events(&EventFilter::Job(job.id), None, 9).await.unwrap();
            assert_eq!(told.len(), 1, "and its event");
        }
        let total = list_users(&restarted, &acme.id, None, 0, 1).await.total;
        let jobs = restarted.list_jobs(&JobFilter { limit: 100_000, ..JobFilter::default() }).await.unwrap();
        assert_eq!(jobs.len() as u64, total, "no user without its job, no job without its user");
        let head = restarted.verify_events().await.unwrap();
        assert_eq!(head.events as u64, total + 1, "and no event without both");
        restarted.close().await;
    }
}

/// Writes users until it is killed, saying each that was answered. Does nothing unless it is asked to by the check
/// above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Some(root) = std::env::var_os(VICTIM) else { return };
    let clock: SharedClock = ManualClock::at(START);
    let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemEntropy));
    let schema = std::env::var(SCHEMA).unwrap();
    let database = match ENGINE {
        Engine::Sqlite => Database::File,
        Engine::Postgres => crate::postgres::schema(&schema),
    };
    let directory = std::path::PathBuf::from(root).join("data");
    let options = StoreOptions { database, ..StoreOptions::new(directory) };
    let store = Store::open(&options, clock, ids.clone()).await.unwrap();
    let acme = store.find_integration("acme").await.unwrap().unwrap();
    let writers = (0..4).map(|_| {
        let (store, acme, ids) = (store.clone(), acme.clone(), ids.clone());
        tokio::spawn(async move {
            loop {
                let insert = UserChange::Insert(body(&ids.next(), true));
                let recorded = store.record(change(&acme, insert, Priority::ORDINARY)).await.unwrap();
                println!("answered {}", recorded.user.id);
            }
        })
    });
    futures::future::join_all(writers).await;
}
