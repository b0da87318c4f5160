//! Listed values: known by their keys, under every name that they had.

use super::*;

fn value(key: &str, label: &str) -> ListedValue {
    ListedValue { key: key.to_owned(), label: label.to_owned(), ..ListedValue::default() }
}

impl Bench {
    async fn keep(&self, claimed: &Claimed, values: &[(&str, &str)]) -> Result<(), LeaseError> {
        self.clock.advance(Duration::from_secs(1));
        let values = values.iter().map(|(key, label)| value(key, label)).collect();
        self.store.keep_entitlements(&claimed.lease, &claimed.job.integration_id, "team", values).await
    }

    /// `17 Field EMEA (Field)`; `gone` behind those that are.
    async fn listed(&self, integration: &IntegrationRow) -> Vec<String> {
        let rows = self.store.entitlements(&integration.id).await.unwrap();
        let line = |row: EntitlementRow| {
            let former =
                if row.former.is_empty() { String::new() } else { format!(" ({})", row.former.join(", ")) };
            let gone = if row.gone_at.is_some() { " gone" } else { "" };
            format!("{} {}{former}{gone}", row.value.key, row.value.label)
        };
        rows.into_iter().map(line).collect()
    }
}

#[tokio::test]
async fn values_keep_their_keys_and_the_names_that_they_had() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let ask = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
    bench.store.request_job(&acme.id, Work::Sync, ask, "test").await.unwrap();
    let claimed = bench.claimed().await;
    bench.keep(&claimed, &[("17", "Field"), ("18", "North")]).await.unwrap();
    assert_eq!(bench.listed(&acme).await, ["17 Field", "18 North"]);
    let at = bench.store.configuration();
    bench.keep(&claimed, &[("17", "Field"), ("18", "North")]).await.unwrap();
    assert_eq!(bench.store.configuration(), at, "nothing is new to anybody");
    bench.keep(&claimed, &[("17", "Field EMEA"), ("19", "South")]).await.unwrap();
    assert_ne!(bench.store.configuration(), at);
    assert_eq!(bench.listed(&acme).await, ["17 Field EMEA (Field)", "18 North gone", "19 South"]);
    bench.keep(&claimed, &[("17", "EMEA"), ("18", "North"), ("19", "South")]).await.unwrap();
    assert_eq!(bench.listed(&acme).await, ["17 EMEA (Field EMEA, Field)", "18 North", "19 South"]);
    // A name that another one has now is that one's.
    bench.keep(&claimed, &[("17", "EMEA"), ("18", "Field"), ("19", "South")]).await.unwrap();
    assert_eq!(bench.listed(&acme).await, ["17 EMEA (Field EMEA)", "18 Field (North)", "19 South"]);

    let told = bench.store.list_events(&EventFilter::Job(claimed.job.id.clone()), None, 20).await.unwrap();
    let told: Vec<&EventRow> = told.iter().filter(|event| event.kind.starts_with("entitlements.")).collect();
    assert_eq!((told.len(), told[3].kind.as_str()), (4, "entitlements.listed"));
    assert_eq!(told[2].data["changes"][0], json!({ "renamed": "Field", "to": "Field EMEA", "key": "17" }));
    bench.done(&claimed).await;
    assert!(matches!(bench.keep(&claimed, &[]).await, Err(LeaseError::Lost)));
}
