//! Claims, leases and fences.

use super::*;
use usher::account::Status;
use usher::failure::FailureClass;
use usher::trace::{StepOutcome, StepRecord};

#[tokio::test]
async fn an_integration_runs_no_more_jobs_than_it_has_sessions() {
    let bench = Bench::new().await;
    let (one, two) = (bench.integration("one", 1).await, bench.integration("two", 2).await);
    for name in ["a", "b", "c"] {
        bench.add_user(&one, name).await;
        bench.add_user(&two, name).await;
    }
    let mut running = Vec::new();
    while let Some(claimed) = bench.claim().await {
        running.push(claimed);
    }
    let of = |id: &str| running.iter().filter(|claimed| claimed.job.integration_id == id).count();
    assert_eq!((of(&one.id), of(&two.id)), (1, 2));
    let freed = running.iter().find(|claimed| claimed.job.integration_id == one.id).unwrap();
    bench.done(freed).await;
    assert_eq!(bench.claimed().await.job.integration_id, one.id);
}

#[tokio::test]
async fn more_or_fewer_sessions_take_effect_at_the_next_claim() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for name in ["a", "b", "c", "d"] {
        bench.add_user(&acme, name).await;
    }
    let first = bench.claimed().await;
    assert!(bench.claim().await.is_none());
    let set = |max_sessions| Policy { max_sessions, ..Policy::default() };
    bench.store.change_integration(&acme.id, json!({}), set(2), "cli").await.unwrap();
    let second = bench.claimed().await;
    bench.store.change_integration(&acme.id, json!({}), set(1), "cli").await.unwrap();
    bench.done(&second).await;
    assert!(bench.claim().await.is_none(), "one still runs, and one is allowed");
    bench.done(&first).await;
    bench.claimed().await;
    assert!(bench.claim().await.is_none());
}

#[tokio::test]
async fn a_paused_integration_only_tests_its_login() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    assert!(bench.store.pause_integration(&acme.id, "wrong password", "usher").await.unwrap());
    assert!(!bench.store.pause_integration(&acme.id, "another reason", "usher").await.unwrap());
    let paused = bench.store.find_integration("acme").await.unwrap().unwrap();
    assert_eq!((paused.paused_at, paused.pause_reason.as_deref()), (Some(START), Some("wrong password")));
    assert!(bench.claim().await.is_none());

    let ask = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
    let test = bench.store.request_job(&acme.id, Work::TestLogin, ask, "cli").await.unwrap();
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.id, test.id);
    bench.done(&claimed).await;
    assert!(bench.claim().await.is_none());

    assert!(bench.store.resume_integration(&acme.id, "cli").await.unwrap());
    assert!(!bench.store.resume_integration(&acme.id, "cli").await.unwrap());
    bench.claimed().await;
}

#[tokio::test]
async fn a_refused_login_pauses_before_another_job_can_try_it() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "a").await;
    bench.add_user(&acme, "b").await;
    let claimed = bench.claimed().await;
    let pause = Some("the app refused the password".to_owned());
    bench.store.finish(&claimed.lease, Finish { pause, ..failed() }).await.unwrap();
    assert!(bench.claim().await.is_none());
    let events = bench.store.list_events(&EventFilter::Integration(acme.id), None, 1).await.unwrap();
    assert_eq!(events[0].kind, "integration.paused");
}

#[tokio::test]
async fn a_retry_is_claimed_at_its_time_and_not_before() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    let at = bench.in_secs(30);
    let waiting = bench.store.finish(&claimed.lease, retry_at(at)).await.unwrap();
    assert_eq!((waiting.state, waiting.class), (JobState::Retry, Some(FailureClass::AppUnavailable)));
    assert_eq!(bench.store.next_due().await.unwrap(), Some(at));
    bench.clock.advance(Duration::from_millis(29_999));
    assert!(bench.claim().await.is_none());
    bench.clock.advance(Duration::from_millis(1));
    let again = bench.claimed().await;
    assert_eq!((again.job.attempts, again.job.tries), (2, 2));
    assert_eq!(bench.store.next_due().await.unwrap(), None);
}

#[tokio::test]
async fn a_job_handed_back_has_used_no_try() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    let back = Finish::with(Outcome::Requeue { message: "the worker is drained".into() });
    bench.store.finish(&claimed.lease, back).await.unwrap();
    let again = bench.claimed().await;
    assert_eq!((again.job.attempts, again.job.tries), (2, 1));
}

#[tokio::test]
async fn an_old_fence_changes_nothing() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "ada").await.user;
    let old = bench.claimed().await;
    let attempt = bench.store.start_attempt(&old.lease, "hash").await.unwrap();
    assert_eq!(bench.silence().await.len(), 1);
    let step = || StepRecord { seq: 1, words: "click button \"Invite\"".into(), ..StepRecord::default() };

    for taken_again in [false, true] {
        if taken_again {
            let new = bench.claimed().await;
            assert_eq!((&new.lease.job_id, new.lease.fence), (&old.lease.job_id, old.lease.fence + 1));
        }
        let before = format!("{:?}", bench.store.show_job(&old.lease.job_id).await.unwrap());
        let seen = seen(Status::Active);
        let finish = Finish {
            seen: Some(Seen::Account(seen)),
            pause: Some("never".into()),
            ..Finish::with(Outcome::Done { message: None })
        };
        assert!(matches!(bench.store.heartbeat(&old.lease, LEASE).await, Err(LeaseError::Lost)));
        assert!(matches!(bench.store.mark_committing(&old.lease).await, Err(LeaseError::Lost)));
        assert!(matches!(bench.store.start_attempt(&old.lease, "other").await, Err(LeaseError::Lost)));
        assert!(matches!(
            bench.store.add_steps(&old.lease, attempt, vec![step()], Vec::new()).await,
            Err(LeaseError::Lost)
        ));
        for rests in [false, true] {
            let finish = Finish { rests, ..finish.clone() };
            assert!(matches!(bench.store.finish(&old.lease, finish).await, Err(LeaseError::Lost)));
        }
        assert_eq!(format!("{:?}", bench.store.show_job(&old.lease.job_id).await.unwrap()), before);
        assert!(bench.store.find_account(&acme.id, &user.id).await.unwrap().is_none());
        let events = bench.store.list_events(&EventFilter::All, None, 100).await.unwrap();
        assert!(events.iter().all(|event| event.kind != "job.done" && event.kind != "integration.paused"));
    }
}

#[tokio::test]
async fn a_lease_lasts_as_long_as_its_heart_beats() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    let mut vigil = Vigil::default();
    let mut taken = async || bench.store.take_back_silent(&mut vigil).await.unwrap();
    for _ in 0..5 {
        assert!(taken().await.is_empty());
        bench.clock.advance(Duration::from_secs(50));
        bench.store.heartbeat(&claimed.lease, LEASE).await.unwrap();
    }
    assert!(taken().await.is_empty());
    bench.clock.advance(LEASE);
    assert!(taken().await.is_empty(), "its last moment is its own");
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(taken().await[0].state, JobState::Ready);
}

#[tokio::test]
async fn a_heart_that_beats_again_at_the_last_moment_keeps_its_lease() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    let (slot, worker, length) = (claimed.slot, "worker-1".to_owned(), LEASE);
    let silent = Held { slot, lease: Some(claimed.lease.clone()), worker, beat: 0, length };
    // It beats between being found silent and being taken back.
    bench.store.heartbeat(&claimed.lease, LEASE).await.unwrap();
    assert!(bench.store.take_back(Stranded::Silent(vec![silent.clone()])).await.unwrap().is_empty());
    bench.store.heartbeat(&claimed.lease, LEASE).await.unwrap();
    let silent = Held { beat: 2, ..silent };
    assert_eq!(bench.store.take_back(Stranded::Silent(vec![silent])).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lost_attempt_is_read_first_only_where_it_came_to_a_commit_step() {
    for commits in [false, true] {
        let bench = Bench::new().await;
        let acme = bench.integration("acme", 1).await;
        bench.add_user(&acme, "ada").await;
        let claimed = bench.claimed().await;
        bench.store.start_attempt(&claimed.lease, "hash").await.unwrap();
        if commits {
            bench.store.mark_committing(&claimed.lease).await.unwrap();
        }
        let back = bench.silence().await;
        assert_eq!((back[0].state, back[0].read_first), (JobState::Ready, commits));

        let detail = bench.store.show_job(&claimed.job.id).await.unwrap().unwrap();
        let attempt = &detail.attempts[0].attempt;
        assert_eq!(attempt.outcome, Some(AttemptOutcome::Lost));
        assert_eq!(attempt.committing_at.is_some(), commits);
        let events = bench.store.list_events(&EventFilter::Job(claimed.job.id), None, 1).await.unwrap();
        assert_eq!(events[0].kind, "job.lease_lost");
        assert_eq!(events[0].data["outcome"], if commits { "unknown" } else { "not done" });

        // It stays so until the job ends, whatever the next attempt says.
        let next = bench.claimed().await;
        assert_eq!(next.job.read_first, commits);
        let again = bench.store.finish(&next.lease, retry_at(bench.in_secs(1))).await.unwrap();
        assert_eq!(again.read_first, commits);
        bench.clock.advance(Duration::from_secs(1));
        assert!(!bench.done(&bench.claimed().await).await.read_first);
    }
}

#[tokio::test]
async fn a_commit_that_ends_in_a_retry_is_read_first_too() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    bench.store.mark_committing(&claimed.lease).await.unwrap();
    assert!(bench.store.finish(&claimed.lease, retry_at(bench.in_secs(1))).await.unwrap().read_first);
}

#[tokio::test]
async fn a_commit_that_was_announced_and_not_sent_is_none() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    bench.store.start_attempt(&claimed.lease, "hash").await.unwrap();
    bench.store.mark_committing(&claimed.lease).await.unwrap();
    bench.store.retract_committing(&claimed.lease).await.unwrap();
    assert!(!bench.store.finish(&claimed.lease, retry_at(bench.in_secs(1))).await.unwrap().read_first);
    let shown = bench.store.show_job(&claimed.job.id).await.unwrap().unwrap();
    assert_eq!(shown.attempts[0].attempt.committing_at, None);
    assert!(matches!(bench.store.retract_committing(&claimed.lease).await, Err(LeaseError::Lost)));
}

#[tokio::test]
async fn the_leases_of_one_worker_or_of_all_are_taken_back_at_once() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 3).await;
    for name in ["a", "b", "c"] {
        bench.add_user(&acme, name).await;
    }
    bench.store.claim("left", LEASE).await.unwrap().unwrap();
    bench.store.claim("right", LEASE).await.unwrap().unwrap();
    bench.store.claim("right", LEASE).await.unwrap().unwrap();
    assert_eq!(bench.store.take_back(Stranded::Worker("nobody".into())).await.unwrap().len(), 0);
    assert_eq!(bench.store.take_back(Stranded::Worker("right".into())).await.unwrap().len(), 2);
    assert_eq!(bench.store.take_back(Stranded::All).await.unwrap().len(), 1);
    assert_eq!(bench.store.take_back(Stranded::All).await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_end_of_an_attempt_keeps_what_was_seen_and_done() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "ada").await.user;
    let claimed = bench.claimed().await;
    let attempt = bench.store.start_attempt(&claimed.lease, "hash-of-the-connector").await.unwrap();
    let failed = || StepOutcome::Failed { class: FailureClass::UiDrift, message: "what was there".into() };
    let passed = || StepOutcome::Skipped { why: "not `x`".into() };
    let step = |seq, depth, words: &str, outcome| {
        let words = words.to_owned();
        StepRecord { seq, depth, words, outcome, total_ms: 1234, started_at: START, ..StepRecord::default() }
    };
    let kept = |path: &str, step| {
        let artifact = NewArtifact { name: format!("of-{path}"), bytes: 7 };
        NewEvidence { path: path.into(), step, artifact: Ok(artifact) }
    };
    let pictures = vec![kept("pictures/002-before.jpeg", Some(2)), kept("pictures/002-after.jpeg", Some(2))];
    let inside = vec![step(2, 1, "inside", StepOutcome::Ok)];
    bench.store.add_steps(&claimed.lease, attempt, inside, pictures).await.unwrap();
    let more = vec![step(3, 1, "passed", passed()), step(1, 0, "around", failed())];
    let recording = vec![kept("recording/network.har", None)];
    bench.store.add_steps(&claimed.lease, attempt, more, recording).await.unwrap();
    let finish = Finish {
        seen: Some(Seen::Account(seen(Status::Invited))),
        told: serde_json::Map::from_iter([("done".to_owned(), json!(["invited"]))]),
        ..Finish::with(Outcome::Done { message: Some("invited".into()) })
    };
    bench.clock.advance(Duration::from_secs(7));
    let ended = bench.store.finish(&claimed.lease, finish).await.unwrap();
    assert_eq!((ended.state, ended.finished_at), (JobState::Done, Some(bench.clock.now())));

    let detail = bench.store.show_job(&ended.id).await.unwrap().unwrap();
    let [of_job] = &detail.attempts[..] else { panic!("{detail:?}") };
    let AttemptDetail { attempt, steps, evidence } = of_job;
    assert_eq!(
        (attempt.worker.as_str(), attempt.connector_hash.as_str()),
        ("worker-1", "hash-of-the-connector")
    );
    assert_eq!((attempt.outcome, attempt.message.as_deref()), (Some(AttemptOutcome::Done), Some("invited")));
    let told: Vec<_> =
        steps.iter().map(|step| (step.seq, step.depth, step.words.as_str(), &step.outcome)).collect();
    let expected =
        [(1, 0, "around", &failed()), (2, 1, "inside", &StepOutcome::Ok), (3, 1, "passed", &passed())];
    assert_eq!(told, expected, "in the order in which they began");
    let paths: Vec<&str> = evidence.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(paths, ["pictures/002-after.jpeg", "pictures/002-before.jpeg", "recording/network.har"]);
    assert_eq!(of_job.picture(&steps[1]).unwrap().artifact, "of-pictures/002-after.jpeg");
    assert!(of_job.picture(&steps[0]).is_none());

    let account = bench.store.find_account(&acme.id, &user.id).await.unwrap().unwrap();
    assert_eq!((account.seen.status, account.seen_at), (Status::Invited, bench.clock.now()));
    assert!(account.seen.entitlements["role"].contains("admin"));
    let told = &bench.store.list_events(&EventFilter::Target(user.id.clone()), None, 1).await.unwrap()[0];
    assert_eq!((told.kind.as_str(), told.job_id.as_ref()), ("job.done", Some(&ended.id)));
    assert_eq!(told.data, json!({ "done": ["invited"] }));

    let again = bench.wish(&acme, &user, true).await.job.unwrap();
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.id, again.id);
    let finish = Finish {
        seen: Some(Seen::Account(seen(Status::Active))),
        ..Finish::with(Outcome::Done { message: None })
    };
    bench.store.finish(&claimed.lease, finish).await.unwrap();
    let account = bench.store.find_account(&acme.id, &user.id).await.unwrap().unwrap();
    assert_eq!(account.seen.status, Status::Active, "the later reading takes the place of the earlier");
}

fn seen(status: Status) -> SeenAccount {
    let attributes = [("email".to_owned(), "ada@acme.example".to_owned())].into();
    let entitlements = [("role".to_owned(), ["admin".to_owned()].into())].into();
    SeenAccount {
        app_id: Some("m-17".into()),
        status,
        attributes,
        entitlements,
        groups: None,
        complete: true,
    }
}

/// The app sees a session that is kept open as one that is open.
#[tokio::test]
async fn a_slot_that_rests_is_its_workers_until_it_is_given_up_or_silent() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for name in ["a", "b", "c", "d"] {
        bench.add_user(&acme, name).await;
    }
    let claim = async |worker: &str| bench.store.claim(worker, LEASE).await.unwrap();
    let rest = async |claimed: &Claimed| {
        let finish = Finish { rests: true, ..Finish::with(Outcome::Done { message: None }) };
        bench.store.finish(&claimed.lease, finish).await.unwrap();
    };
    let first = claim("left").await.unwrap();
    assert!(bench.store.resting("left").await.unwrap().is_empty(), "a job runs in it");
    rest(&first).await;
    assert!(claim("right").await.is_none());
    assert_eq!(bench.store.resting_and_wanted("left").await.unwrap(), [first.slot]);
    let again = claim("left").await.unwrap();
    assert_eq!(again.slot, first.slot);
    rest(&again).await;

    // Nobody gives up what is another's.
    bench.store.give_up_slots("right", vec![first.slot]).await.unwrap();
    assert!(claim("right").await.is_none());
    bench.store.give_up_slots("left", vec![first.slot]).await.unwrap();
    let third = claim("right").await.unwrap();
    rest(&third).await;

    // What beats stays; what is silent is free.
    let mut vigil = Vigil::default();
    for _ in 0..3 {
        assert!(bench.store.take_back_silent(&mut vigil).await.unwrap().is_empty());
        bench.clock.advance(LEASE);
        bench.store.beat_resting("right").await.unwrap();
    }
    assert!(claim("left").await.is_none());
    assert!(bench.silence().await.is_empty(), "there was no job in it");
    rest(&claim("left").await.unwrap()).await;
    bench.store.give_up_all_slots("left").await.unwrap();
    assert!(bench.store.resting("left").await.unwrap().is_empty());
}

/// With a worker whose clock was an hour ahead: what it put off, and what it had made ready, would come last until the hour is over.
#[tokio::test]
async fn what_a_clock_that_is_ahead_put_off_does_not_wait_for_it() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let ahead = START.plus(Duration::from_secs(60 * 60));
    bench.add_user(&acme, "tried").await;
    bench.add_user(&acme, "ready").await;
    bench.clock.jump(ahead);
    let [tried, ready] = [bench.claimed().await, bench.claimed().await];
    bench.store.finish(&tried.lease, retry_at(ahead.plus(Duration::from_secs(15)))).await.unwrap();
    bench
        .store
        .finish(&ready.lease, Finish::with(Outcome::Requeue { message: "drained".into() }))
        .await
        .unwrap();

    bench.clock.jump(START);
    for name in ["a", "b"] {
        bench.add_user(&acme, name).await;
    }
    let first = [bench.claimed().await, bench.claimed().await].map(|claimed| claimed.job.user_name.unwrap());
    assert_eq!(first, ["tried", "ready"]);
}

#[tokio::test]
async fn the_longest_pause_is_waited_for_and_no_longer_one() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    for (pause, waits) in [(LONGEST_PAUSE, true), (LONGEST_PAUSE + Duration::from_millis(1), false)] {
        let claimed = bench.claimed().await;
        bench.store.finish(&claimed.lease, retry_at(bench.clock.now().plus(pause))).await.unwrap();
        let next = bench.claim().await;
        assert_eq!(next.is_none(), waits, "{pause:?}");
        match next {
            Some(next) => drop(bench.done(&next).await),
            None => bench.clock.advance(pause),
        }
    }
}
