//! Operations that are not begun any more, and how they are tried again.

use super::*;
use usher::failure::FailureClass;

fn tripped(operation: &str) -> Trial {
    let tripped = Tripped {
        operation: operation.to_owned(),
        class: FailureClass::UiDrift,
        message: "no button".to_owned(),
        opens_at: 3,
        connector_hash: "hash-1".to_owned(),
        credentials_at: None,
    };
    Trial { tripped: Some(tripped), ..Trial::default() }
}

impl Bench {
    async fn end(&self, trial: Trial, outcome: Outcome) -> JobRow {
        let claimed = self.claimed().await;
        self.store.finish(&claimed.lease, Finish { trial, ..Finish::with(outcome) }).await.unwrap()
    }

    async fn fails(&self, operation: &str) -> JobRow {
        let outcome = Outcome::Failed { class: FailureClass::UiDrift, message: "no button".into() };
        self.end(tripped(operation), outcome).await
    }

    async fn waits_for(&self, operation: &str) -> JobRow {
        let trial = Trial { waits_for: Some(operation.to_owned()), ..Trial::default() };
        self.end(trial, Outcome::Held { class: FailureClass::UiDrift, message: "not begun".into() }).await
    }

    async fn works(&self, operation: &str) -> JobRow {
        let trial = Trial { worked: vec![operation.to_owned()], ..Trial::default() };
        self.end(trial, Outcome::Done { message: None }).await
    }

    async fn breaker(&self, integration: &IntegrationRow) -> Option<Breaker> {
        self.store.breakers(&integration.id).await.unwrap().pop()
    }

    async fn told(&self, integration: &IntegrationRow, kind: &str) -> usize {
        let filter = EventFilter::Integration(integration.id.clone());
        let events = self.store.list_events(&filter, None, 100).await.unwrap();
        events.iter().filter(|event| event.kind == kind).count()
    }
}

async fn open(waiting: usize) -> (Bench, IntegrationRow) {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for number in 0..3 + waiting {
        bench.add_user(&acme, &format!("user{number}")).await;
    }
    for _ in 0..3 {
        bench.fails("invite").await;
    }
    for _ in 0..waiting {
        assert_eq!(bench.waits_for("invite").await.state, JobState::Held);
    }
    (bench, acme)
}

#[tokio::test]
async fn an_operation_opens_at_so_many_failures_in_a_row() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for number in 0..6 {
        bench.add_user(&acme, &format!("user{number}")).await;
    }
    bench.fails("invite").await;
    bench.fails("invite").await;
    let breaker = bench.breaker(&acme).await.unwrap();
    assert_eq!((breaker.failures, breaker.opened_at, breaker.stops("any")), (2, None, false));
    // In between it works once: it counts anew, and nobody is told of what never was.
    bench.works("invite").await;
    assert_eq!(bench.breaker(&acme).await, None);
    for _ in 0..3 {
        bench.fails("invite").await;
    }
    let breaker = bench.breaker(&acme).await.unwrap();
    assert_eq!((breaker.failures, breaker.opened_at, breaker.stops("any")), (3, Some(START), true));
    assert_eq!(
        (bench.told(&acme, "breaker.opened").await, bench.told(&acme, "breaker.closed").await),
        (1, 0)
    );
}

#[tokio::test]
async fn one_job_probes_and_with_its_success_all_go_on() {
    let (bench, acme) = open(3).await;
    let breaker = bench.store.breakers_without_probe().await.unwrap().pop().unwrap();
    assert_eq!(Some(&breaker), bench.breaker(&acme).await.as_ref());
    let probe = bench.store.half_open(&breaker).await.unwrap().unwrap();
    assert_eq!((probe.state, probe.tries, &probe.waits_for), (JobState::Ready, 0, &None));
    assert!(bench.store.half_open(&breaker).await.unwrap().is_none(), "another process has done so");
    assert!(bench.store.breakers_without_probe().await.unwrap().is_empty(), "somebody tries");
    let half_open = bench.breaker(&acme).await.unwrap();
    assert!(!half_open.stops(&probe.id) && half_open.stops("any other"));
    assert_eq!(bench.works("invite").await.id, probe.id);
    assert_eq!(bench.breaker(&acme).await, None);
    assert_eq!(bench.told(&acme, "breaker.closed").await, 1);
    for _ in 0..2 {
        assert_eq!(bench.works("invite").await.state, JobState::Done);
    }
    assert!(bench.claim().await.is_none());
}

#[tokio::test]
async fn a_probe_that_fails_leaves_it_open_and_one_that_ends_otherwise_makes_room_for_another() {
    let (bench, acme) = open(3).await;
    let probe = async || {
        let breaker = bench.store.breakers_without_probe().await.unwrap().pop().unwrap();
        bench.store.half_open(&breaker).await.unwrap().unwrap().id
    };
    let first = probe().await;
    assert_eq!(bench.fails("invite").await.id, first);
    let breaker = bench.breaker(&acme).await.unwrap();
    assert_eq!((breaker.failures, breaker.opened_at, breaker.stops(&first)), (4, Some(START), true));
    assert!(bench.claim().await.is_none(), "the others wait");
    // The second has nothing to do any more.
    let second = probe().await;
    assert_eq!(bench.end(Trial::default(), Outcome::Done { message: None }).await.id, second);
    let third = probe().await;
    assert_ne!(third, second);
    bench.store.cancel_job(&third, "nobody wants it", "cli").await.unwrap();
    assert!(bench.store.breakers_without_probe().await.unwrap().is_empty(), "nobody waits");
    assert_eq!(bench.told(&acme, "breaker.opened").await, 1);
}

#[tokio::test]
async fn whom_a_person_releases_probes_and_a_person_can_say_that_all_changed() {
    let (bench, acme) = open(2).await;
    let held = JobFilter { state: Some(JobState::Held), limit: 9, ..JobFilter::default() };
    let held = bench.store.list_jobs(&held).await.unwrap();
    assert_eq!(held[0].waits_for.as_deref(), Some("invite"));
    let released = bench.store.release_job(&held[0].id, "the app was mended", "cli").await.unwrap();
    assert!(!bench.breaker(&acme).await.unwrap().stops(&released.id));
    assert_eq!(bench.works("invite").await.id, released.id);
    assert_eq!(bench.works("invite").await.id, held[1].id);

    let (bench, acme) = open(1).await;
    bench.store.resume_integration(&acme.id, "cli").await.unwrap();
    // Nothing is as it was when it failed.
    assert_eq!(bench.breaker(&acme).await.unwrap().connector_hash, "");
}

/// A newer wish of whom it waits for changes what will be tried, and is no reason to try.
#[tokio::test]
async fn a_wish_does_not_release_what_waits_for_an_operation() {
    let (bench, acme) = open(0).await;
    let user = bench.add_user(&acme, "ada").await.user;
    bench.waits_for("invite").await;
    bench.wish(&acme, &user, false).await;
    assert!(bench.claim().await.is_none());
    assert_eq!(bench.store.breakers_without_probe().await.unwrap().len(), 1);
}

/// It read that the operation is open, and by the time it ends the operation works again.
#[tokio::test]
async fn what_waits_for_an_operation_that_works_meanwhile_goes_on() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "ada").await;
    let job = bench.waits_for("invite").await;
    assert_eq!((job.state, &job.waits_for), (JobState::Ready, &None));
    assert_eq!(bench.works("invite").await.id, job.id);
    assert_eq!(bench.told(&acme, "job.released").await, 1);
}
