//! The app fails, signs everybody out, hangs, is unreachable, or refuses the service account.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::Method;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Options, Switches};
use usher::failure::FailureClass;
use usher::integration::Policy;
use usher::secret::SecretString;
use usher::store::{JobRow, JobState};

use super::faults::{ADA, Asked, Wish, ask, done, faults, job_when, many_members, no_patience, times};
use super::world::{PASSWORD, Scim, World, any_port, open, set_up, start, user};

/// Like [`World::with`], with these credentials and the app at another address.
async fn world_with(desk: AcmeDesk, at: &str, credentials: &[(&str, &str)], policy: Policy) -> World {
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let token = set_up(&installation, at, PASSWORD, policy).await;
    let id = installation.integrations.find("desk").await.unwrap().unwrap().row.id;
    installation.integrations.put_credentials(&id, &secrets(credentials), "test").await.unwrap();
    let server = start(&installation).await;
    let scim = Scim::new(&server.url(), &token);
    World { desk, server, installation, scim, data }
}

fn secrets(values: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
    values.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect()
}

/// Whether the job waits for a later try.
fn waits(job: &JobRow) -> bool {
    job.state == JobState::Retry && job.due_at.since(SystemClock.now()).as_secs() > 1
}

/// Makes a wish; `fault` happens while the app holds back the request after `answered` others. `None` where the job was done
/// before there were so many.
async fn interrupt(
    world: &World,
    wish: Wish,
    n: usize,
    answered: u64,
    fault: impl FnOnce(),
) -> Option<Asked> {
    let store = &world.installation.store;
    let held = world.desk.hold_after(answered);
    let asked = ask(&world.scim, store, &world.desk.members(), wish, n).await;
    let came = tokio::select! {
        () = world.desk.requested(held) => true,
        _ = job_when(store, &asked.job, |job| job.state.is_settled()) => false,
    };
    if came {
        fault();
    }
    world.desk.release();
    came.then_some(asked)
}

fn changed_once(world: &World, asked: &Asked) {
    let record = world.record();
    assert_eq!(times(&record, &asked.wish.recorded(&asked.email)), 1, "{record:?}");
    assert_eq!(record.iter().filter(|change| change.ends_with(&asked.email)).count(), 1, "{record:?}");
}

/// From some request on the app answers with `status`; the job waits, and is done when it is tried again.
async fn answers(status: u16, class: FailureClass) {
    let world = World::with(many_members(), no_patience()).await;
    let store = &world.installation.store;
    let mut n = 0;
    for answered in (0..).step_by(faults().every) {
        let fail = |fail_with| world.desk.set_switches(Switches { fail_with, ..world.desk.switches() });
        let wish = Wish::ALL[n % 3];
        let Some(asked) = interrupt(&world, wish, n, answered, || fail(Some(status))).await else { break };
        let job = job_when(store, &asked.job, |job| waits(job) || job.state.is_settled()).await;
        assert_eq!(
            (job.state, job.class),
            (JobState::Retry, Some(class)),
            "after {answered}: {:?}",
            job.message
        );
        fail(None);
        store.retry_job(&asked.job, "test").await.unwrap();
        done(store, &asked.job).await;
        changed_once(&world, &asked);
        n += 1;
    }
    assert!(n > 1, "{n}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_fails_is_tried_again_later() {
    answers(500, FailureClass::AppUnavailable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_asks_for_fewer_requests_gets_fewer() {
    answers(429, FailureClass::RateLimited).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_in_mid_job_costs_one_login() {
    let world = World::with(many_members(), no_patience()).await;
    let store = &world.installation.store;
    let mut n = 0;
    for answered in (0..).step_by(faults().every) {
        let before = world.desk.stats().sign_ins;
        let Some(asked) =
            interrupt(&world, Wish::ALL[n % 3], n, answered, || world.desk.expire_sessions()).await
        else {
            break;
        };
        let job = job_when(store, &asked.job, |job| waits(job) || job.state.is_settled()).await;
        if waits(&job) {
            assert_eq!(job.class, Some(FailureClass::SessionLost), "after {answered}: {:?}", job.message);
            store.retry_job(&asked.job, "test").await.unwrap();
        }
        let job = done(store, &asked.job).await;
        changed_once(&world, &asked);
        let logins = world.desk.stats().sign_ins - before;
        assert!(
            logins <= u64::try_from(job.attempts).unwrap(),
            "{logins} logins in {} attempts",
            job.attempts
        );
        n += 1;
    }
    assert!(n > 1, "{n}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_app_is_waited_for() {
    let desk = Options { latency: std::time::Duration::from_millis(400), ..many_members() };
    let world = World::with(desk, no_patience()).await;
    let asked = ask(&world.scim, &world.installation.store, &world.desk.members(), Wish::Suspend, 0).await;
    let job = done(&world.installation.store, &asked.job).await;
    assert_eq!(job.attempts, 1);
    changed_once(&world, &asked);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_hangs_is_left_for_later() {
    let world = World::with(many_members(), no_patience()).await;
    let store = &world.installation.store;
    world.desk.hold_after(0);
    let asked = ask(&world.scim, store, &world.desk.members(), Wish::Suspend, 0).await;
    let job = job_when(store, &asked.job, |job| waits(job) || job.state.is_settled()).await;
    assert_eq!((job.state, job.class), (JobState::Retry, Some(FailureClass::Timeout)), "{:?}", job.message);
    world.desk.release();
    store.retry_job(&asked.job, "test").await.unwrap();
    done(store, &asked.job).await;
    changed_once(&world, &asked);
    world.end().await;
}

/// A wire between Chromium and the app that can be cut.
struct Wire {
    address: SocketAddr,
    is_cut: watch::Sender<bool>,
    carrying: JoinHandle<()>,
}

impl Wire {
    async fn to(app: SocketAddr) -> Self {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, cut) = watch::channel(false);
        let carrying = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut cut = cut.clone();
                tokio::spawn(async move {
                    let carry = async {
                        let mut to = TcpStream::connect(app).await?;
                        tokio::io::copy_bidirectional(&mut from, &mut to).await
                    };
                    tokio::select! {
                        biased;
                        _ = cut.wait_for(|cut| *cut) => {}
                        _ = carry => {}
                    }
                });
            }
        });
        Self { address, is_cut, carrying }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_is_tried_again_later() {
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let wire = Wire::to(desk.address()).await;
    let world = world_with(desk, &format!("http://{}", wire.address), &[], no_patience()).await;
    let store = &world.installation.store;
    let mut n = 0;
    for answered in (0..).step_by(faults().every) {
        let cut = || {
            wire.is_cut.send_replace(true);
        };
        let Some(asked) = interrupt(&world, Wish::ALL[n % 3], n, answered, cut).await else { break };
        let job = job_when(store, &asked.job, |job| waits(job) || job.state.is_settled()).await;
        let classes = [FailureClass::AppUnavailable, FailureClass::Timeout].map(Some);
        assert!(
            waits(&job) && classes.contains(&job.class),
            "after {answered}: {:?} {:?}",
            job.class,
            job.message
        );
        wire.is_cut.send_replace(false);
        store.retry_job(&asked.job, "test").await.unwrap();
        done(store, &asked.job).await;
        changed_once(&world, &asked);
        n += 1;
    }
    assert!(n > 1, "{n}");
    world.end().await;
    wire.carrying.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_and_stops_the_integration() {
    let desk = AcmeDesk::start(many_members()).await.unwrap();
    let at = desk.url();
    let policy = Policy { patience_ms: 50_000, ..Policy::default() };
    let world = world_with(desk, &at, &[("password", "wrong-Pa55word")], policy).await;
    let wish = user(ADA, "Ada Lovelace", true, "agent");
    // Several at once: whoever comes second finds the integration paused, or waits in its queue.
    let second = user("other@acme.example", "Somebody Else", true, "agent");
    let (first, other) = tokio::join!(world.scim.post(&wish), async {
        world.desk.requested(1).await;
        let patience = Policy { patience_ms: 0, ..Policy::default() };
        let id = world.installation.integrations.find("desk").await.unwrap().unwrap().row;
        let settings = id.settings.clone();
        world.installation.store.change_integration(&id.id, settings, patience, "test").await.unwrap();
        world.scim.post(&second).await
    });
    assert_eq!(first.0, 500, "{}", first.1);
    assert!(first.1["detail"].as_str().unwrap().contains("auth_failed"), "{}", first.1);
    assert!(matches!(other.0, 201 | 202 | 429), "{}", other.1);
    assert_eq!(world.desk.stats().refused_sign_ins, 1);

    let base = &world.scim.base;
    let again = world.scim.http.request(Method::POST, format!("{base}/Users")).bearer_auth(&world.scim.token);
    let again =
        again.header("Content-Type", "application/scim+json").body(wish.to_string()).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 429);
    let wait: u64 = again.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(wait > 0);
    assert_eq!((world.desk.stats().refused_sign_ins, world.record()), (1, vec![]));

    let integrations = &world.installation.integrations;
    let id = integrations.find("desk").await.unwrap().unwrap().row.id;
    integrations.put_credentials(&id, &secrets(&[("password", PASSWORD)]), "test").await.unwrap();
    world.installation.store.resume_integration(&id, "test").await.unwrap();
    let (status, body) = world.scim.post(&wish).await;
    assert!(status < 300, "{body}");
    world.desk.recorded(1).await;
    let stats = world.desk.stats();
    assert_eq!((stats.refused_sign_ins, stats.sign_ins), (1, 1));
    world.end().await;
}

const TOTP: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_with_one_time_codes_logs_in() {
    let options = Options { totp_secret: Some(TOTP.to_owned()), ..many_members() };
    let desk = AcmeDesk::start(options).await.unwrap();
    let at = desk.url();
    let world = world_with(desk, &at, &[("totp", TOTP)], no_patience()).await;
    let asked = ask(&world.scim, &world.installation.store, &world.desk.members(), Wish::Invite, 0).await;
    done(&world.installation.store, &asked.job).await;
    changed_once(&world, &asked);
    let stats = world.desk.stats();
    assert_eq!((stats.refused_sign_ins, stats.sign_ins), (0, 1));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_asked_for_and_not_configured_stops_the_integration() {
    let options = Options { totp_secret: Some(TOTP.to_owned()), ..many_members() };
    let desk = AcmeDesk::start(options).await.unwrap();
    let at = desk.url();
    let world = world_with(desk, &at, &[], no_patience()).await;
    let store = &world.installation.store;
    let asked = ask(&world.scim, store, &world.desk.members(), Wish::Invite, 0).await;
    let job = job_when(store, &asked.job, |job| job.state.is_settled()).await;
    assert_eq!(job.class, Some(FailureClass::MfaUnexpected), "{:?}", job.message);
    assert!(store.find_integration("desk").await.unwrap().unwrap().paused_at.is_some());
    assert_eq!(world.record(), [""; 0]);
    world.end().await;
}
