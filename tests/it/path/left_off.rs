//! A sync that breaks off goes on at the page that it had come to, and never with what is not so any more.

use usher::demo::{Fault, Options, Trap};
use usher::store::{ItemKind, JobRow, JobState};

use super::faults::{agents, done, job_of, job_when, no_patience};
use super::sync::kinds;
use super::world::{World, desk_options, user};

/// Several pages of them.
fn pages() -> Options {
    Options { members: 120, ..desk_options() }
}

fn trap(on: &str, after: usize, fault: Fault) -> Trap {
    Trap { on: on.to_owned(), posts_only: false, after, fault }
}

impl World {
    /// Begins a sync that the app breaks off at the fourth page, and waits until it is to be tried again.
    async fn broken_off(&self) -> JobRow {
        self.desk.set_trap(trap("page=4", 0, Fault::Status(503)));
        let job = self.ask_for_sync().await;
        job_when(&self.installation.store, &job.id, |job| job.state == JobState::Retry).await
    }

    /// Has it tried again, and gives what it said of its list.
    async fn gone_on_with(&self, job: &JobRow) -> String {
        let store = &self.installation.store;
        store.retry_job(&job.id, "test").await.unwrap();
        done(store, &job.id).await;
        self.said_of_the_list(&job.id).await
    }

    async fn said_of_the_list(&self, job_id: &str) -> String {
        let shown = self.installation.store.show_job(job_id).await.unwrap().unwrap();
        let steps = shown.attempts.into_iter().flat_map(|attempt| attempt.steps);
        let mut said = steps.filter(|step| step.flow == "list_accounts" && step.words.starts_with("listed "));
        said.next_back().unwrap().words
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_goes_on_at_the_page_that_it_had_come_to() {
    let world = World::with(pages(), no_patience()).await;
    let job = world.broken_off().await;
    // Nobody asks for the second page again.
    world.desk.set_trap(trap("page=2", 0, Fault::Status(500)));
    let said = world.gone_on_with(&job).await;
    assert_eq!(said, "listed 120 of 120 on 5 pages, 3 of them read by an earlier attempt");
    assert!(world.desk.take_trap("page=2"), "what was read once is not read again");
    assert_eq!(world.import().await.len(), 119);

    // The next one begins anew.
    let (_, items) = world.plan().await;
    assert_eq!(kinds(&items), []);
    // A session that ends is logged in again in the same attempt.
    world.desk.set_trap(trap("page=4", 0, Fault::SessionEnded));
    let job = world.ask_for_sync().await;
    done(&world.installation.store, &job.id).await;
    let said = world.said_of_the_list(&job.id).await;
    assert_eq!(said, "listed 120 of 120 on 5 pages, 3 of them read by an earlier attempt");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_another_one_by_now_is_read_from_its_begin() {
    let world = World::with(pages(), no_patience()).await;
    world.plan().await;
    // One on the last page and one on the third: the total is another, or the rows are.
    let members = world.desk.members();
    for at in [110, 60] {
        let job = world.broken_off().await;
        let gone = &members[at].email;
        assert!(world.desk.remove(gone), "{gone}");
        let said = world.gone_on_with(&job).await;
        assert!(!said.contains("earlier attempt"), "{said}");
        let (_, items) = world.newest_plan().await;
        let gone_now: Vec<&str> = items
            .iter()
            .filter(|item| item.item.kind == ItemKind::Gone)
            .map(|item| item.item.name.as_str())
            .collect();
        assert_eq!(gone_now, [gone.as_str()]);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_changed_since_a_page_was_read_is_left_alone() {
    let world = World::with(pages(), no_patience()).await;
    let store = &world.installation.store;
    world.plan().await;
    let job = world.broken_off().await;
    // Somebody on the second page becomes a viewer, as it is wanted, before the rest is read.
    let mut members = world.desk.members();
    members.sort_by_key(|member| member.name.to_lowercase());
    let (email, name) = agents(&members[25..50])[0].clone();
    let (_, found) = world.scim.get(&format!("/Users?filter=userName%20eq%20%22{email}%22")).await;
    let id = found["Resources"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.scim.put(&id, &user(&email, &name, true, "viewer")).await.0, 200);
    done(store, &job_of(store, &id).await.id).await;
    let said = world.gone_on_with(&job).await;
    assert!(said.ends_with("3 of them read by an earlier attempt"), "{said}");
    let (plan, items) = world.newest_plan().await;
    assert_eq!((kinds(&items), plan.counts.pending), (Vec::new(), 1), "{items:?}");
    world.end().await;
}
