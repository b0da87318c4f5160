//! Many claimers and many wishes at once: the lanes and the limits hold, nothing is lost.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use super::*;

/// What is running, as the claimers see it from outside.
#[derive(Default)]
struct Running {
    lanes: HashSet<(String, String)>,
    sessions: HashMap<String, u32>,
    /// The latest version that a claim of each user was able to see.
    seen: HashMap<String, i64>,
    claims: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_lane_runs_twice_and_no_limit_is_passed() {
    let bench = Arc::new(Bench::new().await);
    let mut integrations = Vec::new();
    for (name, sessions) in [("one", 1), ("two", 2), ("three", 3)] {
        integrations.push(bench.integration(name, sessions).await);
    }
    let limits: HashMap<_, _> = integrations.iter().map(|i| (i.id.clone(), i.policy.max_sessions)).collect();
    let running = Arc::new(Mutex::new(Running::default()));
    let wishes =
        integrations.iter().cloned().map(|integration| tokio::spawn(wish(Arc::clone(&bench), integration)));
    let wishes: Vec<_> = wishes.collect();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let claimers: Vec<_> = (0..12)
        .map(|worker| {
            let (bench, running, limits) = (Arc::clone(&bench), Arc::clone(&running), limits.clone());
            tokio::spawn(claim(bench, format!("worker-{worker}"), running, limits, stopped.clone()))
        })
        .collect();

    let mut wanted = HashMap::new();
    for wish in wishes {
        wanted.extend(soon(wish).await.unwrap());
    }
    stop.send(true).unwrap();
    for claimer in claimers {
        soon(claimer).await.unwrap();
    }
    {
        let running = running.lock().unwrap();
        assert!(running.lanes.is_empty());
        assert!(running.claims >= wanted.len(), "{}", running.claims);
        for (user, version) in wanted {
            assert_eq!(
                running.seen.get(&user),
                Some(&version),
                "the last wish of {user} was seen by an attempt"
            );
        }
    }
    let open = bench.store.list_jobs(&JobFilter { limit: 10_000, ..JobFilter::default() }).await.unwrap();
    assert!(open.iter().all(|job| job.state.is_final()), "no job is stuck");
    bench.store.verify_events().await.unwrap();
}

/// Wishes something of twelve users, eight times each; returns the last version of each.
async fn wish(bench: Arc<Bench>, integration: IntegrationRow) -> HashMap<String, i64> {
    let mut users = Vec::new();
    for index in 0..12 {
        users.push(bench.add_user(&integration, &format!("user-{index}")).await.user);
    }
    let mut wanted = HashMap::new();
    for round in 0..8 {
        for user in &users {
            let recorded = bench.wish(&integration, user, round % 3 != 1).await;
            wanted.insert(recorded.user.id, recorded.user.version);
            tokio::task::yield_now().await;
        }
    }
    wanted
}

async fn claim(
    bench: Arc<Bench>,
    worker: String,
    running: Arc<Mutex<Running>>,
    limits: HashMap<String, u32>,
    stopped: tokio::sync::watch::Receiver<bool>,
) {
    loop {
        let mut work = bench.store.watch_work();
        let is_last = *stopped.borrow();
        let Some(claimed) = bench.store.claim(&worker, LEASE).await.unwrap() else {
            if is_last && running.lock().unwrap().lanes.is_empty() {
                return;
            }
            // Woken by the others' work; the bound is for the moment when the last of them has just ended.
            let _ = tokio::time::timeout(Duration::from_millis(20), work.changed()).await;
            continue;
        };
        let (integration, user) = (claimed.job.integration_id.clone(), claimed.job.user_id.clone().unwrap());
        {
            let mut running = running.lock().unwrap();
            assert!(running.lanes.insert((integration.clone(), user.clone())), "two jobs of one account run");
            let sessions = running.sessions.entry(integration.clone()).or_default();
            *sessions += 1;
            assert!(*sessions <= limits[&integration], "more sessions than allowed");
            running.claims += 1;
        }
        let wanted = bench.store.find_user(&integration, &user).await.unwrap().unwrap();
        tokio::task::yield_now().await;
        {
            let mut running = running.lock().unwrap();
            running.lanes.remove(&(integration.clone(), user.clone()));
            *running.sessions.get_mut(&integration).unwrap() -= 1;
            running.seen.insert(user, wanted.version);
        }
        let outcome = match claimed.job.attempts % 3 {
            0 => retry_at(bench.clock.now()),
            1 if claimed.job.fence % 5 == 4 => failed(),
            _ => Finish::with(Outcome::Done { message: None }),
        };
        bench.store.finish(&claimed.lease, outcome).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_one_name_one_gets_it() {
    let bench = Arc::new(Bench::new().await);
    let acme = bench.integration("acme", 1).await;
    let tries = (0..20).map(|index| {
        let (bench, acme) = (Arc::clone(&bench), acme.clone());
        let name = if index % 2 == 0 { "Ada@Acme.example" } else { "ada@acme.EXAMPLE" };
        tokio::spawn(async move {
            let insert = UserChange::Insert(body(name, true));
            bench.store.record(change(&acme, insert, Priority::ORDINARY)).await
        })
    });
    let (mut made, mut refused) = (Vec::new(), Vec::new());
    for answer in futures::future::join_all(tries).await {
        match answer.unwrap() {
            Ok(recorded) => made.push(recorded.user.id),
            Err(RecordError::UserNameTaken { by }) => refused.push(by),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((made.len(), refused.len()), (1, 19));
    assert!(refused.iter().all(|by| by == &made[0]));
    let jobs = bench.store.list_jobs(&JobFilter { limit: 100, ..JobFilter::default() }).await.unwrap();
    assert_eq!(jobs.len(), 1, "what was refused left no job");
    bench.store.verify_events().await.unwrap();
}
