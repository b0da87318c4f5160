//! The session that a job leaves is the one in which the next one goes on.

use super::faults::{done, job_of, no_patience};
use super::suite::both_connectors;
use super::world::{OWNER, PASSWORD, Scim, any_port, desk_options, open_with, user};
use usher::demo::{AcmeDesk, Options};
use usher::integration::NewIntegration;
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::{Server, ServerOptions, find_chromium};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_follow_each_other_share_one_login() {
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
    // Nobody is free while a job runs.
    worker.parallel = 1;
    let options = ServerOptions { listen: any_port(), base_url: None, worker: Some(worker) };
    let server = Server::start(installation.clone(), options).await.unwrap();
    let scim = Scim::new(&server.url(), token.expose_secret());
    let mut jobs = Vec::new();
    for number in 0..30 {
        let email = format!("person{number}@acme.example");
        let id = scim.create(&user(&email, "Person", true, "agent")).await;
        jobs.push(job_of(&installation.store, &id).await.id);
    }
    for job in jobs {
        done(&installation.store, &job).await;
    }
    assert_eq!((desk.record().len(), desk.stats().sign_ins), (30, 1));
    server.stop().await;
    desk.stop().await;
}
