//! Groups that the connector makes in the app. A worker is played by the store's own calls.

use std::time::Duration;

use usher::account::{Group, Membership};
use usher::failure::FailureClass;
use usher::integration::Grant;
use usher::store::{Finish, GroupSeen, Kind, Outcome, Seen};

use super::groups::group;
use super::*;

impl Gate {
    /// Plays the worker: ends the job of a group that is due, having seen this of it.
    async fn work_on_group(&self, outcome: Outcome, in_app: Option<&str>) {
        let store = &self.installation.store;
        let claimed = store.claim("w", Duration::from_secs(60)).await.unwrap().expect("a job is due");
        assert_eq!(claimed.job.kind, Kind::Group);
        let in_app = in_app.map(|name| Group { id: Some("17".into()), name: name.into() });
        let seen = Some(Seen::Group(GroupSeen { in_app, is_new: false, members_follow: true }));
        store.finish(&claimed.lease, Finish { seen, ..Finish::with(outcome) }).await.unwrap();
    }

    /// Plays the worker: ends the job that is due.
    async fn end_job(&self, outcome: Outcome) {
        let store = &self.installation.store;
        let claimed = store.claim("w", Duration::from_secs(60)).await.unwrap().expect("a job is due");
        store.finish(&claimed.lease, Finish::with(outcome)).await.unwrap();
    }

    /// The name under which a group is shown; none where it is not.
    async fn shown_group(&self, id: &str) -> Option<String> {
        let answer = self.get(&format!("/Groups/{id}")).await;
        let listed = self.get("/Groups?count=100").await.json();
        let resources = listed["Resources"].as_array().cloned().unwrap_or_default();
        let listed = resources.into_iter().find(|group| group["id"] == id);
        if answer.status == 404 {
            assert_eq!(listed, None);
            return None;
        }
        assert_eq!(listed, Some(answer.json()));
        answer.json()["displayName"].as_str().map(str::to_owned)
    }
}

fn failed() -> Outcome {
    Outcome::Failed { class: FailureClass::Unsupported, message: "no such button".into() }
}

#[tokio::test]
async fn a_group_reads_as_it_is_wanted_until_that_failed_and_then_as_it_was_seen() {
    let gate = Gate::new().await;
    let named = |name: &str| Some(name.to_owned());
    let id = gate.create_group("Ops", &[]).await;
    gate.work_on_group(Outcome::Done { message: None }, Some("Ops")).await;
    gate.patch_group(&id, json!([{ "op": "replace", "path": "displayName", "value": "Night" }])).await;
    assert_eq!(gate.shown_group(&id).await, named("Night"), "pending");
    gate.work_on_group(failed(), Some("Ops")).await;
    assert_eq!(gate.shown_group(&id).await, named("Ops"), "the rename failed");
    assert_eq!(gate.put_group(&id, &group("Night", &[])).await.status, 200);
    assert_eq!(gate.shown_group(&id).await, named("Night"), "asked for again");
    gate.work_on_group(Outcome::Done { message: None }, Some("Night")).await;

    let delete = async || gate.send(gate.request(Method::DELETE, &format!("/Groups/{id}"))).await.status;
    assert_eq!(delete().await, 204);
    assert_eq!(gate.shown_group(&id).await, None, "accepted: it reads as it is wanted");
    gate.work_on_group(failed(), Some("Night")).await;
    assert_eq!(gate.shown_group(&id).await, named("Night"), "a failed removal is no removal");
    assert_eq!(delete().await, 204, "it can be asked for again");
    gate.work_on_group(Outcome::Done { message: None }, None).await;
    assert_eq!((gate.shown_group(&id).await, delete().await), (None, 404));
    assert_ne!(gate.create_group("Night", &[]).await, id, "once it is gone the name is free");
    gate.end().await;
}

#[tokio::test]
async fn a_group_that_comes_back_while_it_is_removed_is_the_same_one() {
    let gate = Gate::new().await;
    let id = gate.create_group("Ops", &[]).await;
    let other = gate.create_group("Field", &[]).await;
    assert_eq!(gate.send(gate.request(Method::DELETE, &format!("/Groups/{id}"))).await.status, 204);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "OPS" }]);
    let detail = gate.refused(gate.patching(&other, &rename), 409, Some("uniqueness")).await;
    assert!(detail.contains("still being removed"), "{detail}");
    assert_eq!(gate.create_group("ops", &[]).await, id);
    let jobs = gate.jobs().await;
    assert_eq!(jobs.len(), 2, "the pending job of each group is the one that sees the new wish: {jobs:?}");
    gate.end().await;
}

#[tokio::test]
async fn those_in_a_group_follow_once_it_is_in_the_app() {
    let gate = Gate::new().await;
    let [ada, bob]: [String; 2] = gate.people().await;
    let store = &gate.installation.store;
    let done = || Outcome::Done { message: None };
    gate.end_job(done()).await;
    gate.end_job(done()).await;
    let pending = async || {
        let jobs = gate.jobs().await.into_iter().filter(|job| !job.state.is_settled());
        let mut users: Vec<String> = jobs.filter_map(|job| job.user_id).collect();
        users.sort();
        users
    };
    let id = gate.create_group("Ops", &[&ada, &bob]).await;
    assert_eq!(pending().await, [""; 0], "there is nothing yet to be put into");
    gate.work_on_group(done(), Some("Ops")).await;
    let mut both = vec![ada.clone(), bob.clone()];
    both.sort();
    assert_eq!(pending().await, both);
    let integration = gate.jobs().await.remove(0).integration_id;
    let memberships = store.memberships(&integration, &ada).await.unwrap();
    let in_app = Group { id: Some("17".into()), name: "Ops".into() };
    assert_eq!(memberships, [Membership { group: in_app, is_wanted: true }]);
    gate.end_job(done()).await;
    gate.end_job(done()).await;
    gate.patch_group(&id, json!([{ "op": "remove", "path": format!("members[value eq \"{bob}\"]") }])).await;
    assert_eq!(pending().await, [""; 0], "perhaps it is not there any more, or is called otherwise");
    gate.work_on_group(failed(), Some("Ops")).await;
    assert_eq!(pending().await, [""; 0], "nobody knows");
    gate.put_group(&id, &group("Ops", &[&ada])).await;
    gate.work_on_group(done(), Some("Ops")).await;
    assert_eq!(pending().await, [bob.as_str()], "only who went has anything to follow");
    gate.end_job(done()).await;

    // What became of the people of a group that was to go is not known of anybody.
    assert_eq!(gate.send(gate.request(Method::DELETE, &format!("/Groups/{id}"))).await.status, 204);
    assert_eq!(gate.create_group("Ops", &[&ada]).await, id);
    gate.work_on_group(done(), Some("Ops")).await;
    assert_eq!(pending().await, [ada.as_str()]);
    gate.end().await;
}

#[tokio::test]
async fn what_a_group_gave_is_not_given_again_where_its_removal_fails() {
    let grants = vec![Grant { group: "Ops".into(), entitlement: "role".into(), key: "agent".into() }];
    let gate = Gate::with(Policy { patience_ms: 0, grants, ..Policy::default() }).await;
    let [ada]: [String; 1] = gate.people().await;
    gate.end_job(Outcome::Done { message: None }).await;
    let id = gate.create_group("Ops", &[&ada]).await;
    gate.work_on_group(Outcome::Done { message: None }, Some("Ops")).await;
    let store = &gate.installation.store;
    assert_eq!(store.groups_of_user(&ada).await.unwrap().len(), 1);
    assert_eq!(gate.send(gate.request(Method::DELETE, &format!("/Groups/{id}"))).await.status, 204);
    gate.end_job(Outcome::Done { message: None }).await;
    gate.work_on_group(failed(), Some("Ops")).await;
    assert_eq!(gate.shown_group(&id).await.as_deref(), Some("Ops"), "it is still there");
    assert_eq!(store.groups_of_user(&ada).await.unwrap(), [], "and gives nothing");
    gate.end().await;
}

#[tokio::test]
async fn a_group_that_could_not_be_made_may_be_asked_for_again() {
    let gate = Gate::new().await;
    let pushed = |name: &str, external: Option<&str>| {
        let mut group = group(name, &[]);
        group["externalId"] = json!(external);
        group
    };
    let twice = async |group: &Value| {
        let [first, second] = [gate.post_group(group).await, gate.post_group(group).await];
        assert_eq!(first.status, 201, "{first:?}");
        (first.json()["id"].clone(), second)
    };
    let (_, second) = twice(&pushed("Okta's", None)).await;
    assert_eq!(second.status, 409, "it is being made, and nobody says who asks");
    let (id, second) = twice(&pushed("Entra's", Some("e-1"))).await;
    assert_eq!((second.status, &second.json()["id"]), (201, &id), "an answer may have been lost");
    assert_eq!(gate.post_group(&pushed("Entra's", Some("e-2"))).await.status, 409, "another one");
    gate.work_on_group(failed(), None).await;
    let again = gate.post_group(&pushed("Okta's", None)).await;
    assert_eq!(again.status, 201, "{again:?}");
    gate.work_on_group(Outcome::Done { message: None }, Some("Entra's")).await;
    assert_eq!(gate.post_group(&pushed("Entra's", Some("e-1"))).await.status, 409, "it was made");
    gate.end().await;
}

#[tokio::test]
async fn blanks_are_no_part_of_a_name_and_an_order_is_no_part_of_a_group() {
    let gate = Gate::new().await;
    let [ada, bob]: [String; 2] = gate.people().await;
    let id = gate.create_group(" Night \t shift ", &[&ada, &bob]).await;
    let twin = gate.post_group(&group("night shift", &[])).await;
    assert_eq!(twin.status, 409, "{twin:?}");
    let blank = gate.with_body(Method::POST, "/Groups", group(" ", &[]).to_string());
    let detail = gate.refused(blank, 400, Some("invalidValue")).await;
    assert!(detail.contains("displayName"), "{detail}");
    let answer = gate.put_group(&id, &group(" Night \t shift ", &[&bob, &ada])).await;
    assert_eq!(answer.header("etag"), Some("W/\"1\""), "{answer:?}");
    assert_eq!(gate.jobs().await.iter().filter(|job| job.kind == Kind::Group).count(), 1);
    gate.end().await;
}

#[tokio::test]
async fn what_a_job_is_about_to_make_is_known_to_the_next() {
    let gate = Gate::new().await;
    let id = gate.create_group("Ops", &[]).await;
    let store = &gate.installation.store;
    let claimed = store.claim("w", Duration::from_secs(60)).await.unwrap().unwrap();
    store.making_group(&claimed.lease, &id, "Ops", false).await.unwrap();
    store.finish(&claimed.lease, Finish::with(failed())).await.unwrap();
    let known = async || {
        let integration = claimed.job.integration_id.as_str();
        let group = store.find_group_or_tombstone(integration, &id).await.unwrap().unwrap();
        (group.making, group.in_app.map(|group| group.name))
    };
    assert_eq!(known().await, (Some("Ops".into()), None));
    assert!(store.making_group(&claimed.lease, &id, "Late", false).await.is_err(), "the lease is over");
    assert_eq!(gate.put_group(&id, &group("Ops", &[])).await.status, 200);
    gate.work_on_group(Outcome::Done { message: None }, Some("Ops")).await;
    assert_eq!(known().await, (None, Some("Ops".into())));

    gate.put_group(&id, &group("Night", &[])).await;
    let claimed = store.claim("w", Duration::from_secs(60)).await.unwrap().unwrap();
    store.making_group(&claimed.lease, &id, "Night", true).await.unwrap();
    store.finish(&claimed.lease, Finish::with(failed())).await.unwrap();
    assert_eq!(known().await, (Some("Night".into()), Some("Ops".into())), "under one of these names");
    gate.put_group(&id, &group("Night", &[])).await;
    let claimed = store.claim("w", Duration::from_secs(60)).await.unwrap().unwrap();
    store.making_group(&claimed.lease, &id, "Night", false).await.unwrap();
    store.finish(&claimed.lease, Finish::with(failed())).await.unwrap();
    assert_eq!(known().await, (Some("Night".into()), None), "it was not there, and is made anew");
    gate.end().await;
}

#[tokio::test]
async fn who_is_gone_follows_no_group() {
    let gate = Gate::new().await;
    let [ada]: [String; 1] = gate.people().await;
    let done = || Outcome::Done { message: None };
    gate.end_job(done()).await;
    let id = gate.create_group("Ops", &[&ada]).await;
    gate.work_on_group(failed(), None).await;
    assert_eq!(gate.delete(&ada).await.status, 204);
    gate.end_job(done()).await;
    // Somebody of the same name has the account now.
    let [next]: [String; 1] = gate.people().await;
    assert_ne!(next, ada);
    gate.end_job(done()).await;
    gate.put_group(&id, &group("Ops", &[])).await;
    gate.work_on_group(done(), Some("Ops")).await;
    let store = &gate.installation.store;
    assert!(
        store.claim("w", Duration::from_secs(60)).await.unwrap().is_none(),
        "a removal would hit the next one"
    );
    gate.end().await;
}
