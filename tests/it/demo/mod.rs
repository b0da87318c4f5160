//! Acme Desk over real HTTP, as a browser without script sees it.

mod control;
mod groups;
mod members;
mod sign_in;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use usher::demo::{AcmeDesk, Member, Options, PASSWORD, SERVICE_ACCOUNT};

const NOON_MS: i64 = 1_800_000_000_000;
const MEMBERS: &str = "/orgs/acme/members";

/// The app, and its time in our hands.
struct App {
    desk: AcmeDesk,
    now_ms: Arc<AtomicI64>,
}

/// One browser's cookie jar, and the page it is on.
pub(crate) struct Browser {
    http: reqwest::Client,
    base: String,
    cookie: Option<String>,
    status: u16,
    location: Option<String>,
    set_cookie: String,
    page: String,
}

impl App {
    async fn start(adjust: impl FnOnce(&mut Options)) -> Self {
        let now_ms = Arc::new(AtomicI64::new(NOON_MS));
        let drawn = AtomicU64::new(0);
        let clock = Arc::clone(&now_ms);
        let fill = move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(8) {
                let next = drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                chunk.copy_from_slice(&next[..chunk.len()]);
            }
        };
        let mut options = Options::new(Arc::new(move || clock.load(Ordering::Relaxed)), Arc::new(fill));
        adjust(&mut options);
        Self { desk: AcmeDesk::start(options).await.unwrap(), now_ms }
    }

    fn pass_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn browser(&self) -> Browser {
        Browser::of(&self.desk)
    }

    /// A browser in which the service account is signed in.
    async fn signed_in(&self) -> Browser {
        Browser::signed_in(&self.desk).await
    }

    fn member(&self, email: &str) -> Member {
        self.desk.members().into_iter().find(|member| member.email == email).unwrap()
    }

    /// The record as `action email` lines.
    fn record(&self) -> Vec<String> {
        self.desk.record().iter().map(|change| format!("{} {}", change.action.word(), change.email)).collect()
    }
}

impl Browser {
    fn of(desk: &AcmeDesk) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self {
            http,
            base: desk.url(),
            cookie: None,
            status: 0,
            location: None,
            set_cookie: String::new(),
            page: String::new(),
        }
    }

    /// One in which the service account is signed in.
    pub(crate) async fn signed_in(desk: &AcmeDesk) -> Self {
        let mut browser = Self::of(desk);
        browser.sign_in(PASSWORD).await;
        assert_eq!(browser.location.as_deref(), Some("/"), "{}", browser.page);
        browser
    }

    async fn get(&mut self, path: &str) -> &str {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(request).await;
        &self.page
    }

    /// Posts a form as it stands, with the token of the page that is open.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> &str {
        let csrf = self.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.post_raw(path, &fields).await
    }

    async fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> &str {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.send(request).await;
        &self.page
    }

    /// Opens the members page, then posts a form of it.
    async fn do_to(&mut self, id: u64, action: &str, fields: &[(&str, &str)]) -> &str {
        self.get(MEMBERS).await;
        self.post(&format!("{MEMBERS}/{id}/{action}"), fields).await
    }

    async fn sign_in(&mut self, password: &str) -> &str {
        self.get("/login").await;
        self.post("/login", &[("email", SERVICE_ACCOUNT), ("password", password)]).await
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.unwrap();
        self.status = response.status().as_u16();
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        self.location = header("location");
        self.set_cookie = header("set-cookie").unwrap_or_default();
        if let Some((cookie, _)) = self.set_cookie.split_once(';') {
            self.cookie = Some(cookie.to_owned());
        }
        self.page = response.text().await.unwrap();
    }

    fn csrf(&self) -> String {
        between(&self.page, "name=\"csrf\" value=\"", "\"").expect("the page has a form").to_owned()
    }

    /// What the page says in `role=alert`.
    fn alert(&self) -> Option<&str> {
        between(&self.page, "role=\"alert\">", "<")
    }

    /// What the page says in `role=status`.
    fn status(&self) -> Option<&str> {
        between(&self.page, "role=\"status\">", "<")
    }

    /// The text about the page of the list that is shown.
    fn shown(&self) -> &str {
        between(&self.page, "<div class=\"pager\">\n    <p>", "<").unwrap()
    }

    /// The addresses in the table, in order.
    fn emails(&self) -> Vec<&str> {
        let cells = self.page.split("<td role=\"cell\" class=\"email\">").skip(1);
        cells.map(|cell| cell.split('<').next().unwrap()).collect()
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
