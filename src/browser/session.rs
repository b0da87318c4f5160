//! A session: an isolated browser context with one page.
//!
//! Invariants: nothing of a session (cookies, storage, cache) is seen by another; it is gone when the session is closed or dropped. The
//! page is set up before it loads anything: our script is in every document, origins are limited, downloads denied.

use std::path::PathBuf;
use std::sync::Arc;

use chromiumoxide::cdp::browser_protocol::{browser, emulation, inspector, page, target};
use chromiumoxide::cdp::js_protocol::runtime;
use tokio::sync::{mpsc, watch};

use super::BrowserError;
use super::dialogs::Reply;
use super::origins::Origins;
use super::page::{Page, SCRIPT, Surroundings};
use super::popups::{KeptPages, Popups};
use super::record::{self, Recorder};
use super::router::{CallError, Event, Router};
use super::state::{End, PageState, WORLD};

/// What a session may do and how its page looks.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The origins that it may reach, as URLs; everything else is blocked and recorded.
    pub origins: Vec<String>,
    /// Width and height of the page, in CSS pixels.
    pub viewport: (u32, u32),
    /// Keeps what goes over the network, for a recording.
    pub recorder: Option<Recorder>,
}

/// An isolated browser context with one page. Dropping it closes it.
#[derive(Debug)]
pub struct Session {
    page: Page,
    context: Context,
}

/// What all sessions of a browser share.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    /// The proxy that refuses everything.
    pub(super) proxy: &'a str,
    /// Where downloads are put; it is removed with the browser.
    pub(super) folder: PathBuf,
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
            .proxy_bypass_list(origins.bypass_rules())
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
        let downloads = ground.folder.clone();
        let surroundings = Surroundings {
            windows: pages.windows(),
            viewport: options.viewport,
            downloads,
            origins,
            recorder: options.recorder.clone(),
        };
        let page = attach(router, target, Arc::new(surroundings)).await?;
        let session = page.session().to_owned();
        Ok(Self { page, context: Context { router: router.clone(), id, session, _pages: pages } })
    }

    /// Its page.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The addresses outside the allowed origins that pages of this session asked for, each once.
    pub fn blocked(&self) -> Vec<String> {
        self.page.blocked()
    }

    /// Closes it and returns when Chromium has disposed of it.
    pub async fn close(self) {
        let dispose = target::DisposeBrowserContextParams { browser_context_id: self.context.id.clone() };
        // Where the browser is gone, so is the session.
        drop(self.context.router.send(None, &dispose).await);
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
    let state = PageState { main_frame: target.into(), origins, ready: true, ..PageState::default() };
    let (state, _) = watch::channel(state);
    let state = Arc::new(state);
    let recorder = surroundings.recorder.clone();
    let events = router.listen(Some(&session));
    tokio::spawn(follow(router.clone(), session.clone(), events, state.clone(), recorder));
    set_up(router, &session, &surroundings).await?;
    Ok(Page::new(router.clone(), session, state, surroundings))
}

/// All in one go: the calls are sent before the first answer is awaited.
async fn set_up(router: &Router, session: &str, surroundings: &Surroundings) -> Result<(), CallError> {
    let to = Some(session);
    let (width, height) = surroundings.viewport;
    let script = page::AddScriptToEvaluateOnNewDocumentParams {
        source: SCRIPT.to_owned(),
        world_name: Some(WORLD.to_owned()),
        include_command_line_api: None,
        run_immediately: Some(true),
    };
    let size =
        emulation::SetDeviceMetricsOverrideParams::new(i64::from(width), i64::from(height), 1.0, false);
    // Apps that animate are asked not to: what moves cannot be clicked, and is slow to photograph.
    let still = emulation::MediaFeature::new("prefers-reduced-motion", "reduce");
    let media = emulation::SetEmulatedMediaParams { media: None, features: Some(vec![still]) };
    if surroundings.recorder.is_some() {
        router.send(to, &record::keep_bodies()).await?;
    }
    let network = record::watching(surroundings.recorder.is_some());
    let answers = (
        router.send(to, &page::EnableParams::default()),
        router.send(to, &runtime::EnableParams::default()),
        router.send(to, &network),
        router.send(to, &inspector::EnableParams::default()),
        router.send(to, &emulation::SetFocusEmulationEnabledParams::new(true)),
        router.send(to, &size),
        router.send(to, &media),
        router.send(to, &script),
    );
    answers.0.await?;
    answers.1.await?;
    answers.2.await?;
    answers.3.await?;
    answers.4.await?;
    answers.5.await?;
    answers.6.await?;
    answers.7.await?;
    Ok(())
}

/// Keeps the state of the page and dismisses native dialogs, until the session ends.
async fn follow(
    router: Router,
    session: String,
    mut events: mpsc::UnboundedReceiver<Event>,
    state: Arc<watch::Sender<PageState>>,
    recorder: Option<Recorder>,
) {
    while let Some(event) = events.recv().await {
        let mut reply = None;
        state.send_modify(|state| reply = state.apply(&event));
        if let Some(recorder) = &recorder {
            recorder.take_in(&router, &session, &event);
        }
        match reply {
            None => {}
            Some(Reply::Answer(answer)) => {
                let prompt_text = answer.text.map(|text| text.text);
                let answer = page::HandleJavaScriptDialogParams { accept: answer.accept, prompt_text };
                drop(router.send(Some(&session), &answer));
            }
            Some(Reply::ClosePage) => {
                let page = state.borrow().main_frame.clone();
                drop(router.send(None, &target::CloseTargetParams::new(page)));
            }
        }
    }
    state.send_modify(|state| {
        state.ended.get_or_insert(End::Closed);
    });
}
