//! What a bundle tells.

use super::*;
use usher::evidence::verify;

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_is_told_of_from_the_first_wish_to_the_last_and_nobody_else_is() {
    let archive = Archive::new().await;
    let ada = archive.join("ada@acme.example").await.user;
    archive.join("bob@acme.example").await;
    archive.leave(&ada).await;
    let again = archive.join("Ada@acme.example").await.user;
    archive.join("cleo@acme.example").await;
    let bundle = archive.path("bundle");
    let scope = archive.person("ADA@acme.example").await;
    let exported = archive.export(&scope, &bundle).await.unwrap();
    assert_eq!((exported.stories, exported.pictures, exported.missing), (2, 6, 0));
    assert!(
        !String::from_utf8_lossy(&files(&bundle).into_values().flatten().collect::<Vec<_>>())
            .contains("bob@")
    );

    let story = json_of(&bundle.join(format!("people/{}.json", ada.id)));
    assert_eq!(story["person"]["user_name"], "ada@acme.example");
    let kinds = |events: &Value| -> Vec<String> {
        events.as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    let one = ["user.created", "job.claimed", "job.done"];
    assert_eq!(kinds(&story["events"]), [&one[..], &["user.deleted"], &one[1..]].concat());
    assert_eq!(story["events"][0]["by"]["kind"], "scim_token");
    let job = &story["jobs"][1];
    assert_eq!((job["asked"]["event"].as_str(), job["state"].as_str()), (Some("user.deleted"), Some("done")));
    assert!(job["asked"]["received"].is_string() && job["done_since_received_ms"].is_u64(), "{job}");
    let attempt = &job["attempts"][0];
    assert_eq!(
        (&attempt["before"]["status"], &attempt["after"]["status"]),
        (&json!("invited"), &json!("absent"))
    );
    assert_eq!(attempt["connector"]["version"], json!(archive.desk.connector.version));
    assert_eq!(attempt["verified_by_reading"], attempt["ended"]);
    assert_eq!(attempt["steps"][1]["words"], "click button \"Number 2\"");
    let picture = attempt["steps"][1]["pictures"][0].as_str().unwrap();
    assert_eq!(
        std::fs::read(bundle.join(picture)).unwrap(),
        format!("{}, step 2", job["id"].as_str().unwrap()).into_bytes()
    );
    let words = std::fs::read_to_string(bundle.join(format!("people/{}.txt", again.id))).unwrap();
    assert!(words.starts_with("Ada@acme.example (") && words.contains("after: status invited"), "{words}");

    let mut verified = verify(&bundle, Some(&exported.packed.digest)).unwrap();
    verified.compare(archive.store()).await.unwrap();
    assert_eq!(verified.wrong, []);
    let head = archive.store().verify_events().await.unwrap();
    assert_eq!(verified.head.as_ref().map(|head| head.events), Some(head.events - 1));
    let export = &archive.store().list_events(&EventFilter::All, None, 1).await.unwrap()[0];
    assert_eq!((export.kind.as_str(), export.actor.as_str()), ("evidence.exported", "test"));
    assert_eq!(export.data["digest"], exported.packed.digest);
}

#[tokio::test]
async fn a_time_is_told_of_with_all_who_had_to_do_with_it() {
    let archive = Archive::new().await;
    let ada = archive.join("ada@acme.example").await.user;
    archive.store().pause_integration(&archive.desk.row.id, "lunch", "operator").await.unwrap();
    let exported = archive.export(&always(), &archive.path("all.tar.gz")).await.unwrap();
    let verified = verify(&archive.path("all.tar.gz"), Some(&exported.packed.digest)).unwrap();
    assert_eq!((exported.stories, &verified.wrong), (2, &vec![]));
    let head = archive.store().chain_head().await.unwrap();
    assert_eq!(
        i64::try_from(exported.events).unwrap(),
        head.events - 1,
        "every event is of this integration"
    );

    let bundle = archive.path("unpacked");
    std::fs::create_dir(&bundle).unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.arg("xzf").arg(archive.path("all.tar.gz")).arg("-C").arg(&bundle);
    assert!(tar.status().unwrap().success());
    let own = json_of(&bundle.join("integration.json"));
    let paused = own["events"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&paused["kind"], &paused["by"]["kind"]),
        (&json!("integration.paused"), &json!("command_line"))
    );
    assert!(bundle.join(format!("people/{}.json", ada.id)).exists());
    assert_eq!(verify(&bundle, None).unwrap().wrong, []);

    let events = archive.store().list_events(&EventFilter::Target(ada.id), None, 9).await.unwrap();
    let (first, last) = (events.last().unwrap().at, events[0].at);
    let within = Scope::Time { from: first, until: last };
    let exported = archive.export(&within, &archive.path("within")).await.unwrap();
    assert!(exported.events < usize::try_from(head.events).unwrap());
    assert_eq!(verify(&archive.path("within"), None).unwrap().wrong, []);
    let before = Scope::Time { from: Timestamp::from_ms(0), until: Timestamp::from_ms(1) };
    let nothing = archive.export(&before, &archive.path("nothing")).await;
    assert!(matches!(nothing, Err(ExportError::Nothing)), "{nothing:?}");
    assert!(!archive.path("nothing").exists());
}

#[tokio::test]
async fn a_picture_that_is_gone_is_said_to_be_missing() {
    let archive = Archive::new().await;
    archive.join("ada@acme.example").await;
    let kept = files(&archive.path("data/artifacts"));
    let mut paths = kept.keys().map(|name| archive.path("data/artifacts").join(name));
    std::fs::remove_file(paths.next().unwrap()).unwrap();
    std::fs::write(paths.next().unwrap(), "another picture").unwrap();
    let bundle = archive.path("bundle");
    let exported = archive.export(&archive.person("ada@acme.example").await, &bundle).await.unwrap();
    assert_eq!((exported.pictures, exported.missing), (0, 2));
    let about = json_of(&bundle.join("evidence.json"));
    let mut why: Vec<_> =
        about["missing"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    why.sort_unstable();
    assert_eq!(why, ["it is not there any more, and nothing tells why", "it is not what it was"]);
    assert_eq!(verify(&bundle, None).unwrap().wrong, []);
}
