//! A Chromium that runs elsewhere: it is not ours, has switches of its own, and its files are not here.

use super::devtools::DevTools;
use super::lab::*;
use super::navigate::nothing_gets_out;
use super::plain::Plain;
use rustix::process::Signal;
use serde_json::json;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, timeout};
use usher::browser::{Action, Address, Browser, BrowserError, Network, PageError, SessionOptions, Wait};

/// A test with a browser of somebody else.
pub fn with_plain<F: Future<Output = Plain>>(test: impl FnOnce(Plain) -> F) {
    with_chromium(|options| async move {
        let plain = Plain::start(&options.executable).await;
        test(plain).await.end().await;
    });
}

fn contexts(tools: &mut DevTools) -> usize {
    tools.call("Target.getBrowserContexts", json!({}))["browserContextIds"].as_array().unwrap().len()
}

fn pages(tools: &mut DevTools) -> Vec<String> {
    let targets = tools.call("Target.getTargets", json!({}))["targetInfos"].take();
    let pages = targets.as_array().unwrap().iter().filter(|target| target["type"] == "page");
    pages.map(|page| page["url"].as_str().unwrap().to_owned()).collect()
}

/// Waits until drivers have so many contexts in the browser.
async fn contexts_become(tools: &mut DevTools, expected: usize) {
    let become_so = timeout(Duration::from_secs(60), async {
        while contexts(tools) != expected {
            tokio::task::yield_now().await;
        }
    });
    become_so.await.unwrap_or_else(|_| panic!("not {expected} contexts, but {}", contexts(tools)));
}

#[test]
fn it_is_left_as_it_was_when_we_disconnect() {
    with_plain(|plain| async move {
        let mut tools = DevTools::connect(&plain.address);
        let before = pages(&mut tools);
        tools.call("Target.createTarget", json!({ "url": "data:text/html,theirs" }));
        let by_port: Address = plain.http().parse().unwrap();
        let browser = Browser::connect(&by_port).await.unwrap();
        let other = plain.connect().await;
        assert!(browser.version().starts_with("Chrome/") && browser.process_id().is_none());
        let (lab, others) = (Lab::open(&browser).await, Lab::open(&other).await);
        lab.goto("form.html").await;
        others.goto("form.html").await;
        assert_eq!(contexts(&mut tools), 2);
        let wait = Wait { until: Instant::now() + Duration::from_secs(300), watch: Vec::new() };
        let never = role("button", "Nowhere").into_target();
        let (ended, ()) = tokio::join!(lab.page.expect(&never, &wait), browser.clone().close());
        assert_eq!(ended.unwrap_err(), PageError::Closed);
        assert!(!browser.is_alive() && !lab.session.is_alive());
        contexts_become(&mut tools, 1).await;
        // Neither the other driver nor the pages of others noticed.
        others.click(role("button", "Save")).await.unwrap();
        others.session.close().await;
        contexts_become(&mut tools, 0).await;
        let left = pages(&mut tools);
        assert!(left.len() == before.len() + 1 && left.iter().any(|url| url.ends_with("theirs")), "{left:?}");
        drop((browser, other));
        plain
    });
}

/// Runs as the victim of the next test, in a process of its own: opens a session, says so, and waits to be killed.
#[test]
fn victim() {
    if let Ok(address) = std::env::var("USHER_TEST_ELSEWHERE") {
        with_chromium(|_| async move {
            let browser = Browser::connect(&address.parse().unwrap()).await.unwrap();
            let lab = Lab::open(&browser).await;
            lab.goto("form.html").await;
            println!("\nopened");
            std::future::pending::<()>().await;
        });
    }
}

#[test]
fn it_has_nothing_of_a_driver_that_was_killed() {
    with_plain(|plain| async move {
        let mut tools = DevTools::connect(&plain.address);
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "browser::elsewhere::victim", "--nocapture"])
            .env("USHER_TEST_ELSEWHERE", &plain.address)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while lines.next_line().await.unwrap().expect("the victim opened a session") != "opened" {}
        assert_eq!(contexts(&mut tools), 1);
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        contexts_become(&mut tools, 0).await;
        Lab::open(&plain.connect().await).await.goto("arrived.html").await;
        plain
    });
}

#[test]
fn other_origins_are_blocked_in_it() {
    with_plain(|plain| async move {
        let browser = plain.connect().await;
        nothing_gets_out(Lab::open(&browser).await).await;
        plain
    });
}

/// Has a page ask a STUN server for its address, as WebRTC does, and says what became of it.
const STUN: &str = "<script>(async () => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const Peer = window.RTCPeerConnection ?? frame.contentWindow.RTCPeerConnection;
    if (!Peer) return document.body.append('no WebRTC');
    const peer = new Peer({ iceServers: [{ urls: 'stun:127.0.0.1:' + location.hash.slice(1) }] });
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && document.body.append('asked');
    peer.createDataChannel('x');
    await peer.setLocalDescription(await peer.createOffer());
})()</script>";

#[test]
fn webrtc_goes_around_no_block_in_it() {
    with_plain(|plain| async move {
        let app = axum::Router::new()
            .route("/", axum::routing::get(|| async { axum::response::Html(format!("<body>{STUN}")) }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let stun = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let browser = plain.connect().await;
        let options =
            SessionOptions { origins: vec![base.clone()], viewport: (800, 600), network: Network::Real };
        let session = browser.open_session(&options).await.unwrap();
        let page = session.page();
        page.goto(&format!("{base}/#{}", stun.local_addr().unwrap().port()), &soon()).await.unwrap();
        page.expect(&text("no WebRTC").into_target(), &soon()).await.unwrap();
        assert_eq!(stun.try_recv(&mut [0; 64]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        plain
    });
}

#[test]
fn what_hangs_is_left() {
    with_plain(|plain| async move {
        let browser = plain.connect().await;
        let lab = Lab::open(&browser).await;
        lab.goto("form.html").await;
        plain.signal(Signal::STOP);
        let wait = Wait { until: Instant::now() + Duration::from_secs(300), watch: Vec::new() };
        let never = role("button", "Nowhere").into_target();
        let pending = timeout(Duration::from_secs(100), lab.page.expect(&never, &wait)).await;
        // The socket is open, but nobody answers.
        let again = Browser::connect(&plain.address.parse().unwrap()).await;
        plain.signal(Signal::CONT);
        assert_eq!(pending.expect("it is noticed").unwrap_err(), PageError::Closed);
        let error = again.unwrap_err();
        assert!(matches!(&error, BrowserError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().ends_with("no answer in 10 s"), "{error}");
        contexts_become(&mut DevTools::connect(&plain.address), 0).await;
        plain
    });
}

/// A press that was sent while a browser stood still is none when it goes on: nobody knows what has happened since.
#[test]
fn a_press_that_comes_late_is_none() {
    with_plain(|plain| async move {
        let browser = plain.connect().await;
        let lab = Lab::open(&browser).await;
        lab.goto("form.html").await;
        let save = role("button", "Save").into_target();
        let mut tools = DevTools::attach_at(&plain.address, &format!("{}/form.html", lab.base));
        // The page's own clock has gone on when the press comes.
        let late = "clicks = 0; document.getElementById('save').addEventListener('click', () => { clicks += 1 });
            addEventListener('mousemove', () => { for (const now = performance.now(); performance.now() < now + 5500;); }, { once: true })";
        tools.call("Runtime.evaluate", json!({ "expression": late }));
        let done = lab.page.act(&save, &Action::Click, &[], &soon()).await.unwrap();
        assert!(done.act_ms < 5000, "the one that counts was not late: {done:?}");
        let clicks = tools.call("Runtime.evaluate", json!({ "expression": "clicks" }));
        assert_eq!(clicks["result"]["value"], 1);
        drop(tools);
        plain
    });
}

#[test]
fn what_cannot_be_reached_says_so_without_its_key() {
    with_chromium(|_| async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusing = axum::Router::new().fallback(|| async { http::StatusCode::FORBIDDEN });
        let serving = tokio::spawn(async move { axum::serve(listener, refusing).await.unwrap() });
        let addresses = [
            format!("ws://ada:s3cret-w@127.0.0.1:{port}/s3cret-p?token=s3cret-t"),
            format!("http://ada:s3cret-w@127.0.0.1:{port}/?token=s3cret-t"),
            "ws://127.0.0.1:1/s3cret-p?token=s3cret-t".to_owned(),
            "http://127.0.0.1:1/?token=s3cret-t".to_owned(),
            "wss://ada:s3cret-w@localhost:1/s3cret-p?token=s3cret-t".to_owned(),
            "ws://nowhere.invalid/s3cret-p?token=s3cret-t".to_owned(),
        ];
        for address in addresses {
            let address: Address = address.parse().unwrap();
            let error = Browser::connect(&address).await.unwrap_err();
            let told = format!("{error} {error:?} {address:?}");
            assert!(matches!(error, BrowserError::Unreachable { .. }), "{told}");
            assert!(told.contains(&address.to_string()) && !told.contains("s3cret"), "{told}");
        }
        serving.abort();
    });
}
