//! What the tests of faults share: the wishes that are interrupted, and waiting for what becomes of them.

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;
use tokio::io::unix::AsyncFd;
use usher::integration::Policy;
use usher::store::{JobFilter, JobRow, JobState, Store};

use super::world::{Scim, desk_options, user};

pub const ADA: &str = "ada.king@acme.example";

/// Numbers that look drawn, the same in each run (SplitMix64).
pub struct Drawn(pub u64);

impl Drawn {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One of them.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// Puts them into another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, usize::try_from(self.below(last as u64 + 1)).unwrap());
        }
    }
}

/// How many faults there are: with `USHER_FAULTS=all` (`make test-faults`) one at each request and each case thrice, else
/// one at every third request, and each case once.
pub struct Faults {
    pub every: usize,
    pub rounds: usize,
}

pub fn faults() -> Faults {
    match std::env::var("USHER_FAULTS").as_deref() {
        Ok("all") => Faults { every: 1, rounds: 3 },
        _ => Faults { every: 3, rounds: 1 },
    }
}

/// The wishes whose fulfilment is interrupted.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    Invite,
    ChangeRole,
    Suspend,
}

impl Wish {
    pub const ALL: [Self; 3] = [Self::Invite, Self::ChangeRole, Self::Suspend];

    /// What the app records of it.
    pub fn recorded(self, email: &str) -> String {
        let action = match self {
            Self::Invite => "invited",
            Self::ChangeRole => "role_changed",
            Self::Suspend => "suspended",
        };
        format!("{action} {email}")
    }

    /// The user who is wanted; somebody who is there already is an agent called `name`.
    fn user(self, email: &str, name: &str) -> Value {
        match self {
            Self::Invite => user(email, name, true, "agent"),
            Self::ChangeRole => user(email, name, true, "viewer"),
            Self::Suspend => user(email, name, false, "agent"),
        }
    }
}

/// A wish for one account of the app: a new one for an invitation, else an agent who is there.
pub struct Asked {
    pub wish: Wish,
    pub email: String,
    pub job: String,
}

/// Agents who are active in the app, by address and name.
pub fn agents(members: &[usher::demo::Member]) -> Vec<(String, String)> {
    use usher::demo::{Role, Status};
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " .@-".contains(c));
    let agents = members.iter().filter(|member| {
        member.role == Role::Agent && member.status == Status::Active && plain(&member.name)
    });
    agents.map(|member| (member.email.clone(), member.name.clone())).collect()
}

/// Records the wish for the `n`-th suitable account. The integration must have no patience.
pub async fn ask(scim: &Scim, store: &Store, members: &[usher::demo::Member], wish: Wish, n: usize) -> Asked {
    let (email, name) = match wish {
        Wish::Invite => (format!("new{n}@acme.example"), format!("New Person {n}")),
        Wish::ChangeRole | Wish::Suspend => agents(members).swap_remove(n),
    };
    let id = scim.create(&wish.user(&email, &name)).await;
    Asked { wish, email, job: job_of(store, &id).await.id }
}

/// The latest job of a user.
pub async fn job_of(store: &Store, user: &str) -> JobRow {
    let filter = JobFilter { integration_id: None, state: None, before: None, limit: 500 };
    let jobs = store.list_jobs(&filter).await.unwrap();
    jobs.into_iter().find(|job| job.user_id.as_deref() == Some(user)).unwrap()
}

/// The demo app with enough agents.
pub fn many_members() -> usher::demo::Options {
    usher::demo::Options { members: 60, ..desk_options() }
}

pub fn no_patience() -> Policy {
    Policy { patience_ms: 0, ..Policy::default() }
}

/// Waits until the job is so. The test's own runner bounds it.
pub async fn job_when(store: &Store, id: &str, is_so: impl Fn(&JobRow) -> bool) -> JobRow {
    let mut watch = store.watch_job(id);
    loop {
        let job = store.find_job(id).await.unwrap().unwrap();
        if is_so(&job) {
            return job;
        }
        watch.changed().await;
    }
}

/// The job once it has settled; it must be done.
pub async fn done(store: &Store, id: &str) -> JobRow {
    let job = job_when(store, id, |job| job.state.is_settled()).await;
    assert_eq!(job.state, JobState::Done, "{:?}: {:?}", job.class, job.message);
    job
}

pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// Processes of which a word of the command line or of the environment contains `mark`.
pub fn processes(mark: &str) -> Vec<u32> {
    let own = std::process::id();
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| *id != own && shows(*id, mark)).collect()
}

fn shows(id: u32, mark: &str) -> bool {
    let has = |file: &str| {
        std::fs::read(format!("/proc/{id}/{file}"))
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(mark))
    };
    // What has ended and waits to be reaped has neither.
    has("cmdline") || has("environ")
}

/// Returns when no process shows `mark` any more.
pub async fn all_gone(mark: &str) {
    loop {
        let found = processes(mark);
        if found.is_empty() {
            return;
        }
        for id in found {
            ended(id).await;
        }
    }
}

/// Returns when the process has ended.
#[expect(deprecated, reason = "sound with an owned descriptor; what takes its place is not safe to call")]
pub async fn ended(id: u32) {
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    if let Ok(process) = pidfd_open(pid, PidfdFlags::NONBLOCK) {
        drop(AsyncFd::new(process).unwrap().readable().await.unwrap());
    }
}

/// How often the app recorded this.
pub fn times(record: &[String], change: &str) -> usize {
    record.iter().filter(|recorded| *recorded == change).count()
}
