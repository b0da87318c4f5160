//! Plans, and the decision on them.

use usher::account::Group;
use usher::store::{Finish, ItemKind, NewItem, NewPlan, Outcome, PlanCounts, PlanRow, SeenAccount};

use super::*;

impl Stand {
    /// A plan that a sync made, held for this reason.
    async fn planned(&self, held: Option<&str>) -> PlanRow {
        self.api.post("/integrations/desk/sync").await;
        let claimed = self.claimed().await;
        let seen = SeenAccount {
            app_id: Some("7".into()),
            status: usher::account::Status::Active,
            ..SeenAccount::absent()
        };
        let ada = NewItem {
            kind: ItemKind::Adopt,
            user_id: None,
            name: "ada@acme.example".into(),
            note: String::new(),
            account: Some(seen),
            resource: Some(json!({ "userName": "ada@acme.example", "active": true })),
            corrects: false,
            group_id: None,
            in_app: None,
        };
        let odd = NewItem {
            kind: ItemKind::Unknown,
            account: None,
            resource: None,
            note: "what is `Chief`?".into(),
            ..ada.clone()
        };
        let ops = NewItem {
            kind: ItemKind::AdoptGroup,
            name: "Ops".into(),
            account: None,
            resource: None,
            in_app: Some(Group { id: Some("3".into()), name: "Ops".into() }),
            ..ada.clone()
        };
        let plan = NewPlan {
            integration_id: claimed.job.integration_id.clone(),
            held: held.map(str::to_owned),
            counts: PlanCounts { accounts: 2, ..PlanCounts::default() },
            items: vec![ada, odd, ops],
            as_wanted: Vec::new(),
            seems_done: Vec::new(),
        };
        let store = &self.installation.store;
        let plan = store.keep_plan(&claimed.lease, plan).await.unwrap();
        store.finish(&claimed.lease, Finish::with(Outcome::Done { message: None })).await.unwrap();
        plan
    }
}

#[tokio::test]
async fn a_plan_is_found_by_its_job_shown_and_applied_once() {
    let stand = Stand::new().await;
    let plan = stand.planned(None).await;
    let job = stand.api.get(&format!("/jobs/{}", plan.job_id)).await.body;
    assert_eq!((&job["state"], &job["plan"]), (&"done".into(), &plan.id.as_str().into()));
    let path = format!("/plans/{}", plan.id);
    let shown = stand.api.get(&path).await.body;
    assert_eq!((&shown["state"], &shown["job"]), (&"proposed".into(), &plan.job_id.as_str().into()));
    assert_eq!(shown["found"], json!({ "adopt": 1, "adopt_group": 1, "unknown": 1 }));
    assert_eq!(shown["findings"][0]["seen"]["app_id"], "7");

    let apply = format!("{path}/apply");
    let applied = stand.api.post_json(&apply, json!({ "reason": "looked through", "corrects": true })).await;
    assert_eq!((applied.status, &applied.body["state"]), (200, &"applied".into()), "{applied:?}");
    assert_eq!(
        (&applied.body["decided_by"], &applied.body["reason"]),
        (&"ci".into(), &"looked through".into())
    );
    assert_eq!(applied.body["jobs"], 0);
    let outcome = applied.body["findings"][0]["outcome"].as_str().unwrap();
    assert!(outcome.starts_with("adopted as user"), "{outcome}");
    assert_eq!(stand.api.post(&apply).await.problem(409), "the plan is applied");
    let reject = stand.api.post_json(&format!("{path}/reject"), json!({ "reason": "no" })).await;
    assert_eq!(reject.problem(409), "the plan is applied");
    stand.end().await;
}

#[tokio::test]
async fn a_plan_that_a_safeguard_holds_takes_a_reason_and_so_does_one_that_is_rejected() {
    let stand = Stand::new().await;
    let plan = stand.planned(Some("9 of 9 are gone")).await;
    let post = async |plan: &PlanRow, act: &str, body: Value| {
        stand.api.post_json(&format!("/plans/{}/{act}", plan.id), body).await
    };
    for body in [json!({}), json!({ "reason": null, "corrects": true }), json!({ "reason": " " })] {
        let refused = post(&plan, "apply", body).await;
        let detail = refused.problem(422);
        assert!(detail.starts_with("a safeguard holds the plan (9 of 9 are gone); say why"), "{detail}");
    }
    let refused = post(&plan, "reject", json!({ "reason": "" })).await;
    assert_eq!(refused.problem(422), "say why, for the record: the reason is empty");
    let applied = post(&plan, "apply", json!({ "reason": "a site was closed" })).await;
    assert_eq!(applied.body["state"], "applied");

    let plan = stand.planned(None).await;
    let rejected = post(&plan, "reject", json!({ "reason": "a test" })).await;
    assert_eq!((rejected.status, &rejected.body["state"]), (200, &"rejected".into()));
    assert_eq!((&rejected.body["decided_by"], &rejected.body["reason"]), (&"ci".into(), &"a test".into()));
    assert_eq!(post(&plan, "apply", json!({})).await.problem(409), "the plan is rejected");
    stand.end().await;
}
