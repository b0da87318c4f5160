//! Chromium: sessions, pages, locators, actions and waiting. The only module that names `chromiumoxide`.
//!
//! Invariants: nothing of a browser that we started survives this process, `kill -9` included, and of one that runs elsewhere no session; a crashed tab or browser fails every pending call at
//! once; every wait has an end and is answered by events in the page, in one round trip where nothing fails; an action meets exactly
//! one visible element that is still, enabled and receives the event, or it does not happen; what comes out of
//! templates reaches a page as data and never as script.
//!
//! Deliberately absent: `chromiumoxide`'s own `Browser`, `Handler`, `Page` and `Element`, which hang when a tab crashes, click what covers
//! an element, and lose the session of an event. Only its typed commands and its socket are used.

mod address;
mod dialogs;
mod download;
mod error;
mod follow;
mod origins;
mod overheard;
mod page;
mod playback;
mod popups;
mod process;
mod record;
mod remote;
mod router;
mod session;
mod state;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;
use tokio::net::TcpSocket;

use popups::Popups;
use process::Process;
use remote::Connected;
use router::{CallError, Router};
use session::Files;

pub use address::{Address, AddressError};
pub use dialogs::{DialogAnswer, DialogSeen};
pub use error::{BrowserError, PageError, Seen, Unready};
pub use overheard::{Overheard, Sent};
pub use page::{
    Acted, Action, Answered, Arrival, Asked, Download, Drift, Drifted, Exposure, Found, Guard, Kept, Located,
    Matches, Page, Photograph, Read, Rows, Shot, Target, Text, Wait,
};
pub use playback::{Playback, PlaybackError, STAND_IN};
pub use record::{Recorder, Recording};
pub use session::{Network, Session, SessionOptions};

/// How long Chromium may take to start.
const START: Duration = Duration::from_secs(60);
/// How long it may take to open a session.
const OPEN: Duration = Duration::from_secs(30);

/// How Chromium is started.
#[derive(Clone, Debug)]
pub struct LaunchOptions {
    /// The program.
    pub executable: PathBuf,
    /// Without windows.
    pub headless: bool,
    /// The folder in which temporary profiles are made. Made where it is missing.
    pub profiles: PathBuf,
}

/// A running Chromium. Clones share it; one that we started ends with the last of them, or with [`Browser::close`]; one that runs elsewhere
/// is then left alone.
#[derive(Clone, Debug)]
pub struct Browser {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    router: Router,
    popups: Popups,
    version: String,
    /// What refuses everything that is not allowed.
    proxy: String,
    /// Where its files are.
    files: Files,
    /// Where we started it.
    own: Option<Own>,
}

/// What there is of a browser that we started.
#[derive(Debug)]
struct Own {
    process: Mutex<Option<Process>>,
    process_id: Option<u32>,
    /// Bound and never listening, so that every connection to it is refused and nobody else can take its port.
    _refusing: TcpSocket,
}

impl Browser {
    /// Starts Chromium and waits until it takes orders.
    ///
    /// # Errors
    /// It could not be started, ended, or did not take orders within a minute.
    pub async fn launch(options: &LaunchOptions) -> Result<Self, BrowserError> {
        let started = tokio::time::timeout(START, async {
            let process = Process::start(options).await?;
            let router = Router::connect(&process.address).await?;
            let version = router.send(None, &GetVersionParams::default()).await?.product;
            let popups = Popups::watch(&router).await?;
            Ok::<_, BrowserError>((process, router, version, popups))
        });
        let (process, router, version, popups) = started
            .await
            .map_err(|_| BrowserError::Broken(format!("no answer in {} s", START.as_secs())))??;
        let refusing = TcpSocket::new_v4().and_then(|socket| {
            socket.bind(([127, 0, 0, 1], 0).into())?;
            Ok((socket.local_addr()?, socket))
        });
        let (address, refusing) = refusing.map_err(|error| BrowserError::Broken(error.to_string()))?;
        let inner = Inner {
            router,
            popups,
            version,
            proxy: format!("http://{address}"),
            files: Files::Here(process.profile.clone()),
            own: Some(Own {
                process_id: process.id,
                process: Mutex::new(Some(process)),
                _refusing: refusing,
            }),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Connects to one that runs elsewhere. It may be used by others too: what is not of our sessions is not touched.
    ///
    /// # Errors
    /// It cannot be reached, or does not take orders.
    pub async fn connect(address: &Address) -> Result<Self, BrowserError> {
        let Connected { router, popups, version } = remote::connect(address).await?;
        let (proxy, files) = (remote::NOBODY.to_owned(), Files::Elsewhere);
        Ok(Self { inner: Arc::new(Inner { router, popups, version, proxy, files, own: None }) })
    }

    /// Opens a session: an isolated context with one empty page.
    ///
    /// # Errors
    /// An origin is none, or the browser is gone or does not answer.
    pub async fn open_session(&self, options: &SessionOptions) -> Result<Session, BrowserError> {
        let Inner { version, proxy, files, .. } = &*self.inner;
        let ground = session::Ground { version, proxy, files: files.clone() };
        let opened = Session::open(&self.inner.router, &self.inner.popups, &ground, options);
        let opened = tokio::time::timeout(OPEN, opened).await;
        opened.map_err(|_| BrowserError::Broken(format!("no session in {} s", OPEN.as_secs())))?
    }

    /// Whether it still takes orders.
    pub fn is_alive(&self) -> bool {
        self.inner.router.is_alive()
    }

    /// Returns when it has ended, whoever ended it.
    pub async fn closed(&self) {
        self.inner.router.closed().await;
    }

    /// Kills it with all its processes and returns when its browser process has ended and its profile is removed. From one that runs
    /// elsewhere it disconnects, and our sessions end there.
    pub async fn close(self) {
        let skipped = self.inner.router.skipped();
        if skipped > 0 {
            tracing::warn!(skipped, version = self.version(), "messages of the browser could not be read");
        }
        let Some(own) = &self.inner.own else {
            self.inner.router.disconnect();
            return self.inner.router.closed().await;
        };
        let process = own.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(process) = process {
            process.stop().await;
        }
    }

    /// The process id of the browser process, where we started it.
    pub fn process_id(&self) -> Option<u32> {
        self.inner.own.as_ref()?.process_id
    }

    /// Its name and version, such as `Chrome/156.0.8078.79`.
    pub fn version(&self) -> &str {
        &self.inner.version
    }
}

impl From<CallError> for BrowserError {
    fn from(error: CallError) -> Self {
        BrowserError::Broken(error.to_string())
    }
}
