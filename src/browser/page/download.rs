//! Downloads: denied, but while one is awaited.

use std::io::Read;

use chromiumoxide::cdp::browser_protocol::browser::{
    CancelDownloadParams, SetDownloadBehaviorBehavior, SetDownloadBehaviorParams,
};
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::super::download::{DownloadEnd, Downloading, beginning};
use super::super::error::PageError;
use super::super::router::Event;
use super::{Page, Wait};

/// A download that a page is about to begin. Dropping it cancels the download, removes its file and denies others.
#[derive(Debug)]
pub struct Download {
    page: Page,
    folder: TempDir,
    /// Takes in what Chromium tells of it.
    following: tokio::task::AbortHandle,
}

impl Page {
    /// From now on the page may download one file, until the result is dropped. A window that it opens for that is kept.
    ///
    /// # Errors
    /// There is no place for it, or the page failed.
    pub async fn prepare_download(&self) -> Result<Download, PageError> {
        self.check()?;
        let folder = tempfile::Builder::new().prefix("download-").tempdir_in(&self.surroundings.downloads);
        let folder = folder.map_err(|error| PageError::Download { reason: error.to_string() })?;
        self.state.send_modify(|state| state.download = Some(Downloading::default()));
        self.keep_windows(true);
        let following =
            tokio::spawn(follow(self.clone(), self.surroundings.windows.downloads())).abort_handle();
        let download = Download { page: self.clone(), folder, following };
        self.router
            .send(None, &download.behaviour(SetDownloadBehaviorBehavior::AllowAndName))
            .await
            .map_err(|error| self.failed(error))?;
        Ok(download)
    }
}

impl Download {
    /// Waits until the download has begun.
    ///
    /// # Errors
    /// None began ([`PageError::Download`]), or the page failed.
    pub async fn begun(&self, wait: &Wait) -> Result<(), PageError> {
        let begun = self.page.wait_for_state(wait.until, |state| {
            state.download.as_ref().is_some_and(|download| download.guid.is_some())
        });
        begun.await.map_err(|error| match error {
            PageError::TooSlow { doing } => {
                PageError::Download { reason: format!("the page offered no file ({doing})") }
            }
            other => other,
        })
    }

    /// Waits until the download is complete and gives its bytes.
    ///
    /// # Errors
    /// It was longer than `most` bytes or was broken off ([`PageError::Download`]), took too long, or the page failed.
    pub async fn bytes(self, until: Instant, most: u64) -> Result<Vec<u8>, PageError> {
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
            return Err(failed(format!("the file is longer than {} MiB", most >> 20)));
        }
        let (Some(guid), Some(DownloadEnd::Complete)) = (state.guid, state.ended) else {
            return Err(failed("the download was broken off".to_owned()));
        };
        let path = self.folder.path().join(guid);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        });
        let bytes = read.await.map_err(|error| failed(error.to_string()))?;
        let bytes = bytes.map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > most {
            return Err(failed(format!("the file is longer than {} MiB", most >> 20)));
        }
        Ok(bytes)
    }

    fn behaviour(&self, behavior: SetDownloadBehaviorBehavior) -> SetDownloadBehaviorParams {
        let allowed = behavior == SetDownloadBehaviorBehavior::AllowAndName;
        SetDownloadBehaviorParams {
            behavior,
            browser_context_id: Some(self.page.surroundings.windows.context()),
            download_path: allowed.then(|| self.folder.path().display().to_string()),
            events_enabled: Some(allowed),
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.following.abort();
        let mut under_way = None;
        self.page.state.send_modify(|state| {
            under_way = state.download.take().filter(|download| download.ended.is_none());
        });
        if let Some(guid) = under_way.and_then(|download| download.guid) {
            let context = Some(self.page.surroundings.windows.context());
            drop(self.page.router.send(None, &CancelDownloadParams { guid, browser_context_id: context }));
        }
        drop(self.page.router.send(None, &self.behaviour(SetDownloadBehaviorBehavior::Deny)));
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
