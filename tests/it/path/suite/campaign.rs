//! The wishes on their way: each is sent until it is answered, and waited for until its job is done, before the same person's next.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::watch;
use usher::clock::{Clock as _, SystemClock};
use usher::demo::AcmeDesk;
use usher::integration::{LeaverLimit, NewIntegration, Policy};
use usher::secret::{ExposeSecret as _, SecretString};
use usher::server::Installation;
use usher::store::{JobFilter, JobRow, JobState, Store};

use super::kind::Hitch;
use super::people::{Person, Verdict, Wish};
use crate::path::faults::Drawn;
use crate::path::world::{OWNER, PASSWORD};

/// How many people have a wish under way at once.
const AT_ONCE: usize = 80;
/// How long a wish may take before its job counts as stuck: the pauses between all tries of a job come to eight minutes.
const STUCK: Duration = Duration::from_secs(15 * 60);
/// How often an operator tries a job again that failed for good.
const OPERATOR: usize = 10;

/// An app's integration, as whoever writes to it knows it.
struct Target {
    id: String,
    name: &'static str,
    token: String,
}

/// Wishes, and everything that is noted about them.
pub struct Campaign {
    pub desk: AcmeDesk,
    pub store: Store,
    pub people: Vec<Person>,
    hitches: HashMap<(usize, usize), (Hitch, u64)>,
    targets: [Target; 2],
    http: reqwest::Client,
    /// Where the gateways listen.
    urls: watch::Receiver<Vec<String>>,
    pub done: watch::Sender<usize>,
    began: Duration,
    tally: Mutex<Tally>,
    turn: AtomicUsize,
}

/// What happened.
#[derive(Debug, Default)]
struct Tally {
    faults: BTreeMap<&'static str, usize>,
    /// Faults that could not be, and why.
    not_run: BTreeMap<&'static str, (usize, String)>,
    /// Jobs that an operator tried again, by the class of their failure.
    retried: BTreeMap<String, usize>,
    /// Requests that were sent again, by what was answered.
    sent_again: BTreeMap<String, usize>,
    stuck: Vec<String>,
}

impl Campaign {
    /// For these people, with a hitch in the way of so many wishes. The sessions are those of quick mode; the pages have one.
    pub async fn new(
        installation: &Installation,
        (desk, people): (AcmeDesk, Vec<Person>),
        (drawn, hitches): (&mut Drawn, Vec<Hitch>),
        sessions: u32,
        urls: watch::Receiver<Vec<String>>,
    ) -> Self {
        let targets = [
            target(installation, "quick-desk", &desk, sessions).await,
            target(installation, "acme-desk", &desk, 1).await,
        ];
        // The ways of the app's own pages are others; for them there are tests of faults of their own.
        let quick = people.iter().enumerate().filter(|(_, person)| !person.on_pages);
        let mut places: Vec<(usize, usize)> =
            quick.flat_map(|(who, person)| (0..person.wishes.len()).map(move |wish| (who, wish))).collect();
        drawn.shuffle(&mut places);
        let hitches = hitches.into_iter().map(|hitch| (hitch, drawn.below(u64::MAX)));
        let hitches = places.into_iter().zip(hitches).collect();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self {
            desk,
            store: installation.store.clone(),
            people,
            hitches,
            targets,
            http,
            urls,
            done: watch::Sender::new(0),
            began: SystemClock.elapsed(),
            tally: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    pub fn wishes(&self) -> usize {
        self.people.iter().map(|person| person.wishes.len()).sum()
    }

    /// Notes a fault that was injected.
    pub fn note(&self, fault: &'static str) {
        *self.lock().faults.entry(fault).or_default() += 1;
    }

    /// Notes a fault that could not be.
    pub fn note_not_run(&self, fault: &'static str, why: &str) {
        let tally = &mut *self.lock();
        let entry = tally.not_run.entry(fault).or_default();
        *entry = (entry.0 + 1, why.to_owned());
    }

    /// Makes every wish of everybody.
    pub async fn run(&self) {
        let everybody = futures::stream::iter(self.people.iter().enumerate());
        everybody
            .for_each_concurrent(AT_ONCE, |(who, person)| async move {
                self.wishes_of(who, person).await;
            })
            .await;
        // Whoever waits for more changes need not wait any longer, even where some did not come.
        self.done.send_replace(self.wishes());
    }

    async fn wishes_of(&self, who: usize, person: &Person) {
        let target = &self.targets[usize::from(person.on_pages)];
        let mut id = None;
        for (number, wish) in person.wishes.iter().enumerate() {
            let hitch = self.hitches.get(&(who, number)).copied();
            let trap = hitch.and_then(|(hitch, seed)| hitch.trap(&mut Drawn(seed), &person.email));
            let is_trap = trap.is_some();
            trap.into_iter().for_each(|trap| self.desk.set_trap(trap));
            let is_rival = hitch.is_some_and(|(hitch, _)| hitch == Hitch::Rivals);
            let user = if is_rival {
                let both = (
                    self.send(target, person, wish, id.as_deref()),
                    self.send(target, person, wish, id.as_deref()),
                );
                let (one, other) = tokio::join!(both.0, both.1);
                assert_eq!(one, other, "one user");
                one
            } else {
                self.send(target, person, wish, id.as_deref()).await
            };
            if !self.settled(target, &user, person, number).await {
                return;
            }
            if let Some((hitch, _)) = hitch {
                if is_trap && self.desk.take_trap(&person.email) {
                    self.note_not_run(hitch.words(), "no request met it");
                } else {
                    self.note(hitch.words());
                }
            }
            if number == 0 {
                self.desk.accept(&person.email);
            }
            id = Some(user);
            self.done.send_modify(|done| *done += 1);
        }
    }

    /// Sends a wish until it is answered; whatever was answered well must hold. Gives the user's id.
    async fn send(&self, target: &Target, person: &Person, wish: &Wish, id: Option<&str>) -> String {
        let body = person.body(wish);
        let (method, path) = match id {
            None => (Method::POST, "/Users".to_owned()),
            Some(id) => (Method::PUT, format!("/Users/{id}")),
        };
        loop {
            let why = match self.request(target, method.clone(), &path, Some(&body)).await {
                Ok((200 | 201, answer)) => return answer["id"].as_str().unwrap().to_owned(),
                // Of two who create at once one is told that somebody is there; it asks who.
                Ok((409, _)) if id.is_none() => {
                    let filter = format!("/Users?filter=userName%20eq%20%22{}%22", person.email);
                    match self.request(target, Method::GET, &filter, None).await {
                        Ok((200, list)) if list["totalResults"] == 1 => {
                            return list["Resources"][0]["id"].as_str().unwrap().to_owned();
                        }
                        Ok((status, answer)) => format!("after 409: {status} {answer}"),
                        Err(why) => why,
                    }
                }
                Ok((status @ (429 | 500..), _)) => format!("{status}"),
                Ok((status, answer)) => panic!("{}: {status} {answer}", person.email),
                Err(why) => why,
            };
            *self.lock().sent_again.entry(why).or_default() += 1;
            let mut urls = self.urls.clone();
            urls.mark_unchanged();
            drop(tokio::time::timeout(Duration::from_millis(200), urls.changed()).await);
        }
    }

    /// Asks one gateway after the other.
    async fn request(
        &self,
        target: &Target,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        let url = {
            let urls = self.urls.borrow();
            urls[self.turn.fetch_add(1, Ordering::Relaxed) % urls.len()].clone()
        };
        let url = format!("{url}/scim/v2/{}{path}", target.name);
        let mut request = self.http.request(method, url).bearer_auth(&target.token);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/scim+json").body(body.to_string());
        }
        // Only an answer that came whole is one.
        let answer = request.send().await.map_err(|_| "no answer")?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(|_| "half an answer")?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Waits until the job for what is wanted of the user is done; an operator tries again what failed. `false` where it is stuck.
    async fn settled(&self, target: &Target, user: &str, person: &Person, number: usize) -> bool {
        let until = SystemClock.elapsed() + STUCK;
        let mut by_operator = 0;
        let mut last = None;
        while SystemClock.elapsed() < until && by_operator <= OPERATOR {
            let Some(job) = self.job(target, user).await else {
                // The database does not answer, or the job is not there yet.
                drop(tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await);
                continue;
            };
            let mut changes = self.store.watch_job(&job.id);
            let Ok(Some(job)) = self.store.find_job(&job.id).await else { continue };
            match job.state {
                JobState::Done => return true,
                JobState::Failed => {
                    let class = job.class.map(|class| class.to_string()).unwrap_or_default();
                    let message = job.message.clone().unwrap_or_default();
                    eprintln!("an operator tries {} of {} again: {class}: {message}", job.id, person.email);
                    if self.store.retry_job(&job.id, "operator").await.is_ok() {
                        by_operator += 1;
                        *self.lock().retried.entry(class).or_default() += 1;
                    }
                }
                _ => drop(tokio::time::timeout(Duration::from_secs(2), changes.changed()).await),
            }
            last = Some(job);
        }
        let words = format!("{} wish {number}: {last:?}", person.email);
        eprintln!("stuck: {words}");
        self.lock().stuck.push(words);
        false
    }

    /// The job for the user's latest version.
    async fn job(&self, target: &Target, user: &str) -> Option<JobRow> {
        let view = self.store.view_user(&target.id, user).await.ok()??;
        let job = self.store.find_job(&view.job?.id).await.ok()??;
        (job.wanted_version == Some(view.user.version)).then_some(job)
    }

    /// Tells from time to time how far it is, for ever.
    pub async fn tell(&self) {
        loop {
            drop(tokio::time::timeout(Duration::from_secs(10), std::future::pending::<()>()).await);
            let minutes = (SystemClock.elapsed() - self.began).as_secs_f64() / 60.0;
            let done = *self.done.borrow();
            eprintln!(
                "{done} of {} changes, {} faults so far, {minutes:.1} min",
                self.wishes(),
                self.lock().faults.values().sum::<usize>(),
            );
        }
    }

    /// Prints the table; whether everything is as it must be.
    pub async fn judge(&self, title: &str) -> bool {
        let verdict = Verdict::of(&self.people, &self.desk.record());
        let mut states = BTreeMap::<String, usize>::new();
        let filter = JobFilter { limit: 1_000_000, ..JobFilter::default() };
        for job in self.store.list_jobs(&filter).await.unwrap() {
            // The same wish that came twice may have made two jobs, of which the second took the first one's place.
            let state = match &job.superseded_by {
                Some(_) if job.state == JobState::Cancelled => "superseded".to_owned(),
                _ => job.state.to_string(),
            };
            *states.entry(state).or_default() += 1;
        }
        let tally = self.lock();
        let minutes = (SystemClock.elapsed() - self.began).as_secs_f64() / 60.0;
        println!("\n{title}, {minutes:.1} min\n");
        let mut rows: Vec<(String, String)> = Vec::new();
        let sum: usize = tally.faults.values().sum();
        rows.push(("faults injected".to_owned(), sum.to_string()));
        rows.extend(tally.faults.iter().map(|(kind, count)| (format!("  {kind}"), count.to_string())));
        let not_run = tally.not_run.iter();
        rows.extend(
            not_run.map(|(kind, (count, why))| (format!("  not run: {kind}"), format!("{count} ({why})"))),
        );
        rows.push(("changes wanted".to_owned(), verdict.wanted.to_string()));
        rows.push(("applied once".to_owned(), verdict.once.to_string()));
        rows.push(("lost".to_owned(), verdict.lost.len().to_string()));
        rows.push(("doubled".to_owned(), verdict.doubled.len().to_string()));
        rows.push(("unwanted".to_owned(), verdict.unwanted.len().to_string()));
        rows.extend(states.iter().map(|(state, count)| (format!("jobs {state}"), count.to_string())));
        rows.push(("jobs stuck".to_owned(), tally.stuck.len().to_string()));
        rows.extend(
            tally.retried.iter().map(|(class, count)| {
                (format!("jobs tried again by an operator: {class}"), count.to_string())
            }),
        );
        rows.extend(
            tally
                .sent_again
                .iter()
                .map(|(why, count)| (format!("requests sent again: {why}"), count.to_string())),
        );
        for (what, how_many) in rows {
            println!("{what:<60} {how_many:>8}");
        }
        println!();
        let wrong = [&verdict.lost, &verdict.doubled, &verdict.unwanted, &tally.stuck];
        wrong.into_iter().flatten().take(50).for_each(|line| println!("{line}"));
        let all_done = states.keys().all(|state| state == "done" || state == "superseded");
        verdict.is_clean() && tally.stuck.is_empty() && all_done
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn target(
    installation: &Installation,
    connector: &'static str,
    desk: &AcmeDesk,
    sessions: u32,
) -> Target {
    let text = |(key, value): (&str, String)| (key.to_owned(), value);
    let settings = [("base_url", desk.url()), ("org_id", "acme".to_owned())].map(text);
    let new = NewIntegration {
        name: connector.to_owned(),
        connector: connector.to_owned(),
        settings: settings
            .into_iter()
            .filter(|(key, _)| key == "base_url" || connector == "acme-desk")
            .collect(),
        login: "password".to_owned(),
        credentials: [("username", OWNER), ("password", PASSWORD)]
            .map(|(key, value)| (key.to_owned(), SecretString::from(value)))
            .into(),
        policy: Policy {
            patience_ms: 0,
            max_sessions: sessions,
            leavers: LeaverLimit::ANY,
            ..Policy::default()
        },
    };
    let created = installation.integrations.create(new, "test").await.unwrap();
    let (_, token) = installation.integrations.new_token(&created, None, "test").await.unwrap();
    Target { id: created.row.id, name: connector, token: token.expose_secret().to_owned() }
}
