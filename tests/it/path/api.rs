//! A sync that is asked for over HTTP, and goes through real Chromium.

use usher::integration::Policy;
use usher::operator::OperatorRole;
use usher::store::Mode;

use super::faults::no_patience;
use super::world::{World, desk_options};
use crate::api::Api;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_over_http_reads_the_app_and_its_plan_becomes_known_when_it_is_applied() {
    let world = World::with(desk_options(), Policy { mode: Mode::Plan, ..no_patience() }).await;
    let members = world.desk.members().len();
    let api = Api::new(&world.server, &world.installation, "night-watch", OperatorRole::Admin).await;
    let asked = api.post("/integrations/desk/sync").await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let path = asked.header("location").unwrap().strip_prefix("/api/v1").unwrap();
    let job = api.get(&format!("{path}?wait=50")).await.body;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(job["progress"]["total"], members, "{job}");

    let path = format!("/plans/{}", job["plan"].as_str().unwrap());
    let plan = api.get(&path).await.body;
    assert_eq!((&plan["state"], &plan["integration"]), (&"proposed".into(), &"desk".into()));
    assert_eq!(plan["read"]["accounts"], members);
    let mut known: Vec<String> = world.desk.members().into_iter().map(|member| member.email).collect();
    known.retain(|email| email != super::world::OWNER);
    let findings = plan["findings"].as_array().unwrap();
    let adopts = findings.iter().filter(|finding| finding["kind"] == "adopt");
    let mut adopted: Vec<&str> = adopts.map(|finding| finding["account"].as_str().unwrap()).collect();
    adopted.sort_unstable();
    known.sort_unstable();
    assert_eq!(adopted, known);
    assert!(world.import().await.is_empty(), "nothing is known before somebody decides");

    let applied = api.post(&format!("{path}/apply")).await.body;
    assert_eq!((&applied["state"], &applied["decided_by"]), (&"applied".into(), &"night-watch".into()));
    assert_eq!(world.import().await.len(), members - 1);
    assert!(world.record().is_empty(), "a sync changes nothing");
    assert_eq!(api.get("/integrations").await.body[0]["state"], "working");
    world.end().await;
}
