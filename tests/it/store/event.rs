//! The chain of events shows every hand that was in it.

use super::*;

async fn with_events() -> Bench {
    let bench = Bench::new().await;
    let acme = bench.integration("acme", 1).await;
    for name in ["a", "b", "c", "d"] {
        bench.add_user(&acme, name).await;
    }
    bench
}

/// What lets a hand change events.
fn unguarded() -> &'static str {
    match ENGINE {
        Engine::Sqlite => "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed;",
        Engine::Postgres => {
            "DROP TRIGGER events_are_not_changed ON events; DROP TRIGGER events_are_not_removed ON events;"
        }
    }
}

#[tokio::test]
async fn the_chain_holds_and_ends_where_the_last_event_is() {
    let bench = with_events().await;
    let head = bench.store.verify_events().await.unwrap();
    let last = &bench.store.list_events(&EventFilter::All, None, 1).await.unwrap()[0];
    assert_eq!((head.events, &head.hash), (5, &last.hash));
    assert_eq!(last.seq, 5);
    let store = bench.open_again().await;
    assert_eq!(store.verify_events().await.unwrap(), head);
    store.append_event(NewEvent::new("usher.started", "usher")).await.unwrap();
    assert_eq!(bench.store.verify_events().await.unwrap().events, 6);
}

#[tokio::test]
async fn events_cannot_be_changed_or_removed_by_accident() {
    let bench = with_events().await;
    for sql in ["UPDATE events SET actor = 'x'", "DELETE FROM events"] {
        let refused = bench.try_by_hand(sql).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_where_it_begins() {
    const CASES: &[(&str, i64)] = &[
        ("UPDATE events SET actor = 'nobody' WHERE seq = 3", 3),
        ("UPDATE events SET at = at + 1 WHERE seq = 2", 2),
        ("UPDATE events SET kind = 'user.want', actor = 'edtoken:1' WHERE seq = 2", 2),
        ("UPDATE events SET data = '{\"x\":1}' WHERE seq = 5", 5),
        ("UPDATE events SET target = NULL WHERE seq = 4", 4),
        ("UPDATE events SET target = '' WHERE seq = 1", 1),
        ("UPDATE events SET hash = (SELECT hash FROM events WHERE seq = 3) WHERE seq = 4", 4),
        ("DELETE FROM events WHERE seq = 1", 2),
        ("DELETE FROM events WHERE seq = 3", 4),
        (
            "UPDATE events SET seq = -seq WHERE seq IN (2, 3); UPDATE events SET seq = 5 + seq WHERE seq < 0",
            2,
        ),
        // Not even as an erasure would, where no event tells of one.
        ("UPDATE events SET data = '{}', erased = 'x' WHERE seq = 3", 3),
        ("UPDATE events SET seq = 9 WHERE seq = 5", 9),
        (
            "INSERT INTO events SELECT 6, at, kind, actor, integration_id, target, job_id, data, hash, erased FROM events WHERE seq = 5",
            6,
        ),
    ];
    for (tampering, found) in CASES {
        let bench = with_events().await;
        bench.by_hand(unguarded()).await;
        bench.by_hand(tampering).await;
        match bench.store.verify_events().await {
            Err(BrokenChain::At { seq }) => assert_eq!(seq, *found, "{tampering}"),
            other => panic!("{tampering}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_event_of_another_sound_chain_does_not_fit_into_this_one() {
    let (bench, other) = (with_events().await, with_events().await);
    let (attach, theirs) = match &other.database {
        Database::File => {
            let path = other.root.path().join("data/usher.db");
            (format!("ATTACH '{}' AS theirs;", path.display()), "theirs")
        }
        Database::Server(url) => (String::new(), url.schema()),
    };
    let guard = unguarded();
    let script = format!(
        "{attach} {guard} DELETE FROM events WHERE seq >= 3; INSERT INTO events SELECT * FROM {theirs}.events WHERE seq >= 3"
    );
    bench.by_hand(&script).await;
    assert!(matches!(bench.store.verify_events().await, Err(BrokenChain::At { seq: 3 })));
}

#[tokio::test]
async fn events_are_listed_newest_first_by_what_they_belong_to() {
    let bench = with_events().await;
    let acme = bench.store.find_integration("acme").await.unwrap().unwrap();
    let other = bench.integration("other", 1).await;
    let seqs = async |filter: EventFilter, before, limit| {
        let events = bench.store.list_events(&filter, before, limit).await.unwrap();
        events.into_iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(EventFilter::All, None, 3).await, [6, 5, 4]);
    assert_eq!(seqs(EventFilter::All, Some(4), 9).await, [3, 2, 1]);
    assert_eq!(seqs(EventFilter::Integration(acme.id), Some(5), 2).await, [4, 3]);
    assert_eq!(seqs(EventFilter::Integration(other.id), None, 9).await, [6]);
}

/// Texts that mean something to a database, and many that nobody thought of.
#[tokio::test]
async fn whatever_an_event_says_is_kept_as_it_is() {
    use proptest::strategy::{Strategy as _, ValueTree as _};

    let bench = Bench::new().await;
    let mut texts: Vec<String> = [
        "",
        "'",
        "''",
        "\\",
        "\\'",
        "'); DROP TABLE events; --",
        "E'\\x27'",
        "$1",
        "$$ $a$",
        ":name ? @x",
        "/* */ --",
        "U&'\\0041'",
        "\r\n\t\u{1}\u{7f}",
        "é 漢 😀 \u{feff}",
    ]
    .map(str::to_owned)
    .into();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for strategy in [".{0,40}", "['\\\\$;\"a]{0,12}"] {
        let strategy = proptest::string::string_regex(strategy).unwrap();
        texts.extend((0..100).map(|_| strategy.new_tree(&mut runner).unwrap().current()));
    }
    texts.retain(|text| !text.contains('\0'));
    for chunk in texts.chunks(20) {
        let appended = chunk
            .iter()
            .map(|text| bench.store.append_event(NewEvent::new(text, text).with(json!({ "said": text }))));
        for done in futures::future::join_all(appended).await {
            done.unwrap();
        }
    }
    let limit = u32::try_from(texts.len()).unwrap();
    let kept = bench.store.list_events(&EventFilter::All, None, limit).await.unwrap();
    for (event, text) in kept.iter().rev().zip(&texts) {
        assert_eq!((&event.kind, &event.actor, &event.data["said"]), (text, text, &json!(text)));
    }
    // What no database of the two keeps whole is refused alone, or kept; its neighbours are there.
    let (_, one, two) = tokio::join!(
        bench.store.append_event(NewEvent::new("zero\0byte", "cli")),
        bench.store.append_event(NewEvent::new("one", "cli")),
        bench.store.append_event(NewEvent::new("two", "cli")),
    );
    one.unwrap();
    two.unwrap();
    bench.store.verify_events().await.unwrap();
}

#[tokio::test]
async fn what_an_auditor_needs_is_found_in_the_chain() {
    let bench = with_events().await;
    let acme = bench.store.find_integration("acme").await.unwrap().unwrap();
    let other = bench.integration("other", 1).await;
    bench.clock.advance(Duration::from_secs(1));
    let (later, after) = (bench.clock.now(), bench.in_secs(1));
    let same = bench.add_user(&other, "a").await.user;
    let again = bench.add_user(&acme, "e").await.user;
    let first = async |of: &IntegrationRow, from, until| {
        bench.store.first_event_within(&of.id, (from, until)).await.unwrap()
    };
    assert_eq!(first(&acme, START, after).await, Some(1));
    assert_eq!(first(&other, START, after).await, Some(6));
    assert_eq!((first(&other, later, after).await, first(&acme, later, after).await), (Some(7), Some(8)));
    assert_eq!((first(&acme, START, START).await, first(&acme, after, after).await), (None, None));
    let of =
        async |of: &IntegrationRow, target: &str| bench.store.first_event_of(&of.id, target).await.unwrap();
    assert_eq!((of(&acme, &again.id).await, of(&other, &same.id).await), (Some(8), Some(7)));
    assert_eq!(of(&acme, &same.id).await, None, "an event of another integration");

    let events = bench.store.events_after(5).await.unwrap();
    let hashes: Vec<_> = events.iter().map(|(event, hash)| (event.seq, hash.clone())).collect();
    assert_eq!(bench.store.event_hashes_after(5).await.unwrap(), hashes);
    assert_eq!(hashes.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [6, 7, 8]);
    assert_eq!(chained(&hashes[1].1, &events[2].0.digest()), hashes[2].1);
    let head = bench.store.chain_head().await.unwrap();
    assert_eq!(Some((head.events, head.hash)), hashes.last().cloned());
    assert!(bench.store.events_after(8).await.unwrap().is_empty());
}

/// Known once and for all: whoever wrote down how the chain is made can check it without this program.
#[test]
fn a_digest_is_made_as_it_is_written_down() {
    let event = EventText {
        seq: 1,
        at: Timestamp::from_ms(2),
        kind: "user.created".into(),
        actor: "usher".into(),
        integration_id: None,
        target: Some(String::new()),
        job_id: Some("job_1".into()),
        data: "{}".into(),
        erased: None,
    };
    let digest = "66d469cb45542da83a973c90b3237cee8e80fadba39d03c6da79e4b052c18d4f";
    assert_eq!(event.digest(), digest);
    assert_eq!(
        chained(&ChainHead::default().hash, digest),
        "a33b983d3165a7ce1e1bb0e0e6b5e7c5a7ef5ee723ddc5d279b8e6f5329823db"
    );
}
