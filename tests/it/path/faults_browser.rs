//! Chromium is killed in the middle of the work: each wanted change is in the app's record once, and the job ends done.

use usher::store::{AttemptOutcome, JobState};

use super::faults::{
    Wish, all_gone, ask, done, faults, job_when, kill, many_members, no_patience, processes, times,
};
use super::world::World;

/// Kills the browser while the app holds back the request after `answered` others; says whether the job got so far.
async fn interrupt(world: &World, wish: Wish, n: usize, answered: u64) -> bool {
    let held = world.desk.hold_after(answered);
    let members = world.desk.members();
    let asked = ask(&world.scim, &world.installation.store, &members, wish, n).await;
    let store = &world.installation.store;
    let came = tokio::select! {
        () = world.desk.requested(held) => true,
        _ = job_when(store, &asked.job, |job| job.state.is_settled()) => false,
    };
    if came {
        kill(world.server.browser_process_id().await.expect("a browser"));
        // The attempt ends while the app still holds the request back: the death itself is what is noticed.
        job_when(store, &asked.job, |job| job.state != JobState::Running || job.attempts > 1).await;
    }
    world.desk.release();
    let job = done(store, &asked.job).await;
    let record = world.record();
    assert_eq!(times(&record, &wish.recorded(&asked.email)), 1, "after {answered} requests: {record:?}");
    assert_eq!(record.iter().filter(|change| change.ends_with(&asked.email)).count(), 1, "{record:?}");
    if came {
        let shown = store.show_job(&job.id).await.unwrap().unwrap();
        assert_eq!(job.attempts, 2, "{:?}", shown.attempts.iter().map(|a| &a.attempt).collect::<Vec<_>>());
        let first = &shown.attempts[0].attempt;
        let expected =
            if first.committing_at.is_some() { AttemptOutcome::Unknown } else { AttemptOutcome::Retry };
        assert_eq!(first.outcome, Some(expected), "{first:?}");
    }
    came
}

/// Kills along the requests that the app gets, from the first to the last reading; with `login`, the session is lost before.
async fn along_the_requests(wish: Wish, login: bool) {
    let world = World::with(many_members(), no_patience()).await;
    let mut answered = 0;
    while interrupt(&world, wish, answered, u64::try_from(answered).unwrap()).await {
        answered += faults().every;
        if login {
            world.desk.expire_sessions();
        }
    }
    assert!(answered > if login { 8 } else { 4 }, "only {answered} requests were seen");
    world.end().await;
}

/// Nothing of Chromium leaves the process group that the guard ends, but for its crash handlers, which end with it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_chromium_survives_its_browser_process() {
    let world = World::with(many_members(), no_patience()).await;
    let asked = ask(&world.scim, &world.installation.store, &world.desk.members(), Wish::Invite, 0).await;
    done(&world.installation.store, &asked.job).await;
    let browser = world.server.browser_process_id().await.unwrap();
    let mark = world.data.path().display().to_string();
    let mut seen = 0;
    for id in processes(&mark) {
        let Ok(program) = std::fs::read_link(format!("/proc/{id}/exe")) else { continue };
        let program = program.to_string_lossy();
        if program.contains("chrom") && !program.ends_with("chrome_crashpad_handler") {
            let group =
                rustix::process::getpgid(rustix::process::Pid::from_raw(i32::try_from(id).unwrap())).unwrap();
            assert_eq!(group.as_raw_nonzero().get().unsigned_abs(), browser, "{id} {program}");
            seen += 1;
        }
    }
    assert!(seen > 2, "{seen}");
    world.end().await;
    all_gone(&mark).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_along_the_requests_of_an_invitation() {
    along_the_requests(Wish::Invite, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_along_the_requests_of_a_change_of_role() {
    along_the_requests(Wish::ChangeRole, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_along_the_requests_of_a_suspension() {
    along_the_requests(Wish::Suspend, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_right_after_the_app_recorded_the_change() {
    let world = World::with(many_members(), no_patience()).await;
    for (n, wish) in Wish::ALL.into_iter().enumerate() {
        let members = world.desk.members();
        let asked = ask(&world.scim, &world.installation.store, &members, wish, n).await;
        world.desk.recorded(n + 1).await;
        kill(world.server.browser_process_id().await.expect("a browser"));
        done(&world.installation.store, &asked.job).await;
        assert_eq!(world.record().len(), n + 1, "{:?}", world.record());
        assert_eq!(world.record()[n], wish.recorded(&asked.email));
    }
    world.end().await;
}
