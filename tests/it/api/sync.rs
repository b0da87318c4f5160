//! Syncs that are asked for, and the jobs that do them.

use std::time::Duration;

use usher::failure::FailureClass;
use usher::store::{Claimed, EventFilter, Finish, Outcome};

use super::*;
use crate::on_sqlite::store::soon;

const SYNC: &str = "/integrations/desk/sync";
const LEASE: Duration = Duration::from_secs(60);

impl Stand {
    /// The job at hand, as a worker takes it.
    pub(super) async fn claimed(&self) -> Claimed {
        self.installation.store.claim("worker-1", LEASE).await.unwrap().expect("there is a job to claim")
    }

    /// Waits until that key was shown.
    async fn until_used(&self, name: &str) {
        let store = &self.installation.store;
        while !store
            .list_operator_keys()
            .await
            .unwrap()
            .iter()
            .any(|key| key.name == name && key.life.last_used_at.is_some())
        {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_sync_is_one_job_until_it_begins_and_then_has_one_behind_it() {
    let stand = Stand::new().await;
    let first = stand.api.post(SYNC).await;
    assert_eq!((first.status, first.body["state"].as_str()), (202, Some("ready")), "{first:?}");
    let id = first.body["id"].as_str().unwrap();
    assert_eq!(first.header("location"), Some(format!("/api/v1/jobs/{id}").as_str()));
    assert_eq!((&first.body["kind"], &first.body["integration"]), (&"sync".into(), &"desk".into()));
    assert_eq!(first.body["cause"], json!({ "event": "sync.asked", "by": "ci" }));
    assert_eq!(stand.api.post_json(SYNC, json!({})).await.body["id"], id);

    let claimed = stand.claimed().await;
    assert_eq!(claimed.job.id, id);
    let progress = json!({ "pages": 2, "rows": 40, "total": 100 });
    stand.installation.store.note_progress(&claimed.lease, progress.clone()).await.unwrap();
    let running = stand.api.get(&format!("/jobs/{id}")).await.body;
    assert_eq!((&running["state"], &running["progress"]), (&"running".into(), &progress));
    let behind = stand.api.post(SYNC).await.body;
    assert_eq!(behind["state"], "blocked");
    assert_ne!(behind["id"], id);
    assert_eq!(stand.api.post(SYNC).await.body["id"], behind["id"]);

    let class = FailureClass::UiDrift;
    let outcome = Outcome::Failed { class, message: "the table is gone".into() };
    stand.installation.store.finish(&claimed.lease, Finish::with(outcome)).await.unwrap();
    let failed = stand.api.get(&format!("/jobs/{id}?wait=50")).await.body;
    assert_eq!((&failed["state"], &failed["class"]), (&"failed".into(), &"ui_drift".into()));
    assert_eq!((&failed["message"], &failed["plan"]), (&"the table is gone".into(), &Value::Null));
    assert_eq!(failed["finished"], failed["changed"]);

    let store = &stand.installation.store;
    let events = store.list_events(&EventFilter::Job(id.to_owned()), None, 99).await.unwrap();
    let asked: Vec<_> = events.iter().filter(|event| event.kind == "job.requested").collect();
    assert!(asked.len() == 2 && asked.iter().all(|event| event.actor == "ci"), "{events:?}");
    stand.end().await;
}

#[tokio::test]
async fn nothing_is_asked_of_an_integration_that_is_paused() {
    let stand = Stand::new().await;
    let store = &stand.installation.store;
    let id = store.find_integration("desk").await.unwrap().unwrap().id;
    store.pause_integration(&id, "the app is being moved", "test").await.unwrap();
    let before = stand.rows().await;
    let refused = stand.api.post(SYNC).await;
    let expected = "desk is paused (the app is being moved); `usher integration resume desk` lets it go on";
    assert_eq!(refused.problem(409), expected);
    assert_eq!(stand.rows().await, before);
    let shown = stand.api.get("/integrations/desk").await.body;
    assert_eq!(
        (&shown["state"], &shown["paused"]["reason"]),
        (&"paused".into(), &"the app is being moved".into())
    );
    assert_eq!(stand.api.get("/integrations").await.body[0]["state"], "paused");
    store.resume_integration(&id, "test").await.unwrap();
    assert_eq!(stand.api.post(SYNC).await.status, 202);
    stand.end().await;
}

#[tokio::test]
async fn who_waits_for_a_job_is_answered_when_it_settles() {
    let stand = Stand::new().await;
    let job = stand.api.post(SYNC).await.body;
    let path = format!("/jobs/{}?wait=50", job["id"].as_str().unwrap());
    let waits = Api::new(&stand.server, &stand.installation, "waits", OperatorRole::Auditor).await;
    let finish = async {
        stand.until_used("waits").await;
        let claimed = stand.claimed().await;
        let done = Finish::with(Outcome::Done { message: Some("read".into()) });
        stand.installation.store.finish(&claimed.lease, done).await.unwrap();
    };
    let (answer, ()) = soon(async { tokio::join!(waits.get(&path), finish) }).await;
    assert_eq!((&answer.body["state"], &answer.body["message"]), (&"done".into(), &"read".into()));
    stand.end().await;
}

#[tokio::test]
async fn who_waits_longer_than_they_said_is_told_how_it_is() {
    let stand = Stand::new().await;
    let job = stand.api.post(SYNC).await.body;
    let answer = soon(stand.api.get(&format!("/jobs/{}?wait=1", job["id"].as_str().unwrap()))).await;
    assert_eq!(answer.body["state"], "ready");
    stand.end().await;
}

#[tokio::test]
async fn a_server_that_stops_keeps_nobody_waiting() {
    let stand = Stand::new().await;
    let job = stand.api.post(SYNC).await.body;
    let path = format!("/jobs/{}?wait=50", job["id"].as_str().unwrap());
    let waits = Api::new(&stand.server, &stand.installation, "waits", OperatorRole::Auditor).await;
    let waiting = tokio::spawn(async move { waits.get(&path).await });
    stand.until_used("waits").await;
    soon(stand.server.stop()).await;
    let answer = soon(waiting).await.unwrap();
    assert_eq!((answer.status, answer.body["state"].as_str()), (200, Some("ready")));
}
