//! What a person may do with a job.

use super::*;

#[tokio::test]
async fn a_failed_job_is_tried_again_and_counts_anew() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, failed()).await.unwrap();
    let job = bench.store.retry_job(&claimed.job.id, "cli").await.unwrap();
    assert_eq!((job.state, job.tries, job.finished_at), (JobState::Ready, 0, None));
    let again = bench.claimed().await;
    assert_eq!((again.job.id, again.job.attempts), (claimed.job.id.clone(), 2));
    let events = bench.store.list_events(&EventFilter::Job(claimed.job.id), None, 9).await.unwrap();
    let told: Vec<_> = events.iter().rev().map(|event| (event.kind.as_str(), event.actor.as_str())).collect();
    let expected = [
        ("user.wanted", "token:1"),
        ("job.claimed", "usher"),
        ("job.failed", "usher"),
        ("job.retried", "cli"),
        ("job.claimed", "usher"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_failed_job_is_not_tried_again_beside_a_newer_one() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "ada").await.user;
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, failed()).await.unwrap();
    let newer = bench.wish(&acme, &user, true).await.job.unwrap();
    match bench.store.retry_job(&claimed.job.id, "cli").await {
        Err(OperateError::Pending { by }) => assert_eq!(by, newer.id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_what_stands_where_it_makes_sense_is_operated() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "ada").await.user;
    let claimed = bench.claimed().await;
    let id = claimed.job.id.as_str();
    assert!(matches!(bench.store.retry_job("job_none", "cli").await, Err(OperateError::NotFound)));
    let running = |answer| matches!(answer, Err(OperateError::WrongState(JobState::Running)));
    assert!(running(bench.store.retry_job(id, "cli").await));
    assert!(running(bench.store.release_job(id, "why", "cli").await));
    assert!(running(bench.store.cancel_job(id, "why", "cli").await));
    bench.done(&claimed).await;
    for answer in [bench.store.retry_job(id, "cli").await, bench.store.cancel_job(id, "why", "cli").await] {
        assert!(matches!(answer, Err(OperateError::WrongState(JobState::Done))), "{answer:?}");
    }
    assert_eq!(bench.store.find_user(&acme.id, &user.id).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn a_held_job_goes_on_when_it_is_released() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, held()).await.unwrap();
    assert!(bench.claim().await.is_none());
    bench.store.release_job(&claimed.job.id, "they did leave", "cli").await.unwrap();
    assert_eq!(bench.claimed().await.job.id, claimed.job.id);
    let events = bench.store.list_events(&EventFilter::Job(claimed.job.id), None, 9).await.unwrap();
    let released = events.iter().find(|event| event.kind == "job.released").unwrap();
    assert_eq!(released.data, json!({ "was": "held", "reason": "they did leave" }));
}

#[tokio::test]
async fn a_cancelled_job_does_not_run_and_a_cancelled_follower_leaves_its_head_alone() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "ada").await;
    let job = bench.store.cancel_job(&user.job.unwrap().id, "a mistake", "cli").await.unwrap();
    assert_eq!((job.state, job.finished_at), (JobState::Cancelled, Some(START)));
    assert!(bench.claim().await.is_none());

    bench.wish(&acme, &user.user, true).await;
    let running = bench.claimed().await;
    let follower = bench.wish(&acme, &user.user, true).await.job.unwrap();
    bench.store.cancel_job(&follower.id, "a mistake", "cli").await.unwrap();
    assert_eq!(bench.job(&running.job.id).await.state, JobState::Running);
    bench.done(&running).await;
    assert!(bench.claim().await.is_none());
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_integration_and_state() {
    let bench = Bench::new().await;
    let (acme, other) = (bench.integration("acme", 1).await, bench.integration("other", 1).await);
    for name in ["a", "b", "c"] {
        bench.add_user(&acme, name).await;
        bench.add_user(&other, name).await;
    }
    bench.done(&bench.claimed().await).await;
    let list = async |integration: Option<&IntegrationRow>, state, before, limit| {
        let integration_id = integration.map(|integration| integration.id.clone());
        let filter = JobFilter { integration_id, state, before, limit };
        let jobs = bench.store.list_jobs(&filter).await.unwrap();
        jobs.into_iter().map(|job| job.seq).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, None, 9).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(list(None, None, Some(5), 2).await, [4, 3]);
    assert_eq!(list(Some(&acme), None, None, 9).await, [5, 3, 1]);
    assert_eq!(list(None, Some(JobState::Done), None, 9).await, [1]);
    assert_eq!(list(Some(&other), Some(JobState::Done), None, 9).await, [0_i64; 0]);
    assert_eq!(list(Some(&acme), Some(JobState::Ready), Some(5), 9).await, [3]);
}

#[tokio::test]
async fn a_job_that_has_not_begun_is_held_and_released_by_a_person() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let id = bench.claimed().await.job.id;
    let refused = bench.store.hold_job(&id, "why", "cli").await;
    assert!(matches!(refused, Err(OperateError::WrongState(JobState::Running))), "{refused:?}");
    bench.silence().await;
    let held = bench.store.hold_job(&id, "the app moves tonight", "cli").await.unwrap();
    assert_eq!((held.state, held.message.as_deref()), (JobState::Held, Some("the app moves tonight")));
    assert!(bench.claim().await.is_none());
    bench.store.release_job(&id, "it has moved", "cli").await.unwrap();
    assert_eq!(bench.claimed().await.job.id, id);
}

#[tokio::test]
async fn a_person_lets_a_job_go_before_others_or_behind_them() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(bench.add_user(&acme, name).await.job.unwrap().id);
    }
    bench.store.prioritize_job(&ids[2], "leaver".parse().unwrap(), "cli").await.unwrap();
    bench.store.prioritize_job(&ids[1], "interactive".parse().unwrap(), "cli").await.unwrap();
    let mut order = Vec::new();
    for _ in 0..3 {
        let claimed = bench.claimed().await;
        bench.done(&claimed).await;
        order.push(claimed.job.id);
    }
    assert_eq!(order, [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    let done = bench.store.prioritize_job(&ids[0], Priority::LEAVER, "cli").await;
    assert!(matches!(done, Err(OperateError::WrongState(JobState::Done))), "{done:?}");
    assert!("at once".parse::<Priority>().is_err());
}

#[tokio::test]
async fn what_failed_and_was_not_asked_for_since_is_found() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        let recorded = bench.add_user(&acme, name).await;
        let claimed = bench.claimed().await;
        bench.store.finish(&claimed.lease, failed()).await.unwrap();
        ids.push((recorded.user, claimed.job.id));
    }
    let find = async |class| bench.store.failed_jobs(&acme.id, class).await.unwrap();
    assert_eq!(find(None).await, [ids[0].1.clone(), ids[1].1.clone()]);
    assert!(find(Some(usher::failure::FailureClass::Captcha)).await.is_empty());
    bench.wish(&acme, &ids[0].0, true).await;
    assert_eq!(find(None).await, [ids[1].1.clone()]);
}

#[tokio::test]
async fn a_job_that_somebody_takes_is_read_and_not_done_and_a_leaver_does_not_wait_for_it() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let first = bench.add_user(&acme, "ada").await;
    let id = first.job.unwrap().id;
    let taken = bench.store.take_job(&id, "I do it", "cli").await.unwrap();
    assert_eq!((taken.state, taken.by_hand), (JobState::NeedsHuman, true));
    assert!(bench.claim().await.is_none());
    let wish = bench.wish(&acme, &first.user, true).await.job.unwrap();
    assert_eq!((wish.id.as_str(), wish.state), (id.as_str(), JobState::NeedsHuman));
    // It is looked at, and stays with them as long as it is not done.
    bench.store.check_job(&id, "cli").await.unwrap();
    let claimed = bench.claimed().await;
    assert!(claimed.job.by_hand);
    let open = Outcome::NeedsHuman { message: "change role".into() };
    let job = bench.store.finish(&claimed.lease, Finish::with(open)).await.unwrap();
    assert_eq!((job.state, job.by_hand), (JobState::NeedsHuman, true));
    let refused = bench.store.take_job(&id, "twice", "cli").await;
    assert!(matches!(refused, Err(OperateError::WrongState(JobState::NeedsHuman))));

    let leaver = bench.wish(&acme, &first.user, false).await.job.unwrap();
    assert_eq!((leaver.id.as_str(), leaver.state), (id.as_str(), JobState::Ready));
    let claimed = bench.claimed().await;
    assert!(!claimed.job.by_hand, "Usher does it");
    bench.done(&claimed).await;
    let ended = bench.store.check_job(&id, "cli").await;
    assert!(matches!(ended, Err(OperateError::WrongState(JobState::Done))));
}
