//! Who is told of what happens: each in its order, by one who looks at a time.

use super::*;
use usher::vault::Sealed;

impl Bench {
    async fn hook(&self, of: Option<&IntegrationRow>, kinds: &[&str]) -> HookRow {
        let id = format!("hook_{}", self.store.list_hooks().await.unwrap().len());
        let new = NewHook {
            id: id.clone(),
            integration_id: of.map(|row| row.id.clone()),
            channel: Channel::Webhook,
            shown: "https://hooks.example".into(),
            sealed: Sealed::from_parts("key".into(), vec![1, 2, 3]),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        };
        self.store.add_hook(new, "cli").await.unwrap();
        self.found(&id).await
    }

    async fn found(&self, id: &str) -> HookRow {
        self.store.find_hook(id).await.unwrap().unwrap()
    }

    async fn happens(&self, of: &IntegrationRow, kind: &str) {
        self.store.append_event(NewEvent::new(kind, "test").of(&of.id)).await.unwrap();
    }
}

#[tokio::test]
async fn a_hook_is_taken_by_one_and_by_another_once_its_time_is_over() {
    let bench = Bench::new().await;
    let hook = bench.hook(None, &["lunch"]).await;
    let take = async || bench.store.take_hook(&hook.hook.id, bench.in_secs(60)).await.unwrap();
    assert_eq!(bench.store.due_hooks().await.unwrap().len(), 1);
    assert!(take().await);
    assert!(!take().await, "whoever listed it before has lost it");
    assert!(bench.store.due_hooks().await.unwrap().is_empty());
    bench.clock.advance(Duration::from_secs(60));
    assert!(take().await, "who took it has died");
}

#[tokio::test]
async fn what_is_told_moves_a_hook_on_and_what_nobody_wants_is_passed_over() {
    let bench = Bench::new().await;
    let (acme, other) = (bench.integration("acme", 1).await, bench.integration("other", 1).await);
    bench.happens(&acme, "lunch").await;
    let hook = bench.hook(Some(&acme), &["lunch", "tea"]).await;
    assert!(bench.store.next_for_hook(&hook).await.unwrap().is_none(), "what was before is not told");
    for (of, kind) in [(&other, "lunch"), (&acme, "dinner"), (&acme, "tea"), (&acme, "lunch")] {
        bench.happens(of, kind).await;
    }
    let mut told = Vec::new();
    let id = hook.hook.id.clone();
    while let Some(event) = bench.store.next_for_hook(&bench.found(&id).await).await.unwrap() {
        bench.store.hook_was_not_told(&id, "it cannot be reached", bench.in_secs(10)).await.unwrap();
        assert_eq!(bench.found(&id).await.failures, 1);
        bench.store.hook_was_told(&id, event.seq).await.unwrap();
        // Said twice, it does not go back.
        bench.store.hook_was_told(&id, event.seq - 1).await.unwrap();
        let now = bench.found(&id).await;
        assert_eq!((now.failures, now.error, now.seen), (0, None, event.seq));
        told.push(event.kind);
    }
    assert_eq!(told, ["tea", "lunch"]);
    let before = bench.found(&id).await.seen;
    for _ in 0..501 {
        bench.happens(&other, "lunch").await;
    }
    assert!(bench.store.next_for_hook(&bench.found(&id).await).await.unwrap().is_none());
    assert_eq!(bench.found(&id).await.seen, before + 501);
    assert!(bench.store.remove_hook(&id, "cli").await.unwrap());
    assert!(!bench.store.remove_hook(&id, "cli").await.unwrap());
    bench.store.verify_events().await.unwrap();
}
