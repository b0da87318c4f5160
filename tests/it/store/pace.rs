//! How fast an integration may be worked in, and what is done in it again and again.

use super::*;

impl Bench {
    /// An integration of many sessions with these limits.
    async fn limited(&self, name: &str, policy: Policy) -> IntegrationRow {
        let policy = Policy { max_sessions: 9, leavers: LeaverLimit::ANY, ..policy };
        let new =
            NewIntegration { name: name.into(), connector: "acme-desk".into(), settings: json!({}), policy };
        self.store.create_integration(new, "cli").await.unwrap()
    }

    async fn add_users(&self, integration: &IntegrationRow, count: usize) {
        for number in 0..count {
            self.add_user(integration, &format!("user{number}")).await;
        }
    }

    /// How many jobs can be claimed now, one after the other.
    async fn claims(&self) -> usize {
        let mut count = 0;
        while self.claim().await.is_some() {
            count += 1;
        }
        count
    }

    async fn ask(&self, integration: &IntegrationRow, priority: Priority) {
        let ask = JobRequest { priority, cause: json!({}) };
        self.store.request_job(&integration.id, Work::TestLogin, ask, "cli").await.unwrap();
    }
}

fn leaver(integration: &IntegrationRow, name: &str) -> Change {
    change(integration, UserChange::Insert(body(name, false)), Priority::LEAVER)
}

#[tokio::test]
async fn jobs_begin_no_closer_to_each_other_than_allowed_leavers_neither() {
    let bench = Bench::new().await;
    let acme = bench.limited("acme", Policy { pace_ms: 5_000, ..Policy::default() }).await;
    let free = bench.integration("free", 9).await;
    bench.add_users(&acme, 3).await;
    bench.add_users(&free, 3).await;
    bench.record(leaver(&acme, "leaver")).await;
    assert_eq!(bench.claimed().await.job.user_name.as_deref(), Some("leaver"));
    assert_eq!(bench.claims().await, 3, "the other integration's");
    assert_eq!(bench.store.next_due().await.unwrap(), Some(bench.in_secs(5)));
    bench.clock.advance(Duration::from_millis(4_999));
    assert_eq!(bench.claims().await, 0);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.claims().await, 1);
    // A clock that jumps back does not stop the work for as long as it jumped.
    bench.clock.jump(START);
    assert_eq!(bench.claims().await, 1);
    assert_eq!(bench.claims().await, 0);
    // Where less is asked for, it holds at once.
    let policy = Policy { max_sessions: 9, ..Policy::default() };
    bench.store.change_integration(&acme.id, json!({}), policy, "cli").await.unwrap();
    assert_eq!(bench.claims().await, 1);
}

#[tokio::test]
async fn no_hour_has_more_jobs_than_allowed_and_leavers_do_not_wait_for_the_next() {
    let bench = Bench::new().await;
    let acme = bench.limited("acme", Policy { jobs_per_hour: Some(3), ..Policy::default() }).await;
    bench.add_users(&acme, 6).await;
    assert_eq!(bench.claims().await, 3);
    bench.clock.advance(Duration::from_secs(600));
    bench.record(leaver(&acme, "leaver")).await;
    bench.ask(&acme, Priority::INTERACTIVE).await;
    assert_eq!(bench.claims().await, 2, "the leaver, and whom somebody waits for");
    assert_eq!(bench.store.next_due().await.unwrap(), Some(START.plus(Duration::from_secs(3600))));
    bench.clock.advance(Duration::from_secs(2_999));
    assert_eq!(bench.claims().await, 0);
    // The first three are an hour old; two of the last hour are counted.
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.claims().await, 1);
    bench.clock.advance(Duration::from_secs(600));
    assert_eq!(bench.claims().await, 2, "the first of them makes the fourth of the hour before");
}

#[tokio::test]
async fn outside_its_hours_an_integration_only_does_what_cannot_wait() {
    let bench = Bench::new().await;
    // START is Friday, 15 January 2027, 08:00 UTC.
    let hours = "Fri 09:00-10:00, Mon 09:00-10:00 UTC".parse().unwrap();
    let acme = bench.limited("acme", Policy { working_hours: Some(hours), ..Policy::default() }).await;
    bench.add_users(&acme, 4).await;
    assert_eq!(bench.claims().await, 0);
    bench.record(leaver(&acme, "leaver")).await;
    assert_eq!(bench.claims().await, 1);
    assert_eq!(bench.store.next_due().await.unwrap(), Some(bench.in_secs(3600)));
    bench.clock.advance(Duration::from_secs(3600));
    let first = bench.claimed().await;
    bench.done(&first).await;
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.claims().await, 0, "it is 10:00");
    let due = bench.store.next_due().await.unwrap();
    assert!(due.is_none_or(|due| due <= bench.clock.now()), "whoever waits looks again at once");
    assert_eq!(bench.claims().await, 0);
    assert_eq!(bench.store.next_due().await.unwrap(), Some(bench.in_secs(3 * 86_400 - 3600)));
    bench.clock.advance(Duration::from_secs(3 * 86_400 - 3600));
    assert_eq!(bench.claims().await, 3, "it is Monday");
    bench.add_user(&acme, "late").await;
    bench.clock.advance(Duration::from_secs(3600));
    assert_eq!(bench.claims().await, 0);
    let always = Policy { max_sessions: 9, ..Policy::default() };
    bench.store.change_integration(&acme.id, json!({}), always, "cli").await.unwrap();
    assert_eq!(bench.claims().await, 1);
}

#[tokio::test]
async fn a_policy_under_which_nothing_could_begin_is_refused() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for policy in [
        Policy { jobs_per_hour: Some(0), ..Policy::default() },
        Policy { pace_ms: 3_600_001, ..Policy::default() },
    ] {
        let refused = bench.store.change_integration(&acme.id, json!({}), policy, "cli").await;
        assert!(matches!(refused, Err(IntegrationError::BadPace)));
    }
}

#[tokio::test]
async fn a_canary_is_asked_for_at_its_times_once_whoever_asks() {
    let bench = Bench::new().await;
    let canary = |text: &str| Policy { canary: Some(text.parse().unwrap()), ..Policy::default() };
    let acme = bench.limited("acme", canary("30 8 * * * UTC")).await;
    let (other, asked) = (bench.open_again().await, async || bench.store.ask_scheduled().await.unwrap());
    assert!(asked().await.is_empty());
    bench.clock.advance(Duration::from_secs(1800));
    // A policy that says the same as before does not miss its time.
    bench.store.change_integration(&acme.id, json!({}), canary("30 8 * * * UTC"), "cli").await.unwrap();
    let (one, two) = tokio::join!(asked(), async { other.ask_scheduled().await.unwrap() });
    assert_eq!(one.len() + two.len(), 1);
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.kind, Kind::TestLogin);
    assert_eq!(claimed.job.cause, json!({ "schedule": "canary", "at": "30 8 * * * UTC" }));
    bench.done(&claimed).await;
    assert!(asked().await.is_empty());
    // Missed for three days, it is asked for once.
    bench.clock.advance(Duration::from_secs(3 * 86_400));
    assert_eq!(asked().await.len(), 1);
    assert!(asked().await.is_empty());
    bench.store.change_integration(&acme.id, json!({}), Policy::default(), "cli").await.unwrap();
    bench.clock.advance(Duration::from_secs(3 * 86_400));
    assert!(asked().await.is_empty());
}

#[tokio::test]
async fn an_integration_with_many_leavers_leaves_something_to_the_others() {
    let bench = Bench::new().await;
    let (busy, quiet) = (bench.integration("busy", 1).await, bench.integration("quiet", 1).await);
    bench.add_user(&quiet, "joiner").await;
    bench.clock.advance(Duration::from_secs(1));
    for number in 0..8 {
        bench.record(leaver(&busy, &format!("leaver{number}"))).await;
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        let claimed = bench.claimed().await;
        bench.done(&claimed).await;
        order.push(claimed.job.integration_id == quiet.id);
    }
    assert_eq!(order, [false, false, false, true], "the joiner has waited longest");
}

#[tokio::test]
async fn several_who_claim_at_once_get_different_jobs_and_slots() {
    let bench = Bench::new().await;
    let (one, two) = (bench.integration("one", 3).await, bench.integration("two", 1).await);
    bench.add_users(&one, 5).await;
    bench.add_users(&two, 5).await;
    let claims = futures::future::join_all((0..8).map(|_| bench.claim())).await;
    let claimed: Vec<_> = claims.into_iter().flatten().collect();
    let distinct = |key: &dyn Fn(&Claimed) -> String| {
        claimed.iter().map(key).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(claimed.len(), 4, "as many as there are sessions");
    assert_eq!(distinct(&|claimed| claimed.job.id.clone()), 4);
    assert_eq!(distinct(&|claimed| format!("{:?}", claimed.slot)), 4);
    // They end at once; one of them twice, one with a fence that was never given.
    let done = || Finish::with(Outcome::Done { message: None });
    let wrong = Lease { fence: 7, ..claimed[0].lease.clone() };
    let leases = claimed.iter().map(|claimed| &claimed.lease).chain([&claimed[1].lease, &wrong]);
    let ends = futures::future::join_all(leases.map(|lease| bench.store.finish(lease, done()))).await;
    let (ended, lost): (Vec<_>, Vec<_>) = ends.into_iter().partition(Result::is_ok);
    assert_eq!((ended.len(), lost.len()), (4, 2));
    assert!(lost.into_iter().all(|lost| matches!(lost, Err(LeaseError::Lost))));
    assert!(ended.iter().flatten().all(|job| job.state == JobState::Done));
    assert_eq!(bench.claims().await, 3, "two and one are left");
}

#[tokio::test]
async fn nothing_begins_while_an_app_is_maintained_and_all_is_done_after() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let maintenance =
        Maintenance { from: bench.in_secs(60), until: bench.in_secs(120), reason: "an update".into() };
    bench.store.set_maintenance(&acme.id, Some(maintenance), "cli").await.unwrap();
    bench.add_users(&acme, 1).await;
    assert_eq!(bench.claims().await, 1, "it has not begun");
    bench.clock.advance(Duration::from_secs(60));
    bench.record(leaver(&acme, "leaver")).await;
    bench.ask(&acme, Priority::INTERACTIVE).await;
    assert_eq!(bench.claims().await, 0);
    assert_eq!(bench.store.next_due().await.unwrap(), Some(bench.in_secs(60)));
    bench.clock.advance(Duration::from_secs(60));
    assert_eq!(bench.claims().await, 1);
    assert_eq!(bench.store.next_due().await.unwrap(), None);

    let forgotten = Maintenance { from: START, until: bench.in_secs(600), reason: "a mistake".into() };
    bench.store.set_maintenance(&acme.id, Some(forgotten), "cli").await.unwrap();
    bench.store.set_maintenance(&acme.id, None, "cli").await.unwrap();
    let free = bench.integration("free", 2).await;
    bench.add_users(&free, 1).await;
    assert_eq!(bench.claims().await, 1);
}
