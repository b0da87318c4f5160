//! The end of evidence: one person is erased and nobody else, holds refuse, and time does what the policy says.

use std::collections::BTreeSet;
use std::process::Command;

use usher::clock::ManualClock;
use usher::job::Sweep;
use usher::keeping::{Counts, Eraser, Refused, Who, orphans, remove_unneeded};

use super::*;

const ADA: &str = "ada@acme.example";
const BOB: &str = "bob@acme.example";

impl Archive {
    /// Does the job of the next in the queue, which leaves one step and these files.
    async fn leave_files(&self, words: &str, keyword: &str, files: &[(&str, &str)]) -> JobRow {
        let claimed = self.store().claim("worker-1", Duration::from_secs(60)).await.unwrap().unwrap();
        let attempt = self.store().start_attempt(&claimed.lease, &self.desk.connector.hash).await.unwrap();
        let mut evidence = Vec::new();
        for (path, text) in files {
            let extension = path.rsplit_once('.').unwrap().1;
            let name = self.installation.artifacts.put(text.as_bytes().to_vec(), extension).await.unwrap();
            let artifact = Ok(NewArtifact { name: name.as_str().to_owned(), bytes: 1 });
            let step = (!path.starts_with("recording/")).then_some(1);
            evidence.push(NewEvidence { path: (*path).to_owned(), step, artifact });
        }
        let step = StepRecord {
            seq: 1,
            keyword: keyword.to_owned(),
            words: words.to_owned(),
            started_at: SystemClock.now(),
            ..StepRecord::default()
        };
        self.store().add_steps(&claimed.lease, attempt, vec![step], evidence).await.unwrap();
        self.store().finish(&claimed.lease, Finish::with(Outcome::Done { message: None })).await.unwrap()
    }

    async fn sync_job(&self, files: &[(&str, &str)]) -> JobRow {
        let request = JobRequest { priority: Priority::INTERACTIVE, cause: json!({}) };
        self.store().request_job(&self.desk.row.id, Work::Sync, request, "test").await.unwrap();
        self.leave_files("collected 2 rows", "collect", files).await
    }

    async fn who(&self, name: &str) -> Who {
        let people = self.store().users_ever_named(&self.desk.row.id, name).await.unwrap();
        Who::of(self.store(), &self.desk.connector, &people).await.unwrap()
    }

    async fn erase(&self, name: &str, is_dry: bool) -> Result<Counts, Refused> {
        let eraser = Eraser {
            store: self.store(),
            artifacts: &self.installation.artifacts,
            connector: &self.desk.connector,
            integration_id: &self.desk.row.id,
            events: true,
        };
        let counts = eraser.erase(&self.who(name).await, ("request 7", "test"), is_dry).await;
        remove_unneeded(self.store(), &self.installation.artifacts, usize::MAX).await.unwrap();
        counts
    }

    /// The texts of all that is stored.
    fn texts(&self) -> BTreeSet<String> {
        let unpacked = |name: String, bytes: Vec<u8>| match name.ends_with(".gz") {
            true => {
                let path = self.path("data/artifacts").join(name);
                let out = Command::new("gzip").arg("-dc").arg(path).output().unwrap();
                String::from_utf8(out.stdout).unwrap()
            }
            false => String::from_utf8(bytes).unwrap(),
        };
        files(&self.path("data/artifacts")).into_iter().map(|(name, bytes)| unpacked(name, bytes)).collect()
    }

    async fn missing(&self, job: &JobRow) -> Vec<String> {
        let detail = self.store().show_job(&job.id).await.unwrap().unwrap();
        let rows = detail.attempts.into_iter().flat_map(|attempt| attempt.evidence);
        rows.filter(|row| row.gone.is_some()).map(|row| row.path).collect()
    }
}

/// Two people with a job each; a sync that shows both, one that shows Bob, and one whose recording shows Ada.
async fn two_people() -> (Archive, [JobRow; 3]) {
    let archive = Archive::new().await;
    archive.join(ADA).await;
    archive.join(BOB).await;
    let both = archive
        .sync_job(&[
            ("pages/001-after.html", "<td>Ada&#64;Acme.example<td>bob@acme.example"),
            ("pictures/001-after.jpeg", "picture of both"),
            ("pages/001-before.html", "<td>bob@acme.example"),
            ("pictures/001-before.jpeg", "picture of bob"),
            ("pictures/001-failed.jpeg", "picture without a page"),
        ])
        .await;
    let bob = archive
        .sync_job(&[
            ("pages/001-after.html", "bob@acme.example and canada@acme.example"),
            ("pictures/001-after.jpeg", "another of bob"),
            ("recording/recording.json", "{\"bob@acme.example\":1}"),
        ])
        .await;
    let recorded = archive
        .sync_job(&[
            ("recording/network.har", r#"{"url":"/members?q=ada%40acme.example"}"#),
            ("recording/bodies/x.css", "body { color: red }"),
        ])
        .await;
    (archive, [both, bob, recorded])
}

#[tokio::test]
async fn all_that_shows_one_person_is_erased_and_nothing_else() {
    let (archive, [both, bob, recorded]) = two_people().await;
    let before = archive.texts();
    let dry = archive.erase(ADA, true).await.unwrap();
    assert_eq!(archive.texts(), before);
    let counts = archive.erase(ADA, false).await.unwrap();
    assert_eq!(counts, dry);
    assert_eq!(counts, Counts { attempts: 3, own: 1, pictures: 4, pages: 1, recordings: 2, steps: 2 });
    let left = archive.texts();
    let gone: Vec<&String> = before.difference(&left).collect();
    assert_eq!(gone.len(), 7, "{gone:?}");
    for kept in ["<td>bob@acme.example", "picture of bob", "another of bob", "{\"bob@acme.example\":1}"] {
        assert!(left.contains(kept), "{kept}");
    }
    assert!(left.iter().all(|text| !text.to_lowercase().contains("td>ada")), "{left:?}");
    let of_both = ["pages/001-after.html", "pictures/001-after.jpeg", "pictures/001-failed.jpeg"];
    assert_eq!(archive.missing(&both).await, of_both);
    assert!(archive.missing(&bob).await.is_empty());
    assert_eq!(archive.missing(&recorded).await, ["recording/bodies/x.css", "recording/network.har"]);
    // A second time finds nothing more.
    let again = archive.erase(ADA, false).await.unwrap();
    assert_eq!(again, Counts::default());

    // It is told, without whose data it was but for the id; the chain and a bundle hold, and say what is missing.
    let ada = archive.who(ADA).await.ids.remove(0);
    let events = archive.store().list_events(&EventFilter::Target(ada), None, 9).await.unwrap();
    let told: Vec<_> = events.iter().filter(|event| event.kind == "evidence.erased").collect();
    assert_eq!((told.len(), &told[1].data["files"]), (2, &json!(7)));
    assert!(!told[1].data.to_string().contains("acme.example"));
    archive.store().verify_events().await.unwrap();
    let bundle = archive.path("bundle");
    let exported = archive.export(&archive.person(ADA).await, &bundle).await.unwrap();
    assert_eq!((exported.pictures, exported.missing), (0, 2));
    let about = std::fs::read_to_string(bundle.join("evidence.json")).unwrap();
    assert_eq!(about.matches(": erased for: request 7").count(), 2, "{about}");
    assert!(
        about.contains("\"events\": 1,") || about.contains("\"events\": 2,"),
        "only those of the erasures: {about}"
    );
    let mut verified = usher::evidence::verify(&bundle, None).unwrap();
    verified.compare(archive.store()).await.unwrap();
    assert_eq!(verified.wrong, []);
}

#[tokio::test]
async fn who_is_held_is_not_erased_and_neither_is_what_shows_them() {
    let (archive, [_, bob_only, _]) = two_people().await;
    let before = archive.texts();
    let id = &archive.desk.row.id;
    let hold = async |covered| archive.store().hold_evidence(id, covered, ("suit", "test")).await.unwrap();
    let refused = async |name: &str| match archive.erase(name, false).await {
        Err(Refused::Held(hold)) => hold.id.clone(),
        other => panic!("{other:?}"),
    };
    let bob = hold(Covered::Person(archive.who(BOB).await.ids[0].clone())).await;
    assert_eq!(refused(BOB).await, bob.id);
    assert_eq!(refused(ADA).await, bob.id, "the sync that shows both");
    archive.store().release_evidence(&bob.id, ("settled", "test")).await.unwrap();
    let job = hold(Covered::Job(bob_only.id.clone())).await;
    assert_eq!(refused(BOB).await, job.id);
    assert_eq!(archive.texts(), before);
    archive.erase(ADA, false).await.unwrap();
}

#[tokio::test]
async fn time_removes_what_is_over_but_for_whom_somebody_holds() {
    let (archive, [both, bob, recorded]) = two_people().await;
    let ada = archive.who(ADA).await.ids[0].clone();
    let hold = archive.store().hold_evidence(&archive.desk.row.id, Covered::Person(ada), ("suit", "test"));
    let hold = hold.await.unwrap();
    let clock = ManualClock::at(SystemClock.now().plus(Duration::from_secs(179 * 24 * 3600)));
    let sweep = Sweep { clock: clock.clone(), ..archive.installation.sweep() };
    let before = archive.texts();
    assert_eq!(sweep.turn().await.unwrap(), usher::job::Swept::default());
    clock.advance(Duration::from_secs(2 * 24 * 3600));
    let (one, other) = tokio::join!(sweep.turn(), sweep.turn());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.expired + other.expired, 5, "Bob's own two, and the three that show him alone");
    assert_eq!(archive.missing(&bob).await.len(), 3);
    for kept in [&both, &recorded] {
        assert!(archive.missing(kept).await.is_empty());
    }
    sweep.turn().await.unwrap();
    assert_eq!(archive.texts().len(), before.len() - 5);
    archive.store().release_evidence(&hold.id, ("settled", "test")).await.unwrap();
    assert_eq!(sweep.turn().await.unwrap().expired, 9);
    assert_eq!(archive.texts(), BTreeSet::new());
}

#[tokio::test]
async fn bytes_that_nothing_knows_of_are_found_when_they_are_old() {
    let (archive, _) = two_people().await;
    let artifacts = &archive.installation.artifacts;
    let before = archive.texts();
    let lost = artifacts.put(b"lost".to_vec(), "html").await.unwrap();
    let part = archive.path("data/artifacts").join(&lost.as_str()[..2]);
    std::fs::write(part.join(".new-half"), "half").unwrap();
    let found = async |now, is_to_go| orphans(archive.store(), artifacts, now, is_to_go).await.unwrap();
    let now = SystemClock.now();
    assert!(found(now, true).await.is_empty(), "what may be about to be noted");
    let later = now.plus(Duration::from_secs(2 * 3600));
    assert_eq!(found(later, false).await, [lost.as_str()]);
    assert_eq!(artifacts.get(&lost).await.unwrap(), Some(b"lost".to_vec()));
    assert_eq!(found(later, true).await, [lost.as_str()]);
    assert_eq!(archive.texts(), before);
}

#[tokio::test]
async fn erasing_is_told_on_the_command_line() {
    let (archive, _) = two_people().await;
    let usher = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        for variable in ["USHER_DATABASE", "USHER_ARTIFACTS"] {
            command.env_remove(variable);
        }
        let data = archive.path("data");
        command
            .args(arguments)
            .arg("--data")
            .arg(data)
            .arg("--connectors")
            .arg(crate::path::world::connectors());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    let erase = ["evidence", "erase", "--integration", "desk", "--person", ADA, "--reason"];
    let (code, said) = usher(&[&erase[..], &["asked by Ada@acme.example"]].concat());
    assert!(code == Some(1) && said.contains("the reason names the person"), "{said}");
    let hold = ["evidence", "hold", "--integration", "desk", "--reason", "suit", "--person", ADA];
    let (_, said) = usher(&hold);
    let hold = said.split(' ').next().unwrap().to_owned();
    let (code, said) = usher(&[&erase[..], &["request 7"]].concat());
    assert!(code == Some(1) && said.contains(&format!("{hold} covers some of it: suit")), "{said}");
    assert!(usher(&["evidence", "holds"]).1.contains(&hold));
    assert_eq!(usher(&["evidence", "release", &hold, "--reason", "settled"]).0, Some(0));
    let (code, said) = usher(&[&erase[..], &["request 7", "--dry-run"]].concat());
    assert!(
        code == Some(0) && said.contains("would be erased in 3 attempts (1 of their own jobs):"),
        "{said}"
    );
    let (code, said) = usher(&[&erase[..], &["request 7"]].concat());
    assert!(said.contains("4 pictures, 1 page, 2 files of recordings, 2 steps"), "{said}");
    assert!(code == Some(0) && said.contains("events: who asked for what"), "{said}");
    let ada = &archive
        .store()
        .list_jobs(&JobFilter { integration_id: None, state: None, before: None, limit: 9 })
        .await
        .unwrap();
    let own = ada.iter().rfind(|job| job.user_id.is_some()).unwrap();
    let (_, shown) = usher(&["job", "show", &own.id]);
    assert!(
        shown.contains("picture: not kept any more since") && shown.contains("erased for: request 7"),
        "{shown}"
    );
    let to = archive.path("export");
    let (code, said) = usher(&["job", "export", &own.id, "--to", to.to_str().unwrap()]);
    assert!(
        code == Some(1) && said.contains("missing: attempt 1: pictures/001-after.jpeg: not kept"),
        "{said}"
    );
    let (_, said) = usher(&["integration", "policy", "desk", "--evidence-days", "30"]);
    assert!(said.contains("evidence_days"), "{said}");
    let (code, said) = usher(&["evidence", "sweep"]);
    assert!(code == Some(0) && said.starts_with("0 over, 0 removed"), "{said}");
}
