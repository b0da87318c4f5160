//! The keys of operators: names, roles, ends; and that nothing of a key is kept but its hash.

use super::*;

impl Bench {
    async fn key(&self, name: &str, key: &str, expires_at: Option<Timestamp>) -> OperatorKeyRow {
        let new =
            NewOperatorKey { name: name.into(), role: OperatorRole::Auditor, key: key.into(), expires_at };
        self.store.create_operator_key(new, "cli").await.unwrap()
    }

    async fn presented(&self, key: &str) -> Option<OperatorKeyRow> {
        self.store.find_operator_key(&key.into()).await.unwrap()
    }
}

#[tokio::test]
async fn a_key_opens_until_it_ends_or_is_revoked_and_its_event_names_it() {
    let bench = Bench::new().await;
    let (first, second) =
        (bench.key("night-watch", "one", None).await, bench.key("ci", "two", Some(bench.in_secs(60))).await);
    let found = bench.presented("one").await.unwrap();
    assert_eq!(
        (&found.id, found.name.as_str(), found.role),
        (&first.id, "night-watch", OperatorRole::Auditor)
    );
    for wrong in ["", "on", "one ", "ONE", "three"] {
        assert!(bench.presented(wrong).await.is_none(), "{wrong}");
    }
    let is_valid = async |key: &str| bench.presented(key).await.unwrap().life.is_valid(bench.clock.now());
    assert!(is_valid("one").await && is_valid("two").await);
    bench.clock.advance(Duration::from_secs(60));
    assert!(is_valid("one").await && !is_valid("two").await);

    let revoke = async |id: &str| bench.store.revoke_operator_key(id, "cli").await.unwrap();
    let revoked = revoke(&first.id).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(revoke(&first.id).await.unwrap().life.revoked_at, revoked.life.revoked_at);
    assert!(!is_valid("one").await && revoke("key_none").await.is_none());
    let listed = bench.store.list_operator_keys().await.unwrap().into_iter().map(|row| row.id);
    assert_eq!(listed.collect::<Vec<_>>(), [first.id.as_str(), second.id.as_str()]);

    let events = bench.store.list_events(&EventFilter::All, None, 9).await.unwrap();
    let told: Vec<_> =
        events.iter().map(|event| (event.kind.as_str(), event.data["name"].as_str())).collect();
    let (night, ci) = (Some("night-watch"), Some("ci"));
    let made = "operator_key.created";
    assert_eq!(
        told,
        [("operator_key.revoked", night), (made, ci), (made, night)],
        "revoked twice is told once"
    );
    assert!(events.iter().all(|event| event.actor == "cli"));
}

#[tokio::test]
async fn a_name_belongs_to_one_key_for_good_and_passes_for_nobody_else() {
    let bench = Bench::new().await;
    let first = bench.key("ci", "one", None).await;
    bench.store.revoke_operator_key(&first.id, "cli").await.unwrap();
    let refused = async |name: &str| {
        let new = NewOperatorKey {
            name: name.into(),
            role: OperatorRole::Admin,
            key: "two".into(),
            expires_at: None,
        };
        bench.store.create_operator_key(new, "cli").await.unwrap_err()
    };
    assert!(matches!(refused("ci").await, OperatorKeyError::NameTaken(name) if name == "ci"));
    for name in ["", "usher", "operator", "cli", "token:1", "worker:w", "CI", "c i", "-ci", &"a".repeat(64)] {
        assert!(matches!(refused(name).await, OperatorKeyError::BadName(_)), "{name}");
    }
    assert!(bench.presented("two").await.is_none());
    assert_eq!(bench.store.list_operator_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_known_to_the_minute() {
    let bench = Bench::new().await;
    bench.key("ci", "k", None).await;
    let used = async || {
        let key = bench.presented("k").await.unwrap();
        bench.store.touch_operator_key(&key).await.unwrap();
        bench.presented("k").await.unwrap().life.last_used_at
    };
    assert_eq!(used().await, Some(START));
    bench.clock.advance(Duration::from_secs(59));
    assert_eq!(used().await, Some(START));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(used().await, Some(START.plus(Duration::from_secs(60))));
}
