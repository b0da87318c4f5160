//! Bundles of evidence: what is in them, and that no change of one goes unnoticed.

mod erased;
mod tampered;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use usher::clock::{Clock as _, SystemClock, Timestamp};
use usher::evidence::{ExportError, Exported, Exporter, Scope};
use usher::integration::{Integration, Policy};
use usher::scim::Folded;
use usher::server::Installation;
use usher::store::*;
use usher::trace::StepRecord;

use crate::path::world::{open, set_up};

/// An installation with the integration `desk`, in which nothing runs.
pub struct Archive {
    pub root: TempDir,
    pub installation: Installation,
    pub desk: Integration,
}

impl Archive {
    pub async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let installation = open(&root.path().join("data")).await;
        set_up(&installation, "http://127.0.0.1:9", "password", Policy::default()).await;
        let desk = installation.integrations.find("desk").await.unwrap().unwrap();
        Self { root, installation, desk }
    }

    pub fn store(&self) -> &Store {
        &self.installation.store
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Asks for a user, and does the job of it in two steps, each with a picture.
    pub async fn join(&self, name: &str) -> Recorded {
        let attributes = json!({ "userName": name });
        let body = UserBody {
            user_name: name.to_owned(),
            external_id: None,
            active: true,
            folded: Folded::of(attributes.as_object().unwrap(), &self.desk.connector.user_schema()),
            resource: attributes,
        };
        let recorded = self.ask(UserChange::Insert(body), "user.created").await;
        self.work(json!({ "status": "absent" }), json!({ "status": "invited" })).await;
        recorded
    }

    /// Asks that a user goes, and does it.
    pub async fn leave(&self, user: &UserRow) {
        self.ask(UserChange::Delete { id: user.id.clone(), expected: None }, "user.deleted").await;
        self.work(json!({ "status": "invited" }), json!({ "status": "absent" })).await;
    }

    async fn ask(&self, user: UserChange, event: &str) -> Recorded {
        let token = &self.store().list_tokens(&self.desk.row.id).await.unwrap()[0];
        let actor = format!("token {}", token.id);
        let cause = json!({ "event": event, "by": actor, "received_at_ms": SystemClock.now().as_ms() });
        let change = Change {
            integration_id: self.desk.row.id.clone(),
            user,
            job: Some(JobRequest { priority: Priority::ORDINARY, cause }),
            events: vec![NewEvent::new(event, &actor).with(json!({ "wanted": { "attributes": {} } }))],
        };
        self.store().record(change).await.unwrap()
    }

    async fn work(&self, before: Value, after: Value) {
        let claimed = self.store().claim("worker-1", Duration::from_secs(60)).await.unwrap().unwrap();
        let attempt = self.store().start_attempt(&claimed.lease, &self.desk.connector.hash).await.unwrap();
        let (mut steps, mut pictures) = (Vec::new(), Vec::new());
        for number in 1..=2 {
            let picture = format!("{}, step {number}", claimed.job.id).into_bytes();
            let picture = self.installation.artifacts.put(picture, "jpeg").await.unwrap();
            steps.push(StepRecord {
                seq: number,
                flow: "invite".to_owned(),
                file: "flows/invite.yaml".to_owned(),
                line: number,
                words: format!("click button \"Number {number}\""),
                started_at: SystemClock.now(),
                total_ms: 7,
                ..StepRecord::default()
            });
            let artifact = NewArtifact { name: picture.as_str().to_owned(), bytes: 9 };
            let path = format!("pictures/{number:03}-after.jpeg");
            pictures.push(NewEvidence { path, step: Some(number), artifact: Ok(artifact) });
        }
        self.store().add_steps(&claimed.lease, attempt, steps, pictures).await.unwrap();
        let connector = &self.desk.connector;
        let connector =
            json!({ "name": connector.name, "version": connector.version, "hash": connector.hash });
        let told =
            [("connector", connector), ("before", before), ("after", after), ("done", json!(["invite"]))];
        let told: Map<String, Value> = told.map(|(name, fact)| (name.to_owned(), fact)).into_iter().collect();
        let finish = Finish { told, ..Finish::with(Outcome::Done { message: None }) };
        self.store().finish(&claimed.lease, finish).await.unwrap();
    }

    pub async fn export(&self, scope: &Scope, to: &Path) -> Result<Exported, ExportError> {
        let exporter = Exporter {
            store: self.store(),
            artifacts: &self.installation.artifacts,
            integration: &self.desk,
            at: SystemClock.now(),
            by: "test",
        };
        exporter.export(scope, to, &mut |_| {}).await
    }

    pub async fn person(&self, name: &str) -> Scope {
        Scope::People(self.store().users_ever_named(&self.desk.row.id, name).await.unwrap())
    }
}

/// All time.
pub fn always() -> Scope {
    Scope::Time { from: Timestamp::from_ms(0), until: Timestamp::from_ms(i64::MAX) }
}

/// The files of a folder, by their names in it.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(within) = folders.pop() {
        for entry in std::fs::read_dir(within).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().display().to_string();
                    files.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
    }
    files
}

/// Lists the hashes of a folder anew, as somebody would who changed a file of it.
pub fn list_anew(folder: &Path) {
    let names: Vec<String> = files(folder).into_keys().filter(|name| name != "SHA256SUMS").collect();
    let listed = std::process::Command::new("sha256sum").args(names).current_dir(folder).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    std::fs::write(folder.join("SHA256SUMS"), listed.stdout).unwrap();
}
