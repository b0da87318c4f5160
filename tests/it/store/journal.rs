//! The journal of SCIM on disk: what is kept, for how long, of whom.

use std::collections::BTreeMap;

use super::*;

fn exchange(integration: &IntegrationRow, target: &str) -> NewExchange {
    let message = |body: &str| ExchangeMessage {
        headers: [("User-Agent".into(), "Okta SCIM Client 1.0.0".to_owned())].into(),
        body: ExchangeBody::Text(body.to_owned()),
    };
    NewExchange {
        by: ExchangeBy::Token { integration_id: integration.id.clone(), token_id: "token_1".into() },
        at: START,
        method: "POST".into(),
        target: target.into(),
        status: 201,
        duration_ms: 34,
        request: message("{\"asked\":1}"),
        answer: ExchangeMessage { body: ExchangeBody::NotKept("65537 bytes".into()), ..message("") },
    }
}

fn stranger(name: &str, target: &str, integration: &IntegrationRow) -> NewExchange {
    NewExchange { by: ExchangeBy::Stranger { integration: name.into() }, ..exchange(integration, target) }
}

async fn targets(store: &Store, integration: &IntegrationRow) -> Vec<String> {
    let page = store.list_exchanges(&integration.id, u32::MAX).await.unwrap();
    page.exchanges.into_iter().map(|one| one.target).collect()
}

#[tokio::test]
async fn an_exchange_is_read_as_it_was_kept_and_only_by_its_integration() {
    let bench = Bench::new().await;
    let (desk, other) = (bench.integration("desk", 1).await, bench.integration("other", 1).await);
    let sent = exchange(&desk, "/Users");
    bench
        .store
        .keep_exchanges(vec![sent.clone(), exchange(&other, "/Groups")], BTreeMap::new())
        .await
        .unwrap();
    let store = bench.open_again().await;
    let listed = store.list_exchanges(&desk.id, 10).await.unwrap();
    let [one] = listed.exchanges.as_slice() else { panic!("{listed:?}") };
    assert_eq!((one.method.as_str(), one.status, one.duration_ms, one.at), ("POST", 201, 34, START));
    assert_eq!(one.user_agent.as_deref(), Some("Okta SCIM Client 1.0.0"));
    assert_eq!(one.token_id.as_deref(), Some("token_1"));
    let found = store.find_exchange(&desk.id, one.number).await.unwrap().unwrap();
    assert_eq!((found.request, found.answer), (sent.request, sent.answer));
    assert!(store.find_exchange(&other.id, one.number).await.unwrap().is_none());
    assert!(store.find_exchange(&desk.id, one.number + 9).await.unwrap().is_none());
}

#[tokio::test]
async fn the_last_ones_of_each_integration_are_kept_and_strangers_push_out_nobody() {
    let bench = Bench::new().await;
    let (desk, other) = (bench.integration("desk", 1).await, bench.integration("other", 1).await);
    let keep = async |exchanges: Vec<NewExchange>| {
        bench.store.keep_exchanges(exchanges, BTreeMap::new()).await.unwrap()
    };
    keep(vec![exchange(&other, "/first"), stranger("desk", "/first-stranger", &desk)]).await;
    for batch in 0..9 {
        keep((0..130).map(|index| exchange(&desk, &format!("/{}", batch * 130 + index))).collect()).await;
    }
    for batch in 0..3 {
        let flood = |index| stranger("desk", &format!("/stranger-{}", batch * 60 + index), &desk);
        keep((0..60).map(flood).collect()).await;
    }
    keep(vec![stranger("nobody", "/x", &desk)]).await;

    let kept = targets(&bench.store, &desk).await;
    let (known, strangers): (Vec<_>, Vec<_>) =
        kept.into_iter().partition(|target| !target.contains("stranger"));
    assert_eq!(known, (170..1170).map(|index| format!("/{index}")).collect::<Vec<_>>());
    assert_eq!(strangers, (80..180).map(|index| format!("/stranger-{index}")).collect::<Vec<_>>());
    assert_eq!((EXCHANGES_KEPT, STRANGERS_KEPT), (1000, 100));
    assert_eq!(targets(&bench.store, &other).await, ["/first"]);
    let latest = bench.store.list_exchanges(&desk.id, 2).await.unwrap().exchanges;
    assert_eq!(
        latest.iter().map(|one| one.target.as_str()).collect::<Vec<_>>(),
        ["/stranger-178", "/stranger-179"]
    );
}

#[tokio::test]
async fn what_was_lost_adds_up() {
    let bench = Bench::new().await;
    let desk = bench.integration("desk", 1).await;
    assert_eq!(bench.store.list_exchanges(&desk.id, 1).await.unwrap().lost, None);
    for count in [3, 4] {
        bench.clock.advance(Duration::from_secs(1));
        bench.store.keep_exchanges(Vec::new(), [(desk.id.clone(), count)].into()).await.unwrap();
    }
    let lost = bench.store.list_exchanges(&desk.id, 1).await.unwrap().lost;
    assert_eq!(lost, Some(Lost { exchanges: 7, last_at: bench.clock.now() }));
}
