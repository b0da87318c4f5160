//! The page that tells of an attempt, as a person has it: in a Chromium that knows nothing of Usher.

mod look;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use usher::browser::{Browser, LaunchOptions};
use usher::failure::FailureClass;
use usher::integration::Policy;
use usher::store::JobFilter;
use usher::story::{Run, Shot, Standing, Step, Story, page};
use usher::trace::{Moment, StepOutcome, StepRecord};

use self::look::Look;
use crate::browser::lab::with_chromium;
use crate::path::world::{World, connectors, desk_options, user};

/// Opens a browser of its own for pages that lie in a folder.
async fn with_browser(options: LaunchOptions, test: impl FnOnce(&Path, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("profiles");
    let browser = Browser::launch(&LaunchOptions { profiles: profiles.clone(), ..options }).await.unwrap();
    tokio::task::block_in_place(|| test(&profiles, folder.path()));
    browser.close().await;
}

/// The tree's connectors, with a button that Acme Desk's dialog does not have.
fn broken_connectors(to: &Path) {
    let flows = to.join("acme-desk/flows");
    std::fs::create_dir_all(&flows).unwrap();
    let from = connectors().join("acme-desk");
    std::fs::copy(from.join("connector.yaml"), to.join("acme-desk/connector.yaml")).unwrap();
    for file in std::fs::read_dir(from.join("flows")).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let text = match file.file_name().to_str() {
            Some("change_role.yaml") => {
                assert!(text.contains("      - click: button \"Save\"\n"), "{text}");
                text.replace("button \"Save\"\n", "button \"Store\"\n        timeout: 1s\n")
            }
            _ => text,
        };
        std::fs::write(flows.join(file.file_name()), text).unwrap();
    }
}

/// Calls the binary for a job of this world, as the person on call does; gives what it says.
fn job_open(world: &World, connectors: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.arg("--data").arg(world.data.path()).arg("--connectors").arg(connectors).args(["job", "open"]);
    let ran = command.args(arguments).arg("--no-browser").output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_failed_job_is_told_on_a_page_that_can_be_read_anywhere() {
    with_chromium(|options| async move {
        let connectors = tempfile::tempdir().unwrap();
        broken_connectors(connectors.path());
        let policy = Policy { patience_ms: 50_000, ..Policy::default() };
        let world = World::with_connectors(desk_options(), policy, connectors.path()).await;
        // She is in the app already, with another role.
        let (status, body) = world.scim.post(&user("ada@acme.example", "Ada Lovelace", true, "viewer")).await;
        assert_eq!(status, 500, "{body}");
        let filter = JobFilter { integration_id: None, state: None, before: None, limit: 1 };
        let job = world.installation.store.list_jobs(&filter).await.unwrap().remove(0);
        let file = world.data.path().join("story.html");
        let said = job_open(&world, connectors.path(), &[&job.id, "--to", file.to_str().unwrap()]);
        assert_eq!(said.trim(), std::fs::canonicalize(&file).unwrap().to_str().unwrap());
        with_browser(options, |profiles, _| read_anywhere(&mut Look::open(profiles, &file))).await;

        // What is not kept any more is said, and fails nothing.
        std::fs::remove_dir_all(world.data.path().join("artifacts")).unwrap();
        job_open(&world, connectors.path(), &[&job.id, "--attempt", "1", "--to", file.to_str().unwrap()]);
        let told = std::fs::read_to_string(&file).unwrap();
        assert!(told.contains("This picture is not kept any more."), "{told}");
        assert!(told.contains("more files of this attempt"), "{told}");
        assert!(told.contains("line marked\"><b>"), "the connector is the one that ran: its lines are there");
        assert!(!told.contains("usher replay "), "without a recording nothing is replayed");
        world.end().await;
    });
}

fn read_anywhere(look: &mut Look) {
    // At a desk, in the light.
    look.at((1280, 900), "light");
    let headline = look.text("h1");
    assert!(headline.ends_with("at flows/change_role.yaml:10"), "{headline}");
    let message = look.text("header .message");
    assert!(message.contains("no button \"Store\" in dialog \"Edit member\" within 1 s"), "{message}");
    assert!(message.contains("button \"Save\""), "what was there instead: {message}");
    assert!(look.text("header").contains("usher replay job_"), "{}", look.text("header"));
    // The step that failed is open, with its picture and its lines, and needs no scrolling.
    assert_eq!(look.text(".step.now .line.marked").lines().count(), 3);
    assert_eq!(look.evaluate("document.querySelectorAll('.step.now').length"), 1);
    assert!(look.evaluate("document.querySelector('.step.now').classList.contains('bad')") == true);
    let top =
        look.evaluate("document.querySelector('.step.now .view.shown img').getBoundingClientRect().top");
    assert!(top.as_f64().unwrap() < 700.0, "{top}");
    assert!(look.evaluate("document.querySelector('.step.now img').naturalWidth > 500") == true);

    // From step to step by keys, and back.
    let opened = look.current();
    look.press("k");
    assert_eq!(look.current(), opened - 1);
    look.press("ArrowUp");
    assert_eq!(look.current(), opened - 2);
    look.press("ArrowDown");
    look.press("j");
    look.press("ArrowRight");
    assert_eq!(look.current(), opened, "the last one stays");
    look.press("ArrowLeft");
    look.press("f");
    assert_eq!(look.current(), opened);
    let visited: Vec<String> = (0..4).map(|_| look.tab()).collect();
    assert!(visited.iter().any(|name| name == "failed, as HTML"), "{visited:?}");

    // The document is there only when it is looked at, in a frame that may do nothing.
    assert_eq!(look.evaluate("document.querySelectorAll('iframe').length"), 0);
    look.press("v");
    assert_eq!(look.evaluate("document.querySelector('.step.now iframe').getAttribute('sandbox')"), "");
    let document = look.evaluate("document.querySelector('.step.now iframe').srcdoc");
    assert!(document.as_str().unwrap().contains("data-usher-marked"), "{document}");

    look.assert_contrast("light, a desk");
    look.at((1280, 900), "dark");
    look.assert_contrast("dark, a desk");
    look.at((390, 844), "dark");
    look.assert_contrast("dark, a phone");
    assert_eq!(look.evaluate("document.documentElement.scrollWidth"), 390);
    look.click(".move button");
    assert_eq!(look.current(), opened - 1);
    look.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
    assert_eq!(look.evaluate("document.documentElement.scrollWidth"), 390, "everything open");
    look.at((390, 844), "light");
    look.assert_contrast("light, a phone");
    assert_eq!(look.complaints(), [""; 0]);

    // Without the script everything is there, one below the other.
    look.without_scripts();
    let steps = "[...document.querySelectorAll('.step')].every((step) => step.checkVisibility())";
    assert!(look.evaluate(steps) == true);
    assert!(look.evaluate("document.querySelector('.step img').naturalWidth > 500") == true);
    assert_eq!(look.evaluate("document.documentElement.scrollWidth"), 390, "without scripts");
    assert_eq!(look.requests(), [""; 0]);
}

const HOSTILE: &str =
    "\"></p></script><script>hit = 1</script><img src=http://127.0.0.1:9/a onerror='hit = 2'>";

/// A story of one step that showed this document.
fn showing(html: &str) -> Story {
    let failed = StepOutcome::Failed { class: FailureClass::UiDrift, message: HOSTILE.to_owned() };
    let record = StepRecord {
        seq: 1,
        flow: HOSTILE.to_owned(),
        file: "flows/a.yaml".to_owned(),
        line: 1,
        words: HOSTILE.to_owned(),
        url: HOSTILE.to_owned(),
        console: vec![HOSTILE.to_owned()],
        outcome: failed,
        ..StepRecord::default()
    };
    let shot = Shot { moment: Moment::Failed, jpeg: None, html: Some(html.to_owned()) };
    let step = Step { record, shots: vec![shot], remarks: Vec::new() };
    Story {
        title: HOSTILE.to_owned(),
        word: "failed".to_owned(),
        standing: Standing::Bad,
        class: Some(FailureClass::UiDrift),
        message: Some(HOSTILE.to_owned()),
        runs: vec![Run { flow: HOSTILE.to_owned(), given: None, steps: vec![step] }],
        texts: [("flows/a.yaml".to_owned(), format!("- {HOSTILE}\n"))].into(),
        ..Story::default()
    }
}

/// A document that does all that it can.
fn document() -> String {
    format!(
        "<!doctype html><meta http-equiv=refresh content='0;url=http://ELSEWHERE/refresh'>\
         <style>body {{ background: rgb(0, 120, 0) url(http://ELSEWHERE/style) }}</style><base href=http://ELSEWHERE/>\
         <link rel=stylesheet href=http://ELSEWHERE/sheet><link rel=preconnect href=http://ELSEWHERE><body onload='parent.hit = 3' style='color: red'>\
         <script src=http://ELSEWHERE/script></script><script>top.hit = 4; top.location = 'about:blank'</script>\
         <iframe src=http://ELSEWHERE/frame></iframe><object data=http://ELSEWHERE/object></object>\
         <form action=http://ELSEWHERE/form><button autofocus>Send</button></form>{HOSTILE}"
    )
}

#[test]
fn what_an_app_wrote_does_nothing_on_the_page() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = elsewhere.local_addr().unwrap().to_string();
    let told = page(&showing(&document())).replace("ELSEWHERE", &address);
    with_chromium(|options| async move {
        with_browser(options, |profiles, folder| {
            let file = folder.join("story.html");
            std::fs::write(&file, &told).unwrap();
            let mut look = Look::open(profiles, &file);
            look.at((1280, 900), "light");
            // There is no picture; the document is the second view.
            look.press("v");
            // A frame alike is awaited until it has loaded all that it may.
            let is_foreign = "new Promise((done) => {
                    const frame = document.querySelector('.step.now iframe');
                    const alike = frame.cloneNode();
                    alike.onload = () => done(alike.contentDocument === null);
                    frame.replaceWith(alike);
                })";
            assert_eq!(look.evaluate(is_foreign), true);
            assert_eq!(look.evaluate("typeof hit"), "undefined");
            assert_eq!(look.evaluate("document.querySelectorAll('script').length"), 1);
            assert_eq!(look.evaluate("document.querySelectorAll('main').length"), 1);
            // It looks as its styles say, all the same.
            assert_eq!(look.ground_of_frame(), "rgb(0, 120, 0)");
            // Nor where scripts are off and frames are there from the beginning.
            look.without_scripts();
            assert_eq!(look.evaluate("document.querySelectorAll('.step iframe').length"), 1);
            assert_eq!(look.requests(), [""; 0]);
        })
        .await;
    });
    elsewhere.set_nonblocking(true).unwrap();
    let came = elsewhere.accept().map(|(_, from)| from);
    assert_eq!(came.unwrap_err().kind(), ErrorKind::WouldBlock);
}
