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

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownloadEnd {
    Complete,
    Cancelled,
}

impl Downloading {
    /// Takes in an event, where a download is awaited. Only the first one counts.
    pub(super) fn apply(awaited: &mut Option<Self>, event: &Event) {
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
        let (Some(download), Ok(told)) = (awaited, Told::deserialize(&event.params)) else { return };
        if *download.guid.get_or_insert_with(|| told.guid.clone()) != told.guid {
            return;
        }
        // Chromium counts in floating point; what is negative or no number is none.
        download.bytes = download.bytes.max(told.received_bytes.max(told.total_bytes) as u64);
        download.ended = match told.state.as_str() {
            "completed" => Some(DownloadEnd::Complete),
            "canceled" => Some(DownloadEnd::Cancelled),
            _ => download.ended,
        };
    }
}
