//! Pictures show nothing that depends on a secret.

use std::collections::BTreeSet;

use usher::demo::AcmeDesk;
use usher::integration::Policy;
use usher::store::{JobFilter, JobState};
use usher::trace::Pictures;

use super::faults::{ADA, job_when, many_members, no_patience};
use super::world::{Scim, World, open, set_up, user};

const WRONG: &str = "canary-Wr0ng-password";

/// The pictures of the filled form, as the hashes that they are kept under.
async fn pictures_of_login(password: &str) -> BTreeSet<String> {
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let policy = Policy { pictures: Pictures::EveryStep, ..no_patience() };
    let token = set_up(&installation, &desk.url(), password, policy).await;
    let server = super::world::start(&installation).await;
    let world = World { scim: Scim::new(&server.url(), &token), desk, server, installation, data };
    world.scim.create(&user(ADA, "Ada Lovelace", true, "agent")).await;
    let store = &world.installation.store;
    let filter = JobFilter { integration_id: None, state: None, before: None, limit: 1 };
    let job = store.list_jobs(&filter).await.unwrap().remove(0);
    let job = job_when(store, &job.id, |job| job.state.is_settled()).await;
    assert_eq!(job.state, JobState::Failed, "{:?}", job.message);
    let shown = store.show_job(&job.id).await.unwrap().unwrap();
    let steps = shown.attempts.iter().flat_map(|detail| detail.steps.iter().map(move |step| (detail, step)));
    let filled = steps.filter(|(_, step)| step.words.contains("Password"));
    let pictures = filled.filter_map(|(detail, step)| Some(detail.picture(step)?.artifact.clone()));
    let pictures: BTreeSet<String> = pictures.collect();
    world.end().await;
    pictures
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_the_login_do_not_depend_on_the_password() {
    let (short, long) = tokio::join!(pictures_of_login("wrong"), pictures_of_login(WRONG));
    assert_eq!(short.len(), 1, "the filled form has a picture");
    assert_eq!(short, long);
}
