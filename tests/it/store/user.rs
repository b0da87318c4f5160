//! Users: written together with their jobs and events, or not at all.

use super::*;
use usher::account::Status;

#[tokio::test]
async fn a_change_its_job_and_its_events_are_written_together() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let recorded = bench.add_user(&acme, "Ada").await;
    let job = bench.job(&recorded.job.unwrap().id).await;
    assert_eq!((recorded.user.version, recorded.user.created_at), (1, START));
    assert_eq!((job.user_id.as_ref(), job.wanted_version), (Some(&recorded.user.id), Some(1)));
    let told =
        &bench.store.list_events(&EventFilter::Target(recorded.user.id.clone()), None, 9).await.unwrap()[..];
    let [event] = told else { panic!("{told:?}") };
    assert_eq!((event.kind.as_str(), event.job_id.as_ref()), ("user.wanted", Some(&job.id)));
    assert_eq!(event.integration_id.as_ref(), Some(&acme.id));
}

#[tokio::test]
async fn a_refused_change_leaves_no_row() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ada = bench.add_user(&acme, "ada").await.user;
    let bob = bench.add_user(&acme, "bob").await.user;
    let before = bench.store.verify_events().await.unwrap();
    let replace =
        |id: &str, expected, name| UserChange::Replace { id: id.into(), expected, body: body(name, true) };
    let refused = |user: UserChange| async {
        let error = bench.store.record(change(&acme, user, Priority::ORDINARY)).await.unwrap_err();
        match error {
            RecordError::UserNameTaken { by } => format!("taken by {by}"),
            RecordError::ExternalIdTaken { by } => format!("the same person as {by}"),
            RecordError::VersionConflict { found } => format!("at version {found}"),
            RecordError::NotFound => "not found".to_owned(),
            RecordError::Store(error) => panic!("{error}"),
        }
    };
    assert_eq!(refused(UserChange::Insert(body("ADA", true))).await, format!("taken by {}", ada.id));
    let renamed = UserBody { external_id: ada.external_id.clone(), ..body("ada.king", true) };
    assert_eq!(refused(UserChange::Insert(renamed)).await, format!("the same person as {}", ada.id));
    assert_eq!(refused(replace(&bob.id, None, "aDa")).await, format!("taken by {}", ada.id));
    let twin = UserBody { external_id: ada.external_id.clone(), ..body("bob", true) };
    let twin = UserChange::Replace { id: bob.id.clone(), expected: None, body: twin };
    assert_eq!(refused(twin).await, format!("the same person as {}", ada.id));
    assert_eq!(refused(replace(&bob.id, Some(7), "bob")).await, "at version 1");
    assert_eq!(refused(replace("nobody", None, "x")).await, "not found");
    assert_eq!(refused(UserChange::Delete { id: "nobody".into(), expected: None }).await, "not found");
    assert_eq!(refused(UserChange::Delete { id: bob.id.clone(), expected: Some(2) }).await, "at version 1");
    assert_eq!(bench.store.verify_events().await.unwrap(), before);
    let jobs = bench.store.list_jobs(&JobFilter { limit: 9, ..JobFilter::default() }).await.unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(bench.store.find_user(&acme.id, &bob.id).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn users_belong_to_their_integration() {
    let bench = Bench::new().await;
    let (acme, other) = (bench.integration("acme", 1).await, bench.integration("other", 1).await);
    let ada = bench.add_user(&acme, "ada").await.user;
    bench.add_user(&other, "ada").await;
    assert!(bench.store.find_user(&other.id, &ada.id).await.unwrap().is_none());
    assert!(bench.store.view_user(&other.id, &ada.id).await.unwrap().is_none());
    let stolen = UserChange::Delete { id: ada.id.clone(), expected: None };
    let answer = bench.store.record(change(&other, stolen, Priority::LEAVER)).await;
    assert!(matches!(answer, Err(RecordError::NotFound)));
    assert!(bench.store.find_user(&acme.id, &ada.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_replaced_user_keeps_its_id_and_its_own_name_in_another_case() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ada = bench.add_user(&acme, "ada").await.user;
    bench.clock.advance(Duration::from_secs(5));
    let replace = UserChange::Replace { id: ada.id.clone(), expected: Some(1), body: body("ADA", false) };
    let after = bench.record(change(&acme, replace, Priority::LEAVER)).await.user;
    assert_eq!((after.id, after.version, after.user_name.as_str()), (ada.id, 2, "ADA"));
    assert_eq!((after.created_at, after.modified_at), (START, bench.clock.now()));
    assert!(!after.active);
}

#[tokio::test]
async fn a_deleted_user_is_a_tombstone_and_its_name_is_free_once_its_account_is_gone() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ada = bench.add_user(&acme, "ada").await.user;
    let delete = || UserChange::Delete { id: ada.id.clone(), expected: Some(1) };
    let job = bench.record(change(&acme, delete(), Priority::LEAVER)).await.job.unwrap();
    let job = bench.job(&job.id).await;
    assert_eq!((job.priority, job.wanted_version), (Priority::LEAVER, Some(2)));
    assert!(bench.store.find_user(&acme.id, &ada.id).await.unwrap().is_none());
    let tombstone = bench.store.find_user_or_tombstone(&acme.id, &ada.id).await.unwrap().unwrap();
    assert_eq!((tombstone.deleted_at, tombstone.active), (Some(START), false));
    let again = bench.store.record(change(&acme, delete(), Priority::LEAVER)).await;
    assert!(matches!(again, Err(RecordError::NotFound)));
    let other = UserBody { external_id: Some("somebody else".into()), ..body("Ada", true) };
    let taken = bench.store.record(change(&acme, UserChange::Insert(other), Priority::ORDINARY)).await;
    assert!(
        matches!(taken, Err(RecordError::UserNameTaken { by }) if by == ada.id),
        "while it is being removed"
    );
    let claimed = bench.claimed().await;
    bench.done(&claimed).await;
    let reborn = bench.add_user(&acme, "ada").await.user;
    assert_ne!(reborn.id, ada.id);
    let ever = bench.store.users_ever_named(&acme.id, "ADA").await.unwrap();
    assert_eq!(ever.iter().map(|user| &user.id).collect::<Vec<_>>(), [&ada.id, &reborn.id]);
    let first = claimed.job.id.clone();
    assert_eq!(bench.store.jobs_of(&acme.id, &ada.id).await.unwrap(), [first]);
    assert!(bench.store.users_ever_named(&acme.id, "ad").await.unwrap().is_empty());
    let late = bench.store.retry_job(&job.id, "cli").await;
    assert!(matches!(late, Err(OperateError::WrongState(JobState::Done))));
    let page = list_users(&bench.store, &acme.id, None, 0, 10).await;
    assert_eq!((page.total, page.users.len()), (1, 1));
}

#[tokio::test]
async fn a_removal_that_was_given_up_is_not_taken_for_one() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ada = bench.add_user(&acme, "ada").await.user;
    bench.done(&bench.claimed().await).await;
    let visible = async || {
        let page = list_users(&bench.store, &acme.id, Some("userName eq \"ada\""), 0, 9).await;
        let whole = list_users(&bench.store, &acme.id, None, 0, 9).await;
        let found = bench.store.view_user(&acme.id, &ada.id).await.unwrap().is_some();
        assert_eq!([page.total, whole.total, page.users.len() as u64], [u64::from(found); 3]);
        found
    };
    let delete =
        || change(&acme, UserChange::Delete { id: ada.id.clone(), expected: None }, Priority::LEAVER);
    let job = bench.record(delete()).await.job.unwrap();
    assert!(!visible().await, "while it goes on, the wish is what is read");
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, retry_at(START)).await.unwrap();
    assert!(!visible().await, "it goes on");
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, failed()).await.unwrap();
    assert!(visible().await, "it was given up");

    bench.store.retry_job(&job.id, "cli").await.unwrap();
    assert!(!visible().await);
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, held()).await.unwrap();
    assert!(visible().await, "a person decides");
    assert_eq!(bench.record(delete()).await.job.unwrap().id, job.id, "it can be asked for again");
    assert!(visible().await, "which decides nothing");
    bench.store.release_job(&job.id, "we mean it", "cli").await.unwrap();
    let claimed = bench.claimed().await;
    bench.done(&claimed).await;
    assert!(!visible().await);
    let gone = bench.store.find_user_or_tombstone(&acme.id, &ada.id).await.unwrap().unwrap();
    assert_eq!(gone.gone_at, Some(START));
}

/// However far the removal has come, asking for the same person again is the same row, and so the same lane.
#[tokio::test]
async fn whoever_comes_back_during_the_removal_is_taken_up_again() {
    for ends in ["pending", "running", "failed"] {
        let bench = Bench::new().await;
        let acme = bench.integration("acme", 2).await;
        let ada = bench.add_user(&acme, "ada").await.user;
        bench.done(&bench.claimed().await).await;
        let delete = UserChange::Delete { id: ada.id.clone(), expected: None };
        let removal = bench.record(change(&acme, delete, Priority::LEAVER)).await.job.unwrap();
        let claimed = if ends == "pending" { None } else { Some(bench.claimed().await) };
        if let Some(claimed) = claimed.as_ref().filter(|_| ends == "failed") {
            bench.store.finish(&claimed.lease, failed()).await.unwrap();
        }
        let again = UserBody { external_id: Some("ext-ada".into()), ..body("ADA", true) };
        let back = change(&acme, UserChange::Insert(again), Priority::ORDINARY);
        let back = bench.record(back).await;
        assert_eq!((&back.user.id, back.user.deleted_at, back.user.version), (&ada.id, None, 3), "{ends}");
        let job = back.job.unwrap();
        match ends {
            "pending" => assert_eq!(job.id, removal.id),
            "running" => {
                assert_eq!(job.state, JobState::Blocked, "it waits for the removal");
                assert!(bench.claim().await.is_none());
                bench.done(&claimed.unwrap()).await;
            }
            _ => assert_eq!(job.state, JobState::Ready),
        }
        let next = bench.claimed().await;
        assert_eq!((&next.job.id, next.job.wanted_version), (&job.id, Some(3)), "{ends}");
        bench.done(&next).await;
        let view = bench.store.view_user(&acme.id, &ada.id).await.unwrap().unwrap();
        assert_eq!((view.user.gone_at, view.user.active), (None, true), "{ends}");
    }
}

#[tokio::test]
async fn an_old_job_of_somebody_who_is_gone_is_not_tried_again() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ada = bench.add_user(&acme, "ada").await;
    let claimed = bench.claimed().await;
    bench.store.finish(&claimed.lease, failed()).await.unwrap();
    let delete = UserChange::Delete { id: ada.user.id.clone(), expected: None };
    bench.record(change(&acme, delete, Priority::LEAVER)).await;
    bench.done(&bench.claimed().await).await;
    let next = bench.add_user(&acme, "ada").await;
    assert_ne!(next.user.id, ada.user.id);
    let late = bench.store.retry_job(&ada.job.unwrap().id, "cli").await;
    assert!(matches!(late, Err(OperateError::Gone("user"))), "it would remove the account of the new user");
}

#[tokio::test]
async fn pages_are_in_the_order_of_making_with_what_is_known_beside_each() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let mut made = Vec::new();
    for index in 0..25 {
        made.push(bench.add_user(&acme, &format!("user-{index}")).await.user.id);
    }
    bench.add_user(&bench.integration("other", 1).await, "elsewhere").await;
    let mut read = Vec::new();
    for offset in [0, 10, 20, 30] {
        let page = list_users(&bench.store, &acme.id, None, offset, 10).await;
        assert_eq!(page.total, 25);
        read.extend(page.users.into_iter().map(|view| view.user.id));
    }
    assert_eq!(read, made);

    let claimed = bench.claimed().await;
    let status = Status::Active;
    let (attributes, entitlements) = Default::default();
    let account =
        SeenAccount { app_id: None, status, attributes, entitlements, groups: None, complete: true };
    let finish = Finish { seen: Some(Seen::Account(account)), ..failed() };
    bench.store.finish(&claimed.lease, finish).await.unwrap();
    let page = list_users(&bench.store, &acme.id, None, 0, 2).await;
    let first = &page.users[0];
    assert_eq!(first.job.as_ref().map(|job| job.state), Some(JobState::Failed));
    assert_eq!(first.account.as_ref().map(|account| account.status), Some(Status::Active));
    assert_eq!(page.users[1].job.as_ref().map(|job| job.state), Some(JobState::Ready));
    assert!(page.users[1].account.is_none());

    bench.wish(&acme, &first.user, true).await;
    let view = bench.store.view_user(&acme.id, &first.user.id).await.unwrap().unwrap();
    assert_eq!(view.job.map(|job| job.state), Some(JobState::Ready), "the latest job, not the failed one");
}

#[tokio::test]
async fn users_are_found_by_name_regardless_of_case_and_by_external_id() {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    let ada = bench.add_user(&acme, "Ädä@acme.example").await.user;
    bench.add_user(&acme, "bob").await;
    let find = async |filter: &str| {
        let page = list_users(&bench.store, &acme.id, Some(filter), 0, 10).await;
        assert_eq!(page.total, page.users.len() as u64);
        page.users.into_iter().map(|view| view.user.id).collect::<Vec<_>>()
    };
    assert_eq!(find("userName eq \"ÄDÄ@ACME.example\"").await, [ada.id.as_str()]);
    assert_eq!(find("externalId eq \"ext-Ädä@acme.example\"").await, [ada.id.as_str()]);
    assert!(find("externalId eq \"EXT-Ädä@acme.example\"").await.is_empty(), "external ids have a case");
    assert!(find("userName eq \"' OR 1=1 --\"").await.is_empty());
}
