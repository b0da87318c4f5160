//! No change of a bundle goes unnoticed, and what was changed is named.

use proptest::prelude::*;
use usher::evidence::{SUMS, VerifyError, Wrong, verify};

use super::*;

/// A bundle with events of others between its own.
async fn bundle() -> (Archive, PathBuf, String) {
    let archive = Archive::new().await;
    let ada = archive.join("ada@acme.example").await.user;
    archive.join("bob@acme.example").await;
    archive.leave(&ada).await;
    archive.join("cleo@acme.example").await;
    let bundle = archive.path("bundle");
    let exported = archive.export(&archive.person("ada@acme.example").await, &bundle).await.unwrap();
    assert_eq!(verify(&bundle, Some(&exported.packed.digest)).unwrap().wrong, []);
    (archive, bundle, exported.packed.digest)
}

fn wrong(bundle: &Path) -> Vec<Wrong> {
    verify(bundle, None).unwrap().wrong
}

fn names(wrong: &[Wrong], name: &str) -> bool {
    wrong.iter().any(|wrong| {
        wrong.file.as_deref() == Some(name) || (name == "SHA256SUMS" && wrong.what.contains(name))
    })
}

fn lines(text: &[u8]) -> Vec<String> {
    String::from_utf8(text.to_vec()).unwrap().lines().map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn a_change_of_a_byte_is_found_and_its_file_named() {
    let (_archive, bundle, _) = bundle().await;
    let whole = files(&bundle);
    let places: Vec<(&String, usize)> =
        whole.iter().flat_map(|(name, bytes)| (0..bytes.len()).map(move |at| (name, at))).collect();
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(place in 0..places.len(), mask in 1..=u8::MAX)| {
        let (name, at) = places[place];
        let mut changed = whole[name].clone();
        changed[at] ^= mask;
        std::fs::write(bundle.join(name), changed).unwrap();
        let wrong = wrong(&bundle);
        std::fs::write(bundle.join(name), &whole[name]).unwrap();
        prop_assert!(names(&wrong, name), "{name} at {at}: {wrong:?}");
    });
    assert_eq!(wrong(&bundle), []);
}

#[tokio::test]
async fn a_file_that_is_removed_added_or_renamed_is_named() {
    let (_archive, bundle, _) = bundle().await;
    for (name, bytes) in files(&bundle) {
        let path = bundle.join(&name);
        std::fs::remove_file(&path).unwrap();
        assert!(names(&wrong(&bundle), &name), "{name} removed");
        let other = format!("{name}.bak");
        std::fs::write(bundle.join(&other), &bytes).unwrap();
        let found = wrong(&bundle);
        assert!(names(&found, &name) && (name == SUMS || names(&found, &other)), "{name} renamed: {found:?}");
        std::fs::write(&path, &bytes).unwrap();
        let found = wrong(&bundle);
        assert!(
            found.iter().all(|wrong| wrong.file.as_ref() == Some(&other)) && !found.is_empty(),
            "{found:?}"
        );
        std::fs::remove_file(bundle.join(&other)).unwrap();
    }
    assert_eq!(wrong(&bundle), []);
}

#[tokio::test]
async fn an_event_that_was_changed_is_named_though_the_hashes_were_listed_anew() {
    let (_archive, bundle, digest) = bundle().await;
    let whole = files(&bundle);
    let events = lines(&whole["events.jsonl"]);
    let cases: &[(&str, &str)] =
        &[("\"kind\":\"job", "\"kind\":\"job."), ("usher", "nobody"), ("\"at_ms\":1", "\"at_ms\":2")];
    for (index, line) in events.iter().enumerate() {
        let seq = serde_json::from_str::<Value>(line).unwrap()["event"]["seq"].as_i64().unwrap();
        for (from, to) in cases.iter().filter(|(from, _)| line.contains(from)) {
            let mut changed = events.clone();
            changed[index] = line.replacen(from, to, 1);
            std::fs::write(bundle.join("events.jsonl"), changed.concat()).unwrap();
            list_anew(&bundle);
            let found = wrong(&bundle);
            assert!(found.iter().any(|wrong| wrong.event == Some(seq)), "{found:?}");
            assert!(found.iter().all(|wrong| wrong.event.is_none_or(|event| event == seq)), "{found:?}");
        }
        let mut removed = events.clone();
        removed.remove(index);
        std::fs::write(bundle.join("events.jsonl"), removed.concat()).unwrap();
        list_anew(&bundle);
        assert!(wrong(&bundle).iter().any(|wrong| wrong.event == Some(seq)), "event {seq} removed");
    }
    // Also one whose own hash was made anew does not fit into the chain.
    let mut forged: Value = serde_json::from_str(&events[1]).unwrap();
    forged["event"]["actor"] = json!("nobody");
    let event: EventText = serde_json::from_value(forged["event"].clone()).unwrap();
    forged["hash"] = json!(chained(forged["before"].as_str().unwrap(), &event.digest()));
    let mut changed = events.clone();
    changed[1] = format!("{forged}\n");
    std::fs::write(bundle.join("events.jsonl"), changed.concat()).unwrap();
    list_anew(&bundle);
    assert!(wrong(&bundle).iter().any(|wrong| wrong.event == Some(event.seq + 1)), "{:?}", wrong(&bundle));

    std::fs::write(bundle.join("events.jsonl"), &whole["events.jsonl"]).unwrap();
    for line in ["{}\n", "[]\n", "\n"] {
        std::fs::write(bundle.join("chain.jsonl"), [line.as_bytes(), &whole["chain.jsonl"]].concat())
            .unwrap();
        list_anew(&bundle);
        assert!(names(&wrong(&bundle), "chain.jsonl"), "{line}");
    }
    std::fs::write(bundle.join("chain.jsonl"), "\n".repeat(100_000)).unwrap();
    assert!(wrong(&bundle).len() < 1100, "no more is told than anybody reads");
    let others = lines(&whole["chain.jsonl"]);
    for index in 0..others.len() {
        let mut changed = others.clone();
        let other = changed[index].replace("\"digest\":\"", "\"digest\":\"0");
        changed[index] = format!("{}\"}}\n", &other[..other.len() - 4]);
        std::fs::write(bundle.join("chain.jsonl"), changed.concat()).unwrap();
        list_anew(&bundle);
        assert!(!wrong(&bundle).is_empty(), "{index}");
    }
    std::fs::write(bundle.join("chain.jsonl"), &whole["chain.jsonl"]).unwrap();
    list_anew(&bundle);
    assert_eq!(verify(&bundle, Some(&digest)).unwrap().wrong, []);
}

#[tokio::test]
async fn a_story_that_says_otherwise_than_the_events_is_named() {
    let (_archive, bundle, digest) = bundle().await;
    let story = files(&bundle)
        .into_iter()
        .find(|(name, _)| name.starts_with("people/") && name.ends_with(".json"))
        .unwrap();
    let text = String::from_utf8(story.1).unwrap();
    let cases = [
        ("\"invited\"", "\"active\""),
        ("\"job.done\"", "\"job.failed\""),
        ("\"pictures/", "\"pictures/0"),
        ("\"wanted\": {", "\"wanted\": {\"x\": 1,"),
    ];
    for (from, to) in cases {
        assert!(text.contains(from), "{from}");
        std::fs::write(bundle.join(&story.0), text.replacen(from, to, 1)).unwrap();
        list_anew(&bundle);
        let found = wrong(&bundle);
        let what = if from.contains("pictures") { "points at it" } else { "told otherwise" };
        assert!(found.iter().any(|wrong| wrong.what.contains(what)), "{from}: {found:?}");
    }
    // What only the steps have is under the digest alone.
    std::fs::write(bundle.join(&story.0), text.replace("click button", "press button")).unwrap();
    list_anew(&bundle);
    assert_eq!(wrong(&bundle), []);
    assert!(names(&verify(&bundle, Some(&digest)).unwrap().wrong, "SHA256SUMS"));
}

#[tokio::test]
async fn a_bundle_of_another_record_is_found_by_the_database() {
    let (archive, bundle, _) = bundle().await;
    let other = Archive::new().await;
    for name in ["x", "y", "z", "w"] {
        other.join(name).await;
    }
    let compared = async |with: &Archive| {
        let mut verified = verify(&bundle, None).unwrap();
        verified.compare(with.store()).await.unwrap();
        verified
    };
    assert_eq!(compared(&archive).await.wrong, []);
    let strange = compared(&other).await;
    assert_eq!(strange.wrong.len(), strange.events.len() + 2, "{:?}", strange.wrong);
    // One that is sound in itself, of events that are there, and was never exported so.
    let added = b"what nobody exported";
    std::fs::write(bundle.join("README.txt"), added).unwrap();
    list_anew(&bundle);
    let remade = compared(&archive).await.wrong;
    assert!(remade.len() == 1 && names(&remade, "SHA256SUMS"), "{remade:?}");
}

#[tokio::test]
async fn what_is_no_bundle_is_said_to_be_none() {
    let (archive, bundle, _) = bundle().await;
    let not_one = |path: &Path| matches!(verify(path, None), Err(VerifyError::NotOne(_)));
    let empty = archive.path("empty");
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(archive.path("text.tar.gz"), "text").unwrap();
    assert!(not_one(&empty) && not_one(&archive.path("text.tar.gz")) && not_one(&bundle.join("README.txt")));
    assert!(matches!(verify(&archive.path("nothing"), None), Err(VerifyError::Package(_))));
    let about = std::fs::read_to_string(bundle.join("evidence.json")).unwrap();
    std::fs::write(bundle.join("evidence.json"), about.replacen("\"version\": 1", "\"version\": 2", 1))
        .unwrap();
    list_anew(&bundle);
    assert!(matches!(verify(&bundle, None), Err(VerifyError::Newer(2))));
}

#[tokio::test]
async fn a_record_that_does_not_hold_gives_no_evidence() {
    let (archive, ..) = bundle().await;
    let database = archive.path("data/usher.db");
    let mut hand =
        <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{}", database.display()))
            .await
            .unwrap();
    let sql = "DROP TRIGGER events_are_not_changed; UPDATE events SET actor = 'nobody' WHERE seq = 9";
    sqlx::raw_sql(sql).execute(&mut hand).await.unwrap();
    let refused = archive.export(&always(), &archive.path("again.tar.gz")).await;
    assert!(matches!(refused, Err(ExportError::Broken(9))), "{refused:?}");
    assert!(!archive.path("again.tar.gz").exists());
}
