//! Leavers: their clocks, and when a person has to look before they lose access.

use super::*;

impl Bench {
    /// An integration with these limits of leavers, and so many people in it whose accounts are as wanted.
    async fn staffed(&self, leavers: LeaverLimit, people: usize) -> (IntegrationRow, Vec<UserRow>) {
        let policy = Policy { max_sessions: 1, leavers, ..Policy::default() };
        let new = NewIntegration {
            name: "acme".into(),
            connector: "acme-desk".into(),
            settings: json!({}),
            policy,
        };
        let acme = self.store.create_integration(new, "cli").await.unwrap();
        let mut users = Vec::new();
        for number in 0..people {
            users.push(self.add_user(&acme, &format!("user{number}")).await.user);
            let claimed = self.claimed().await;
            self.done(&claimed).await;
        }
        (acme, users)
    }

    async fn leavers(&self) -> Vec<Leaver> {
        self.store.leavers(None, 1000).await.unwrap()
    }

    /// Why leavers are held, if they are.
    async fn objection(&self) -> Option<String> {
        self.store.find_integration("acme").await.unwrap().unwrap().leavers_held_why
    }

    async fn release(&self, acme: &IntegrationRow) -> Option<usize> {
        self.store.release_leavers(&acme.id, "a site was closed", "cli").await.unwrap()
    }
}

fn limit(percent: u32, floor: u32) -> LeaverLimit {
    LeaverLimit { share: Safeguard { percent, floor }, ..LeaverLimit::default() }
}

#[tokio::test]
async fn too_many_leavers_are_held_those_too_who_came_before_and_are_not_begun() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(limit(20, 2), 20).await;
    // A fifth of twenty is not too many.
    for user in &users[..4] {
        let job = bench.wish(&acme, user, false).await.job.unwrap();
        assert_eq!(job.state, JobState::Ready);
        bench.clock.advance(Duration::from_secs(1));
    }
    let running = bench.claimed().await;
    assert_eq!(bench.objection().await, None);
    let job = bench.wish(&acme, &users[4], false).await.job.unwrap();
    assert_eq!((job.state, job.class), (JobState::Held, Some(usher::failure::FailureClass::Safeguard)));
    let why = "5 of 20 people are to lose access within 24 hours, more than 20 % and more than 2";
    assert_eq!(bench.objection().await.as_deref(), Some(why));
    assert_eq!(job.message.as_deref(), Some(why));
    // Whoever comes later is held for the same reason, and what is wanted once more changes nothing.
    assert_eq!(bench.wish(&acme, &users[5], false).await.job.unwrap().state, JobState::Held);
    assert_eq!(bench.wish(&acme, &users[5], false).await.job.unwrap().state, JobState::Held);
    // What a worker has begun goes on; the others do not begin. A joiner does.
    bench.done(&running).await;
    bench.add_user(&acme, "joiner").await;
    let joiner = bench.claimed().await;
    assert_eq!(joiner.job.user_name.as_deref(), Some("joiner"));
    bench.done(&joiner).await;
    assert!(bench.claim().await.is_none());
    // Their clocks run from the moment in which each was asked for; who waits longest is first.
    let leavers = bench.leavers().await;
    let clocks: Vec<(&str, u64)> =
        leavers.iter().map(|one| (one.user_name.as_str(), one.left_at.since(START).as_secs())).collect();
    assert_eq!(clocks, [("user1", 1), ("user2", 2), ("user3", 3), ("user4", 4), ("user5", 4)]);

    assert_eq!(bench.release(&acme).await, Some(5));
    assert_eq!((bench.release(&acme).await, bench.objection().await), (None, None));
    for name in ["user1", "user2", "user3", "user4", "user5"] {
        let claimed = bench.claimed().await;
        assert_eq!((claimed.job.user_name.as_deref(), claimed.job.class), (Some(name), None));
        bench.done(&claimed).await;
    }
    assert!(bench.leavers().await.is_empty());
    // Those who left before the release count no more.
    for user in &users[6..9] {
        assert_eq!(bench.wish(&acme, user, false).await.job.unwrap().state, JobState::Ready);
    }
    let told = bench.store.list_events(&EventFilter::All, None, 500).await.unwrap();
    let told = |kind: &str| told.iter().filter(|event| event.kind == kind).count();
    assert_eq!((told("leavers.held"), told("leavers.released"), told("job.released")), (1, 1, 5));
}

#[tokio::test]
async fn leavers_of_a_while_ago_do_not_count_and_those_who_are_back_neither() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(LeaverLimit { window_min: 60, ..limit(20, 2) }, 10).await;
    for user in &users[..2] {
        bench.wish(&acme, user, false).await;
    }
    bench.clock.advance(Duration::from_secs(3600));
    for user in &users[2..4] {
        bench.wish(&acme, user, false).await;
    }
    bench.wish(&acme, &users[3], true).await;
    assert_eq!(bench.wish(&acme, &users[4], false).await.job.unwrap().state, JobState::Ready);
    assert_eq!(bench.wish(&acme, &users[5], false).await.job.unwrap().state, JobState::Held);
    let why = "3 of 8 people are to lose access within an hour, more than 20 % and more than 2";
    assert_eq!(bench.objection().await.as_deref(), Some(why));
}

#[tokio::test]
async fn there_is_a_bound_whatever_the_share() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(LeaverLimit { most: Some(1), ..limit(100, 100) }, 9).await;
    assert_eq!(bench.wish(&acme, &users[0], false).await.job.unwrap().state, JobState::Ready);
    let delete = UserChange::Delete { id: users[1].id.clone(), expected: None };
    let deleted = bench.record(change(&acme, delete, Priority::LEAVER)).await;
    assert_eq!(deleted.job.unwrap().state, JobState::Held);
    // Who is held is there, whatever was wished: an import shows it.
    assert!(bench.store.find_user(&acme.id, &users[1].id).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_is_not_to_go_any_more_is_not_held() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(limit(20, 0), 2).await;
    let held = bench.wish(&acme, &users[0], false).await.job.unwrap();
    assert_eq!(held.state, JobState::Held);
    let back = bench.wish(&acme, &users[0], true).await;
    assert_eq!((back.job.unwrap().state, back.user.left_at), (JobState::Ready, None));
    assert_eq!(bench.claimed().await.job.id, held.id);
}

#[tokio::test]
async fn a_leaver_behind_a_job_that_runs_is_held_when_it_is_their_turn() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(limit(20, 0), 2).await;
    bench.wish(&acme, &users[0], true).await;
    let running = bench.claimed().await;
    let follower = bench.wish(&acme, &users[0], false).await.job.unwrap();
    assert_eq!(follower.state, JobState::Blocked);
    bench.done(&running).await;
    assert_eq!(bench.job(&follower.id).await.state, JobState::Held);
    assert!(bench.claim().await.is_none());
    // And one whose follower is not to go any more, is not.
    bench.release(&acme).await;
    let running = bench.claimed().await;
    bench.store.hold_leavers(&acme.id, "first look", "cli").await.unwrap();
    bench.wish(&acme, &users[0], true).await;
    bench.done(&running).await;
    assert_eq!(bench.claimed().await.job.user_id.as_deref(), Some(users[0].id.as_str()));
}

#[tokio::test]
async fn a_person_holds_leavers_and_lets_them_go_one_by_one_or_all() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(LeaverLimit::default(), 9).await;
    let before = bench.wish(&acme, &users[0], false).await.job.unwrap();
    assert!(bench.store.hold_leavers(&acme.id, "a migration", "cli").await.unwrap());
    assert!(!bench.store.hold_leavers(&acme.id, "another reason", "cli").await.unwrap());
    assert_eq!(bench.objection().await.as_deref(), Some("a migration"));
    assert_eq!(bench.job(&before.id).await.state, JobState::Held);
    let after = bench.wish(&acme, &users[1], false).await.job.unwrap();
    assert_eq!((after.state, after.message.as_deref()), (JobState::Held, Some("a migration")));

    bench.store.release_job(&after.id, "this one may go", "cli").await.unwrap();
    // The identity provider asks once more, which is no reason to hold it again.
    assert_eq!(bench.wish(&acme, &users[1], false).await.job.unwrap().state, JobState::Ready);
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.id, after.id);
    bench.done(&claimed).await;
    assert!(bench.claim().await.is_none());
    assert_eq!(bench.release(&acme).await, Some(1));
    assert_eq!(bench.claimed().await.job.id, before.id);
}

/// A leaver who waits for an operation of the connector would go on by itself when that works again.
#[tokio::test]
async fn a_leaver_who_waits_for_a_breaker_is_held_as_well() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(LeaverLimit::default(), 3).await;
    let drift = usher::failure::FailureClass::UiDrift;
    let trip = |operation: &str| Trial {
        tripped: Some(Tripped {
            operation: operation.into(),
            class: drift,
            message: "gone".into(),
            opens_at: 1,
            connector_hash: "hash".into(),
            credentials_at: None,
        }),
        ..Trial::default()
    };
    let first = bench.wish(&acme, &users[0], false).await.job.unwrap();
    let claimed = bench.claimed().await;
    let failed = Outcome::Failed { class: drift, message: "gone".into() };
    let finish = Finish { trial: trip("remove_account"), ..Finish::with(failed) };
    bench.store.finish(&claimed.lease, finish).await.unwrap();
    let second = bench.wish(&acme, &users[1], false).await.job.unwrap();
    let claimed = bench.claimed().await;
    let held = Outcome::Held { class: drift, message: "it is not begun".into() };
    let waits = Trial { waits_for: Some("remove_account".into()), ..Trial::default() };
    bench.store.finish(&claimed.lease, Finish { trial: waits, ..Finish::with(held) }).await.unwrap();
    assert_eq!(bench.job(&second.id).await.waits_for.as_deref(), Some("remove_account"));

    bench.store.hold_leavers(&acme.id, "a migration", "cli").await.unwrap();
    bench.store.retry_job(&first.id, "cli").await.unwrap();
    let claimed = bench.claimed().await;
    let worked = Trial { worked: vec!["remove_account".into()], ..Trial::default() };
    let done = Finish { trial: worked, ..Finish::with(Outcome::Done { message: None }) };
    bench.store.finish(&claimed.lease, done).await.unwrap();
    assert_eq!(bench.job(&second.id).await.state, JobState::Held);
    assert!(bench.claim().await.is_none());
}

/// A job that is held for an operation takes over the wish that came behind it, and with it what holds that one.
#[tokio::test]
async fn a_leaver_behind_a_job_that_is_held_for_a_breaker_is_held_for_both() {
    let bench = Bench::new().await;
    let (acme, users) = bench.staffed(LeaverLimit::default(), 2).await;
    let drift = usher::failure::FailureClass::UiDrift;
    bench.wish(&acme, &users[0], true).await;
    let claimed = bench.claimed().await;
    bench.store.hold_leavers(&acme.id, "a migration", "cli").await.unwrap();
    bench.wish(&acme, &users[0], false).await;
    let held = Outcome::Held { class: drift, message: "it is not begun".into() };
    let waits = Trial { waits_for: Some("update".into()), ..Trial::default() };
    let job =
        bench.store.finish(&claimed.lease, Finish { trial: waits, ..Finish::with(held) }).await.unwrap();
    assert_eq!((job.state, job.waits_for.as_deref()), (JobState::Held, Some("leavers")));
    assert_eq!(job.message.as_deref(), Some("a migration"));
    assert!(bench.claim().await.is_none());
    assert_eq!(bench.release(&acme).await, Some(1));
    assert_eq!(bench.claimed().await.job.id, job.id);
}
