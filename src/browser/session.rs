//! A session: an isolated browser context with one page.
//!
//! Invariants: nothing of a session (cookies, storage, cache) is seen by another; it is gone when the session is closed or dropped. The
//! page is set up before it loads anything: our script is in every document, origins are limited, downloads denied.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::{browser, target};
use tokio::sync::watch;

use super::BrowserError;
use super::follow::{Following, Part, set_up};
use super::origins::Origins;
use super::page::{Page, Surroundings};
use super::playback::Playback;
use super::popups::{KeptPages, Popups};
use super::record::Recorder;
use super::router::{CallError, Router};
use super::state::PageState;

/// How long the end of a session is awaited.
const CLOSE: Duration = Duration::from_secs(10);

/// What a session may do and how its page looks.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The origins that it may reach, as URLs; everything else is blocked and recorded.
    pub origins: Vec<String>,
    /// Width and height of the page, in CSS pixels.
    pub viewport: (u32, u32),
    /// What its pages have for a network.
    pub network: Network,
}

/// What the pages of a session have for a network.
#[derive(Clone, Debug, Default)]
pub enum Network {
    /// The origins that it may reach.
    #[default]
    Real,
    /// The same; what goes over it is kept for a recording.
    Recorded(Recorder),
    /// None: a recording answers.
    Played(Playback),
}

/// An isolated browser context with one page. Dropping it closes it.
#[derive(Debug)]
pub struct Session {
    page: Page,
    context: Context,
    /// The name and version of its browser.
    browser: String,
}

/// What all sessions of a browser share.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    /// The name and version of the browser.
    pub(super) version: &'a str,
    /// The proxy that refuses everything.
    pub(super) proxy: &'a str,
    /// Where its files are.
    pub(super) files: Files,
}

/// Where the files of a browser are.
#[derive(Clone, Debug)]
pub(super) enum Files {
    /// On this machine. Downloads are put into this folder, which is removed with the browser.
    Here(PathBuf),
    /// On another: what it is given or gives goes over the connection.
    Elsewhere,
}

#[derive(Debug)]
struct Context {
    router: Router,
    id: browser::BrowserContextId,
    session: String,
    _pages: KeptPages,
}

impl Session {
    pub(super) async fn open(
        router: &Router,
        popups: &Popups,
        ground: &Ground<'_>,
        options: &SessionOptions,
    ) -> Result<Self, BrowserError> {
        let origins = Arc::new(Origins::parse(&options.origins)?);
        let create = target::CreateBrowserContextParams::builder()
            .dispose_on_detach(true)
            .proxy_server(ground.proxy)
            .proxy_bypass_list(match options.network {
                Network::Played(_) => Origins::NONE.to_owned(),
                Network::Real | Network::Recorded(_) => origins.bypass_rules(),
            })
            .build();
        let id = router.send(None, &create).await?.browser_context_id;
        let downloads = browser::SetDownloadBehaviorParams {
            behavior: browser::SetDownloadBehaviorBehavior::Deny,
            browser_context_id: Some(id.clone()),
            download_path: None,
            events_enabled: None,
        };
        let denied = router.send(None, &downloads);
        let target = new_page(router, &id, options.viewport).await?;
        denied.await?;
        let pages = popups.keep_only(&id, &target);
        let surroundings = Surroundings {
            windows: pages.windows(),
            viewport: options.viewport,
            files: ground.files.clone(),
            origins,
            network: options.network.clone(),
            secrets: Mutex::default(),
            never_shown: Mutex::default(),
        };
        let page = attach(router, target, Arc::new(surroundings)).await?;
        let session = page.session().to_owned();
        let context = Context { router: router.clone(), id, session, _pages: pages };
        Ok(Self { page, context, browser: ground.version.to_owned() })
    }

    /// Its page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The addresses outside the allowed origins that pages of this session asked for, each once.
    pub fn blocked(&self) -> Vec<String> {
        self.page.blocked()
    }

    /// The name and version of its browser.
    pub fn browser(&self) -> &str {
        &self.browser
    }

    /// Whether its browser still takes orders.
    pub fn is_alive(&self) -> bool {
        self.context.router.is_alive()
    }

    /// Closes it and returns when Chromium has disposed of it; or after a while where it does not answer.
    pub async fn close(self) {
        let dispose = target::DisposeBrowserContextParams { browser_context_id: self.context.id.clone() };
        // Where the browser is gone, so is the session.
        drop(tokio::time::timeout(CLOSE, self.context.router.send(None, &dispose)).await);
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // Sent at once; nobody waits for the answer. A second one, after `close`, is refused and does no harm.
        drop(
            self.router
                .send(None, &target::DisposeBrowserContextParams { browser_context_id: self.id.clone() }),
        );
        self.router.forget(&self.session);
    }
}

async fn new_page(
    router: &Router,
    context: &browser::BrowserContextId,
    (width, height): (u32, u32),
) -> Result<target::TargetId, BrowserError> {
    let create = target::CreateTargetParams::builder()
        .url("about:blank")
        .browser_context_id(context.clone())
        .width(i64::from(width))
        .height(i64::from(height))
        .new_window(true)
        .build()
        .map_err(BrowserError::Broken)?;
    Ok(router.send(None, &create).await?.target_id)
}

/// Attaches to a page and sets it up.
pub(super) async fn attach(
    router: &Router,
    target: target::TargetId,
    surroundings: Arc<Surroundings>,
) -> Result<Page, CallError> {
    let attach = target::AttachToTargetParams { target_id: target.clone(), flatten: Some(true) };
    let session: String = router.send(None, &attach).await?.session_id.into();
    let origins = surroundings.origins.clone();
    let state = PageState {
        session: session.clone(),
        main_frame: target.into(),
        origins,
        ready: true,
        ..PageState::default()
    };
    let (state, _) = watch::channel(state);
    let state = Arc::new(state);
    let events = router.listen(Some(&session));
    let following = Following {
        router: router.clone(),
        session: session.clone(),
        state: state.clone(),
        surroundings: surroundings.clone(),
    };
    tokio::spawn(following.until_its_end(events));
    set_up(router, &session, &surroundings, Part::Page).await?;
    Ok(Page::new(router.clone(), session, state, surroundings))
}
