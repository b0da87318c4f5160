//! How tabs and browsers end: at once for who waits, and without remains.

use super::lab::*;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, timeout};
use usher::browser::{Browser, BrowserError, LaunchOptions, Network, PageError, SessionOptions, Wait};

/// Far beyond what a test may take: who is told at once does not wait for it.
fn long() -> Wait {
    Wait { until: Instant::now() + Duration::from_secs(300), watch: Vec::new() }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

/// The processes of the browser's group, zombies aside, that have `part` in their command line.
fn processes_of(group: u32, part: &str) -> Vec<Pid> {
    let ids = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_member = |id: &u32| {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
        // After the name in brackets: state, parent, group.
        let mut fields = stat.rsplit(") ").next().unwrap().split(' ');
        let (state, of) = (fields.next().unwrap(), fields.nth(1).unwrap());
        state != "Z" && of == group.to_string()
    };
    let has_part = |id: &u32| {
        std::fs::read(format!("/proc/{id}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(part))
    };
    ids.filter(is_member).filter(has_part).map(pid).collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Waits until killed processes have ended and the profile is removed.
async fn all_gone(id: u32, profiles: &Path) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let gone = timeout(Duration::from_secs(60), async {
        while !(processes_of(id, "").is_empty() && is_empty(profiles)) {
            look.tick().await;
        }
    });
    gone.await.unwrap_or_else(|_| panic!("still there: {:?}", processes_of(id, "")));
}

fn options_of(lab: &Lab) -> SessionOptions {
    SessionOptions { origins: vec![lab.base.clone()], viewport: (800, 600), network: Network::Real }
}

/// Options with a folder for profiles that nobody else uses.
fn alone(options: LaunchOptions) -> (LaunchOptions, tempfile::TempDir) {
    let folder = tempfile::Builder::new().prefix("usher-end-").tempdir().unwrap();
    (LaunchOptions { profiles: folder.path().to_owned(), ..options }, folder)
}

#[test]
fn a_crash_of_the_tab_ends_what_is_pending_but_not_the_browser() {
    with_chromium(|options| async move {
        let (options, folder) = alone(options);
        let browser = Browser::launch(&options).await.unwrap();
        let lab = Lab::open(&browser).await;
        lab.goto("form.html").await;
        let (target, wait) = (role("button", "Nowhere").into_target(), long());
        let ended = timeout(Duration::from_secs(60), async {
            tokio::join!(lab.page.expect(&target, &wait), async {
                for renderer in processes_of(browser.process_id().unwrap(), "--type=renderer") {
                    kill_process(renderer, Signal::KILL).unwrap();
                }
            })
        });
        assert_eq!(ended.await.unwrap().0.unwrap_err(), PageError::Crashed);
        assert_eq!(lab.page.goto(&lab.base, &long()).await.unwrap_err(), PageError::Crashed);
        let other = Lab::open(&browser).await;
        other.goto("arrived.html").await;
        browser.close().await;
        drop(folder);
    });
}

#[test]
fn a_killed_browser_ends_what_is_pending_and_leaves_nothing() {
    with_chromium(|options| async move {
        let (options, folder) = alone(options);
        let browser = Browser::launch(&options).await.unwrap();
        let lab = Lab::open(&browser).await;
        lab.goto("form.html").await;
        let (target, wait) = (role("button", "Nowhere").into_target(), long());
        let id = pid(browser.process_id().unwrap());
        let ended = timeout(Duration::from_secs(60), async {
            tokio::join!(lab.page.expect(&target, &wait), async { kill_process(id, Signal::KILL).unwrap() })
        });
        assert_eq!(ended.await.unwrap().0.unwrap_err(), PageError::Closed);
        timeout(Duration::from_secs(60), browser.closed()).await.unwrap();
        assert!(!browser.is_alive());
        assert!(browser.open_session(&options_of(&lab)).await.is_err());
        browser.close().await;
        assert!(is_empty(folder.path()));
    });
}

#[test]
fn a_closed_browser_leaves_no_process_and_no_profile() {
    with_chromium(|options| async move {
        let (options, folder) = alone(options);
        let browser = Browser::launch(&options).await.unwrap();
        assert!(browser.version().starts_with("Chrome/"), "{}", browser.version());
        Lab::open(&browser).await.goto("form.html").await;
        let id = browser.process_id().unwrap();
        assert!(!processes_of(id, "").is_empty());
        browser.close().await;
        assert!(is_empty(folder.path()));
        all_gone(id, folder.path()).await;
    });
}

#[test]
fn a_session_that_is_closed_is_gone() {
    in_lab(|lab| async move {
        let page = lab.page.clone();
        lab.goto("form.html").await;
        lab.session.close().await;
        assert_eq!(
            page.expect(&role("button", "Save").into_target(), &long()).await.unwrap_err(),
            PageError::Closed
        );
    });
}

/// Runs as the victim of the next test, in a process of its own: starts a browser, says so, and waits to be killed.
#[test]
fn victim() {
    if let Ok(profiles) = std::env::var("USHER_TEST_VICTIM") {
        with_chromium(|options| async move {
            let options = LaunchOptions { profiles: profiles.into(), ..options };
            let browser = Browser::launch(&options).await.unwrap();
            let lab = Lab::open(&browser).await;
            lab.goto("form.html").await;
            println!("\nbrowser {}", browser.process_id().unwrap());
            std::future::pending::<()>().await;
        });
    }
}

#[test]
fn nothing_survives_a_killed_process() {
    with_chromium(|options| async move {
        let (options, folder) = alone(options);
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "browser::end::victim", "--nocapture"])
            .env("USHER_TEST_VICTIM", folder.path())
            .env("USHER_CHROMIUM", &options.executable)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let id = loop {
            let line = lines.next_line().await.unwrap().expect("the victim started a browser");
            if let Some(id) = line.strip_prefix("browser ") {
                break id.parse().unwrap();
            }
        };
        assert!(!processes_of(id, "").is_empty());
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        all_gone(id, folder.path()).await;
    });
}

#[test]
fn a_browser_that_cannot_start_says_why() {
    with_chromium(|options| async move {
        let (options, folder) = alone(options);
        for program in ["/bin/false", "/nonexistent/chromium"] {
            let options = LaunchOptions { executable: program.into(), ..options.clone() };
            let error = Browser::launch(&options).await.unwrap_err();
            assert!(matches!(error, BrowserError::Ended { .. }), "{program}: {error:?}");
        }
        let options = LaunchOptions { profiles: "/proc/nowhere".into(), ..options };
        assert!(matches!(Browser::launch(&options).await.unwrap_err(), BrowserError::Profile { .. }));
        drop(folder);
    });
}
