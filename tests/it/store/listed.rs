//! Pages of a list: kept by whoever has the claim, until the job has ended.

use super::*;
use usher::failure::FailureClass;
use usher::trace::ListedPage;

fn page(number: usize, rows: &[&str]) -> ListedPage {
    let rows = rows.iter().map(|text| vec![Some((*text).to_owned()), None]).collect();
    ListedPage { number, address: format!("http://app/?page={number}"), total: Some(4), rows }
}

fn pages(since: i64, pages: Vec<ListedPage>) -> ListedPages {
    ListedPages { list: "flows/list.yaml:4".into(), connector_hash: "hash".into(), since, pages }
}

impl Bench {
    async fn claimed_sync(&self, acme: &IntegrationRow) -> Claimed {
        let ask = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
        self.store.request_job(&acme.id, Work::Sync, ask, "test").await.unwrap();
        self.claimed().await
    }

    async fn left_off(&self, job_id: &str) -> ListedPages {
        let of = ("flows/list.yaml:4", "hash");
        self.store.pages_left_off(job_id, of, Timestamp::from_ms(0)).await.unwrap()
    }
}

#[tokio::test]
async fn pages_are_kept_until_the_job_has_ended() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 2).await;
    let claimed = bench.claimed_sync(&acme).await;
    let (id, lease) = (claimed.job.id.clone(), &claimed.lease);
    assert!(bench.left_off(&id).await.pages.is_empty());
    let keep = async |since, of: Vec<ListedPage>| bench.store.keep_pages(lease, pages(since, of)).await;
    keep(7, vec![page(1, &["a", "b"]), page(2, &["c"])]).await.unwrap();
    // After one that is missing nothing follows.
    keep(5, vec![page(4, &["e"])]).await.unwrap();
    let expected = pages(7, vec![page(1, &["a", "b"]), page(2, &["c"])]);
    assert_eq!(bench.left_off(&id).await, expected);
    keep(6, vec![page(3, &["d"])]).await.unwrap();
    let kept = bench.left_off(&id).await;
    assert_eq!((kept.since, kept.pages.len()), (5, 4), "the earliest counts");

    let other = |list, hash, not_before| bench.store.pages_left_off(&id, (list, hash), not_before);
    let now = bench.clock.now();
    let later = now.plus(Duration::from_millis(1));
    assert_eq!(other("flows/list.yaml:4", "hash", now).await.unwrap().pages.len(), 4);
    for (list, hash, not_before) in [
        ("flows/list.yaml:9", "hash", now),
        ("flows/list.yaml:4", "other", now),
        ("flows/list.yaml:4", "hash", later),
    ] {
        assert!(other(list, hash, not_before).await.unwrap().pages.is_empty(), "{list} {hash}");
    }
    // Whoever begins anew has the first page alone.
    keep(9, vec![page(1, &["x"])]).await.unwrap();
    assert_eq!(bench.left_off(&id).await, pages(9, vec![page(1, &["x"])]));

    let later = bench.clock.now();
    let retry = Outcome::Retry { at: later, class: FailureClass::AppUnavailable, message: "503".to_owned() };
    bench.store.finish(lease, Finish::with(retry)).await.unwrap();
    assert_eq!(bench.left_off(&id).await.pages.len(), 1);
    assert!(matches!(keep(9, vec![page(2, &["y"])]).await, Err(LeaseError::Lost)));
    bench.store.retry_job(&id, "test").await.unwrap();
    let again = bench.claimed().await;
    assert_eq!(again.job.id, id);
    bench.done(&again).await;
    assert!(bench.left_off(&id).await.pages.is_empty(), "what is people's data is not kept for nothing");

    let claimed = bench.claimed_sync(&acme).await;
    bench.store.keep_pages(&claimed.lease, pages(1, vec![page(1, &["a"])])).await.unwrap();
    let retry = Outcome::Retry { at: later, class: FailureClass::AppUnavailable, message: "503".to_owned() };
    bench.store.finish(&claimed.lease, Finish::with(retry)).await.unwrap();
    bench.store.cancel_job(&claimed.job.id, "not now", "test").await.unwrap();
    assert!(bench.left_off(&claimed.job.id).await.pages.is_empty());
}
