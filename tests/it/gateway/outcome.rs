//! What a read shows and a waiting caller is told, as jobs end (R6). A worker is played by the store's own calls.

use std::time::Duration;

use super::*;
use usher::account::Status;
use usher::failure::FailureClass;
use usher::integration::Answering;
use usher::store::{Finish, Outcome, Seen, SeenAccount};

fn seen(status: Status, role: &str) -> Option<SeenAccount> {
    let attributes = [("email", ADA), ("name", "Ada Byron"), ("id", "17")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let entitlements = [("role".to_owned(), [role.to_owned()].into())].into();
    Some(SeenAccount {
        app_id: Some("17".into()),
        status,
        attributes,
        entitlements,
        groups: None,
        complete: true,
    })
}

fn done() -> Outcome {
    Outcome::Done { message: None }
}

fn failed() -> Outcome {
    Outcome::Failed { class: FailureClass::SeatLimit, message: "no free seats".into() }
}

fn held() -> Outcome {
    Outcome::Held { class: FailureClass::LastAdmin, message: "the last owner".into() }
}

impl Gate {
    /// Ends the job that is due, having seen `account`.
    async fn work(&self, outcome: Outcome, account: Option<SeenAccount>) {
        let store = &self.installation.store;
        let claimed = store.claim("w", Duration::from_secs(60)).await.unwrap().expect("a job is due");
        store
            .finish(&claimed.lease, Finish { seen: account.map(Seen::Account), ..Finish::with(outcome) })
            .await
            .unwrap();
    }

    /// The same, once there is a job.
    async fn work_soon(&self, outcome: Outcome, account: Option<SeenAccount>) {
        let mut watch = self.installation.store.watch_work();
        while self.jobs().await.iter().all(|job| job.state.is_settled()) {
            watch.changed().await;
        }
        self.work(outcome, account).await;
    }

    /// What a read shows: active, name, role; both by id and in the list.
    async fn shown(&self, id: &str) -> Option<(bool, String, String)> {
        let answer = self.get(&format!("/Users/{id}")).await;
        let listed = self.get(&format!("/Users?filter=userName%20eq%20%22{ADA}%22")).await.json();
        if answer.status == 404 {
            assert_eq!(listed["totalResults"], 0, "{listed}");
            return None;
        }
        let body = answer.json();
        assert_eq!(listed["Resources"][0], body);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some((body["active"].as_bool().unwrap(), text(&body["displayName"]), text(&body[USHER]["role"])))
    }
}

fn is(active: bool, name: &str, role: &str) -> Option<(bool, String, String)> {
    Some((active, name.to_owned(), role.to_owned()))
}

#[tokio::test]
async fn a_read_shows_what_is_wanted_until_it_failed_and_then_what_was_seen() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    assert_eq!(gate.shown(&id).await, is(true, "Ada Lovelace", "agent"), "pending");
    gate.work(failed(), None).await;
    assert_eq!(gate.shown(&id).await, is(false, "Ada Lovelace", "agent"), "nobody has seen an account");
    assert_eq!(gate.put(&id, &user(ADA)).await.status, 200);
    assert_eq!(gate.shown(&id).await, is(true, "Ada Lovelace", "agent"), "pending again");
    gate.work(done(), seen(Status::Active, "agent")).await;

    let leaver = changed(json!({ "active": false, USHER: { "role": "viewer" } }));
    assert_eq!(gate.put(&id, &leaver).await.status, 200);
    assert_eq!(gate.shown(&id).await, is(false, "Ada Lovelace", "viewer"), "pending");
    gate.work(held(), seen(Status::Active, "agent")).await;
    assert_eq!(gate.shown(&id).await, is(true, "Ada Byron", "agent"), "held: what was seen");
    let job = gate.jobs().await.remove(0).id;
    gate.installation.store.cancel_job(&job, "never mind", "test").await.unwrap();
    assert_eq!(gate.shown(&id).await, is(true, "Ada Byron", "agent"), "cancelled: what was seen");
    gate.end().await;
}

#[tokio::test]
async fn a_failed_removal_is_never_shown_as_a_removal() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    gate.work(done(), seen(Status::Active, "agent")).await;
    assert_eq!(gate.delete(&id).await.status, 204);
    assert_eq!(gate.shown(&id).await, None, "accepted: it reads as it is wanted");
    gate.work(failed(), seen(Status::Active, "agent")).await;
    assert_eq!(gate.shown(&id).await, is(true, "Ada Byron", "agent"), "it failed, and the account is there");

    assert_eq!(gate.delete(&id).await.status, 204, "it can be asked for again");
    gate.work(done(), seen(Status::Absent, "agent")).await;
    assert_eq!(gate.shown(&id).await, None);
    assert_eq!(gate.delete(&id).await.status, 404);
    let next = gate.create(&user(ADA)).await;
    assert_ne!(next, id, "once it is gone the name is free");
    gate.end().await;
}

#[tokio::test]
async fn coming_back_while_the_removal_goes_on_is_one_account_in_one_lane() {
    let gate = Gate::new().await;
    let id = gate.create(&user(ADA)).await;
    gate.work(done(), seen(Status::Active, "agent")).await;
    assert_eq!(gate.delete(&id).await.status, 204);
    let stranger = changed(json!({ "externalId": "somebody-else" })).to_string();
    let request = gate.with_body(Method::POST, "/Users", stranger);
    let detail = gate.refused(request, 409, Some("uniqueness")).await;
    assert!(detail.contains("still being removed"), "{detail}");
    assert_eq!(gate.create(&user(ADA)).await, id);
    assert_eq!(gate.jobs().await.len(), 2, "the pending job is the one that sees the new wish");
    assert_eq!(gate.shown(&id).await, is(true, "Ada Lovelace", "agent"));
    gate.end().await;
}

#[tokio::test]
async fn who_waits_is_told_the_true_outcome() {
    let gate = Gate::with(Policy { patience_ms: 50_000, ..Policy::default() }).await;
    let user = user(ADA);
    let (answer, ()) = tokio::join!(gate.post(&user), gate.work_soon(failed(), None));
    let detail = answer.scim_error(409, None);
    let job = gate.jobs().await.remove(0).id;
    assert!(["seat_limit", "no free seats", &job].iter().all(|part| detail.contains(part)), "{detail}");
    let (answer, ()) = tokio::join!(gate.post(&user), gate.work_soon(done(), seen(Status::Active, "agent")));
    assert_eq!(answer.status, 201, "trying again takes the first up: {answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();

    let drift =
        Outcome::Failed { class: FailureClass::UiDrift, message: "no button named \"Remove\"".into() };
    let (answer, ()) = tokio::join!(gate.delete(&id), gate.work_soon(drift, seen(Status::Active, "agent")));
    let detail = answer.scim_error(500, None);
    assert!(detail.contains("ui_drift") && detail.contains("author"), "{detail}");
    assert!(gate.shown(&id).await.is_some());
    let (answer, ()) = tokio::join!(gate.delete(&id), gate.work_soon(done(), seen(Status::Absent, "agent")));
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(gate.shown(&id).await, None);
    gate.end().await;
}

#[tokio::test]
async fn who_would_rather_not_wait_is_told_that_it_was_accepted() {
    let gate = Gate::with(Policy { patience_ms: 50_000, ..Policy::default() }).await;
    let asked = |method: Method, path: &str, prefer: &str| {
        gate.with_body(method, path, user(ADA).to_string()).header("Prefer", prefer)
    };
    let made = gate.send(asked(Method::POST, "/Users", "respond-async")).await;
    assert_eq!((made.status, made.text.as_str()), (202, ""), "{made:?}");
    let job = gate.jobs().await.remove(0).id;
    assert_eq!(
        (made.header("set-txn"), made.header("preference-applied")),
        (Some(&*job), Some("respond-async"))
    );
    let place = made.header("location").unwrap();
    let path = place.strip_prefix(&format!("{}/scim/v2/desk", gate.server.url())).unwrap().to_owned();
    assert_eq!(gate.get(&path).await.json()["userName"], ADA, "{place}");
    gate.work(done(), seen(Status::Active, "agent")).await;

    let put = gate.send(asked(Method::PUT, &path, "handling=lenient, wait=0; x=y, respond-async")).await;
    assert_eq!(put.status, 202, "{put:?}");
    let waits = gate.send(asked(Method::PUT, &path, "wait=\"0\"")).await;
    assert_eq!(
        (waits.status, waits.json()["id"].is_string()),
        (200, true),
        "no wish to be told so: {waits:?}"
    );
    gate.work(done(), seen(Status::Active, "agent")).await;
    let (answer, ()) = tokio::join!(
        gate.send(asked(Method::PUT, &path, "respond-async, wait=50")),
        gate.work_soon(failed(), None)
    );
    answer.scim_error(409, None);
    let gone = gate.send(gate.request(Method::DELETE, &path).header("Prefer", "respond-async")).await;
    assert_eq!((gone.status, gone.header("location").is_some()), (202, true), "{gone:?}");
    let config = gate.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["securityEvents"]["asyncRequest"], "request");
    gate.end().await;
}

#[tokio::test]
async fn who_is_held_off_is_told_the_true_outcome_when_it_asks_again() {
    let policy = Policy { answer: Answering::Hold, patience_ms: 0, ..Policy::default() };
    let gate = Gate::with(policy).await;
    let hold = async |answer: Answer| {
        let detail = answer.scim_error(429, None);
        let job = gate.jobs().await.remove(0).id;
        assert!(detail.contains("recorded") && detail.contains(&job), "{detail}");
        assert_eq!(answer.header("retry-after"), Some("60"));
    };
    hold(gate.post(&user(ADA)).await).await;
    hold(gate.post(&user(ADA)).await).await;
    assert_eq!(gate.rows().await.0, 1, "asking again records nothing");
    gate.work(failed(), None).await;
    let detail = gate.post(&user(ADA)).await.scim_error(409, None);
    assert!(detail.contains("seat_limit"), "{detail}");
    hold(gate.post(&user(ADA)).await).await;
    assert_eq!(gate.jobs().await.len(), 2, "who asks once more after the failure wants it tried again");
    gate.work(done(), seen(Status::Active, "agent")).await;
    let made = gate.post(&user(ADA)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    gate.post(&user(ADA)).await.scim_error(409, Some("uniqueness"));

    let leaver = changed(json!({ "active": false }));
    hold(gate.put(&id, &leaver).await).await;
    gate.work(done(), seen(Status::Suspended, "agent")).await;
    let put = gate.put(&id, &leaver).await;
    assert_eq!((put.status, &put.json()["active"]), (200, &json!(false)), "{put:?}");
    assert_eq!(gate.jobs().await.len(), 3, "the outcome is told, and nothing is asked for anew");
    assert_eq!(gate.delete(&id).await.status, 204, "who is gone cannot be asked for again");
    assert_eq!(gate.get(&format!("/Users/{id}")).await.status, 404);
    gate.end().await;
}
