//! Many people who lose access at once, through real Chromium.

use std::collections::BTreeSet;

use serde_json::json;
use usher::demo::Options;
use usher::failure::FailureClass;
use usher::store::{JobState, PlanState};

use super::faults::no_patience;
use super::world::{World, desk_options};

const PEOPLE: usize = 120;
const LEAVERS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_removals_at_once_are_held_and_done_once_a_person_says_so() {
    let world = World::with(Options { members: PEOPLE, ..desk_options() }, no_patience()).await;
    let store = world.installation.store.clone();
    world.plan().await;
    let imported = world.import().await;
    let gets_in = imported.iter().filter(|user| user["active"] == true);
    let leavers: Vec<(String, String)> = gets_in
        .map(|user| ["id", "userName"].map(|name| user[name].as_str().unwrap().to_owned()).into())
        .take(LEAVERS)
        .collect();
    assert_eq!(leavers.len(), LEAVERS);
    for (number, (id, _)) in leavers.iter().enumerate() {
        let off = json!([{ "op": "replace", "value": { "active": false } }]);
        let (status, answer) = match number % 2 {
            0 => world.scim.patch(id, off).await,
            _ => world.scim.delete(id).await,
        };
        assert!(matches!(status, 200 | 204 | 409), "{status} {answer}");
    }
    let desk = store.find_integration("desk").await.unwrap().unwrap();
    let why = desk.leavers_held_why.expect("the safeguard holds");
    assert!(why.contains("people are to lose access within 24 hours, more than 20 %"), "{why}");
    // Only what was begun before it were too many may have been done: a fifth at most.
    let held = store.leavers(None, 1000).await.unwrap();
    assert!(held.len() >= LEAVERS - PEOPLE / 5, "{} are held", held.len());
    let of_held = held.iter().filter(|one| one.job.class == Some(FailureClass::Safeguard)).count();
    assert!(of_held + 1 >= held.len(), "but for the one that runs");
    assert!(held.is_sorted_by_key(|one| (one.job.state != JobState::Held, one.left_at)));
    eprintln!("{why}; {of_held} held, the first since {}", held[0].left_at.to_rfc3339());

    let released = store.release_leavers(&desk.id, "the site in Graz was closed", "operator").await.unwrap();
    assert_eq!(released, Some(of_held));
    for one in &held {
        let job = store.settled_job(&one.job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Done, "{:?} {:?}", job.class, job.message);
    }
    assert!(store.leavers(None, 1000).await.unwrap().is_empty());
    // By the app's own record: each once, and nobody else.
    let record = world.record();
    let taken = ["suspended ", "removed ", "invitation_cancelled "];
    assert!(record.iter().all(|line| taken.iter().any(|action| line.starts_with(action))), "{record:?}");
    let whom: BTreeSet<&str> = record.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!((record.len(), whom.len()), (LEAVERS, LEAVERS));
    assert!(leavers.iter().all(|(_, name)| whom.contains(name.as_str())), "{whom:?}");
    // A reading of all finds nothing that is not as it is known.
    let (plan, items) = world.plan().await;
    assert_eq!((plan.state, super::sync::kinds(&items)), (PlanState::Applied, Vec::new()));
    world.end().await;
}
