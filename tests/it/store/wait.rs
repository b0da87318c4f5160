//! Waiting for jobs and for work, here and across processes.

use super::*;

#[tokio::test]
async fn a_wait_ends_when_the_job_settles_and_not_before() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let job = bench.add_user(&acme, "ada").await.job.unwrap();
    let store = bench.store.clone();
    let id = job.id.clone();
    let mut wait = tokio::spawn(async move { store.settled_job(&id).await.unwrap().unwrap() });
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, retry_at(bench.clock.now())).await.unwrap();
    let claimed = bench.claimed().await;
    assert!(!wait.is_finished());
    bench.done(&claimed).await;
    let settled = soon(&mut wait).await.unwrap();
    assert_eq!((settled.id, settled.state), (job.id, JobState::Done));
    assert!(bench.store.settled_job("job_none").await.unwrap().is_none());
}

#[tokio::test]
async fn a_wait_follows_the_job_that_took_the_place() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "ada").await;
    let running = bench.claimed().await;
    let follower = bench.wish(&acme, &user.user, true).await.job.unwrap();
    let (store, id) = (bench.store.clone(), running.job.id.clone());
    let wait = tokio::spawn(async move { store.settled_job(&id).await.unwrap().unwrap() });
    bench.store.finish(&running.lease, retry_at(bench.in_secs(9))).await.unwrap();
    let next = bench.claimed().await;
    bench.done(&next).await;
    assert_eq!(soon(wait).await.unwrap().id, follower.id);
}

#[tokio::test]
async fn a_worker_is_woken_by_each_thing_that_lets_it_claim() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let mut work = bench.store.watch_work();
    let first = bench.add_user(&acme, "ada").await;
    soon(work.changed()).await;
    let claimed = bench.claimed().await;
    soon(work.changed()).await;
    bench.done(&claimed).await;
    soon(work.changed()).await;
    bench.wish(&acme, &first.user, true).await;
    soon(work.changed()).await;
    bench.store.pause_integration(&acme.id, "why", "cli").await.unwrap();
    bench.store.resume_integration(&acme.id, "cli").await.unwrap();
    soon(work.changed()).await;
}

#[tokio::test]
async fn what_another_process_writes_is_noticed() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let here = &bench.store;
    let elsewhere = bench.open_again().await;

    // Work that the other brings wakes the worker here, each time.
    for name in ["a", "b", "c"] {
        let mut work = here.watch_work();
        let insert = UserChange::Insert(body(name, true));
        let before = here.configuration();
        elsewhere.record(change(&acme, insert, Priority::ORDINARY)).await.unwrap();
        soon(work.changed()).await;
        // Whoever wrote may have ended before it came to say that the configuration changed.
        soon(async {
            while here.configuration() == before {
                work.changed().await;
            }
        })
        .await;
    }

    // What is done here ends the wait there.
    let claimed = bench.claimed().await;
    let (store, id) = (elsewhere.clone(), claimed.job.id.clone());
    let mut watch = elsewhere.watch_job(&id);
    let wait = tokio::spawn(async move { store.settled_job(&id).await.unwrap().unwrap() });
    bench.done(&claimed).await;
    soon(watch.changed()).await;
    assert_eq!(soon(wait).await.unwrap().state, JobState::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_write_at_once_and_neither_loses_anything() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let stores = [bench.store.clone(), bench.open_again().await];
    let writes = stores.iter().enumerate().flat_map(|(process, store)| {
        let acme = acme.clone();
        (0..50).map(move |index| {
            let insert = UserChange::Insert(body(&format!("user-{process}-{index}"), true));
            let (store, change) = (store.clone(), change(&acme, insert, Priority::ORDINARY));
            tokio::spawn(async move { store.record(change).await })
        })
    });
    for written in futures::future::join_all(writes).await {
        written.unwrap().unwrap();
    }
    for store in &stores {
        assert_eq!(list_users(store, &acme.id, None, 0, 1).await.total, 100);
        assert_eq!(store.verify_events().await.unwrap().events, 101);
    }
}
