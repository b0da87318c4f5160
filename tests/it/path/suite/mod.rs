//! The large suite of faults: thousands of wanted changes and thousands of faults, drawn by a seed, and the app's own record as the judge.
//! Each wanted change must be there exactly once and in its order, none that nobody wanted, and no job stuck.
//!
//! A person's next wish comes once the job of the one before is done, so that nothing is overtaken and every change can be counted. At
//! most one hitch is in the way of a wish; what still fails for good, since disasters came on top, an operator tries again, and
//! that is counted.
//!
//! `USHER_FAULT_CHANGES` and `USHER_FAULT_COUNT` say how much of it there is, `USHER_SEED` repeats the choice of faults.

mod alone;
mod campaign;
mod kind;
mod people;
mod shared;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tempfile::TempDir;
use tokio::sync::Mutex;
use usher::clock::{Clock as _, SystemClock};
use usher::demo::{AcmeDesk, Options};
use usher::server::find_chromium;

use self::campaign::Campaign;
use self::kind::{Disaster, Hitch};
use self::people::Person;
use super::faults::Drawn;
use super::processes::Shared;
use super::world::{connectors, desk_options};
use crate::postgres::Server;

/// The seed of the short form.
const SHORT_FORM: u64 = 20_261_128;

/// How many disasters are under way at once.
const DISASTERS_AT_ONCE: usize = 3;

/// How much of it there is.
struct Size {
    seed: u64,
    changes: usize,
    hitches: usize,
    disasters: usize,
    /// Of how many people one is on the app's own pages.
    pages: usize,
}

impl Size {
    /// `percent` of what is asked for, but so many of each at least, where faults are asked for at all.
    fn of(percent: usize, least: usize, disasters: usize) -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let whole = |name: &str, short: u64| usize::try_from(number(name).unwrap_or(short)).unwrap();
        // The short form is the same each time: what is drawn anew is for those who look for something new.
        let drawn =
            number("USHER_FAULT_CHANGES").map(|_| SystemClock.now().as_ms().unsigned_abs() % 1_000_000);
        let seed = number("USHER_SEED").or(drawn).unwrap_or(SHORT_FORM);
        let changes = (whole("USHER_FAULT_CHANGES", 30) * percent / 100).max(least);
        let faults = match whole("USHER_FAULT_COUNT", 20) {
            0 => 0,
            faults => (faults * percent / 100).max(2 * disasters),
        };
        // Most are the app's; each of the others costs a start of something.
        let disasters = (faults * 15 / 100).max(disasters).min(faults);
        let pages = if changes > 500 { 50 } else { 4 };
        println!("USHER_SEED={seed}: {faults} faults over {changes} wanted changes");
        Self { seed, changes, hitches: faults - disasters, disasters, pages }
    }
}

/// Acme Desk with quick mode, and room for everybody.
async fn desk(people: usize) -> AcmeDesk {
    AcmeDesk::start(Options { quick: true, seats: people + 100, ..desk_options() }).await.unwrap()
}

/// The connectors of both its faces.
pub fn both_connectors() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let quick = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/connectors/quick/quick-desk");
    for (from, name) in [(connectors().join("acme-desk"), "acme-desk"), (quick, "quick-desk")] {
        let to = folder.path().join(name);
        std::fs::create_dir_all(to.join("flows")).unwrap();
        std::fs::copy(from.join("connector.yaml"), to.join("connector.yaml")).unwrap();
        for flow in std::fs::read_dir(from.join("flows")).unwrap().flatten() {
            std::fs::copy(flow.path(), to.join("flows").join(flow.file_name())).unwrap();
        }
    }
    folder
}

/// Lets each disaster strike as soon as so many changes are done that they are spread over all.
async fn strike<F: Future<Output = Result<(), &'static str>>>(
    campaign: &Campaign,
    disasters: Vec<Disaster>,
    seed: u64,
    one: impl Fn(Disaster, Drawn) -> F,
) {
    let (wishes, count) = (campaign.wishes(), disasters.len());
    let one = &one;
    let started = Mutex::new(());
    let started = &started;
    let all = disasters.into_iter().enumerate().map(|(number, disaster)| async move {
        let mut done = campaign.done.subscribe();
        let turn = started.lock().await;
        done.wait_for(|done| *done >= number * wishes / (count + 1)).await.unwrap();
        drop(turn);
        match one(disaster, Drawn(seed + number as u64)).await {
            Ok(()) => campaign.note(disaster.words()),
            Err(why) => campaign.note_not_run(disaster.words(), why),
        }
    });
    futures::stream::iter(all).buffer_unordered(DISASTERS_AT_ONCE).collect::<Vec<()>>().await;
}

/// Until every wish is fulfilled and every disaster is over.
async fn both(campaign: &Campaign, disasters: impl Future<Output = ()>) {
    let all = async { tokio::join!(campaign.run(), disasters) };
    tokio::select! {
        _ = all => {}
        () = campaign.tell() => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_everything_on_a_server() {
    let size = Size::of(90, 30, 9);
    let mut drawn = Drawn(size.seed);
    let people = Person::all(&mut drawn, size.changes, size.pages);
    let hitches = Hitch::choose(&mut drawn, size.hitches);
    let disasters = Disaster::choose_shared(&mut drawn, size.disasters);

    let server = Server::start(&[]);
    let folder = both_connectors();
    let shared = Arc::new(Shared::new(&server.address, folder.path().to_owned()).await);
    let here = tempfile::tempdir().unwrap();
    let installation = shared.open(here.path(), Arc::new(SystemClock)).await;
    let site = shared::Site::start(server, Arc::clone(&shared), 2).await;
    // One worker more, in this process, whose clock can jump.
    let elsewhere = tempfile::tempdir().unwrap();
    let jumping = shared.open(elsewhere.path(), site.clock.clone()).await;
    let mut options = jumping.worker_options(find_chromium().unwrap());
    (options.parallel, options.lease) = (1, Duration::from_secs(shared::LEASE.parse().unwrap()));
    let jumper = jumping.start_worker(options).await.unwrap().unwrap();

    let desk = desk(people.len()).await;
    let campaign = Campaign::new(&installation, (desk, people), (&mut drawn, hitches), 5, site.urls()).await;
    let strikes = strike(&campaign, disasters, size.seed, |disaster, mut drawn| {
        let site = &site;
        async move { site.strike(disaster, &mut drawn).await }
    });
    both(&campaign, strikes).await;
    let clean = campaign.judge(&format!("PostgreSQL, USHER_SEED={}", size.seed)).await;
    installation.store.verify_events().await.unwrap();
    jumper.stop().await;
    jumping.store.close().await;
    site.end().await;
    assert!(clean, "see the table");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_everything_on_a_file() {
    let size = Size::of(10, 12, 5);
    let mut drawn = Drawn(size.seed);
    let people = Person::all(&mut drawn, size.changes, size.pages.min(10));
    let hitches = Hitch::choose(&mut drawn, size.hitches);
    let disasters = Disaster::choose_alone(&mut drawn, size.disasters);

    let (disk, folder) = (alone::Disk::new(), both_connectors());
    let shared = Shared::alone(folder.path().to_owned());
    let installation = shared.open(disk.path(), Arc::new(SystemClock)).await;
    let site = alone::Site::start(disk, shared).await;
    let desk = desk(people.len()).await;
    let campaign = Campaign::new(&installation, (desk, people), (&mut drawn, hitches), 2, site.urls()).await;
    let strikes = strike(&campaign, disasters, size.seed, |disaster, mut drawn| {
        let site = &site;
        async move { site.strike(disaster, &mut drawn).await }
    });
    both(&campaign, strikes).await;
    let clean = campaign.judge(&format!("SQLite, USHER_SEED={}", size.seed)).await;
    installation.store.verify_events().await.unwrap();
    site.end().await;
    assert!(clean, "see the table");
}
