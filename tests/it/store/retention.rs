//! Evidence ends when its time is over, and not while a hold covers it.

use super::*;
use usher::trace::StepRecord;

/// Does a job that leaves these files, by path and name.
async fn leave(bench: &Bench, files: &[(&str, &str)]) -> JobRow {
    let claimed = bench.claimed().await;
    let attempt = bench.store.start_attempt(&claimed.lease, "hash").await.unwrap();
    let evidence = files.iter().map(|(path, name)| NewEvidence {
        path: (*path).to_owned(),
        step: Some(1),
        artifact: Ok(NewArtifact { name: (*name).to_owned(), bytes: 7 }),
    });
    let step = StepRecord { seq: 1, words: "click".into(), ..StepRecord::default() };
    bench.store.add_steps(&claimed.lease, attempt, vec![step], evidence.collect()).await.unwrap();
    bench.done(&claimed).await
}

async fn due(bench: &Bench, acme: &IntegrationRow) -> Vec<AttemptId> {
    let row = bench.store.find_integration(&acme.name).await.unwrap().unwrap();
    let Some(until) = row.policy.evidence_over(bench.clock.now()) else { return Vec::new() };
    let due = bench.store.due_attempts(&acme.id, until, 9).await.unwrap();
    due.into_iter().map(|left| left.attempt).collect()
}

async fn unneeded(bench: &Bench) -> Vec<String> {
    bench.store.unneeded_artifacts("", 9).await.unwrap()
}

async fn set_days(bench: &Bench, acme: &IntegrationRow, evidence_days: u32) {
    let policy = Policy { evidence_days, ..acme.policy.clone() };
    bench.store.change_integration(&acme.id, acme.settings.clone(), policy, "cli").await.unwrap();
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn what_is_over_goes_by_the_policy_of_now_and_bytes_when_nothing_needs_them() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "a").await;
    let first =
        leave(&bench, &[("pictures/001-after.jpeg", "one"), ("pages/001-after.html", "shared")]).await;
    bench.clock.advance(20 * DAY);
    bench.add_user(&acme, "b").await;
    leave(&bench, &[("pages/001-after.html", "shared")]).await;

    bench.clock.advance(159 * DAY);
    assert_eq!(due(&bench, &acme).await, []);
    bench.clock.advance(DAY);
    let over = due(&bench, &acme).await;
    assert_eq!(over.len(), 1);
    // Two gateways that do the same do it once.
    let (one, two) = tokio::join!(bench.store.expire(over.clone()), bench.store.expire(over.clone()));
    assert_eq!(one.unwrap() + two.unwrap(), 2);
    assert_eq!(due(&bench, &acme).await, []);
    assert_eq!(unneeded(&bench).await, ["one"]);
    let shown = bench.store.show_job(&first.id).await.unwrap().unwrap();
    let said: Vec<_> = shown.attempts[0].evidence.iter().map(|row| row.missing().unwrap()).collect();
    assert_eq!(said, ["not kept any more since 2027-07-14T08:00:00.000Z: its time was over"; 2]);
    assert_eq!(shown.attempts[0].steps[0].words, "click", "steps stay");

    // A shorter time applies to what is there; for ever means it.
    set_days(&bench, &acme, 0).await;
    bench.clock.advance(4000 * DAY);
    assert_eq!(due(&bench, &acme).await, []);
    set_days(&bench, &acme, 1).await;
    let over = due(&bench, &acme).await;
    assert_eq!((over.len(), bench.store.expire(over).await.unwrap()), (1, 1));
    assert_eq!(unneeded(&bench).await, ["one", "shared"]);

    // What is left anew meanwhile is needed again, and the rest is forgotten once.
    bench.add_user(&acme, "c").await;
    leave(&bench, &[("pages/001-after.html", "shared")]).await;
    assert_eq!(unneeded(&bench).await, ["one"]);
    let names: Vec<String> = ["one", "shared"].map(str::to_owned).into();
    assert_eq!(bench.store.forget_artifacts(names.clone()).await.unwrap(), ["shared"]);
    assert_eq!(bench.store.forget_artifacts(vec!["one".into()]).await.unwrap(), [""; 0]);
    assert_eq!(bench.store.known_artifacts(&names).await.unwrap(), ["shared".to_owned()].into());
}

#[tokio::test]
async fn what_never_was_kept_is_said_with_its_reason_and_waits_for_nothing() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    bench.add_user(&acme, "a").await;
    let claimed = bench.claimed().await;
    let attempt = bench.store.start_attempt(&claimed.lease, "hash").await.unwrap();
    let path = "recording/network.har".to_owned();
    let artifact = Err("a file was not kept: no space left".to_owned());
    let lost = NewEvidence { path, step: None, artifact };
    bench.store.add_steps(&claimed.lease, attempt, Vec::new(), vec![lost]).await.unwrap();
    let job = bench.done(&claimed).await;
    let shown = bench.store.show_job(&job.id).await.unwrap().unwrap();
    let said = shown.attempts[0].evidence[0].missing();
    assert_eq!(said.as_deref(), Some("a file was not kept: no space left"));
    bench.clock.advance(181 * DAY);
    assert_eq!(due(&bench, &acme).await, []);
}

#[tokio::test]
async fn a_hold_keeps_what_it_covers_until_it_is_released() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let mut left = Vec::new();
    for name in ["a", "b", "c", "d"] {
        bench.add_user(&acme, name).await;
        left.push(leave(&bench, &[("pages/001-after.html", name)]).await);
    }
    bench.clock.advance(181 * DAY);
    let all = due(&bench, &acme).await;
    assert_eq!(all.len(), 4);
    let hold =
        async |covered| bench.store.hold_evidence(&acme.id, covered, ("lawsuit", "cli")).await.unwrap();
    let person = hold(Covered::Person(left[0].user_id.clone().unwrap())).await;
    let job = hold(Covered::Job(left[1].id.clone())).await;
    assert_eq!(due(&bench, &acme).await, all[2..]);
    bench.store.spare(&person.id, vec![all[2]]).await.unwrap();
    assert_eq!(due(&bench, &acme).await, all[3..]);
    // A hold that came between the look and the end.
    assert_eq!(bench.store.expire(all.clone()).await.unwrap(), 1);
    assert_eq!(unneeded(&bench).await, ["d"]);
    let everything = hold(Covered::Integration).await;
    let release = async |id: &str| bench.store.release_evidence(id, ("settled", "cli")).await.unwrap();
    assert_eq!(release(&person.id).await.map(|hold| hold.covered), Some(person.covered.clone()));
    assert_eq!(release(&person.id).await, None, "once");
    assert_eq!(due(&bench, &acme).await, []);
    release(&everything.id).await;
    assert_eq!(due(&bench, &acme).await, [all[0], all[2]]);
    let open = bench.store.open_evidence_holds(&acme.id).await.unwrap();
    assert_eq!(open, [job]);

    let events = bench.store.list_events(&EventFilter::Integration(acme.id), None, 99).await.unwrap();
    let told = |kind: &str| events.iter().filter(|event| event.kind == kind).collect::<Vec<_>>();
    let held = told("evidence.held");
    assert_eq!((held.len(), told("evidence.released").len()), (3, 2));
    assert_eq!(
        (held[2].target.as_ref(), &held[2].data["reason"]),
        (left[0].user_id.as_ref(), &json!("lawsuit"))
    );
    assert_eq!(held[1].job_id.as_ref(), Some(&left[1].id));
}

#[tokio::test]
async fn what_is_erased_is_said_and_a_hold_that_comes_between_refuses() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let user = bench.add_user(&acme, "a").await.user;
    let job = leave(&bench, &[("pages/001-after.html", "x"), ("pictures/001-after.jpeg", "y")]).await;
    let left = bench.store.attempts_after(&acme.id, None, 9).await.unwrap();
    let mut step = left[0].steps[0].clone();
    step.words = "erased for: request 7".into();
    let what = vec![Erased {
        attempt: left[0].attempt,
        paths: vec!["pages/001-after.html".into()],
        steps: vec![step],
        message: true,
    }];
    let erasure = Erasure {
        integration_id: acme.id.clone(),
        people: vec![user.id.clone()],
        reason: "request 7".into(),
        by: "cli".into(),
        events: true,
        holds: Vec::new(),
    };
    let hold = bench.store.hold_evidence(&acme.id, Covered::Integration, ("suit", "cli")).await.unwrap();
    let refused = bench.store.erase(&erasure, what.clone()).await;
    assert!(matches!(refused, Err(EraseError::Holds)), "{refused:?}");
    bench.store.release_evidence(&hold.id, ("settled", "cli")).await.unwrap();
    bench.store.erase(&erasure, what).await.unwrap();
    let shown = bench.store.show_job(&job.id).await.unwrap().unwrap();
    let detail = &shown.attempts[0];
    assert_eq!(detail.steps[0].words, "erased for: request 7");
    let missing: Vec<_> = detail.evidence.iter().map(EvidenceRow::missing).collect();
    assert!(
        missing[0].as_ref().unwrap().ends_with("erased for: request 7") && missing[1].is_none(),
        "{missing:?}"
    );
    assert_eq!(unneeded(&bench).await, ["x"]);
    let told = &bench.store.list_events(&EventFilter::Target(user.id), None, 1).await.unwrap()[0];
    assert_eq!(
        (told.kind.as_str(), &told.data["files"], &told.data["steps"]),
        ("evidence.erased", &json!(1), &json!(1))
    );
    // What was said of the person is gone, and the chain holds; not so where nobody tells of it.
    let said =
        bench.store.list_events(&EventFilter::Target(told.target.clone().unwrap()), None, 99).await.unwrap();
    let unsaid: Vec<i64> = said.iter().rev().filter(|event| event.erased).map(|event| event.seq).collect();
    assert_eq!((unsaid.len(), &told.data["events"]), (said.len() - 1, &json!(unsaid)));
    assert!(said.iter().all(|event| !event.erased || event.data == json!({})));
    bench.store.verify_events().await.unwrap();
    let other = bench.add_user(&acme, "b").await.user;
    let quiet = format!(
        "UPDATE events SET data = '{{}}', erased = (SELECT hash FROM events WHERE seq = 1) WHERE target = '{}'",
        other.id
    );
    bench.by_hand(&quiet).await;
    assert!(matches!(bench.store.verify_events().await, Err(BrokenChain::At { .. })));
}
