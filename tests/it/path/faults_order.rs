//! Many wishes for one account: the last one wins, nothing is done twice, and no two jobs of one account run at once.

use serde_json::json;
use usher::clock::Timestamp;
use usher::store::{JobFilter, Store};

use super::faults::{agents, job_when, many_members, no_patience};
use super::world::{ROLE_URN, World, user};

/// Waits until every job has settled; the times in which their attempts ran do not overlap.
async fn settle(store: &Store, user_id: &str) {
    let filter = JobFilter { integration_id: None, state: None, before: None, limit: 500 };
    let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
    for job in store.list_jobs(&filter).await.unwrap() {
        job_when(store, &job.id, |job| job.state.is_settled()).await;
        if job.user_id.as_deref() == Some(user_id) {
            let shown = store.show_job(&job.id).await.unwrap().unwrap();
            let attempts = shown.attempts.iter().map(|detail| &detail.attempt);
            spans.extend(attempts.map(|attempt| (attempt.started_at, attempt.finished_at.unwrap())));
        }
    }
    spans.sort();
    for two in spans.windows(2) {
        assert!(two[0].1 <= two[1].0, "two jobs of one account ran at once: {spans:?}");
    }
}

/// The values that the app recorded for `field`, in order; each changes something.
fn values(world: &World, field: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for change in world.desk.record() {
        for difference in change.changed.iter().filter(|difference| difference.field == field) {
            assert!(
                values.last().is_none_or(|last| Some(last) == difference.from.as_ref()),
                "{difference:?}"
            );
            values.push(difference.to.clone().unwrap());
        }
    }
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_ten_wishes_wins() {
    let world = World::with(many_members(), no_patience()).await;
    let (email, _) = agents(&world.desk.members()).remove(0);
    let names: Vec<String> = (0..10).map(|n| format!("Person {n}")).collect();
    let id = world.scim.create(&user(&email, &names[0], true, "agent")).await;
    for name in &names[1..] {
        let (status, body) = world.scim.put(&id, &user(&email, name, true, "agent")).await;
        assert_eq!(status, 200, "{body}");
    }
    settle(&world.installation.store, &id).await;
    let recorded = values(&world, "name");
    assert_eq!(recorded.last(), names.last(), "{recorded:?}");
    let places: Vec<usize> =
        recorded.iter().map(|name| names.iter().position(|wished| wished == name).unwrap()).collect();
    assert!(
        places.is_sorted_by(|a, b| a < b),
        "each at most once and in the order of the wishes: {recorded:?}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_at_once_leave_what_the_gateway_says() {
    let world = World::with(many_members(), no_patience()).await;
    let (email, name) = agents(&world.desk.members()).remove(1);
    let id = world.scim.create(&user(&email, &name, true, "agent")).await;
    for round in 0..5 {
        let role = if round % 2 == 0 { "viewer" } else { "agent" };
        let role = json!([{ "op": "replace", "value": { ROLE_URN: { "role": role } } }]);
        let named = json!([{ "op": "replace", "path": "displayName", "value": format!("Name {round}") }]);
        let (one, other) = tokio::join!(world.scim.patch(&id, role), world.scim.patch(&id, named));
        assert_eq!((one.0, other.0), (200, 200), "{} {}", one.1, other.1);
    }
    settle(&world.installation.store, &id).await;
    let (_, wanted) = world.scim.get(&format!("/Users/{id}")).await;
    let member = world.desk.members().into_iter().find(|member| member.email == email).unwrap();
    assert_eq!(wanted["displayName"].as_str(), Some("Name 4"), "{wanted}");
    assert_eq!(wanted[ROLE_URN]["role"].as_str(), Some("viewer"), "{wanted}");
    assert_eq!((member.name.as_str(), format!("{:?}", member.role).as_str()), ("Name 4", "Viewer"));
    values(&world, "name");
    values(&world, "role");
    world.end().await;
}
