//! What only the inside can check: what happens to those that are too many, without waiting for a disk.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::id::{Ids, SystemEntropy};
use crate::store::{
    Exchange, ExchangeBody, IntegrationRow, JournalPage, NewIntegration, Policy, StoreOptions,
};

const CANARY: &str = "canary-Pa55word";

struct Bench {
    _root: tempfile::TempDir,
    store: Store,
    integration: IntegrationRow,
    clock: Arc<ManualClock>,
    journal: Journal,
}

impl Bench {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let ids = Ids::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
        let clock = ManualClock::at(Timestamp::from_ms(1_800_000_000_000));
        let store = Store::open(&StoreOptions::new(root.path()), clock.clone(), ids).await.unwrap();
        let (name, connector) = ("desk".to_owned(), "acme-desk".to_owned());
        let new = NewIntegration { name, connector, settings: json!({}), policy: Policy::default() };
        let integration = store.create_integration(new, "test").await.unwrap();
        let journal = Journal::start(store.clone(), clock.clone());
        Self { _root: root, store, integration, clock, journal }
    }

    fn heard(&self, target: &str, body: &str) -> Heard {
        let mut request = HeardMessage::default();
        request.hear(body.as_bytes());
        let integration_id = self.integration.id.clone();
        let by = ExchangeBy::Token { integration_id, token_id: "token_1".to_owned() };
        let (method, target) = ("POST".to_owned(), target.to_owned());
        Heard {
            by,
            began: self.journal.begin(),
            method,
            target,
            request,
            status: 201,
            answer: HeardMessage::default(),
        }
    }

    async fn page(&self) -> JournalPage {
        self.store.list_exchanges(&self.integration.id, u32::MAX).await.unwrap()
    }

    async fn only(&self) -> Exchange {
        let number = self.page().await.exchanges[0].number;
        self.store.find_exchange(&self.integration.id, number).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn what_the_queue_cannot_take_is_counted_and_the_rest_is_kept_in_order() {
    let bench = Bench::new().await;
    // On one thread, and without a pause, nothing is taken out meanwhile.
    for index in 0..QUEUE + 3 {
        bench.journal.keep(bench.heard(&format!("/{index}"), ""));
    }
    bench.journal.keep(Heard {
        by: ExchangeBy::Stranger { integration: "desk".to_owned() },
        ..bench.heard("/stranger", "")
    });
    bench.journal.close().await;
    let page = bench.page().await;
    assert_eq!(page.lost.map(|lost| lost.exchanges), Some(3), "strangers are not counted");
    let targets: Vec<&str> = page.exchanges.iter().map(|one| one.target.as_str()).collect();
    let expected: Vec<String> = (QUEUE - 1000..QUEUE).map(|index| format!("/{index}")).collect();
    assert_eq!(targets, expected);
    assert_eq!(bench.journal.waiting.bytes.load(Ordering::Relaxed), 0);
}

/// Of what came within one gathering, what the store would drop at once is not written; that is no loss.
#[tokio::test]
async fn of_each_kind_the_last_are_written_and_the_rest_is_not_missed() {
    let bench = Bench::new().await;
    let mut gathered = Gathered::default();
    let stranger = || ExchangeBy::Stranger { integration: "desk".to_owned() };
    for index in 0..1300 {
        let by = if index % 2 == 0 { bench.heard("/", "").by } else { stranger() };
        gathered.exchanges.push((Box::new(Heard { by, ..bench.heard(&format!("/{index}"), "") }), 0));
    }
    let kept: Vec<(bool, String)> = gathered
        .worth_keeping()
        .map(|(heard, _)| (heard.integration_id().is_some(), heard.target.clone()))
        .collect();
    let expected: Vec<(bool, String)> = (0..1300)
        .filter(|index| index % 2 == 0 || *index >= 1300 - 2 * 100)
        .map(|index| (index % 2 == 0, format!("/{index}")))
        .collect();
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn what_waits_is_bounded_in_bytes_as_well() {
    let bench = Bench::new().await;
    let body = format!("\"{}\"", "x".repeat(MAX_BODY_KEPT - 2));
    let sent = QUEUE_BYTES / MAX_BODY_KEPT + 5;
    for _ in 0..sent {
        bench.journal.keep(bench.heard("/", &body));
    }
    bench.journal.close().await;
    let page = bench.page().await;
    let lost = page.lost.unwrap().exchanges;
    assert!((5..10).contains(&lost), "{lost}");
    assert_eq!(page.exchanges.len() as u64 + lost, sent as u64);
}

#[tokio::test]
async fn an_exchange_is_redacted_timed_and_written_without_being_asked_for() {
    let bench = Bench::new().await;
    let heard =
        bench.heard("/Users?access_token=canary-Pa55word", &json!({ "password": CANARY }).to_string());
    bench.clock.advance(Duration::from_millis(42));
    bench.journal.keep(heard);
    let written = async {
        while bench.page().await.exchanges.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written).await.expect("it is written by itself");
    let kept = bench.only().await;
    assert!(!format!("{kept:?}").contains(CANARY), "{kept:?}");
    assert_eq!((kept.summary.duration_ms, kept.summary.target.as_str()), (42, "/Users?access_token=••••••"));
    assert_eq!(kept.request.body, ExchangeBody::Text(r#"{"password":"••••••"}"#.to_owned()));
    assert_eq!(kept.summary.at.as_ms(), 1_800_000_000_000);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_counted_with_the_next() {
    let bench = Bench::new().await;
    let gone = ExchangeBy::Token { integration_id: "nobody".to_owned(), token_id: "t".to_owned() };
    // A foreign key refuses the whole batch.
    bench.journal.keep(Heard { by: gone, ..bench.heard("/", "") });
    bench.journal.keep(bench.heard("/", ""));
    bench.journal.close().await;
    assert!(bench.page().await.exchanges.is_empty());
    assert_eq!(bench.journal.waiting.lost().get(&bench.integration.id), Some(&1));
}

#[tokio::test]
async fn of_a_stranger_no_body_is_kept_and_of_an_unknown_integration_nothing() {
    let bench = Bench::new().await;
    for integration in ["desk", "dusk"] {
        let by = ExchangeBy::Stranger { integration: integration.to_owned() };
        bench.journal.keep(Heard { by, ..bench.heard("/", "{\"userName\":\"ada\"}") });
    }
    bench.journal.close().await;
    assert_eq!(bench.page().await.exchanges.len(), 1);
    assert_eq!(bench.only().await.request.body, ExchangeBody::None);
}
