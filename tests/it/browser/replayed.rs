//! What pages do over the network beside loading, recorded against a server on the loopback and replayed without it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use futures::StreamExt as _;
use usher::browser::{Action, Network, Playback, Read, Recorder, SessionOptions};
use usher::secret::Redactor;

use super::lab::{Build, Lab, css, in_lab, soon};

/// A page that does something over the network and writes into its element `log` what came of it, and at its end has an element `end`.
const PAGE: &str = r#"<!doctype html><title>Talk</title><pre id="log"></pre><script>
const log = (line) => document.querySelector('#log').append(line + '\n');
const text = async (answer) => (await answer).text();
const does = {
  async streamed() { log(await text(fetch('/chunked'))); },
  async events() {
    await new Promise((done) => {
      const events = new EventSource('/events');
      events.onmessage = (event) => { log(event.data); if (event.data === 'three') { events.close(); done(); } };
      events.onerror = () => { log('broken'); events.close(); done(); };
    });
  },
  async aborted() {
    const stop = new AbortController();
    const answer = fetch('/never', { signal: stop.signal }).catch((error) => log(error.name));
    await text(fetch('/chunked'));
    stop.abort();
    await answer;
  },
  async refused() { log((await fetch('/gone')).status); await fetch('http://127.0.0.2:9/').catch((error) => log(error.name)); },
  async polled() {
    for (;;) {
      const said = await text(fetch('/poll?_=' + Math.random().toString(36).slice(2)));
      log(said);
      if (said === 'ready') return;
    }
  },
  async redirected() { const answer = await fetch('/away'); log(new URL(answer.url).pathname + ' ' + await answer.text()); },
  async posted() {
    const again = await fetch('/list', { method: 'POST', body: new URLSearchParams({ csrf_token: window.token, name: 'Ann' }) });
    log(await again.text());
  },
  async kept() { for (const time of [1, 2]) log(await text(fetch('/tagged', { cache: 'no-cache' }))); },
  async socket() {
    await new Promise((done) => {
      const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
      socket.onopen = socket.onerror = () => { done(); };
    });
    await navigator.serviceWorker.register('/worker.js').catch(() => {});
    log('went on');
  },
};
does[location.pathname.split('/').pop()]().catch((error) => log(error))
  .then(() => document.body.insertAdjacentHTML('beforeend', '<p id="end">The end</p>'));
</script>"#;

#[derive(Clone, Default)]
struct Told {
    polls: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

fn streamed(chunks: &'static [&'static str]) -> Body {
    Body::from_stream(futures::stream::iter(chunks.iter().map(|chunk| Ok::<_, Infallible>(*chunk))))
}

async fn tagged(headers: HeaderMap) -> Response {
    let tag = [(header::ETAG, "\"one\"")];
    match headers.get(header::IF_NONE_MATCH) {
        Some(_) => (StatusCode::NOT_MODIFIED, tag).into_response(),
        None => (tag, "tagged").into_response(),
    }
}

/// Its token is another one each time.
async fn page(State(told): State<Told>) -> Html<String> {
    let token = format!("{:032x}", 0xcafe_u128 << 96 | told.requests.load(Ordering::SeqCst) as u128);
    Html(format!(
        "<meta name=\"csrf-token\" content=\"{token}\"><script>window.token = '{token}'</script>{PAGE}"
    ))
}

async fn serve() -> (String, Told) {
    let told = Told::default();
    let poll = async |State(told): State<Told>| match told.polls.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => "wait",
        _ => "ready",
    };
    let count = told.clone();
    let routes = Router::new()
        .route("/does/{what}", get(page))
        .route("/chunked", get(async || streamed(&["one ", "two ", "three"])))
        .route(
            "/events",
            get(async || {
                let events = ["data: one\n\n", "id: 2\ndata: two\n\n", "data: three\n\n"];
                let events = events.map(Ok::<_, Infallible>);
                let body = futures::stream::iter(events).chain(futures::stream::pending());
                ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body))
            }),
        )
        .route("/never", get(std::future::pending::<&str>))
        .route("/poll", get(poll))
        .route("/away", get(async || Redirect::temporary("/there")))
        .route("/there", get(async || "there"))
        .route("/list", get(async || "Ann is on the list").post(async || Redirect::to("/list")))
        .route("/tagged", get(tagged))
        .route("/files", get(async || Html(FILES)))
        .route("/export", get(async || Redirect::to("/members.csv")))
        .route("/members.csv", get(async || file("text/csv", "attachment; filename=members.csv")))
        .route("/members.txt", get(async || file("text/plain", "inline")))
        .route(
            "/worker.js",
            get(async || {
                ([(header::CONTENT_TYPE, "text/javascript")], "self.addEventListener('fetch', () => {})")
            }),
        )
        .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
            count.requests.fetch_add(1, Ordering::SeqCst);
            async move { request }
        }))
        .with_state(told.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (base, told)
}

/// What the page says at its end.
async fn said(lab: &Lab, base: &str, what: &str, network: Network) -> String {
    let options = SessionOptions { origins: vec![base.to_owned()], viewport: (1000, 700), network };
    let session = lab.browser().open_session(&options).await.unwrap();
    session.page().goto(&format!("{base}/does/{what}"), &soon()).await.unwrap();
    session.page().expect(&css("#end").into_target(), &soon()).await.unwrap();
    let log =
        session.page().read(&css("#log").into_target(), &Read::default(), &soon()).await.unwrap().unwrap();
    session.close().await;
    log.trim().to_owned()
}

/// A page that gives its list as a file, in three ways.
const FILES: &str = r#"<!doctype html><title>Files</title><a href="/export" id="attached">One</a> <a href="/members.txt" id="named" download>Two</a>
<button id="made">Three</button><script>
document.querySelector('#made').onclick = async () => {
  const blob = new Blob([await (await fetch('/members.txt')).text()]);
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: 'made.csv' });
  link.click();
};</script>"#;

const MEMBERS: &str = "email,role\nann@acme.example,agent\n";

fn file(kind: &'static str, disposition: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], MEMBERS).into_response()
}

/// The file that the page gives.
async fn downloaded(lab: &Lab, base: &str, how: &str, network: Network) -> String {
    let options = SessionOptions { origins: vec![base.to_owned()], viewport: (1000, 700), network };
    let session = lab.browser().open_session(&options).await.unwrap();
    let page = session.page();
    page.goto(&format!("{base}/files"), &soon()).await.unwrap();
    let download = page.prepare_download(1 << 20).await.unwrap();
    page.act(&css(how).into_target(), &Action::Click, &[], &soon()).await.unwrap();
    download.begun(&soon()).await.unwrap();
    let bytes = download.bytes(soon().until).await.unwrap();
    session.close().await;
    String::from_utf8(bytes).unwrap()
}

/// What was recorded, to be played.
async fn playback(recorder: &Recorder) -> Playback {
    let recording = recorder.recording(&Redactor::default()).await;
    let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let har = recording.to_har("Chromium/1", |bytes, _| {
        let name = bodies.len().to_string();
        bodies.insert(name.clone(), bytes.to_vec());
        name
    });
    Playback::new(&har, |name| Ok(bodies[name].clone())).unwrap()
}

#[test]
fn a_file_that_was_downloaded_is_downloaded_again_in_a_replay() {
    in_lab(|lab| async move {
        for how in ["#attached", "#named", "#made"] {
            let (base, told) = serve().await;
            let recorder = Recorder::default();
            let before = downloaded(&lab, &base, how, Network::Recorded(recorder.clone())).await;
            assert_eq!(before, MEMBERS, "{how}");
            let playback = playback(&recorder).await;
            let asked = told.requests.load(Ordering::SeqCst);
            let now = downloaded(&lab, &base, how, Network::Played(playback.clone())).await;
            assert_eq!(now, MEMBERS, "{how}, replayed; refused: {:?}", playback.refused());
            assert_eq!(playback.refused(), [""; 0], "{how}");
            assert_eq!(told.requests.load(Ordering::SeqCst), asked, "{how}: the server was asked");
        }
    });
}

#[test]
fn whatever_pages_do_over_the_network_they_do_again_in_a_replay() {
    in_lab(|lab| async move {
        for (what, expected) in [
            ("streamed", "one two three"),
            ("events", "one two three"),
            ("aborted", "AbortError"),
            ("refused", "404 TypeError"),
            ("polled", "wait wait ready"),
            ("redirected", "/there there"),
            ("posted", "Ann is on the list"),
            ("kept", "tagged tagged"),
            ("socket", "went on"),
        ] {
            let (base, told) = serve().await;
            let recorder = Recorder::default();
            let before = said(&lab, &base, what, Network::Recorded(recorder.clone())).await;
            assert_eq!(before, expected, "{what}, with its server");
            let playback = playback(&recorder).await;
            let asked = told.requests.load(Ordering::SeqCst);
            let now = said(&lab, &base, what, Network::Played(playback.clone())).await;
            let refused = playback.refused();
            // What a server goes on sending has no body that Chromium keeps: the page sees it end.
            let expected = if what == "events" { "broken" } else { expected };
            assert_eq!(now, expected, "{what}, replayed; refused: {refused:?}");
            // What was blocked in earnest is in no recording.
            let unknown = refused.iter().filter(|line| !line.contains("//127.0.0.2"));
            assert_eq!(unknown.count(), 0, "{what}: {refused:?}");
            assert_eq!(told.requests.load(Ordering::SeqCst), asked, "{what}: the server was asked");
        }
    });
}
