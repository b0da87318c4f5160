//! Acme Desk in quick mode: one login for jobs that follow each other, and what a connection that breaks does to a change.

use usher::demo::{AcmeDesk, Fault, Options, Trap};
use usher::integration::NewIntegration;
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::{Server, ServerOptions, find_chromium};

use super::faults::{done, job_of, many_members, no_patience};
use super::suite::both_connectors;
use super::world::{OWNER, PASSWORD, Scim, World, any_port, desk_options, open_with, user};

/// A gateway and a worker that does one job at a time.
async fn quick_world() -> World {
    let desk = AcmeDesk::start(Options { quick: true, ..desk_options() }).await.unwrap();
    let (data, folder) = (tempfile::tempdir().unwrap(), both_connectors());
    let installation = open_with(data.path(), folder.path()).await;
    let new = NewIntegration {
        name: "desk".to_owned(),
        connector: "quick-desk".to_owned(),
        settings: [("base_url".to_owned(), desk.url())].into(),
        login: "password".to_owned(),
        credentials: [("username", OWNER), ("password", PASSWORD)]
            .map(|(key, value)| (key.to_owned(), SecretString::from(value)))
            .into(),
        policy: no_patience(),
    };
    let created = installation.integrations.create(new, "test").await.unwrap();
    let (_, token) = installation.integrations.new_token(&created, None, "test").await.unwrap();
    let mut worker = installation.worker_options(find_chromium().unwrap());
    worker.parallel = 1;
    let options = ServerOptions { listen: any_port(), base_url: None, worker: Some(worker) };
    let server = Server::start(installation.clone(), options).await.unwrap();
    let scim = Scim::new(&server.url(), token.expose_secret());
    World { desk, server, installation, scim, data }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_follow_each_other_share_one_login() {
    let world = quick_world().await;
    let mut jobs = Vec::new();
    for number in 0..30 {
        let email = format!("person{number}@acme.example");
        let id = world.scim.create(&user(&email, "Person", true, "agent")).await;
        jobs.push(job_of(&world.installation.store, &id).await.id);
    }
    // Nobody is free while a job runs; yet its session is not given up for the next one.
    for job in jobs {
        done(&world.installation.store, &job).await;
    }
    assert_eq!((world.desk.record().len(), world.desk.stats().sign_ins), (30, 1));
    world.end().await;
}

/// The app takes every change, and the connection ends without an answer. Chromium sends the change again by itself, which the app refuses.
async fn unanswered(world: World, on: impl Fn(&str) -> String) {
    let store = &world.installation.store;
    let email = "new.person@acme.example";
    let trap = |on: String| Trap { on, posts_only: true, after: 0, fault: Fault::DroppedAfter };
    world.desk.set_trap(trap(on("invite")));
    let id = world.scim.create(&user(email, "New Person", true, "agent")).await;
    done(store, &job_of(store, &id).await.id).await;
    assert!(world.desk.accept(email));
    world.desk.set_trap(trap(on("suspend")));
    let (status, body) = world.scim.put(&id, &user(email, "New Person", false, "agent")).await;
    assert_eq!(status, 200, "{body}");
    done(store, &job_of(store, &id).await.id).await;
    assert!(!world.desk.take_trap(&on("invite")) && !world.desk.take_trap(&on("suspend")), "both were met");
    let changes = ["invited", "accepted", "suspended"].map(|action| format!("{action} {email}"));
    assert_eq!(world.record(), changes);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_not_taken_for_refused() {
    unanswered(quick_world().await, |_| "new.person@".to_owned()).await;
}

/// There the second is not refused, or never sent; what comes out is the same.
#[tokio::test(flavor = "multi_thread")]
async fn nor_is_one_on_the_apps_own_pages() {
    let world = World::with(many_members(), no_patience()).await;
    unanswered(world, |action| format!("/{action}")).await;
}
