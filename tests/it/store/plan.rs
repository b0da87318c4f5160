//! Plans: kept by whoever has the claim, decided on once, and taken over as far as nobody has been there since.

use super::*;
use usher::account::Status;
use usher::scim::ResourceSchema;

fn account(id: &str, name: &str, status: Status) -> SeenAccount {
    SeenAccount {
        app_id: Some(id.to_owned()),
        status,
        attributes: [("email".to_owned(), name.to_owned())].into(),
        entitlements: Default::default(),
        complete: true,
    }
}

fn item(kind: ItemKind, user: Option<&UserRow>, seen: Option<SeenAccount>) -> NewItem {
    let name = seen.as_ref().map_or("gone", |seen| &seen.attributes["email"]).to_owned();
    let resource = (kind == ItemKind::Adopt).then(|| json!({ "userName": name, "active": true }));
    NewItem {
        kind,
        user_id: user.map(|user| user.id.clone()),
        name,
        note: "change role".into(),
        account: seen,
        resource,
        corrects: false,
    }
}

fn decision(reason: Option<&str>, corrects: bool) -> Decision {
    Decision { by: "test".into(), reason: reason.map(str::to_owned), corrects }
}

impl Bench {
    /// Keeps a plan as the sync does that makes it, and ends it.
    async fn plan(&self, integration: &IntegrationRow, held: Option<&str>, items: Vec<NewItem>) -> PlanRow {
        let ask = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
        let job = self.store.request_job(&integration.id, Work::Sync, ask, "test").await.unwrap();
        let claimed = self.claimed().await;
        assert_eq!((claimed.job.id.as_str(), claimed.job.kind), (job.id.as_str(), Kind::Sync));
        let new = NewPlan {
            integration_id: integration.id.clone(),
            held: held.map(str::to_owned),
            counts: PlanCounts { accounts: items.len(), ..PlanCounts::default() },
            items,
            as_wanted: Vec::new(),
        };
        let plan = self.store.keep_plan(&claimed.lease, new.clone()).await.unwrap();
        self.done(&claimed).await;
        let late = self.store.keep_plan(&claimed.lease, new).await;
        assert!(matches!(late, Err(LeaseError::Lost)), "whoever lost the claim keeps no plan");
        plan
    }

    async fn applied(&self, plan: &PlanRow, corrects: bool) -> (Applied, Vec<String>) {
        let applied =
            self.store.apply_plan(&plan.id, &decision(None, corrects), &ResourceSchema::user()).await;
        let items = self.store.plan_items(&plan.id).await.unwrap();
        (applied.unwrap(), items.into_iter().map(|item| item.outcome.unwrap()).collect())
    }

    /// A user whose account was made.
    async fn made(&self, integration: &IntegrationRow, name: &str) -> UserRow {
        let user = self.add_user(integration, name).await.user;
        let claimed = self.claimed().await;
        let seen = Some(Seen::Account(account(name, name, Status::Active)));
        let finish = Finish { seen, ..Finish::with(Outcome::Done { message: None }) };
        self.store.finish(&claimed.lease, finish).await.unwrap();
        user
    }
}

#[tokio::test]
async fn what_was_found_becomes_known_and_jobs_are_asked_for_where_somebody_says_so() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let [gone, drifted] = [bench.made(&acme, "gone").await, bench.made(&acme, "drifted").await];
    let items = || {
        vec![
            item(ItemKind::Adopt, None, Some(account("9", "new@x.example", Status::Suspended))),
            item(ItemKind::Adopt, None, Some(account("8", "gone", Status::Active))),
            item(ItemKind::Gone, Some(&gone), None),
            item(ItemKind::Drift, Some(&drifted), Some(account("drifted", "drifted", Status::Suspended))),
            item(ItemKind::Orphan, None, Some(account("7", "orphan", Status::Active))),
        ]
    };
    bench.clock.advance(Duration::from_secs(1));
    let plan = bench.plan(&acme, None, items()).await;
    assert_eq!((plan.state, plan.counts.found["adopt"]), (PlanState::Proposed, 2));
    let (applied, outcomes) = bench.applied(&plan, false).await;
    assert_eq!((applied.plan.state, applied.jobs), (PlanState::Applied, 0));
    assert!(outcomes[0].starts_with("adopted as user "), "{outcomes:?}");
    assert_eq!(outcomes[1..], ["not adopted: the user name is taken", "noted", "noted", "reported"]);
    let status = async |user: &UserRow| {
        bench.store.find_account(&acme.id, &user.id).await.unwrap().unwrap().seen.status
    };
    assert_eq!((status(&gone).await, status(&drifted).await), (Status::Absent, Status::Suspended));
    assert!(bench.claim().await.is_none(), "nothing was asked for");

    let (applied, outcomes) = bench.applied(&bench.plan(&acme, None, items()).await, true).await;
    assert_eq!(applied.jobs, 2);
    assert!(outcomes[2].contains("makes it as wanted") && outcomes[3].contains("makes it as wanted"));
    let users = [bench.claimed().await, bench.claimed().await].map(|claimed| claimed.job.user_id.unwrap());
    assert_eq!(users, [gone.id, drifted.id]);
    bench.store.verify_events().await.unwrap();
}

#[tokio::test]
async fn whoever_is_busy_or_was_read_since_is_left_alone() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let [busy, read] = [bench.made(&acme, "busy").await, bench.made(&acme, "read").await];
    let plan = bench
        .plan(
            &acme,
            None,
            vec![item(ItemKind::Gone, Some(&busy), None), item(ItemKind::Gone, Some(&read), None)],
        )
        .await;
    bench.clock.advance(Duration::from_secs(1));
    for user in [&busy, &read] {
        let work = Work::Provision { user_id: user.id.clone(), wanted_version: 1 };
        let ask = JobRequest { priority: Priority::ORDINARY, cause: json!({}) };
        bench.store.request_job(&acme.id, work, ask, "test").await.unwrap();
    }
    let claims = [bench.claimed().await, bench.claimed().await];
    let of_read = claims.iter().find(|claimed| claimed.job.user_id.as_ref() == Some(&read.id)).unwrap();
    let seen = Some(Seen::Account(account("read", "read", Status::Active)));
    bench
        .store
        .finish(&of_read.lease, Finish { seen, ..Finish::with(Outcome::Done { message: None }) })
        .await
        .unwrap();
    let (_, outcomes) = bench.applied(&plan, true).await;
    assert_eq!(outcomes, ["left alone: a job is at it", "left alone: it was read again since"]);
}

#[tokio::test]
async fn a_plan_is_decided_on_once_and_a_held_one_with_a_reason() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let schema = ResourceSchema::user();
    let first = bench.plan(&acme, Some("too many"), Vec::new()).await;
    let refused = bench.store.apply_plan(&first.id, &decision(None, false), &schema).await.unwrap_err();
    assert!(refused.to_string().contains("too many"), "{refused}");
    let second = bench.plan(&acme, Some("too many"), Vec::new()).await;
    let state = async |plan: &PlanRow| bench.store.find_plan(&plan.id).await.unwrap().unwrap().state;
    assert_eq!((state(&first).await, state(&second).await), (PlanState::Superseded, PlanState::Held));
    let applied =
        bench.store.apply_plan(&second.id, &decision(Some("it is so"), false), &schema).await.unwrap();
    assert_eq!(
        (applied.plan.reason.as_deref(), applied.plan.decided_by.as_deref()),
        (Some("it is so"), Some("test"))
    );
    assert!(bench.store.reject_plan(&second.id, &decision(Some("no"), false)).await.is_err());
    let third = bench.plan(&acme, None, Vec::new()).await;
    bench.store.reject_plan(&third.id, &decision(Some("no"), false)).await.unwrap();
    assert_eq!(state(&third).await, PlanState::Rejected);
    assert!(matches!(
        bench.store.reject_plan("plan_x", &decision(None, false)).await,
        Err(DecideError::NotFound)
    ));
    let kinds: Vec<String> = bench
        .store
        .list_events(&EventFilter::Integration(acme.id.clone()), None, 50)
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .filter(|kind| kind.starts_with("plan."))
        .collect();
    assert_eq!(
        kinds,
        ["plan.rejected", "plan.made", "plan.applied", "plan.held", "plan.superseded", "plan.held"]
    );
}
