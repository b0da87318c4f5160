//! Values that the app lists: known by their keys, whatever they are called, and nothing else is taken.

use serde_json::{Value, json};
use usher::demo::{Member, Role, Status};
use usher::store::JobState;

use super::faults::{done, job_of, many_members, no_patience};
use super::sync::kinds;
use super::variants::changed;
use super::world::{ROLE_URN, World, user};

/// Acme Desk's connector that knows teams by the ids in their page.
fn with_team_ids() -> tempfile::TempDir {
    changed(|folder| {
        let path = folder.join("flows/list_teams.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let key = "key: { read: column \"Name\", attribute: id, match: '^team-(\\d+)$' }";
        std::fs::write(&path, text.replace("key: column \"Name\"", key)).unwrap();
    })
}

fn with_teams(member: &Member, teams: &[&str]) -> Value {
    let mut wish = user(&member.email, &member.name, true, "agent");
    wish[ROLE_URN]["team"] = json!(teams);
    wish
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_stays_the_same_under_another_name_and_an_unknown_one_is_refused() {
    let connectors = with_team_ids();
    let world = World::with_connectors(many_members(), no_patience(), connectors.path()).await;
    let store = &world.installation.store;
    let desk = store.find_integration("desk").await.unwrap().unwrap();
    world.plan().await;
    let listed = store.entitlements(&desk.id).await.unwrap();
    let field = listed.iter().find(|row| row.value.label == "Field").unwrap().value.key.clone();
    assert!(field.parse::<u32>().is_ok(), "{listed:?}");

    // Said by its name, it is kept by its key. One that the app does not have is refused before a browser opens.
    let members = world.desk.members();
    let member =
        members.iter().find(|member| member.role == Role::Agent && member.status == Status::Active).unwrap();
    let path = format!("/Users?filter=userName%20eq%20%22{}%22", member.email);
    let id = world.scim.get(&path).await.1["Resources"][0]["id"].as_str().unwrap().to_owned();
    let (status, refused) = world.scim.put(&id, &with_teams(member, &["Nowhere"])).await;
    assert_eq!(status, 400, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("Nowhere"), "{detail}");
    assert_eq!(world.scim.put(&id, &with_teams(member, &["Field"])).await.0, 200);
    done(store, &job_of(store, &id).await.id).await;
    let teams =
        |world: &World| world.desk.members().into_iter().find(|one| one.email == member.email).unwrap().teams;
    assert_eq!(teams(&world), ["Field"]);

    // By hand it is called otherwise: nothing is another one, and who was given it under its old name holds it still.
    assert!(world.desk.rename_team("Field", "Field EMEA"));
    let before = world.record();
    let (_, items) = world.plan().await;
    assert_eq!(kinds(&items), [], "{items:?}");
    let again = world.scim.put(&id, &with_teams(member, &["Field", "Billing"])).await;
    assert_eq!(again.0, 200, "{again:?}");
    done(store, &job_of(store, &id).await.id).await;
    assert_eq!(world.record().len(), before.len() + 1, "one team more, and nothing else");
    let mut now = teams(&world);
    now.sort();
    assert_eq!(now, ["Billing", "Field EMEA"]);
    let row =
        store.entitlements(&desk.id).await.unwrap().into_iter().find(|row| row.value.key == field).unwrap();
    assert_eq!((row.value.label.as_str(), row.former), ("Field EMEA", vec!["Field".to_owned()]));

    // As one text of several types, as a group of the identity provider gives it.
    let mut wish = user(&member.email, &member.name, true, "agent");
    wish[ROLE_URN] = json!({ "entitlements": [format!("team:{field}"), "role:viewer"] });
    let (status, answer) = world.scim.put(&id, &wish).await;
    assert_eq!(status, 200, "{answer}");
    done(store, &job_of(store, &id).await.id).await;
    let now = world.desk.members().into_iter().find(|one| one.email == member.email).unwrap();
    assert_eq!((now.role, now.teams), (Role::Viewer, vec!["Field EMEA".to_owned()]));

    // The last one is taken away as any other: an empty list is a wish, and no list is none.
    let mut wish = with_teams(member, &[]);
    assert_eq!(world.scim.put(&id, &wish).await.0, 200);
    done(store, &job_of(store, &id).await.id).await;
    assert_eq!(teams(&world), [""; 0]);
    assert_eq!(world.scim.put(&id, &with_teams(member, &["Billing"])).await.0, 200);
    done(store, &job_of(store, &id).await.id).await;
    wish[ROLE_URN].as_object_mut().unwrap().remove("team");
    assert_eq!(world.scim.put(&id, &wish).await.0, 200);
    done(store, &job_of(store, &id).await.id).await;
    assert_eq!(teams(&world), ["Billing"], "of what nobody speaks of nothing is taken away");
    let remove = json!([{ "op": "remove", "path": format!("{ROLE_URN}:team") }]);
    let (status, answer) = world.scim.patch(&id, remove).await;
    assert!(status == 200 && answer[ROLE_URN].get("team").is_none(), "{answer}");
    done(store, &job_of(store, &id).await.id).await;
    assert_eq!(teams(&world), [""; 0]);
    world.end().await;
}

/// A leaver goes whatever became of what they held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_holds_what_is_not_there_any_more_can_still_leave() {
    let connectors = with_team_ids();
    let world = World::with_connectors(many_members(), no_patience(), connectors.path()).await;
    let store = &world.installation.store;
    let members = world.desk.members();
    let member =
        members.iter().find(|member| member.role == Role::Agent && member.status == Status::Active).unwrap();
    // Nobody has read the teams yet: whatever is said is taken, and the page has the last word.
    let id = world.scim.create(&with_teams(member, &["Nowhere"])).await;
    let job = job_of(store, &id).await;
    let job = store.settled_job(&job.id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Failed, "{:?}", job.message);
    world.plan().await;
    assert_eq!(world.scim.delete(&id).await.0, 204);
    done(store, &job_of(store, &id).await.id).await;
    assert!(world.desk.members().iter().all(|one| one.email != member.email));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_values_that_is_not_proved_to_be_whole_says_nothing() {
    let connectors = changed(|folder| {
        let path = folder.join("flows/list_teams.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("has cell /./", "has cell \"Nowhere\"")).unwrap();
    });
    let world = World::with_connectors(many_members(), no_patience(), connectors.path()).await;
    let job = world.sync().await;
    let message = job.message.unwrap();
    assert_eq!(job.state, JobState::Done, "{message}");
    let doubt = "the list of teams is left as it was: nothing proves that it was whole";
    assert!(message.ends_with(doubt), "{message}");
    assert!(world.installation.store.entitlements(&job.integration_id).await.unwrap().is_empty());
    world.end().await;
}
