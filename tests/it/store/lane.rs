//! Coalescing: one pending job per lane, and at most one more behind a running one.

use super::*;

#[tokio::test]
async fn ten_wishes_before_the_first_attempt_are_one_job() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let first = bench.add_user(&acme, "ada").await;
    for _ in 0..9 {
        let again = bench.wish(&acme, &first.user, true).await;
        assert_eq!(again.job.unwrap().id, first.job.as_ref().unwrap().id);
    }
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.wanted_version, Some(10));
    bench.done(&claimed).await;
    assert!(bench.claim().await.is_none());
}

#[tokio::test]
async fn wishes_during_an_attempt_are_one_follower_that_goes_on_when_it_ends() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let first = bench.add_user(&acme, "ada").await;
    let running = bench.claimed().await;
    let follower = bench.wish(&acme, &first.user, true).await.job.unwrap();
    assert_eq!(follower.state, JobState::Blocked);
    assert_eq!(bench.wish(&acme, &first.user, true).await.job.unwrap().id, follower.id);
    assert!(
        bench.claim().await.is_none(),
        "two jobs of one account must not run at once, though a slot is free"
    );

    bench.done(&running).await;
    let next = bench.claimed().await;
    assert_eq!((next.job.id, next.job.wanted_version), (follower.id, Some(3)));
}

#[tokio::test]
async fn a_follower_also_goes_on_after_a_failure() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let first = bench.add_user(&acme, "ada").await;
    let running = bench.claimed().await;
    let follower = bench.wish(&acme, &first.user, true).await.job.unwrap();
    let ended = bench.store.finish(&running.lease, failed()).await.unwrap();
    assert_eq!((ended.state, ended.superseded_by), (JobState::Failed, None));
    assert_eq!(bench.claimed().await.job.id, follower.id);
}

#[tokio::test]
async fn a_new_wish_makes_a_job_that_waits_for_its_next_try_due_at_once() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let first = bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, retry_at(bench.in_secs(600))).await.unwrap();
    assert!(bench.claim().await.is_none());

    let job = bench.job(&bench.wish(&acme, &first.user, true).await.job.unwrap().id).await;
    assert_eq!((job.id.as_str(), job.state, job.tries), (claimed.job.id.as_str(), JobState::Ready, 0));
    let again = bench.claimed().await.job;
    assert_eq!((again.id, again.attempts, again.tries), (claimed.job.id, 2, 1));
}

#[tokio::test]
async fn a_job_to_be_tried_again_gives_way_to_the_wish_that_came_meanwhile() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let first = bench.add_user(&acme, "ada").await;
    let running = bench.claimed().await;
    bench.store.mark_committing(&running.lease).await.unwrap();
    let follower = bench.wish(&acme, &first.user, true).await.job.unwrap();

    let unknown = Outcome::Unknown { at: bench.in_secs(600), message: "the page closed".into() };
    let ended = bench.store.finish(&running.lease, Finish::with(unknown)).await.unwrap();
    assert_eq!(
        (ended.state, ended.superseded_by.as_deref()),
        (JobState::Cancelled, Some(follower.id.as_str()))
    );
    let next = bench.claimed().await.job;
    assert_eq!((next.id, next.read_first), (follower.id, true), "what is unknown is still to be read first");
}

#[tokio::test]
async fn a_wish_does_not_release_what_a_safeguard_holds() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let first = bench.add_user(&acme, "ada").await;
    let running = bench.claimed().await;
    let follower = bench.wish(&acme, &first.user, false).await.job.unwrap();
    let kept = bench.store.finish(&running.lease, held()).await.unwrap();
    assert_eq!((kept.state, kept.wanted_version, kept.priority), (JobState::Held, Some(2), Priority::LEAVER));
    let gone = bench.job(&follower.id).await;
    assert_eq!((gone.state, gone.superseded_by), (JobState::Cancelled, Some(kept.id.clone())));

    let joined = bench.job(&bench.wish(&acme, &first.user, true).await.job.unwrap().id).await;
    assert_eq!((joined.id, joined.state, joined.wanted_version), (kept.id, JobState::Held, Some(3)));
    assert!(bench.claim().await.is_none());
}

#[tokio::test]
async fn a_leaver_overtakes_and_lends_his_urgency_to_what_stands_before_him() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let leaver = bench.add_user(&acme, "leaver").await;
    for name in ["b", "c", "d"] {
        bench.add_user(&acme, name).await;
    }
    let running = bench.claimed().await;
    assert_eq!(running.job.user_id.as_ref(), Some(&leaver.user.id));
    bench.wish(&acme, &leaver.user, false).await;
    bench
        .store
        .finish(&running.lease, Finish::with(Outcome::Requeue { message: "drained".into() }))
        .await
        .unwrap();

    let head = bench.claimed().await;
    assert_eq!((&head.job.id, head.job.priority), (&running.job.id, Priority::LEAVER));
    bench.done(&head).await;
    let next = bench.claimed().await;
    assert_eq!((next.job.user_id.as_ref(), next.job.wanted_version), (Some(&leaver.user.id), Some(2)));
    bench.done(&next).await;
    assert_eq!(bench.claimed().await.job.user_name.as_deref(), Some("b"), "then the others, in their order");
}

#[tokio::test]
async fn a_leaver_claimed_before_his_invitation_ran_is_one_job() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "other").await;
    let leaver = bench.add_user(&acme, "leaver").await;
    let gone = bench.wish(&acme, &leaver.user, false).await.job.unwrap();
    assert_eq!(Some(gone.id.as_str()), leaver.job.as_ref().map(|job| job.id.as_str()));
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.id, gone.id, "before the one who was there first");
    bench.done(&claimed).await;
    assert_eq!(bench.claimed().await.job.user_name.as_deref(), Some("other"));
}

#[tokio::test]
async fn requests_of_a_login_test_are_one_job_in_a_lane_of_their_own() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ask = || JobRequest { priority: Priority::INTERACTIVE, cause: json!({ "source": "cli" }) };
    let first = bench.store.request_job(&acme.id, Work::TestLogin, ask(), "cli").await.unwrap();
    let second = bench.store.request_job(&acme.id, Work::TestLogin, ask(), "cli").await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!((first.kind, first.user_id), (Kind::TestLogin, None));
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.id, first.id);
}

#[tokio::test]
async fn a_leaver_goes_before_joiners_of_every_integration_and_the_rest_by_their_time() {
    let bench = Bench::new().await;
    let (early, late) = (bench.integration("early", 1).await, bench.integration("late", 1).await);
    bench.add_user(&early, "joiner").await;
    bench.clock.advance(Duration::from_secs(1));
    let leaver = bench.add_user(&late, "leaver").await;
    bench.wish(&late, &leaver.user, false).await;
    let first = bench.claimed().await;
    assert_eq!(first.job.user_name.as_deref(), Some("leaver"));
    assert_eq!(bench.claimed().await.job.user_name.as_deref(), Some("joiner"));
    bench.done(&first).await;

    // Of two that are alike, the one that has been due for longer.
    bench.add_user(&late, "second").await;
    bench.clock.advance(Duration::from_secs(1));
    bench.add_user(&late, "third").await;
    assert_eq!(bench.claimed().await.job.user_name.as_deref(), Some("second"));
}

#[tokio::test]
async fn what_is_said_of_a_job_is_what_is_kept() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let said = async |recorded: Recorded| {
        let job = recorded.job.unwrap();
        assert_eq!(JobBrief::from(bench.job(&job.id).await), job);
        job.state
    };
    let first = bench.add_user(&acme, "ada").await;
    let user = first.user.clone();
    let wish = async || said(bench.wish(&acme, &user, true).await).await;
    assert_eq!(said(first).await, JobState::Ready);
    assert_eq!(wish().await, JobState::Ready, "joins");
    let claimed = bench.claimed().await;
    assert_eq!(wish().await, JobState::Blocked, "follows");
    assert_eq!(wish().await, JobState::Blocked, "joins what follows");
    bench.done(&claimed).await;
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, retry_at(bench.in_secs(600))).await.unwrap();
    assert_eq!(wish().await, JobState::Ready, "is due at once");
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, held()).await.unwrap();
    assert_eq!(wish().await, JobState::Held, "is no decision");
    let delete = UserChange::Delete { id: user.id.clone(), expected: None };
    assert_eq!(said(bench.record(change(&acme, delete, Priority::LEAVER)).await).await, JobState::Held);
}
