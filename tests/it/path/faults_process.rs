//! The `usher serve` process is killed or told to end in the middle of the work. Nothing of its browser stays behind, and
//! whoever starts it again gets each wanted change once.

use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use usher::demo::AcmeDesk;
use usher::server::Installation;
use usher::store::JobState;

use super::faults::{
    Asked, Wish, all_gone, ask, done, faults, kill, many_members, no_patience, processes, signal, times,
};
use super::world::{PASSWORD, Scim, connectors, open, record, set_up};

/// A gateway in a process of its own.
pub struct Served {
    child: Child,
    pub url: String,
    /// Closed at the end of what it writes to standard error.
    ended: watch::Receiver<String>,
}

impl Served {
    async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    pub async fn start_with(data: &Path, options: &[&str]) -> Self {
        Self::run(usher(data).args(["serve", "--listen", "127.0.0.1:0"]).args(options)).await
    }

    /// Runs the command, which is to serve.
    pub async fn run(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut text = String::new();
        let url = loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended: {text}"));
            if let Some(rest) = line.strip_prefix("usher listens on ") {
                break rest.split(';').next().unwrap().to_owned();
            }
            text += &line;
        };
        let (said, ended) = watch::channel(text);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                said.send_modify(|text| *text += &line);
            }
        });
        Self { child, url, ended }
    }

    fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Returns when it has written this to standard error; all that it has written.
    pub async fn said(&self, words: &str) -> String {
        self.ended.clone().wait_for(|text| text.contains(words)).await.expect(words).clone()
    }

    /// Kills it and waits for its end.
    pub async fn kill(mut self) {
        kill(self.id());
        self.child.wait().await.unwrap();
    }

    /// Tells it to end; it must end well.
    pub async fn terminate(self) {
        signal(self.id(), Signal::TERM);
        self.ends_well().await;
    }

    async fn ends_well(mut self) {
        let status = self.child.wait().await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.ended.borrow().as_str());
    }
}

/// The program on this data directory.
pub fn usher(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("--data").arg(data).arg("--connectors").arg(connectors()).env_remove("USHER_DATA");
    command
}

/// What a job looks like to an operator.
async fn show(data: &Path, job: &str) -> Value {
    let output = usher(data).args(["job", "show", job, "--format", "json"]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A demo app, a data directory with an integration for it, and a look into its store.
struct Site {
    desk: AcmeDesk,
    data: TempDir,
    installation: Installation,
    token: String,
    /// How many wishes were made.
    asked: usize,
}

impl Site {
    async fn new() -> Self {
        let desk = AcmeDesk::start(many_members()).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let installation = open(data.path()).await;
        let token = set_up(&installation, &desk.url(), PASSWORD, no_patience()).await;
        Self { desk, data, installation, token, asked: 0 }
    }

    /// What the processes of this data directory have in their command line or environment.
    fn mark(&self) -> String {
        self.data.path().display().to_string()
    }

    async fn ask(&mut self, served: &Served, wish: Wish) -> Asked {
        let scim = Scim::new(&served.url, &self.token);
        self.asked += 1;
        ask(&scim, &self.installation.store, &self.desk.members(), wish, self.asked).await
    }

    /// Nothing is left of a process that ended, neither a process nor a browser's profile.
    async fn is_clear(&self) {
        all_gone(&self.mark()).await;
        let profiles = std::fs::read_dir(self.data.path().join("chromium")).unwrap();
        let left: Vec<_> = profiles.flatten().map(|entry| entry.file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// Starts again and waits for the end of the job: the change was made once.
    async fn goes_on(&self, asked: &Asked) {
        let served = Served::start(self.data.path()).await;
        done(&self.installation.store, &asked.job).await;
        let record = record(&self.desk);
        assert_eq!(times(&record, &asked.wish.recorded(&asked.email)), 1, "{record:?}");
        assert_eq!(record.iter().filter(|change| change.ends_with(&asked.email)).count(), 1, "{record:?}");
        served.terminate().await;
        self.is_clear().await;
    }
}

async fn killed_after_the_commit(wish: Wish) {
    let mut site = Site::new().await;
    for round in 1..=faults().rounds {
        let served = Served::start(site.data.path()).await;
        let asked = site.ask(&served, wish).await;
        site.desk.recorded(round).await;
        served.kill().await;
        site.is_clear().await;
        site.goes_on(&asked).await;

        let job = show(site.data.path(), &asked.job).await;
        let attempts = job["attempt_log"].as_array().unwrap();
        assert_eq!((job["state"].as_str(), attempts.len()), (Some("done"), 2), "{job:#}");
        assert_eq!(attempts[0]["outcome"], "lost", "{job:#}");
        assert!(attempts[0]["committing"].is_string(), "{job:#}");
        assert!(attempts[1]["committing"].is_null(), "it was read, and nothing had to be done: {job:#}");
        let read =
            attempts[1]["steps"].as_array().unwrap().iter().find(|step| step["flow"] != "login").unwrap();
        assert!(matches!(read["flow"].as_str(), Some("read_account" | "find_member")), "{job:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_commit_of_an_invitation() {
    killed_after_the_commit(Wish::Invite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_commit_of_a_change_of_role() {
    killed_after_the_commit(Wish::ChangeRole).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_commit_of_a_suspension() {
    killed_after_the_commit(Wish::Suspend).await;
}

/// Before the app gets the change, at other requests in each round.
#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_commit() {
    for (wish, at) in Wish::ALL.into_iter().zip([1, 4, 8]) {
        let mut site = Site::new().await;
        let served = Served::start(site.data.path()).await;
        let held = site.desk.hold_after(at);
        let asked = site.ask(&served, wish).await;
        site.desk.requested(held).await;
        served.kill().await;
        site.is_clear().await;
        site.desk.release();
        assert_eq!(record(&site.desk), [""; 0]);
        site.goes_on(&asked).await;
        let job = show(site.data.path(), &asked.job).await;
        assert_eq!(job["attempt_log"][0]["outcome"], "lost", "{job:#}");
    }
}

/// In the first moments of a browser, as soon as any of its processes is there.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_chromium_starts() {
    let mut site = Site::new().await;
    for _ in 0..faults().rounds {
        let served = Served::start(site.data.path()).await;
        let server = served.id();
        let asked = site.ask(&served, Wish::Invite).await;
        while processes(&site.mark()).iter().all(|id| *id == server) {
            tokio::task::yield_now().await;
        }
        served.kill().await;
        site.is_clear().await;
        site.goes_on(&asked).await;
    }
}

/// The app gets this many requests, or (`None`) records the change; then it is quick, or does not answer any more.
async fn told_to_end(after: Option<u64>, answers: bool) {
    let mut site = Site::new().await;
    let served = Served::start(site.data.path()).await;
    let asked = if let Some(after) = after {
        let held = site.desk.hold_after(after);
        let asked = site.ask(&served, Wish::Suspend).await;
        site.desk.requested(held).await;
        asked
    } else {
        let asked = site.ask(&served, Wish::Suspend).await;
        site.desk.recorded(1).await;
        // A page after the change and the last reading are still to come.
        let held = site.desk.hold_after(0);
        site.desk.requested(held).await;
        asked
    };
    signal(served.id(), Signal::TERM);
    if answers {
        site.desk.release();
    }
    served.ends_well().await;
    site.is_clear().await;
    site.desk.release();
    let job = site.installation.store.find_job(&asked.job).await.unwrap().unwrap();
    match job.state {
        JobState::Done => assert_eq!(record(&site.desk), [asked.wish.recorded(&asked.email)]),
        JobState::Ready => {
            assert_eq!(
                (job.tries, job.read_first),
                (0, !record(&site.desk).is_empty()),
                "it counts as no try"
            );
            site.goes_on(&asked).await;
        }
        other => panic!("{other}: {:?}", job.message),
    }
    assert!(answers || job.state == JobState::Ready, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_before_the_commit_of_a_quick_app() {
    told_to_end(Some(6), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_while_the_app_does_not_answer() {
    tokio::join!(told_to_end(Some(1), false), told_to_end(None, false));
}
