//! What is known of the download that a page was told to wait for, from its events.

use serde::Deserialize;
use serde_json::Value;

use super::router::Event;

/// The ends of kinds of applications' files that Chromium shows.
const SHOWN: &[&str] = &["json", "xml", "pdf", "javascript"];

/// A download that was announced, or is awaited.
#[derive(Clone, Debug, Default)]
pub(super) struct Downloading {
    /// Chromium's name for it, and the name of its file; or the request that it answers, which waits. None until it begins.
    pub(super) guid: Option<String>,
    /// Where it comes from, once it has begun.
    pub(super) url: Option<String>,
    /// Bytes so far, or in all where the app says so.
    pub(super) bytes: u64,
    /// How it ended.
    pub(super) ended: Option<DownloadEnd>,
    /// The address of one that the page has made itself, which no request asks for.
    pub(super) made_at: Option<String>,
    /// The page opened a window instead.
    pub(super) is_in_window: bool,
    /// The most bytes that it may have.
    pub(super) most: u64,
    /// What was read of an answer that was kept, or why it was not.
    pub(super) read: Option<Result<Vec<u8>, String>>,
}

/// The frame that begins a download, where the event tells of that.
pub(super) fn beginning(event: &Event) -> Option<&str> {
    if event.method == "Browser.downloadWillBegin" { event.params.get("frameId")?.as_str() } else { None }
}

/// An answer that waits for our word.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paused {
    request_id: String,
    #[serde(default)]
    request: Asked,
    frame_id: String,
    response_status_code: Option<u16>,
    #[serde(default)]
    response_headers: Vec<Header>,
}

#[derive(Default, Deserialize)]
struct Asked {
    url: String,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

impl Paused {
    /// Whether Chromium would not show it but save it.
    fn is_file(&self) -> bool {
        let header = |name: &str| {
            let found = self.response_headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            let word = found.and_then(|header| header.value.split(';').next());
            word.map(|word| word.trim().to_lowercase()).unwrap_or_default()
        };
        let kind = header("content-type");
        let (family, kind) = kind.split_once('/').unwrap_or_default();
        let is_shown = match family {
            "" | "image" | "audio" | "video" | "multipart" => true,
            "text" => kind != "csv",
            "application" => SHOWN.iter().any(|shown| kind.ends_with(shown)),
            _ => false,
        };
        header("content-disposition") == "attachment" || !is_shown
    }
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownloadEnd {
    Complete,
    Cancelled,
}

impl Downloading {
    /// Takes in that the page begins one.
    pub(super) fn began(&mut self, params: &Value) {
        let url = params.get("url").and_then(Value::as_str).unwrap_or_default();
        if self.made_at.is_none() && ["blob:", "data:"].iter().any(|scheme| url.starts_with(scheme)) {
            self.made_at = Some(url.to_owned());
        }
    }

    /// Whether an answer, which waits for our word, is the file; it is the first that is. What the main frame is answered while it is not
    /// `navigating` is one whatever its kind: a link with `download` has asked for it.
    pub(super) fn offer(&mut self, params: &Value, main_frame: &str, navigating: bool) -> bool {
        let Ok(paused) = Paused::deserialize(params) else { return false };
        let is_asked_for = paused.frame_id == main_frame && !navigating;
        let is_answer = paused.response_status_code.is_some_and(|status| (200..300).contains(&status));
        let is_ours = self.guid.is_none() && is_answer && (is_asked_for || paused.is_file());
        if is_ours {
            self.guid = Some(paused.request_id);
            self.url = Some(paused.request.url);
        }
        is_ours
    }

    /// Takes in an event: that a download of ours begins, or how the one that counts, the first, goes on.
    pub(super) fn apply(&mut self, event: &Event) {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Told {
            guid: String,
            url: Option<String>,
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
            self.url = told.url;
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_chromium_would_save_is_the_file_and_the_first_is() {
        let check = |frame: &str, navigating, status: u16, headers: &[(&str, &str)], expected: bool| {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            let paused = json!({ "requestId": "r", "frameId": frame, "responseStatusCode": status,
                "responseHeaders": headers });
            let mut download = Downloading::default();
            assert_eq!(download.offer(&paused, "main", navigating), expected, "{paused}");
            assert!(!download.offer(&paused, "main", navigating) || !expected, "a second one");
        };
        let html = [("Content-Type", "text/html; charset=utf-8")];
        check("main", true, 200, &html, false);
        check("main", true, 200, &[("Content-Type", "text/csv")], true);
        check("main", true, 200, &[("content-type", "application/json")], false);
        check("main", true, 200, &[("content-disposition", "Attachment; filename=a"), html[0]], true);
        check("main", true, 302, &[("content-disposition", "attachment")], false);
        check("main", true, 500, &[("content-type", "text/csv")], false);
        check("main", true, 200, &[("content-type", "application/octet-stream")], true);
        check("main", true, 200, &[("content-type", "application/xhtml+xml")], false);
        check("main", false, 200, &html, true);
        check("frame", false, 200, &html, false);
        check("frame", false, 200, &[("content-type", "text/csv")], true);
    }
}
