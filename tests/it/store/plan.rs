//! Plans: kept by whoever has the claim, decided on once, and taken over as far as nobody has been there since.

use super::*;
use usher::account::{Group, Status};
use usher::scim::{Folded, ResourceSchema};

fn account(id: &str, name: &str, status: Status) -> SeenAccount {
    SeenAccount {
        app_id: Some(id.to_owned()),
        status,
        attributes: [("email".to_owned(), name.to_owned())].into(),
        entitlements: Default::default(),
        groups: None,
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
        group_id: None,
        in_app: None,
    }
}

/// A finding about a group that the app shows as `7:Ops`.
fn of_group(kind: ItemKind, group_id: Option<&str>, shown: &str) -> NewItem {
    let (id, name) = shown.split_once(':').unwrap();
    let in_app = Group { id: Some(id.to_owned()), name: name.to_owned() };
    let group_id = group_id.map(str::to_owned);
    NewItem { name: name.to_owned(), group_id, in_app: Some(in_app), ..item(kind, None, None) }
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
            seems_done: Vec::new(),
        };
        assert!(self.store.plan_of_job(&job).await.unwrap().is_none());
        let plan = self.store.keep_plan(&claimed.lease, new.clone()).await.unwrap();
        assert_eq!(self.store.plan_of_job(&job).await.unwrap().unwrap().id, plan.id);
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

#[tokio::test]
async fn groups_of_the_app_are_groups_here_with_whom_was_seen_in_them() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let [ada, grace] = [bench.made(&acme, "ada").await, bench.made(&acme, "grace").await];
    let seen_in = |user: &UserRow, groups: &[&str]| {
        let groups = Some(groups.iter().map(ToString::to_string).collect());
        let account = account(&user.user_name, &user.user_name, Status::Active);
        item(ItemKind::Drift, Some(user), Some(SeenAccount { groups, ..account }))
    };
    let apply = async |items: Vec<NewItem>| {
        bench.clock.advance(Duration::from_secs(1));
        let plan = bench.plan(&acme, None, items).await;
        bench.applied(&plan, false).await.1
    };
    let adopt = |shown| of_group(ItemKind::AdoptGroup, None, shown);
    let in_both = vec![seen_in(&ada, &["Ops", "Night"]), seen_in(&grace, &["Ops"])];
    let outcomes = apply([in_both, vec![adopt("1:Ops"), adopt("2:Night"), adopt("3:ops")]].concat()).await;
    let ids: Vec<String> =
        outcomes.iter().filter_map(|one| one.strip_prefix("adopted as group ").map(str::to_owned)).collect();
    assert_eq!((ids.len(), outcomes[4].as_str()), (2, "left alone: a group here has its name"));
    let view = async |id: &str| bench.store.view_group(&acme.id, id, true).await.unwrap();
    let ops = view(&ids[0]).await.unwrap();
    assert_eq!((ops.group.body.display_name.as_str(), ops.group.is_found), ("Ops", true));
    assert_eq!(ops.members, [ada.id.as_str(), &grace.id]);
    assert!(bench.store.kept_groups(&acme.id).await.unwrap().is_empty(), "nothing is wanted of them");
    assert!(bench.store.memberships(&acme.id, &ada.id).await.unwrap().is_empty());

    // What is seen again in the same way is no new version; who comes and goes is one.
    apply(vec![seen_in(&ada, &["Ops", "Night"]), seen_in(&grace, &["Ops"])]).await;
    assert_eq!(view(&ids[0]).await.unwrap().group.version, ops.group.version);
    let follow = of_group(ItemKind::AdoptGroup, Some(&ids[1]), "2:Nights");
    let outcomes = apply(vec![seen_in(&ada, &["Nights"]), seen_in(&grace, &["Ops", "Nights"]), follow]).await;
    assert_eq!(outcomes, ["noted"; 3]);
    let [ops, nights] = [view(&ids[0]).await.unwrap(), view(&ids[1]).await.unwrap()];
    assert_eq!((ops.members, ops.group.version), (vec![grace.id.clone()], 3));
    assert_eq!((nights.group.body.display_name.as_str(), nights.members.len()), ("Nights", 2));

    // Whoever pushes it has it from then on.
    let body = GroupBody { external_id: Some("00g".into()), ..nights.group.body.clone() };
    let (id, members) = (ids[1].clone(), vec![ada.id.clone()]);
    let replace = GroupChange::Replace { id, expected: None, body, members };
    let event = NewEvent::new("group.updated", "test");
    bench.store.record_group(&acme.id, replace, None, event).await.unwrap();
    assert_eq!(bench.store.kept_groups(&acme.id).await.unwrap().len(), 1);
    apply(vec![seen_in(&grace, &["Ops", "Nights"])]).await;
    assert_eq!(view(&ids[1]).await.unwrap().members, [ada.id.as_str()], "who is in it is a wish now");
    let late = apply(vec![of_group(ItemKind::AdoptGroup, Some(&ids[1]), "2:Other")]).await;
    assert_eq!(late, ["noted"]);
    assert_eq!(view(&ids[1]).await.unwrap().group.body.display_name, "Nights", "and so is its name");

    let gone = |id: &str, shown| of_group(ItemKind::GroupGone, Some(id), shown);
    apply(vec![gone(&ids[0], "1:Ops"), gone(&ids[1], "2:Nights")]).await;
    assert!(view(&ids[0]).await.is_none());
    let still = view(&ids[1]).await.unwrap().group;
    assert_eq!((still.deleted_at, still.in_app), (None, None), "it is wanted, and known not to be there");
    assert!(bench.store.find_group_or_tombstone(&acme.id, &ids[0]).await.unwrap().unwrap().gone_at.is_some());
    assert!(bench.claim().await.is_none(), "nothing was asked for");
}

#[tokio::test]
async fn a_group_that_was_changed_since_it_was_read_is_left_alone_and_one_that_drifted_is_put_right_on_request()
 {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let resource = json!({ "displayName": "Ops" });
    let folded = Folded::of(resource.as_object().unwrap(), &ResourceSchema::group());
    let body = GroupBody { display_name: "Ops".into(), external_id: None, resource, folded };
    let insert = GroupChange::Insert { body, members: Vec::new() };
    let event = NewEvent::new("group.created", "test");
    let (ops, _) = bench.store.record_group(&acme.id, insert, None, event).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    let drift = |id: &str| of_group(ItemKind::GroupDrift, Some(id), "1:Oops");
    let plan = bench.plan(&acme, None, vec![drift(&ops.id)]).await;
    bench.clock.advance(Duration::from_secs(1));
    let id = ops.id.clone();
    let replace = GroupChange::Replace { id, expected: None, body: ops.body.clone(), members: Vec::new() };
    let event = NewEvent::new("group.updated", "test");
    bench.store.record_group(&acme.id, replace, None, event).await.unwrap();
    assert_eq!(bench.applied(&plan, true).await.1, ["left alone: it was changed since"]);

    bench.clock.advance(Duration::from_secs(1));
    let plan = bench.plan(&acme, None, vec![drift(&ops.id)]).await;
    let (applied, outcomes) = bench.applied(&plan, true).await;
    assert_eq!(applied.jobs, 1);
    assert!(outcomes[0].ends_with("makes it as wanted"), "{outcomes:?}");
    let claimed = bench.claimed().await;
    assert_eq!(claimed.job.kind, Kind::Group);
    let plan = bench.plan(&acme, None, vec![drift(&ops.id)]).await;
    assert_eq!(bench.applied(&plan, true).await.1, ["left alone: a job is at it"]);
    let plan = bench.plan(&acme, None, vec![drift(&ops.id)]).await;
    bench.clock.advance(Duration::from_secs(1));
    bench.done(&claimed).await;
    assert_eq!(bench.applied(&plan, true).await.1, ["left alone: a job was at it since"]);
}

#[tokio::test]
async fn what_nobody_has_dealt_with_is_listed_until_somebody_does() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let [drifted, left] = [bench.made(&acme, "drifted").await, bench.made(&acme, "left").await];
    let delete = UserChange::Delete { id: left.id.clone(), expected: None };
    bench.record(change(&acme, delete, Priority::LEAVER)).await;
    let claimed = bench.claimed().await;
    let seen = Some(Seen::Account(SeenAccount::absent()));
    bench
        .store
        .finish(&claimed.lease, Finish { seen, ..Finish::with(Outcome::Done { message: None }) })
        .await
        .unwrap();
    bench.clock.advance(Duration::from_secs(1));
    let orphan = |id: &str, name: &str| NewItem {
        resource: Some(json!({ "userName": format!("{name}.again"), "active": true })),
        ..item(ItemKind::Orphan, Some(&left), Some(account(id, name, Status::Active)))
    };
    let items = vec![
        item(ItemKind::Drift, Some(&drifted), Some(account("drifted", "drifted", Status::Suspended))),
        orphan("8", "left"),
        orphan("9", "left too"),
    ];
    let plan = bench.plan(&acme, None, items).await;
    bench.applied(&plan, false).await;
    let names = |found: Vec<Unsettled>| found.into_iter().map(|one| one.item.item.name).collect::<Vec<_>>();
    let drift = async || bench.store.drift(Some(&acme.id)).await.unwrap();
    let orphans = async || bench.store.orphans(None).await.unwrap();
    assert_eq!(
        (names(drift().await), names(orphans().await)),
        (vec!["drifted".to_owned()], vec!["left".to_owned(), "left too".to_owned()])
    );
    assert!(names(bench.store.drift(Some("another")).await.unwrap()).is_empty());

    bench.clock.advance(Duration::from_secs(1));
    let decision = decision(Some("looked at"), false);
    let corrected = bench.store.correct_drift(&drift().await[0], &decision).await.unwrap();
    assert!(corrected.ends_with("makes it as wanted"), "{corrected}");
    assert!(names(drift().await).is_empty());
    let schema = ResourceSchema::user();
    // Whoever has the name by now is somebody else: nothing comes of it, and it is told of still.
    let other = bench.add_user(&acme, "left").await.user;
    let found = orphans().await.remove(0);
    let refused = bench.store.end_orphan(&found, OrphanEnd::Remove, &decision, &schema).await.unwrap();
    assert_eq!(refused, "left alone: somebody else has the user name; sync again");
    assert_eq!(names(orphans().await), ["left", "left too"]);
    let events = bench.store.list_events(&EventFilter::Target(left.id.clone()), None, 50).await.unwrap();
    assert!(events.iter().all(|event| !event.kind.starts_with("orphan.")), "{events:?}");
    let delete = UserChange::Delete { id: other.id, expected: None };
    bench.store.record(Change { job: None, ..change(&acme, delete, Priority::LEAVER) }).await.unwrap();
    let [first, second] = orphans().await.try_into().unwrap();
    let removed = bench.store.end_orphan(&first, OrphanEnd::Remove, &decision, &schema).await.unwrap();
    assert!(removed.ends_with("makes it as wanted"), "{removed}");
    let back = bench.store.find_user_or_tombstone(&acme.id, &left.id).await.unwrap().unwrap();
    assert_eq!((back.gone_at, back.left_at.is_some(), back.deleted_at.is_some()), (None, true, true));
    let known = bench.store.find_account(&acme.id, &left.id).await.unwrap().unwrap().seen;
    assert_eq!(known.app_id.as_deref(), Some("8"), "the job knows which account is meant");
    let twice = bench.store.end_orphan(&second, OrphanEnd::Remove, &decision, &schema).await.unwrap();
    assert_eq!(twice, "left alone: the user is not gone any more");
    let adopted = bench.store.end_orphan(&second, OrphanEnd::Adopt, &decision, &schema).await.unwrap();
    assert!(adopted.starts_with("adopted as user "), "{adopted}");
    assert!(names(orphans().await).is_empty());
    let events = bench.store.list_events(&EventFilter::Target(left.id.clone()), None, 50).await.unwrap();
    let of = |kind: &str| events.iter().find(|event| event.kind == kind).unwrap();
    assert_eq!(of("orphan.removal_asked").data["reason"], "looked at");
}
