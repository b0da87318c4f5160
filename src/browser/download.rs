//! What is known of the download that a page was told to wait for, from its events.

use serde::Deserialize;

use super::router::Event;

/// A download that was announced, or is awaited.
#[derive(Clone, Debug, Default)]
pub(super) struct Downloading {
    /// Chromium's name for it, and the name of its file; none until it begins.
    pub(super) guid: Option<String>,
    /// Bytes so far, or in all where the app says so.
    pub(super) bytes: u64,
    /// How it ended.
    pub(super) ended: Option<DownloadEnd>,
}

/// The frame that begins a download, where the event tells of that.
pub(super) fn beginning(event: &Event) -> Option<&str> {
    if event.method == "Browser.downloadWillBegin" { event.params.get("frameId")?.as_str() } else { None }
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownloadEnd {
    Complete,
    Cancelled,
}

impl Downloading {
    /// Takes in an event: that a download of ours begins, or how the one that counts, the first, goes on.
    pub(super) fn apply(&mut self, event: &Event) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Told {
            guid: String,
            #[serde(default)]
            total_bytes: f64,
            #[serde(default)]
            received_bytes: f64,
            #[serde(default)]
            state: String,
        }
        let Ok(told) = Told::deserialize(&event.params) else { return };
        if beginning(event).is_some() && self.guid.is_none() {
            self.guid = Some(told.guid.clone());
        }
        if self.guid.as_ref() != Some(&told.guid) {
            return;
        }
        // Chromium counts in floating point; what is negative or no number is none.
        self.bytes = self.bytes.max(told.received_bytes.max(told.total_bytes) as u64);
        self.ended = match told.state.as_str() {
            "completed" => Some(DownloadEnd::Complete),
            "canceled" => Some(DownloadEnd::Cancelled),
            _ => self.ended,
        };
    }
}
