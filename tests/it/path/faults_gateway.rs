//! `usher serve` is killed while clients write through it. Whatever it had answered is there when it is started again, with the
//! job that makes it so; what it had not answered happened whole or not at all.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;
use usher::integration::{LeaverLimit, Policy};
use usher::server::Installation;
use usher::store::{JobFilter, JobRow};

use super::faults::{Drawn, no_patience};
use super::faults_process::Served;
use super::world::{PASSWORD, Scim, open, set_up, user};

const CLIENTS: u64 = 6;

/// A user as the answers said it is.
struct Known {
    id: String,
    title: Option<String>,
    is_deleted: bool,
}

/// What was asked for and not answered.
enum Unanswered {
    Create(Value),
    Change(String, String),
    Delete(String),
}

/// Somebody who writes, one request after the other.
struct Client {
    scim: Scim,
    drawn: Drawn,
    known: Vec<Known>,
    made: u64,
    name: String,
}

impl Client {
    /// Writes until the server is gone; gives what it did not answer. Tells at the request with the number `at`.
    async fn write(&mut self, sent: &AtomicU64, at: u64, now: &Notify) -> Unanswered {
        loop {
            let (wish, method, path, body) = self.wish();
            if sent.fetch_add(1, Ordering::SeqCst) == at {
                now.notify_one();
            }
            let mut request = self.scim.http.request(method, format!("{}{path}", self.scim.base));
            request = request.bearer_auth(&self.scim.token).header("Content-Type", "application/scim+json");
            if let Some(body) = body {
                request = request.body(body.to_string());
            }
            // Only an answer that came whole is one.
            let Ok(answer) = request.send().await else { return wish };
            let status = answer.status().as_u16();
            let Ok(text) = answer.text().await else { return wish };
            self.learn(wish, status, &text);
        }
    }

    fn wish(&mut self) -> (Unanswered, Method, String, Option<Value>) {
        let alive: Vec<&Known> = self.known.iter().filter(|known| !known.is_deleted).collect();
        let draw = self.drawn.below(10);
        if draw < 5 || alive.is_empty() {
            self.made += 1;
            let body = user(&format!("{}-{}@acme.example", self.name, self.made), "Ada", true, "agent");
            return (Unanswered::Create(body.clone()), Method::POST, "/Users".to_owned(), Some(body));
        }
        let which = usize::try_from(self.drawn.below(alive.len() as u64)).unwrap();
        let id = alive[which].id.clone();
        let path = format!("/Users/{id}");
        if draw < 9 {
            let title = format!("title {}", self.drawn.below(1 << 40));
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "title", "value": title }],
            });
            return (Unanswered::Change(id, title), Method::PATCH, path, Some(body));
        }
        (Unanswered::Delete(id), Method::DELETE, path, None)
    }

    fn learn(&mut self, wish: Unanswered, status: u16, text: &str) {
        let known = |known: &mut Vec<Known>, id: &str| known.iter().position(|one| one.id == id).unwrap();
        match wish {
            Unanswered::Create(_) => {
                assert_eq!(status, 201, "{text}");
                let body: Value = serde_json::from_str(text).unwrap();
                let id = body["id"].as_str().unwrap().to_owned();
                self.known.push(Known { id, title: None, is_deleted: false });
            }
            Unanswered::Change(id, title) => {
                assert_eq!(status, 200, "{text}");
                let at = known(&mut self.known, &id);
                self.known[at].title = Some(title);
            }
            Unanswered::Delete(id) => {
                assert_eq!(status, 204, "{text}");
                let at = known(&mut self.known, &id);
                self.known[at].is_deleted = true;
            }
        }
    }

    /// Looks at everything that was ever answered; then takes for known what became of the one request that was not.
    async fn check(&mut self, site: &Site, jobs: &[JobRow], unanswered: Unanswered) {
        for known in &mut self.known {
            let found = site.installation.store.find_user_or_tombstone(&site.integration_id, &known.id).await;
            let user = found.unwrap().unwrap_or_else(|| panic!("{} was answered and is not there", known.id));
            let title = user.resource["title"].as_str().map(str::to_owned);
            match &unanswered {
                Unanswered::Change(id, new) if *id == known.id && title.as_ref() == Some(new) => {
                    known.title = title.clone();
                }
                Unanswered::Delete(id) if *id == known.id => known.is_deleted = user.deleted_at.is_some(),
                _ => {}
            }
            assert_eq!(
                (title, user.deleted_at.is_some()),
                (known.title.clone(), known.is_deleted),
                "{}",
                known.id
            );
            let job = jobs.iter().find(|job| job.user_id.as_ref() == Some(&known.id));
            let wanted = job.and_then(|job| job.wanted_version);
            assert_eq!(wanted, Some(user.version), "the job of {} is for what was answered last", known.id);
        }
        if let Unanswered::Create(body) = unanswered {
            // Whether it was recorded or not, to ask again is right.
            let (status, answer) = self.scim.post(&body).await;
            self.learn(Unanswered::Create(body), status, &answer.to_string());
        }
    }
}

struct Site {
    installation: Installation,
    integration_id: String,
}

/// Without a worker, so that every job stays as it was recorded.
async fn serve(data: &Path) -> Served {
    Served::start_with(data, &["--no-worker"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_answered_before_the_gateway_was_killed_is_there() {
    let rounds = if std::env::var("USHER_FAULTS").is_ok_and(|faults| faults == "all") { 50 } else { 4 };
    let data = tempfile::tempdir().unwrap();
    let installation = open(data.path()).await;
    let token = set_up(
        &installation,
        "http://127.0.0.1:9",
        PASSWORD,
        Policy { leavers: LeaverLimit::ANY, ..no_patience() },
    )
    .await;
    let integration_id = installation.integrations.find("desk").await.unwrap().unwrap().row.id;
    let site = Site { installation, integration_id };
    let mut drawn = Drawn(4);
    let mut served = serve(data.path()).await;
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client {
            scim: Scim::new(&served.url, &token),
            drawn: Drawn(number),
            known: Vec::new(),
            made: 0,
            name: format!("client{number}"),
        })
        .collect();
    for round in 0..rounds {
        let (sent, now, at) = (AtomicU64::new(0), Notify::new(), drawn.below(150));
        let writing = clients.iter_mut().map(|client| client.write(&sent, at, &now));
        let killing = async {
            now.notified().await;
            served.kill().await;
        };
        let (unanswered, ()) = tokio::join!(futures::future::join_all(writing), killing);
        served = serve(data.path()).await;
        let filter = JobFilter { limit: 100_000, ..JobFilter::default() };
        let jobs = site.installation.store.list_jobs(&filter).await.unwrap();
        for (client, unanswered) in clients.iter_mut().zip(unanswered) {
            client.scim = Scim::new(&served.url, &token);
            client.check(&site, &jobs, unanswered).await;
        }
        site.installation.store.verify_events().await.unwrap();
        let alive = clients.iter().flat_map(|client| &client.known).filter(|known| !known.is_deleted).count();
        let (_, page) = clients[0].scim.get("/Users?count=0").await;
        assert_eq!(page["totalResults"], alive, "round {round}: nobody else is there");
    }
    served.terminate().await;
}
