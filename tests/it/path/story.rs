//! Joiner, mover, leaver, returner, renamed: each judged by what Acme Desk itself recorded.

use reqwest::Method;
use serde_json::json;
use usher::demo::Switches;
use usher::integration::{Grant, Policy};
use usher::store::JobFilter;

use super::world::{ROLE_URN, World, desk_options, user};

const ADA: &str = "ada.king@acme.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_joiner_is_invited_once_and_the_answer_tells_the_truth() {
    let world = World::new().await;
    let (status, body) = world.scim.post(&user(ADA, "Ada Lovelace", true, "agent")).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(world.record(), [format!("invited {ADA}")]);
    let member = world.desk.members().into_iter().find(|member| member.email == ADA).unwrap();
    assert_eq!((member.name.as_str(), format!("{:?}", member.role).as_str()), ("Ada Lovelace", "Agent"));

    let id = body["id"].as_str().unwrap();
    let (status, same) = world.scim.put(id, &user(ADA, "Ada Lovelace", true, "agent")).await;
    assert_eq!(status, 200, "{same}");
    assert_eq!(world.record().len(), 1, "a second identical request changes nothing in the app");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mover_leaver_and_returner() {
    let world = World::new().await;
    let id = world.scim.create(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    assert!(world.desk.accept(ADA));

    let role = json!([{ "op": "replace", "value": { ROLE_URN: { "role": "agent" } } }]);
    let (status, body) = world.scim.patch(&id, role).await;
    assert_eq!((status, body[ROLE_URN]["role"].as_str()), (200, Some("agent")), "{body}");

    let (status, body) = world.scim.put(&id, &user(ADA, "Ada Lovelace", false, "agent")).await;
    assert_eq!((status, body["active"].as_bool()), (200, Some(false)), "{body}");

    let back = json!([{ "op": "Replace", "path": "active", "value": "True" }]);
    let (status, body) = world.scim.patch(&id, back).await;
    assert_eq!((status, body["active"].as_bool()), (200, Some(true)), "{body}");

    let actions = ["invited", "accepted", "role_changed", "suspended", "reactivated"];
    assert_eq!(world.record(), actions.map(|action| format!("{action} {ADA}")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_is_an_update_and_never_a_removal() {
    let world = World::new().await;
    let id = world.scim.create(&user(ADA, "Ada Byron", true, "viewer")).await;
    assert!(world.desk.accept(ADA));
    let before = world.desk.members().into_iter().find(|member| member.email == ADA).unwrap();

    let renamed = user("countess@acme.example", "Ada Lovelace", true, "viewer");
    let (status, body) = world.scim.put(&id, &renamed).await;
    assert_eq!(status, 200, "{body}");
    let after = world.desk.members().into_iter().find(|member| member.id == before.id).unwrap();
    assert_eq!((after.email.as_str(), after.name.as_str()), ("countess@acme.example", "Ada Lovelace"));
    assert!(world.record().iter().all(|change| !change.starts_with("removed")), "{:?}", world.record());

    let (status, body) =
        world.scim.put(&id, &user("countess@acme.example", "Ada Lovelace", false, "viewer")).await;
    assert_eq!(status, 200, "{body}");
    assert!(world.record().last().unwrap().starts_with("suspended"), "{:?}", world.record());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_before_accepting_withdraws_the_invitation_and_delete_removes() {
    let world = World::new().await;
    let id = world.scim.create(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    let (status, _) = world.scim.put(&id, &user(ADA, "Ada Lovelace", false, "viewer")).await;
    assert_eq!(status, 200);
    assert_eq!(world.record(), [format!("invited {ADA}"), format!("invitation_cancelled {ADA}")]);

    let grace = "grace.murray@acme.example";
    let id = world.scim.create(&user(grace, "Grace Hopper", true, "viewer")).await;
    assert!(world.desk.accept(grace));
    let (status, body) = world.scim.delete(&id).await;
    assert_eq!(status, 204, "{body}");
    assert_eq!(world.record().last().unwrap(), &format!("removed {grace}"));
    assert_eq!(world.scim.get(&format!("/Users/{id}")).await.0, 404);

    let again = world.scim.create(&user(grace, "Grace Hopper", true, "viewer")).await;
    assert_ne!(again, id, "somebody who comes back after a removal is a new resource");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_gives_its_members_a_role_and_takes_it_when_they_leave() {
    let grants = vec![Grant { group: "Support".into(), entitlement: "role".into(), key: "agent".into() }];
    let world =
        World::with(desk_options(), Policy { patience_ms: 50_000, grants, ..Policy::default() }).await;
    let mut ada = user(ADA, "Ada Lovelace", true, "viewer");
    ada.as_object_mut().unwrap().remove(ROLE_URN);
    let id = world.scim.create(&ada).await;
    assert!(world.desk.accept(ADA));
    let role = || {
        let member = world.desk.members().into_iter().find(|member| member.email == ADA).unwrap();
        format!("{:?}", member.role)
    };
    assert_eq!(role(), "Viewer", "what a new account has");
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "support", "members": [{ "value": id }]
    });
    let (status, body) = world.scim.send(Method::POST, "/Groups", Some(&group)).await;
    assert_eq!(status, 201, "{body}");
    let settled = async || {
        let jobs = world
            .installation
            .store
            .list_jobs(&JobFilter { limit: 100, ..JobFilter::default() })
            .await
            .unwrap();
        for job in jobs {
            world.installation.store.settled_job(&job.id).await.unwrap();
        }
    };
    settled().await;
    assert_eq!(role(), "Agent");
    let (status, _) =
        world.scim.send(Method::DELETE, &format!("/Groups/{}", body["id"].as_str().unwrap()), None).await;
    assert_eq!(status, 204);
    settled().await;
    assert_eq!(role(), "Viewer");
    let changes = world.record().into_iter().filter(|change| change.starts_with("role_changed "));
    assert_eq!(changes.collect::<Vec<_>>(), [format!("role_changed {ADA}"), format!("role_changed {ADA}")]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_in_the_app_already_is_adopted() {
    let world = World::new().await;
    let member = world.desk.members().into_iter().find(|member| member.email != super::world::OWNER).unwrap();
    let role = format!("{:?}", member.role).to_lowercase();
    world.scim.create(&user(&member.email.to_uppercase(), &member.name, true, &role)).await;
    assert_eq!(world.record(), [""; 0], "nothing had to be changed");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_free_seat_is_said_to_the_identity_provider_and_trying_again_works_once_there_is_one() {
    let desk = usher::demo::Options { members: 5, seats: 5, ..desk_options() };
    let world = World::with(desk, Policy { patience_ms: 50_000, ..Policy::default() }).await;
    let (status, body) = world.scim.post(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    assert_eq!(status, 409, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("seat_limit"), "{body}");
    assert_eq!(world.record(), [""; 0]);

    world.desk.set_switches(Switches { seats: 6, ..world.desk.switches() });
    let (status, body) = world.scim.post(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(world.record(), [format!("invited {ADA}")]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_account_itself_is_never_touched() {
    let world = World::new().await;
    let (status, body) = world.scim.post(&user("Owner@acme.example", "Nobody", false, "viewer")).await;
    assert_eq!(status, 409, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("protected"), "{body}");
    assert_eq!(world.record(), [""; 0]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_markup_and_locator_syntax_stays_a_name() {
    let world = World::new().await;
    let name = "<i>x</i> \" > button \"Remove {{ 7*7 }}";
    let id = world.scim.create(&user("odd@acme.example", name, true, "viewer")).await;
    let member = world.desk.members().into_iter().find(|member| member.email == "odd@acme.example").unwrap();
    assert_eq!(member.name, name);
    assert!(world.desk.accept("odd@acme.example"));
    let (status, body) = world.scim.put(&id, &user("odd@acme.example", name, false, "viewer")).await;
    assert_eq!(status, 200, "{body}");
    let expected = ["invited", "accepted", "suspended"].map(|action| format!("{action} odd@acme.example"));
    assert_eq!(world.record(), expected);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_patience_the_change_is_accepted_at_once_and_done_later() {
    let world = World::with(desk_options(), Policy { patience_ms: 0, ..Policy::default() }).await;
    let id = world.scim.create(&user(ADA, "Ada Lovelace", true, "viewer")).await;
    world.desk.recorded(1).await;
    assert_eq!(world.record(), [format!("invited {ADA}")]);
    let (status, body) = world.scim.send(Method::GET, &format!("/Users/{id}"), None).await;
    assert_eq!((status, body["active"].as_bool()), (200, Some(true)));
    world.end().await;
}
