//! One Chromium for all tests of this process, a web server on the loopback, and short words for locators.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as UrlPath, Query};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use usher::browser::{
    Acted, Action, Browser, LaunchOptions, Network, Page, PageError, Read, Session, SessionOptions, Target,
    Text, Wait,
};
use usher::locator::{Kind, Locator, Name, Nth, Part};

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap());
static BROWSER: OnceCell<Browser> = OnceCell::const_new();
static SERVER: OnceCell<String> = OnceCell::const_new();

/// Where Chromium is; none, with a word about it, where it is missing. With `CI` set it must be there.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("USHER_CHROMIUM").map(PathBuf::from);
    let found = named.or_else(|| {
        let paths = std::env::var_os("PATH")?;
        let candidates = std::env::split_paths(&paths)
            .flat_map(|folder| [folder.join("chromium"), folder.join("google-chrome")]);
        candidates.into_iter().find(|path| path.is_file())
    });
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "Chromium is missing; set USHER_CHROMIUM");
    if found.is_none() {
        eprintln!("skipped: Chromium is missing; set USHER_CHROMIUM");
    }
    found
}

/// Runs a test on the runtime that outlives all tests, where there is a Chromium.
pub fn with_chromium<F: Future<Output = ()>>(test: impl FnOnce(LaunchOptions) -> F) {
    if let Some(executable) = chromium() {
        let profiles = std::env::temp_dir().join("usher-test-profiles");
        RUNTIME.block_on(test(LaunchOptions { executable, headless: true, profiles }));
    }
}

/// Runs a test in a session of its own in the shared browser.
pub fn in_lab<F: Future<Output = ()>>(test: impl FnOnce(Lab) -> F) {
    with_chromium(|options| async move {
        let browser = BROWSER.get_or_init(|| async { Browser::launch(&options).await.unwrap() }).await;
        test(Lab::open(browser).await).await;
    });
}

/// A session and the server whose pages it may open.
pub struct Lab {
    pub session: Session,
    pub page: Page,
    pub base: String,
}

impl Lab {
    pub async fn open(browser: &Browser) -> Self {
        let base = base().await;
        let options =
            SessionOptions { origins: vec![base.clone()], viewport: (1000, 700), network: Network::Real };
        let session = browser.open_session(&options).await.unwrap();
        Self { page: session.page().clone(), session, base }
    }

    pub fn browser(&self) -> &'static Browser {
        BROWSER.get().unwrap()
    }

    /// A second session in the same browser.
    pub async fn another(&self) -> Self {
        Self::open(self.browser()).await
    }

    pub async fn goto(&self, page: &str) {
        self.page.goto(&format!("{}/{page}", self.base), &soon()).await.unwrap();
    }

    /// What the page recorded in its element `log`.
    pub async fn log(&self) -> String {
        self.page.read(&css("#log").into_target(), &Read::default(), &soon()).await.unwrap().unwrap()
    }

    pub async fn act(&self, locator: Locator, action: Action) -> Result<Acted, PageError> {
        self.page.act(&locator.into_target(), &action, &[], &soon()).await
    }

    pub async fn click(&self, locator: Locator) -> Result<Acted, PageError> {
        self.act(locator, Action::Click).await
    }

    pub async fn set(&self, locator: Locator, value: &str) -> Result<Acted, PageError> {
        self.act(locator, Action::Set(plain(value))).await
    }

    /// Evaluates nothing: asks for what matches now, described, or the error.
    pub async fn find(&self, locator: Locator) -> Result<String, PageError> {
        self.page.expect(&locator.into_target(), &shortly()).await.map(|found| found.element)
    }
}

/// A deadline that is far enough for a loaded machine.
pub fn soon() -> Wait {
    Wait { until: Instant::now() + Duration::from_secs(20), watch: Vec::new() }
}

/// A deadline for what is expected never to happen.
pub fn shortly() -> Wait {
    Wait { until: Instant::now() + Duration::from_millis(1000), watch: Vec::new() }
}

pub fn plain(text: &str) -> Text {
    Text { text: text.to_owned(), secret: false }
}

pub fn secret(text: &str) -> Text {
    Text { text: text.to_owned(), secret: true }
}

pub fn exact(kind: Kind, name: &str) -> Locator {
    Locator::one(kind, Name::Exact(name.to_owned()))
}

pub fn role(role: &str, name: &str) -> Locator {
    exact(Kind::Role(role.to_owned()), name)
}

pub fn any(role: &str) -> Locator {
    Locator {
        parts: vec![Part {
            kind: Kind::Role(role.to_owned()),
            name: None,
            has: vec![],
            is: vec![],
            nth: None,
        }],
    }
}

pub fn css(expression: &str) -> Locator {
    exact(Kind::Css, expression)
}

pub fn field(name: &str) -> Locator {
    exact(Kind::Field, name)
}

pub fn text(name: &str) -> Locator {
    exact(Kind::Text, name)
}

pub fn pattern(kind: Kind, regex: &str, ignore_case: bool) -> Locator {
    Locator::one(kind, Name::Pattern { regex: regex.to_owned(), ignore_case })
}

/// Steps of building a locator.
pub trait Build {
    fn inside(self, outer: Locator) -> Locator;
    fn has(self, inner: Locator) -> Locator;
    fn nth(self, nth: Nth) -> Locator;
    fn into_target(self) -> Target;
    fn within(self, scopes: &[Locator]) -> Target;
}

impl Build for Locator {
    fn inside(self, mut outer: Locator) -> Locator {
        outer.parts.extend(self.parts);
        outer
    }

    fn has(mut self, inner: Locator) -> Locator {
        self.parts.last_mut().unwrap().has.push(inner);
        self
    }

    fn nth(mut self, nth: Nth) -> Locator {
        self.parts.last_mut().unwrap().nth = Some(nth);
        self
    }

    fn into_target(self) -> Target {
        self.within(&[])
    }

    fn within(self, scopes: &[Locator]) -> Target {
        Target { within: scopes.to_vec(), locator: self }
    }
}

/// Where the pages are served.
pub async fn base() -> String {
    SERVER.get_or_init(serve).await.clone()
}

async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, pages()).await.unwrap() });
    base
}

/// The files of `fixtures/pages`, and answers of every other sort.
pub fn pages() -> Router {
    Router::new()
        .route("/{page}", get(page))
        .route("/to", get(|Query(to): Query<To>| async move { Redirect::to(&to.url) }))
        .route(
            "/status/{code}",
            get(|UrlPath(code): UrlPath<u16>| async move {
                (StatusCode::from_u16(code).unwrap(), Html("<h1>Sorry</h1>"))
            }),
        )
        .route(
            "/file",
            get(|| async { ([(header::CONTENT_DISPOSITION, "attachment; filename=a.bin")], "bytes") }),
        )
        .route("/nothing", get(|| async { StatusCode::NO_CONTENT }))
        .route("/late", get(late))
        .route("/never", get(|| async { std::future::pending::<()>().await }))
}

/// A page that is long in coming.
async fn late() -> Response {
    drop(tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await);
    page(UrlPath("arrived.html".to_owned())).await
}

#[derive(serde::Deserialize)]
struct To {
    url: String,
}

async fn page(UrlPath(page): UrlPath<String>) -> Response {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pages").join(&page);
    match std::fs::read_to_string(path) {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
