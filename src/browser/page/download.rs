//! Downloads: denied, but while one is awaited.
//!
//! Chromium on this machine saves it in a folder. On another machine it would save it there; so the answer that brings the file is kept from
//! it and read over the connection (`stream`).

use std::io::Read;
use std::path::Path;

use chromiumoxide::cdp::browser_protocol::browser::{
    CancelDownloadParams, SetDownloadBehaviorBehavior, SetDownloadBehaviorParams,
};
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::super::download::{DownloadEnd, Downloading, beginning};
use super::super::error::PageError;
use super::super::router::Event;
use super::super::session::{Files, Network};
use super::{Page, Wait};

/// A download that a page is about to begin. Dropping it cancels the download, removes its file and denies others.
#[derive(Debug)]
pub struct Download {
    page: Page,
    most: u64,
    way: Way,
}

/// How it comes here.
#[derive(Debug)]
enum Way {
    /// In a folder. What Chromium tells of it is taken in.
    Saved { folder: TempDir, following: tokio::task::AbortHandle },
    /// Over the connection.
    Streamed,
}

impl Page {
    /// From now on the page may download one file of at most `most` bytes, until the result is dropped. A window that it opens for that is
    /// kept, but not where the browser runs elsewhere.
    ///
    /// # Errors
    /// There is no place for it, or the page failed.
    pub async fn prepare_download(&self, most: u64) -> Result<Download, PageError> {
        self.check()?;
        let Files::Here(folder) = &self.surroundings.files else {
            self.state
                .send_modify(|state| state.download = Some(Downloading { most, ..Downloading::default() }));
            let download = Download { page: self.clone(), most, way: Way::Streamed };
            self.keep_files().await?;
            return Ok(download);
        };
        let folder = tempfile::Builder::new().prefix("download-").tempdir_in(folder);
        let folder = folder.map_err(|error| PageError::Download { reason: error.to_string() })?;
        self.state.send_modify(|state| state.download = Some(Downloading { most, ..Downloading::default() }));
        self.keep_windows(true);
        let following =
            tokio::spawn(follow(self.clone(), self.surroundings.windows.downloads())).abort_handle();
        let path = folder.path().display().to_string();
        let download = Download { page: self.clone(), most, way: Way::Saved { folder, following } };
        let allowed = self.router.send(None, &self.behaviour(Some(path)));
        allowed.await.map_err(|error| self.failed(error))?;
        Ok(download)
    }

    /// Where downloads of this page's context are put; none are allowed without.
    fn behaviour(&self, path: Option<String>) -> SetDownloadBehaviorParams {
        let allowed = path.is_some();
        SetDownloadBehaviorParams {
            behavior: match allowed {
                true => SetDownloadBehaviorBehavior::AllowAndName,
                false => SetDownloadBehaviorBehavior::Deny,
            },
            browser_context_id: Some(self.surroundings.windows.context()),
            download_path: path,
            events_enabled: Some(allowed),
        }
    }
}

impl Download {
    /// Waits until the download has begun.
    ///
    /// # Errors
    /// None began ([`PageError::Download`]), it is of a kind that cannot be read from a browser elsewhere ([`PageError::Elsewhere`]), or the
    /// page failed.
    pub async fn begun(&self, wait: &Wait) -> Result<(), PageError> {
        let is_streamed = matches!(self.way, Way::Streamed);
        let is_special =
            |download: &Downloading| is_streamed && (download.made_at.is_some() || download.is_in_window);
        let begun = self.page.wait_for_state(wait.until, |state| {
            state.download.as_ref().is_some_and(|download| download.guid.is_some() || is_special(download))
        });
        begun.await.map_err(|error| match error {
            PageError::TooSlow { doing } => {
                PageError::Download { reason: format!("the page offered no file ({doing})") }
            }
            other => other,
        })?;
        match self.page.state.borrow().download.as_ref() {
            Some(download) if download.guid.is_none() && download.made_at.is_none() => {
                Err(PageError::Elsewhere {
                    what: "a file that a page gives in a window of its own".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Waits until the download is complete and gives its bytes.
    ///
    /// # Errors
    /// It was too long or was broken off ([`PageError::Download`]), took too long, or the page failed.
    pub async fn bytes(self, until: Instant) -> Result<Vec<u8>, PageError> {
        let bytes = match &self.way {
            Way::Saved { folder, .. } => self.saved(folder.path(), until).await?,
            Way::Streamed => self.streamed(until).await?,
        };
        let url = self.page.state.borrow().download.as_ref().and_then(|download| download.url.clone());
        // Chromium lets nobody read the body of an answer that it saves.
        if let (Network::Recorded(recorder), Some(url)) = (&self.page.surroundings.network, url) {
            recorder.downloaded(&url, &bytes);
        }
        Ok(bytes)
    }

    /// The bytes of one that is put into this folder.
    async fn saved(&self, folder: &Path, until: Instant) -> Result<Vec<u8>, PageError> {
        let most = self.most;
        self.page
            .wait_for_state(until, |state| {
                state
                    .download
                    .as_ref()
                    .is_none_or(|download| download.ended.is_some() || download.bytes > most)
            })
            .await?;
        let state = self.page.state.borrow().download.clone().unwrap_or_default();
        let failed = |reason: String| PageError::Download { reason };
        if state.bytes > most {
            return Err(failed(too_long(most)));
        }
        let (Some(guid), Some(DownloadEnd::Complete)) = (state.guid, state.ended) else {
            return Err(failed("the download was broken off".to_owned()));
        };
        let path = folder.join(guid);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        });
        let bytes = read.await.map_err(|error| failed(error.to_string()))?;
        let bytes = bytes.map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > most { Err(failed(too_long(most))) } else { Ok(bytes) }
    }

    /// The same of one that comes over the connection.
    async fn streamed(&self, until: Instant) -> Result<Vec<u8>, PageError> {
        let made_at = self
            .page
            .state
            .borrow()
            .download
            .as_ref()
            .and_then(|download| download.made_at.clone().filter(|_| download.guid.is_none()));
        if let Some(url) = made_at {
            return self.page.read_made(&url, until, self.most).await;
        }
        let is_read = |download: &Downloading| download.read.is_some();
        self.page.wait_for_state(until, |state| state.download.as_ref().is_none_or(is_read)).await?;
        let mut read = None;
        self.page.state.send_modify(|state| {
            read = state.download.as_mut().and_then(|download| download.read.take());
        });
        let read = read.unwrap_or_else(|| Err("the download was broken off".to_owned()));
        read.map_err(|reason| PageError::Download { reason })
    }
}

/// What is said of a file that is longer than it may be.
pub(super) fn too_long(most: u64) -> String {
    format!("the file is longer than {} MiB", most >> 20)
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut under_way = None;
        self.page.state.send_modify(|state| {
            under_way = state.download.take().filter(|download| download.ended.is_none());
        });
        let under_way = under_way.and_then(|download| download.guid);
        let Way::Saved { following, .. } = &self.way else {
            return self.page.let_files_go(under_way);
        };
        following.abort();
        if let Some(guid) = under_way {
            let context = Some(self.page.surroundings.windows.context());
            drop(self.page.router.send(None, &CancelDownloadParams { guid, browser_context_id: context }));
        }
        drop(self.page.router.send(None, &self.page.behaviour(None)));
        self.page.keep_windows(false);
    }
}

/// Keeps what is known of the download that a frame of `page`, or a window that it opened, begins.
async fn follow(page: Page, mut events: broadcast::Receiver<Event>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let is_ours =
            |frame: &str| page.state.borrow().has_frame(frame) || page.surroundings.windows.keeps(frame);
        if beginning(&event).is_none_or(is_ours) {
            page.state.send_modify(|state| {
                if let Some(download) = &mut state.download {
                    download.apply(&event);
                }
            });
        }
    }
}
