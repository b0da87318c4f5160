//! Browsers that run elsewhere: the whole way through them, and what becomes of the work when they die, hang or are not there.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use usher::demo::AcmeDesk;
use usher::failure::FailureClass;
use usher::integration::Policy;
use usher::server::find_chromium;
use usher::store::JobState;

use super::faults::{Asked, Wish, ask, done, job_when, many_members, no_patience, times};
use super::faults_process::{Served, usher};
use super::world::{PASSWORD, Scim, World, open, record, set_up};
use crate::browser::devtools::DevTools;
use crate::browser::plain::Plain;

const LONG: Duration = Duration::from_secs(120);

async fn plain() -> Plain {
    Plain::start(&find_chromium().expect("Chromium; `make test` installs it")).await
}

fn contexts(plain: &Plain) -> usize {
    let told = DevTools::connect(&plain.address).call("Target.getBrowserContexts", json!({}));
    told["browserContextIds"].as_array().unwrap().len()
}

async fn contexts_are(plain: &Plain, expected: usize) {
    while contexts(plain) != expected {
        tokio::task::yield_now().await;
    }
}

/// A port that nobody listens at.
async fn free_port() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Each wish is in the app's record once, and nothing else.
fn each_once(world: &World, asked: &[Asked]) {
    let record = world.record();
    assert_eq!(record.len(), asked.len(), "{record:?}");
    for asked in asked {
        assert_eq!(times(&record, &asked.wish.recorded(&asked.email)), 1, "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_done_in_a_browser_that_runs_elsewhere_and_none_is_started() {
    let plain = plain().await;
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
    let mut command = usher(data.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--browser", &plain.http()]);
    let served = Served::run(command.env("USHER_CHROMIUM", "/nonexistent")).await;
    let scim = Scim::new(&served.url, &token);
    let mut expected = Vec::new();
    for wish in Wish::ALL {
        let asked = ask(&scim, &installation.store, &desk.members(), wish, expected.len()).await;
        let job = done(&installation.store, &asked.job).await;
        assert_eq!(job.attempts, 1);
        expected.push(wish.recorded(&asked.email));
    }
    assert_eq!(record(&desk), expected);
    assert_eq!(contexts(&plain), 1);
    served.terminate().await;
    contexts_are(&plain, 0).await;
    assert!(!data.path().join("chromium").exists());
    plain.end().await;
}

/// Two browsers with a place each do two jobs at a time; one of them gets this signal while the app holds back their requests.
async fn one_of_two_ends(signal: Signal) {
    let (one, other) = tokio::join!(plain(), plain());
    let addresses = [&one, &other].map(|plain| format!("{}#sessions=1", plain.address));
    let world = World::elsewhere(&addresses, LONG, Policy { max_sessions: 2, ..no_patience() }).await;
    let held = world.desk.hold_after(10);
    let (store, members) = (&world.installation.store, world.desk.members());
    let mut asked = Vec::new();
    for wish in Wish::ALL {
        asked.push(ask(&world.scim, store, &members, wish, asked.len()).await);
    }
    world.desk.requested(held).await;
    tokio::join!(contexts_are(&one, 1), contexts_are(&other, 1));
    one.signal(signal);
    if signal == Signal::STOP {
        // Not before it was noticed, so that nothing but that ends the attempt.
        let stopped = async |job: &str| job_when(store, job, |job| job.attempts > 1).await;
        futures::future::select_all(asked.iter().map(|asked| Box::pin(stopped(&asked.job)))).await;
    }
    world.desk.release();
    for asked in &asked {
        done(store, &asked.job).await;
    }
    each_once(&world, &asked);
    if signal == Signal::STOP {
        one.signal(Signal::CONT);
        contexts_are(&one, 0).await;
        each_once(&world, &asked);
    }
    // Never more than its place.
    assert_eq!(contexts(&other), 1);
    world.end().await;
    one.end().await;
    other.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_killed_and_the_work_goes_on_in_the_other() {
    one_of_two_ends(Signal::KILL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hangs_and_the_work_goes_on_in_the_other() {
    one_of_two_ends(Signal::STOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_there_the_job_says_so() {
    let address = format!("http://127.0.0.1:{}", free_port().await);
    let world =
        World::elsewhere(std::slice::from_ref(&address), Duration::from_millis(1500), no_patience()).await;
    let store = &world.installation.store;
    let asked = ask(&world.scim, store, &world.desk.members(), Wish::Invite, 0).await;
    let job = job_when(store, &asked.job, |job| job.state.is_settled()).await;
    assert_eq!(
        (job.state, job.class, job.attempts),
        (JobState::Failed, Some(FailureClass::BrowserCrashed), 2)
    );
    let message = job.message.unwrap();
    assert!(message.contains("of 1, 1 cannot be reached and 0 are full"), "{message}");
    assert!(message.contains(&format!("cannot reach the browser at {address}")), "{message}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_later_is_found_while_the_job_waits() {
    let port = free_port().await;
    let address = format!("http://127.0.0.1:{port}");
    let world = World::elsewhere(&[address], LONG, no_patience()).await;
    let store = &world.installation.store;
    let asked = ask(&world.scim, store, &world.desk.members(), Wish::Suspend, 0).await;
    job_when(store, &asked.job, |job| job.state == JobState::Running).await;
    let plain = Plain::start_at(&find_chromium().unwrap(), port).await;
    let job = done(store, &asked.job).await;
    assert_eq!(job.attempts, 1);
    each_once(&world, &[asked]);
    world.end().await;
    plain.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_an_address_is_written_nowhere() {
    let data = tempfile::tempdir().unwrap();
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let installation = open(data.path()).await;
    let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
    let (one, other) = (free_port().await, plain().await);
    let keys = "s3cret-path?token=s3cret-token";
    let other_at = other.address.replace("ws://", "ws://ada:s3cret-word@") + "?token=s3cret-token";
    let addresses = format!("ws://ada:s3cret-word@127.0.0.1:{one}/{keys}, {other_at}");
    let mut command = usher(data.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("USHER_BROWSER", addresses);
    let served = Served::run(command.env("USHER_LOG", "trace").env("USHER_CHROMIUM", "/nonexistent")).await;
    let scim = Scim::new(&served.url, &token);
    let asked = ask(&scim, &installation.store, &desk.members(), Wish::Invite, 0).await;
    done(&installation.store, &asked.job).await;
    let said = served.said("connected to a browser").await;
    assert!(
        said.contains("is left out for a while") && said.contains(&format!("ws://127.0.0.1:{one}")),
        "{said}"
    );
    assert!(!said.contains("s3cret"));
    served.terminate().await;
    other.end().await;
}
