//! Syncs through real Chromium: what is in the app becomes known, and what is not so is not concluded.

use serde_json::{Value, json};
use usher::demo::{Missing, Role, Switches};
use usher::failure::FailureClass;
use usher::integration::Policy;
use usher::store::{
    Decision, ItemKind, JobRequest, JobRow, JobState, Mode, OrphanEnd, PlanItem, PlanRow, PlanState,
    Priority, Work,
};

use crate::demo::Browser;

use super::faults::no_patience;
use super::world::{ROLE_URN, World, desk_options, user};

impl World {
    pub(super) async fn ask_for_sync(&self) -> JobRow {
        let store = &self.installation.store;
        let desk = store.find_integration("desk").await.unwrap().unwrap();
        let request = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
        store.request_job(&desk.id, Work::Sync, request, "test").await.unwrap()
    }

    /// Syncs, and gives the job as it ended.
    pub(super) async fn sync(&self) -> JobRow {
        let job = self.ask_for_sync().await;
        self.installation.store.settled_job(&job.id).await.unwrap().unwrap()
    }

    /// Syncs, which must go well, and gives the plan with what it found.
    pub(super) async fn plan(&self) -> (PlanRow, Vec<PlanItem>) {
        let job = self.sync().await;
        assert_eq!(job.state, JobState::Done, "{:?} {:?}", job.class, job.message);
        self.newest_plan().await
    }

    pub(super) async fn newest_plan(&self) -> (PlanRow, Vec<PlanItem>) {
        let store = &self.installation.store;
        let plan = store.list_plans(None, 1).await.unwrap().remove(0);
        let items = store.plan_items(&plan.id).await.unwrap();
        (plan, items)
    }

    async fn plans(&self) -> usize {
        self.installation.store.list_plans(None, 100).await.unwrap().len()
    }

    /// All users, as an import reads them, page by page.
    pub(super) async fn import(&self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let path = format!("/Users?startIndex={}&count=10", all.len() + 1);
            let (status, page) = self.scim.get(&path).await;
            assert_eq!(status, 200, "{page}");
            let resources = page["Resources"].as_array().cloned().unwrap_or_default();
            all.extend(resources);
            if all.len() >= usize::try_from(page["totalResults"].as_u64().unwrap()).unwrap() {
                return all;
            }
        }
    }
}

/// What was found, but for the role that some have in the app and that the connector does not declare.
pub(super) fn kinds(items: &[PlanItem]) -> Vec<ItemKind> {
    let mut items = items.to_vec();
    declared(&mut items);
    items.iter().map(|item| item.item.kind).collect()
}

fn declared(items: &mut Vec<PlanItem>) {
    items.retain(|item| item.item.kind != ItemKind::Unknown || !item.item.note.contains("`Admin`"));
}

/// As Okta does it: import, link by name, push a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_of_the_app_are_imported_linked_and_changed_and_nothing_is_doubled() {
    let world = World::with(desk_options(), no_patience()).await;
    let members = world.desk.members();
    let (plan, items) = world.plan().await;
    assert_eq!((plan.state, plan.counts.accounts), (PlanState::Applied, members.len()));
    // The service account is nobody's.
    assert_eq!(plan.counts.protected, 1);
    let accounts = vec![ItemKind::Adopt; members.len() - 1];
    let groups = vec![ItemKind::AdoptGroup; world.desk.groups().len()];
    assert_eq!(kinds(&items), [accounts, groups].concat());

    let imported = world.import().await;
    assert_eq!(imported.len(), members.len() - 1);
    for found in &imported {
        let member = members.iter().find(|member| member.email == found["userName"]).unwrap();
        assert_eq!(found["displayName"], member.name);
        let role = format!("{:?}", member.role).to_lowercase();
        // What the connector does not declare, nobody could ask for.
        let role = if role == "admin" { Value::Null } else { role.into() };
        assert_eq!(found[ROLE_URN]["role"], role);
        let gets_in = member.status != usher::demo::Status::Suspended;
        assert_eq!(found["active"], gets_in, "{}", member.email);
    }

    let agent = members
        .iter()
        .find(|member| member.role == Role::Agent && member.status == usher::demo::Status::Active)
        .unwrap();
    let filter = format!("/Users?filter=userName%20eq%20%22{}%22", agent.email);
    let (_, found) = world.scim.get(&filter).await;
    let id = found["Resources"][0]["id"].as_str().unwrap().to_owned();
    // To be created is refused; to be linked is a change of what is there.
    let body = user(&agent.email, &agent.name, true, "agent");
    assert_eq!(world.scim.post(&body).await.0, 409);
    assert_eq!(world.scim.put(&id, &body).await.0, 200);
    let changed = user(&agent.email, &agent.name, true, "viewer");
    assert_eq!(world.scim.put(&id, &changed).await.0, 200);
    super::faults::done(
        &world.installation.store,
        &super::faults::job_of(&world.installation.store, &id).await.id,
    )
    .await;
    assert_eq!(world.record(), [format!("role_changed {}", agent.email)]);

    let (again, items) = world.plan().await;
    assert_eq!((again.state, kinds(&items)), (PlanState::Applied, Vec::new()));
    assert_eq!(again.counts.as_wanted, members.len() - 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_empty_says_nothing_of_anybody() {
    nothing_is_concluded(Missing::AllRows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_lost_half_of_its_rows_says_nothing_of_anybody() {
    nothing_is_concluded(Missing::HalfOfRows).await;
}

async fn nothing_is_concluded(missing: Missing) {
    let world = World::with(desk_options(), no_patience()).await;
    world.plan().await;
    let before = world.import().await;
    world.desk.set_switches(Switches { missing, ..world.desk.switches() });
    let job = world.sync().await;
    assert_eq!((job.state, job.class), (JobState::Failed, Some(FailureClass::UiDrift)));
    let message = job.message.unwrap();
    assert!(message.contains("nothing is concluded from the list"), "{message}");
    assert_eq!((world.plans().await, world.import().await), (1, before));
    world.end().await;
}

/// A list that is short and says that it is complete: the safeguard knows better.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_half_of_all_is_held_until_a_newer_one_takes_its_place() {
    let world = World::with(desk_options(), no_patience()).await;
    world.plan().await;
    let before = world.import().await;
    world.desk.set_switches(Switches { missing: Missing::HalfOfMembers, ..world.desk.switches() });
    let (plan, items) = world.plan().await;
    assert_eq!(plan.state, PlanState::Held);
    assert!(plan.why.unwrap().contains("more than the safeguard allows"));
    assert!(kinds(&items).iter().all(|kind| *kind == ItemKind::Gone), "{items:?}");
    assert!(items.iter().all(|item| item.outcome.is_none()), "{items:?}");
    assert_eq!(world.import().await, before);

    world.desk.set_switches(Switches { missing: Missing::Nothing, ..world.desk.switches() });
    let (next, items) = world.plan().await;
    assert_eq!((next.state, kinds(&items)), (PlanState::Applied, Vec::new()));
    let held = world.installation.store.find_plan(&plan.id).await.unwrap().unwrap();
    assert_eq!(held.state, PlanState::Superseded);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_by_hand_is_found_and_put_right_when_somebody_says_so() {
    let world = World::with(desk_options(), no_patience()).await;
    world.plan().await;
    let members = world.desk.members();
    let active: Vec<_> = members
        .iter()
        .filter(|member| member.role == Role::Agent && member.status == usher::demo::Status::Active)
        .collect();
    let [gone, demoted, ..] = active.as_slice() else { panic!("{members:?}") };
    assert!(world.desk.remove(&gone.email));
    assert!(world.desk.set_role(&demoted.email, Role::Viewer));

    let (plan, mut items) = world.plan().await;
    assert_eq!(kinds(&items), [ItemKind::Drift, ItemKind::Gone], "{items:?}");
    declared(&mut items);
    assert_eq!(plan.state, PlanState::Applied);
    assert_eq!((&items[0].item.name, &items[1].item.name), (&demoted.email, &gone.email));
    assert!(items.iter().all(|item| item.outcome.as_deref() == Some("noted")), "{items:?}");
    // An import shows what is so, not what was wanted.
    let shown = world.import().await;
    let of = |email: &str| shown.iter().find(|user| user["userName"] == email).unwrap();
    assert_eq!(of(&gone.email)["active"], false);
    assert_eq!(
        (&of(&demoted.email)["active"], &of(&demoted.email)[ROLE_URN]["role"]),
        (&json!(true), &json!("viewer"))
    );
    let before = world.record();
    assert_eq!(
        kinds(&world.plan().await.1),
        [ItemKind::Drift, ItemKind::Missing],
        "who is known to be gone is not found gone again, and is not forgotten"
    );
    assert_eq!(world.record(), before, "a sync changes nothing");
    let store = &world.installation.store;
    let listed = async || {
        let mut drift = store.drift(None).await.unwrap();
        drift.sort_by(|one, other| one.item.item.name.cmp(&other.item.item.name));
        drift
    };
    let found = listed().await;
    let lines = found.iter().map(|one| format!("{}: {}", one.item.item.name, one.item.item.note));
    let mut expected =
        [format!("{}: invite", gone.email), format!("{}: change role to agent", demoted.email)];
    expected.sort();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    let missing = found.iter().find(|one| one.item.item.kind == ItemKind::Missing).unwrap();
    let decision = Decision { by: "test".to_owned(), reason: None, corrects: true };
    let outcome = store.correct_drift(missing, &decision).await.unwrap();
    assert!(outcome.ends_with("makes it as wanted"), "{outcome}");
    assert_eq!(listed().await.len(), 1, "whoever has a job is not listed any more");
    let twice = store.correct_drift(missing, &decision).await.unwrap();
    assert!(twice.starts_with("left alone") || twice.ends_with("makes it as wanted"), "{twice}");
    let user_id = missing.item.item.user_id.clone().unwrap();
    super::faults::done(store, &super::faults::job_of(store, &user_id).await.id).await;
    assert!(world.record().contains(&format!("invited {}", gone.email)));
    // What is pushed again is done, and reads as it is wanted.
    let id = of(&demoted.email)["id"].as_str().unwrap();
    assert_eq!(world.scim.put(id, &user(&demoted.email, &demoted.name, true, "agent")).await.0, 200);
    super::faults::done(
        &world.installation.store,
        &super::faults::job_of(&world.installation.store, id).await.id,
    )
    .await;
    assert_eq!(world.scim.get(&format!("/Users/{id}")).await.1[ROLE_URN]["role"], "agent");
    world.end().await;
}

/// Usher has the say in roles: what was changed by hand is put right, unless that is said of very many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_was_changed_by_hand_is_put_right_where_usher_has_the_say() {
    let world =
        World::with(desk_options(), Policy { authoritative: vec!["role".into()], ..no_patience() }).await;
    world.plan().await;
    let members = world.desk.members();
    let is_agent = |member: &&usher::demo::Member| {
        member.role == Role::Agent && member.status == usher::demo::Status::Active
    };
    let agents: Vec<_> = members.iter().filter(is_agent).collect();
    assert!(world.desk.set_role(&agents[0].email, Role::Viewer));
    let (_, mut items) = world.plan().await;
    declared(&mut items);
    let outcome = items[0].outcome.clone().unwrap();
    assert!(items.len() == 1 && outcome.ends_with("makes it as wanted"), "{items:?}");
    let store = &world.installation.store;
    super::faults::done(
        store,
        &super::faults::job_of(store, items[0].item.user_id.as_ref().unwrap()).await.id,
    )
    .await;
    assert_eq!(world.record().last(), Some(&format!("role_changed {}", agents[0].email)));
    assert_eq!(kinds(&world.plan().await.1), [], "all is as wanted");

    for agent in &agents[..7] {
        assert!(world.desk.set_role(&agent.email, Role::Viewer));
    }
    let before = world.record();
    let (plan, _) = world.plan().await;
    assert_eq!(plan.state, PlanState::Held);
    assert_eq!(
        plan.why.unwrap(),
        "7 of 29 users would have their entitlements put right; more than the safeguard allows"
    );
    assert_eq!(world.record(), before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_person_decides_nothing_is_known_before_and_all_is_put_right_after() {
    let policy = Policy { mode: Mode::Plan, ..no_patience() };
    let world = World::with(desk_options(), policy).await;
    let store = world.installation.store.clone();
    let (plan, _) = world.plan().await;
    assert_eq!((plan.state, world.import().await.len()), (PlanState::Proposed, 0));
    let desk = world.installation.integrations.find("desk").await.unwrap().unwrap();
    let schema = desk.connector.user_schema();
    let decision = |reason: Option<&str>, corrects| Decision {
        by: "test".to_owned(),
        reason: reason.map(str::to_owned),
        corrects,
    };
    let applied = store.apply_plan(&plan.id, &decision(None, true), &schema).await.unwrap();
    assert_eq!((applied.plan.state, applied.jobs), (PlanState::Applied, 0));
    assert!(store.apply_plan(&plan.id, &decision(None, true), &schema).await.is_err(), "it is decided");
    let members = world.desk.members();
    assert_eq!(world.import().await.len(), members.len() - 1);

    // More than the safeguard allows.
    world.installation.integrations.change_policy(&desk, no_patience(), "test").await.unwrap();
    let removed: Vec<&str> = members
        .iter()
        .filter(|member| member.role == Role::Agent && member.status == usher::demo::Status::Active)
        .map(|member| member.email.as_str())
        .take(7)
        .collect();
    assert!(removed.iter().all(|email| world.desk.remove(email)));
    let before = world.record().len();
    let (held, items) = world.plan().await;
    assert_eq!((held.state, kinds(&items)), (PlanState::Held, vec![ItemKind::Gone; 7]));
    let refused = store.apply_plan(&held.id, &decision(None, true), &schema).await.unwrap_err();
    assert!(refused.to_string().contains("--reason"), "{refused}");
    let applied = store
        .apply_plan(&held.id, &decision(Some("a colleague was in a hurry"), true), &schema)
        .await
        .unwrap();
    assert_eq!(applied.jobs, 7);
    let mut items = store.plan_items(&held.id).await.unwrap();
    declared(&mut items);
    for item in items {
        let job = super::faults::job_of(&store, &item.item.user_id.unwrap()).await;
        super::faults::done(&store, &job.id).await;
    }
    let mut invited = world.record().split_off(before);
    invited.retain(|change| change.starts_with("invited "));
    invited.sort();
    let mut expected: Vec<String> = removed.iter().map(|email| format!("invited {email}")).collect();
    expected.sort();
    assert_eq!(invited, expected);
    let (last, items) = world.plan().await;
    assert_eq!((last.state, kinds(&items)), (PlanState::Applied, Vec::new()), "the final plan is empty");
    world.end().await;
}

/// The accounts of people who were removed are told of, and go, or are people again, when somebody says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orphan_stays_until_somebody_decides() {
    let world = World::with(desk_options(), no_patience()).await;
    let store = world.installation.store.clone();
    let (eve, joe) = ("eve.orphan@acme.example", "joe.orphan@acme.example");
    let mut ids = Vec::new();
    for email in [eve, joe] {
        let id = world.scim.create(&user(email, "Some Body", true, "agent")).await;
        super::faults::done(&store, &super::faults::job_of(&store, &id).await.id).await;
        assert_eq!(world.scim.delete(&id).await.0, 204);
        super::faults::done(&store, &super::faults::job_of(&store, &id).await.id).await;
        ids.push(id);
    }
    let mut by_hand = Browser::signed_in(&world.desk).await;
    by_hand.invite(eve, "Eve Orphan").await;
    by_hand.invite(joe, "Joe Orphan").await;
    let before = world.record();
    world.plan().await;
    world.plan().await;
    assert_eq!(world.record(), before, "a sync removes nobody");
    let orphans = store.orphans(None).await.unwrap();
    assert_eq!(orphans.iter().map(|one| one.item.item.name.as_str()).collect::<Vec<_>>(), [eve, joe]);

    let schema = world.installation.integrations.find("desk").await.unwrap().unwrap().connector.user_schema();
    let decision =
        Decision { by: "test".to_owned(), reason: Some("left in May".to_owned()), corrects: false };
    let outcome = store.end_orphan(&orphans[0], OrphanEnd::Remove, &decision, &schema).await.unwrap();
    assert!(outcome.ends_with("makes it as wanted"), "{outcome}");
    super::faults::done(&store, &super::faults::job_of(&store, &ids[0]).await.id).await;
    assert_eq!(world.record().last(), Some(&format!("invitation_cancelled {eve}")));
    let twice = store.end_orphan(&orphans[0], OrphanEnd::Remove, &decision, &schema).await.unwrap();
    assert!(twice.starts_with("left alone") || twice.ends_with("makes it as wanted"), "{twice}");
    let outcome = store.end_orphan(&orphans[1], OrphanEnd::Adopt, &decision, &schema).await.unwrap();
    assert!(outcome.starts_with("adopted as user "), "{outcome}");
    assert!(store.orphans(None).await.unwrap().is_empty());
    let (_, found) = world.scim.get(&format!("/Users?filter=userName%20eq%20%22{joe}%22")).await;
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["displayName"]),
        (&json!(1), &json!("Joe Orphan"))
    );
    assert_ne!(found["Resources"][0]["id"], ids[1].as_str(), "an id is never used twice");
    let (_, items) = world.plan().await;
    assert_eq!(kinds(&items), []);
    world.end().await;
}
