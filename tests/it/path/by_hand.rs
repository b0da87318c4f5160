//! What a person does instead of Usher: it ends only where a reading shows it.

use usher::demo::Role;
use usher::failure::FailureClass;
use usher::integration::Policy;
use usher::store::{JobRow, JobState};

use super::faults::{agents, done, job_of, many_members, no_patience};
use super::variants::changed;
use super::world::{World, user};

impl World {
    /// The job as it is once it has settled again.
    async fn checked(&self, job: &JobRow) -> JobRow {
        let store = &self.installation.store;
        store.check_job(&job.id, "test").await.unwrap();
        store.settled_job(&job.id).await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_connector_cannot_do_is_left_to_a_person_and_ends_when_it_is_read() {
    let connectors = changed(|folder| std::fs::remove_file(folder.join("flows/change_role.yaml")).unwrap());
    let policy = Policy { human_tasks: true, ..no_patience() };
    let world = World::with_connectors(many_members(), policy, connectors.path()).await;
    let store = world.installation.store.clone();
    let (email, name) = agents(&world.desk.members())[0].clone();
    let id = world.scim.create(&user(&email, &name, true, "viewer")).await;
    let job = job_of(&store, &id).await;
    let job = store.settled_job(&job.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.by_hand), (JobState::NeedsHuman, true), "{:?}", job.message);
    let message = job.message.clone().unwrap();
    let expected = "the connector has no flow `change_role`, which is needed to change role to viewer";
    assert_eq!(message, expected);
    // It is not so because somebody says so.
    let job = world.checked(&job).await;
    assert_eq!(job.state, JobState::NeedsHuman);
    assert_eq!(job.message, Some(message));
    assert!(world.desk.set_role(&email, Role::Viewer));
    let job = world.checked(&job).await;
    assert_eq!(job.state, JobState::Done);
    assert_eq!(world.record().len(), 1, "by hand, and nothing else");

    // A sync that sees it done has it checked, without anybody saying so; one that does not leaves it where it is.
    assert_eq!(world.scim.put(&id, &user(&email, &name, true, "agent")).await.0, 200);
    let job = job_of(&store, &id).await;
    let job = store.settled_job(&job.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.by_hand), (JobState::NeedsHuman, true), "{:?}", job.message);
    world.plan().await;
    let still = job_of(&store, &id).await;
    assert_eq!((&still.id, still.state, still.attempts), (&job.id, JobState::NeedsHuman, job.attempts));
    assert!(world.desk.set_role(&email, Role::Agent));
    world.plan().await;
    done(&store, &job.id).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_job_does_it_until_they_give_it_back() {
    let world = World::with(many_members(), no_patience()).await;
    let store = world.installation.store.clone();
    let people = agents(&world.desk.members());
    let desk = store.find_integration("desk").await.unwrap().unwrap();
    store.hold_leavers(&desk.id, "so that it stays", "test").await.unwrap();
    let (email, name) = people[0].clone();
    let id = world.scim.create(&user(&email, &name, false, "agent")).await;
    let held = job_of(&store, &id).await;
    assert_eq!(held.state, JobState::Held);
    store.take_job(&held.id, "I do it", "test").await.unwrap();
    let job = world.checked(&held).await;
    assert_eq!(job.state, JobState::NeedsHuman);
    assert_eq!(job.message, Some(format!("to be done in the app, for {email}: deactivate")));
    assert_eq!(world.record(), [""; 0]);
    // Released, Usher does it itself.
    store.release_leavers(&desk.id, "now", "test").await.unwrap();
    store.release_job(&job.id, "I do not", "test").await.unwrap();
    done(&store, &job.id).await;
    assert_eq!(world.record(), [format!("suspended {email}")]);

    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_the_connector_cannot_do_is_nobodys_task() {
    let connectors = changed(|folder| {
        let path = folder.join("flows/list_accounts.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let fails = "  - one_of:\n      - when: table \"Members\"\n        fail: { class: unsupported, message: It cannot }\n      - when: heading \"Owners only\"\n        fail: { class: permission_denied, message: Not an owner }\n  - collect:";
        std::fs::write(&path, text.replace("  - collect:", fails)).unwrap();
    });
    let policy = Policy { human_tasks: true, ..no_patience() };
    let world = World::with_connectors(many_members(), policy, connectors.path()).await;
    let job = world.sync().await;
    assert_eq!(
        (job.state, job.class),
        (JobState::Failed, Some(FailureClass::Unsupported)),
        "{:?}",
        job.message
    );
    world.end().await;
}
