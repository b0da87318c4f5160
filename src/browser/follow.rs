//! The targets of a page: the page itself, and frames of it that Chromium keeps in processes of their own.
//!
//! With the switches that we start Chromium with there are none such. One that runs elsewhere has switches of its own, and by default every
//! frame of another site is one: a target with a session, which stands still until our script is in it.

use std::sync::Arc;

use chromiumoxide::cdp::browser_protocol::{emulation, fetch, inspector, page, target};
use chromiumoxide::cdp::js_protocol::runtime;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};

use super::dialogs::Reply;
use super::page::{SCRIPT, Surroundings, read_answer};
use super::playback::Playback;
use super::record;
use super::router::{CallError, Event, Router};
use super::session::{Files, Network};
use super::state::{End, PageState, WORLD};

/// WebRTC asks no proxy. Our Chromium is started so that it must; of another, pages have none.
const NO_WEBRTC: &str = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;";

/// Takes in what Chromium tells of a target of a page.
pub(super) struct Following {
    pub(super) router: Router,
    pub(super) session: String,
    /// Of the page.
    pub(super) state: Arc<watch::Sender<PageState>>,
    pub(super) surroundings: Arc<Surroundings>,
}

impl Following {
    /// Keeps the state of the page and dismisses native dialogs, until the session of the target ends.
    pub(super) async fn until_its_end(self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            match event.method.as_ref() {
                "Target.attachedToTarget" => self.take_in_frame(&event),
                "Fetch.requestPaused" => match &self.surroundings.network {
                    Network::Played(playback) => playback.answer(&self.router, &self.session, &event),
                    Network::Real | Network::Recorded(_) => self.keep_or_continue(&event),
                },
                _ => self.take_in(&event),
            }
        }
        self.state.send_modify(|state| state.end_session(&self.session, End::Closed));
    }

    fn take_in(&self, event: &Event) {
        let mut reply = None;
        self.state.send_modify(|state| reply = state.apply(event));
        if let Network::Recorded(recorder) = &self.surroundings.network {
            recorder.take_in(&self.router, &self.session, event);
        }
        match reply {
            None => {}
            Some(Reply::Answer(answer)) => {
                let prompt_text = answer.text.map(|text| text.text);
                let answer = page::HandleJavaScriptDialogParams { accept: answer.accept, prompt_text };
                drop(self.router.send(Some(&self.session), &answer));
            }
            Some(Reply::ClosePage) => {
                let page = self.state.borrow().main_frame.clone();
                drop(self.router.send(None, &target::CloseTargetParams::new(page)));
            }
        }
    }

    /// Sets up a frame in a process of its own, and lets it go on. Where that fails the frame is gone. What is no frame only goes on.
    fn take_in_frame(&self, event: &Event) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Attached {
            session_id: String,
            target_info: Info,
        }
        #[derive(Deserialize)]
        struct Info {
            #[serde(rename = "type")]
            kind: String,
        }
        let Ok(Attached { session_id: session, target_info }) = Attached::deserialize(&event.params) else {
            return;
        };
        if target_info.kind != "iframe" {
            // A worker, which has stood still like a frame would.
            let go_on = runtime::RunIfWaitingForDebuggerParams::default();
            drop(self.router.send(Some(&session), &go_on));
            let detach = target::DetachFromTargetParams { session_id: Some(session.into()) };
            drop(self.router.send(Some(&self.session), &detach));
            return;
        }
        let events = self.router.listen(Some(&session));
        let frame = Self {
            router: self.router.clone(),
            session: session.clone(),
            state: self.state.clone(),
            surroundings: self.surroundings.clone(),
        };
        let set_up = set_up(&self.router, &session, &self.surroundings, Part::Frame);
        tokio::spawn(async move {
            let (set_up, ()) = tokio::join!(set_up, frame.until_its_end(events));
            if let Err(error) = set_up {
                tracing::debug!(%error, "a frame went before it was set up");
            }
        });
    }

    /// A file that the page was told to wait for is kept; everything else goes on.
    fn keep_or_continue(&self, event: &Event) {
        let Some(request) = event.params.get("requestId").and_then(|id| id.as_str()) else { return };
        let mut most = None;
        self.state.send_modify(|state| most = state.offer(&event.params));
        let Some(most) = most else {
            let go_on = fetch::ContinueRequestParams::new(request.to_owned());
            drop(self.router.send(Some(&self.session), &go_on));
            return;
        };
        let read = read_answer(self.router.clone(), self.session.clone(), request.to_owned(), most);
        let (state, request) = (self.state.clone(), request.to_owned());
        tokio::spawn(async move {
            let read = read.await;
            state.send_modify(|state| {
                // Unless nobody waits for it any more.
                let waited = state.download.as_mut().filter(|download| download.guid == Some(request));
                if let Some(download) = waited {
                    download.read = Some(read);
                }
            });
        });
    }
}

/// What of a page is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Page,
    /// A frame in a process of its own.
    Frame,
}

/// All in one go: the calls are sent before the first answer is awaited.
pub(super) fn set_up(
    router: &Router,
    session: &str,
    surroundings: &Surroundings,
    part: Part,
) -> impl Future<Output = Result<(), CallError>> + Send + use<> {
    let to = Some(session);
    let (width, height) = surroundings.viewport;
    let script = page::AddScriptToEvaluateOnNewDocumentParams {
        source: SCRIPT.to_owned(),
        world_name: Some(WORLD.to_owned()),
        include_command_line_api: None,
        run_immediately: Some(true),
    };
    let less = page::AddScriptToEvaluateOnNewDocumentParams::new(NO_WEBRTC);
    let size =
        emulation::SetDeviceMetricsOverrideParams::new(i64::from(width), i64::from(height), 1.0, false);
    // Apps that animate are asked not to: what moves cannot be clicked, and is slow to photograph.
    let still = emulation::MediaFeature::new("prefers-reduced-motion", "reduce");
    let media = emulation::SetEmulatedMediaParams { media: None, features: Some(vec![still]) };
    let frames =
        target::SetAutoAttachParams { flatten: Some(true), ..target::SetAutoAttachParams::new(true, true) };
    let is_recorded = matches!(surroundings.network, Network::Recorded(_));
    let bodies = is_recorded.then(|| router.send(to, &record::keep_bodies()));
    let network = record::watching(is_recorded);
    let played = matches!(surroundings.network, Network::Played(_))
        .then(|| (router.send(to, &Playback::waiting()), router.send(to, &Playback::past_workers())));
    let answers = (
        router.send(to, &page::EnableParams::default()),
        router.send(to, &runtime::EnableParams::default()),
        router.send(to, &network),
        router.send(to, &inspector::EnableParams::default()),
        router.send(to, &emulation::SetFocusEmulationEnabledParams::new(true)),
        router.send(to, &media),
        router.send(to, &script),
    );
    let size = (part == Part::Page).then(|| router.send(to, &size));
    let elsewhere = matches!(surroundings.files, Files::Elsewhere)
        .then(|| (router.send(to, &less), router.send(to, &frames)));
    let go_on =
        (part == Part::Frame).then(|| router.send(to, &runtime::RunIfWaitingForDebuggerParams::default()));
    async move {
        if let Some(bodies) = bodies {
            bodies.await?;
        }
        if let Some((waiting, past_workers)) = played {
            waiting.await?;
            past_workers.await?;
        }
        answers.0.await?;
        answers.1.await?;
        answers.2.await?;
        answers.3.await?;
        answers.4.await?;
        answers.5.await?;
        answers.6.await?;
        if let Some(size) = size {
            size.await?;
        }
        if let Some((less, frames)) = elsewhere {
            less.await?;
            frames.await?;
        }
        if let Some(go_on) = go_on {
            go_on.await?;
        }
        Ok(())
    }
}
