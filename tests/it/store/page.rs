//! Parts of lists: the same order on every page, whatever happens between two of them.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use usher::scim::{ListQuery, Position};

use super::*;

/// How many users are looked at; more than one stretch of those that are counted together.
const MANY: usize = 1300;

fn names(page: &UserPage) -> Vec<String> {
    page.users.iter().map(|view| view.user.user_name.clone()).collect()
}

async fn part(bench: &Bench, integration: &IntegrationRow, offset: usize, limit: u32) -> Vec<String> {
    names(&list_users(&bench.store, &integration.id, None, offset as u64, limit).await)
}

#[tokio::test]
async fn pages_far_into_a_long_list_are_the_same_as_all_of_it_cut_in_pieces() {
    let bench = Bench::new().await;
    let (acme, other) = (bench.integration("acme", 1).await, bench.integration("other", 1).await);
    // Two integrations in turn, so that the places of one are not without gaps.
    let adding = (0..2 * MANY).map(|index| {
        let (bench, to) = (&bench, if index % 2 == 0 { &acme } else { &other });
        async move { bench.add_user(to, &format!("u{index}")).await.user }
    });
    let added = futures::future::join_all(adding).await;
    let cut = async |all: &[String]| {
        for offset in [0, 1, 99, 500, 511, 512, 513, 600, 1023, 1024, 1025, 1200, 1299, 1300, 5000] {
            let end = (offset + 100).min(all.len());
            let expected = all.get(offset..end).unwrap_or_default();
            assert_eq!(part(&bench, &acme, offset, 100).await, expected, "after {offset}");
        }
        assert_eq!(list_users(&bench.store, &acme.id, None, 0, 0).await.total, all.len() as u64);
    };
    let all = part(&bench, &acme, 0, 10_000).await;
    assert_eq!(all.len(), MANY);
    cut(&all).await;
    // Every third goes: none of the others moves past another.
    let mut gone = Vec::new();
    for user in added.iter().filter(|user| user.integration_id == acme.id).step_by(3) {
        gone.push(user.user_name.clone());
        let delete = UserChange::Delete { id: user.id.clone(), expected: None };
        bench.store.record(Change { job: None, ..change(&acme, delete, Priority::LEAVER) }).await.unwrap();
    }
    let left: Vec<String> = all.iter().filter(|name| !gone.contains(name)).cloned().collect();
    assert_eq!(part(&bench, &acme, 0, 10_000).await, left);
    cut(&left).await;
    assert_eq!(list_users(&bench.store, &other.id, None, 0, 0).await.total, MANY as u64);
}

/// What may become of a user and its jobs.
#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Change,
    Delete,
    Forget,
    Done,
    Fail,
    Hold,
    TryLater,
    Cancel,
    Retry,
    Release,
}

const ACTS: [Act; 11] = [
    Act::Add,
    Act::Change,
    Act::Delete,
    Act::Forget,
    Act::Done,
    Act::Fail,
    Act::Hold,
    Act::TryLater,
    Act::Cancel,
    Act::Retry,
    Act::Release,
];

/// Whether a client can see the user: wanted, or to be removed by a job that gave up.
async fn is_visible(bench: &Bench, integration: &IntegrationRow, id: &str) -> bool {
    let user = bench.store.find_user_or_tombstone(&integration.id, id).await.unwrap().unwrap();
    let filter = JobFilter { limit: 10_000, ..JobFilter::default() };
    let jobs = bench.store.list_jobs(&filter).await.unwrap();
    let latest = jobs.iter().find(|job| job.user_id.as_deref() == Some(id) && job.superseded_by.is_none());
    let gave_up = latest.is_some_and(|job| {
        matches!(job.state, JobState::Failed | JobState::Held | JobState::NeedsHuman | JobState::Cancelled)
    });
    user.gone_at.is_none() && (user.deleted_at.is_none() || gave_up)
}

async fn act(bench: &Bench, acme: &IntegrationRow, what: Act, which: usize, ids: &mut Vec<String>) {
    let record = async |user, has_job| {
        let change = change(acme, user, Priority::ORDINARY);
        bench.store.record(Change { job: change.job.filter(|_| has_job), ..change }).await
    };
    let id = ids.get(which % ids.len().max(1)).cloned().unwrap_or_default();
    let name = format!("u{}", which % 4);
    let finish = async |finish: Finish| {
        if let Some(claimed) = bench.claim().await {
            bench.store.finish(&claimed.lease, finish).await.unwrap();
        }
    };
    let job = async || {
        let jobs = bench.store.list_jobs(&JobFilter { limit: 10_000, ..JobFilter::default() }).await.unwrap();
        jobs.get(which % jobs.len().max(1)).map(|job| job.id.clone()).unwrap_or_default()
    };
    // What is refused where it cannot be done changes nothing, which is looked at as well.
    match what {
        Act::Add => {
            if let Ok(recorded) = record(UserChange::Insert(body(&name, true)), true).await
                && !ids.contains(&recorded.user.id)
            {
                ids.push(recorded.user.id);
            }
        }
        Act::Change => {
            drop(record(UserChange::Replace { id, expected: None, body: body(&name, true) }, true).await)
        }
        Act::Delete => drop(record(UserChange::Delete { id, expected: None }, true).await),
        Act::Forget => drop(record(UserChange::Delete { id, expected: None }, false).await),
        Act::Done => finish(Finish::with(Outcome::Done { message: None })).await,
        Act::Fail => finish(failed()).await,
        Act::Hold => finish(held()).await,
        Act::TryLater => finish(retry_at(bench.in_secs(60))).await,
        Act::Cancel => drop(bench.store.cancel_job(&job().await, "test", "test").await),
        Act::Retry => drop(bench.store.retry_job(&job().await, "test").await),
        Act::Release => drop(bench.store.release_job(&job().await, "test", "test").await),
    }
}

#[test]
fn whoever_can_be_seen_is_listed_and_counted_whatever_happened() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config::default());
    let plan = prop::collection::vec((select(ACTS.to_vec()), 0usize..1000), 60);
    let mut came_back = 0;
    for _ in 0..12 {
        let plan = plan.new_tree(&mut runner).unwrap().current();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let acme = bench.integration("acme", 2).await;
            let mut ids = Vec::new();
            for (what, which) in &plan {
                act(&bench, &acme, *what, *which, &mut ids).await;
                let mut expected = Vec::new();
                for id in &ids {
                    let is_visible = is_visible(&bench, &acme, id).await;
                    expected.extend(is_visible.then(|| id.clone()));
                    assert_eq!(
                        bench.store.find_user(&acme.id, id).await.unwrap().is_some(),
                        is_visible,
                        "{plan:?}"
                    );
                }
                let page = list_users(&bench.store, &acme.id, None, 0, 100).await;
                let listed: Vec<String> = page.users.iter().map(|view| view.user.id.clone()).collect();
                assert_eq!((listed, page.total), (expected.clone(), expected.len() as u64), "{plan:?}");
                came_back += page.users.iter().filter(|view| view.user.deleted_at.is_some()).count();
            }
        });
    }
    assert!(came_back > 0, "somebody's removal was given up");
}

/// Goes through a list by cursors; `between` happens after each page.
async fn walk(
    bench: &Bench,
    integration: &IntegrationRow,
    (by, order): (&str, &str),
    mut between: impl AsyncFnMut(usize),
) -> (Vec<Vec<String>>, Vec<UserPage>) {
    let schema = ResourceSchema::user();
    let query = ListQuery::parse([("sortBy", by), ("sortOrder", order)], &schema).unwrap();
    let sort = query.sort_by.as_ref().map(|path| (path, query.sort_order));
    let ask = async |position: Option<&Position>| {
        let start = position.map_or(Start::First, Start::At);
        let query = UserQuery { filter: None, sort, start, limit: 3, schema: &schema };
        bench.store.list_users(&integration.id, &query).await.unwrap()
    };
    let mut forward = vec![ask(None).await];
    assert!(forward[0].previous.is_none());
    while let Some(next) = forward.last().unwrap().next.clone() {
        between(forward.len()).await;
        forward.push(ask(Some(&next)).await);
    }
    // And back from the last one.
    let mut back = Vec::new();
    let mut previous = forward.last().unwrap().previous.clone();
    while let Some(position) = previous {
        let page = ask(Some(&position)).await;
        assert!(page.next.is_some());
        back.insert(0, names(&page));
        previous = page.previous;
    }
    (back, forward)
}

const ORDERS: [(&str, &str); 9] = [
    ("", ""),
    ("", "descending"),
    ("userName", ""),
    ("userName", "descending"),
    ("title", ""),
    ("title", "descending"),
    ("emails.value", ""),
    ("meta.lastModified", "descending"),
    ("active", ""),
];

/// Ten, some of whom have the same title, or none.
async fn ten(bench: &Bench) -> IntegrationRow {
    let acme = bench.integration("acme", 1).await;
    for index in 0..10 {
        let mut user = json!({ "userName": format!("u{}", (index * 7) % 10), "active": index % 2 == 0 });
        if index % 3 != 0 {
            user["title"] = json!(if index % 2 == 0 { "Ä" } else { "b" });
            user["emails"] = json!([{ "value": format!("{}@acme.example", index % 4) }]);
        }
        let insert = change(&acme, UserChange::Insert(body_of(user)), Priority::ORDINARY);
        bench.store.record(insert).await.unwrap();
        bench.clock.advance(Duration::from_millis(index % 3));
    }
    acme
}

#[tokio::test]
async fn cursors_lead_through_every_order_and_back() {
    let bench = Bench::new().await;
    let acme = ten(&bench).await;
    let schema = ResourceSchema::user();
    for (by, order) in ORDERS {
        let (back, forward) = walk(&bench, &acme, (by, order), async |_| {}).await;
        let query = ListQuery::parse([("sortBy", by), ("sortOrder", order)], &schema).unwrap();
        let sort = query.sort_by.as_ref().map(|path| (path, query.sort_order));
        let whole = UserQuery { filter: None, sort, start: Start::Index(0), limit: 100, schema: &schema };
        let whole = names(&bench.store.list_users(&acme.id, &whole).await.unwrap());
        let pages: Vec<Vec<String>> = forward.iter().map(names).collect();
        assert_eq!(pages.concat(), whole, "{by} {order}");
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1], "{by} {order}");
        assert_eq!(back, pages[..3], "{by} {order}");
        assert!(forward.iter().all(|page| page.total == 10));
    }
}

/// While somebody goes through, the one who stood last on each page goes, and others come at both ends.
#[tokio::test]
async fn nobody_who_stays_is_seen_twice_or_missed_while_others_come_and_go() {
    for (by, order) in ORDERS.into_iter().filter(|(by, _)| *by != "meta.lastModified") {
        let bench = Bench::new().await;
        let acme = ten(&bench).await;
        let all = list_users(&bench.store, &acme.id, None, 0, 100).await;
        let mut going: Vec<UserRow> = all.users.into_iter().map(|view| view.user).collect();
        going.retain(|user| ["u2", "u5", "u9"].contains(&user.user_name.as_str()));
        let gone: Vec<String> = going.iter().map(|user| user.user_name.clone()).collect();
        let (_, forward) = walk(&bench, &acme, (by, order), async |page| {
            for name in ["!", "~"] {
                let user = json!({ "userName": format!("{name}{page}"), "title": name });
                let insert = change(&acme, UserChange::Insert(body_of(user)), Priority::ORDINARY);
                // The list grows no more at last, so that it ends.
                if page < 4 {
                    bench.store.record(insert).await.unwrap();
                }
            }
            if let Some(user) = going.pop() {
                let delete = UserChange::Delete { id: user.id, expected: None };
                bench.store.record(change(&acme, delete, Priority::LEAVER)).await.unwrap();
            }
        })
        .await;
        let mut seen: Vec<String> = forward.iter().flat_map(names).collect();
        seen.sort();
        let mut once = seen.clone();
        once.dedup();
        assert_eq!(seen, once, "{by} {order}");
        for index in 0..10 {
            let name = format!("u{index}");
            assert!(gone.contains(&name) || seen.contains(&name), "{by} {order}: {name} in {seen:?}");
        }
    }
}
