//! A file of an app, read over the connection to a browser that runs elsewhere: what it saves would be on its machine.
//!
//! An answer is held up before Chromium sees what it is. It is read at once, as the page answers nothing meanwhile; for the page the request then
//! failed, as it does with every download.

use base64::Engine as _;
use chromiumoxide::cdp::browser_protocol::{fetch, io, network};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::super::error::PageError;
use super::super::router::Router;
use super::Page;
use super::ask::{About, Once};
use super::download::too_long;

/// How much is read at a time, in bytes.
const PIECE: i64 = 1 << 20;

/// Reads the answer that was kept for `request` and lets the page go on. An error says why it could not be read.
pub(in crate::browser) async fn read_answer(
    router: Router,
    session: String,
    request: String,
    most: u64,
) -> Result<Vec<u8>, String> {
    let to = Some(session.as_str());
    let read = async {
        let take = fetch::TakeResponseBodyAsStreamParams::new(request.clone());
        let stream = router.send(to, &take).await.map_err(|error| error.to_string())?.stream;
        let mut bytes = Vec::new();
        loop {
            let piece = io::ReadParams { handle: stream.clone(), offset: None, size: Some(PIECE) };
            let piece =
                router.send(to, &piece).await.map_err(|_| "the download was broken off".to_owned())?;
            if piece.base64_encoded == Some(true) {
                let decoded = base64::engine::general_purpose::STANDARD.decode(piece.data);
                bytes.extend(decoded.map_err(|error| error.to_string())?);
            } else {
                bytes.extend(piece.data.into_bytes());
            }
            if bytes.len() as u64 > most {
                return Err(too_long(most));
            }
            if piece.eof {
                drop(router.send(to, &io::CloseParams::new(stream)));
                return Ok(bytes);
            }
        }
    };
    let read = read.await;
    let end = fetch::FailRequestParams::new(request, network::ErrorReason::Aborted);
    drop(router.send(to, &end));
    read
}

/// What our script tells of a file that the page has made.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Made {
    /// In Base64.
    File(String),
    TooLong,
    Gone,
}

impl Page {
    /// From now on answers with documents wait for our word: whether they are the file that is waited for.
    pub(super) async fn keep_files(&self) -> Result<(), PageError> {
        let documents = fetch::RequestPattern {
            url_pattern: None,
            resource_type: Some(network::ResourceType::Document),
            request_stage: Some(fetch::RequestStage::Response),
        };
        let keep = fetch::EnableParams { patterns: Some(vec![documents]), handle_auth_requests: None };
        self.send(&keep).await.map(drop)
    }

    /// From now on they do not. One that is still being read is broken off.
    pub(super) fn let_files_go(&self, kept: Option<String>) {
        if let Some(request) = kept {
            let end = fetch::FailRequestParams::new(request, network::ErrorReason::Aborted);
            drop(self.send(&end));
        }
        drop(self.send(&fetch::DisableParams::default()));
    }

    /// The bytes of a file that the page has made itself, where it is still there.
    pub(super) async fn read_made(&self, url: &str, until: Instant, most: u64) -> Result<Vec<u8>, PageError> {
        let world = self.world(&[], until).await?;
        let question = json!({ "url": url, "most": most });
        let told = self.ask_world::<Made>(&world, "madeFile", question, About::AnyOf(&[]), until).await?;
        match told {
            Once::Answered(Made::File(data)) => {
                let decoded = base64::engine::general_purpose::STANDARD.decode(data);
                decoded.map_err(|error| PageError::Download { reason: error.to_string() })
            }
            Once::Answered(Made::TooLong) => Err(PageError::Download { reason: too_long(most) }),
            Once::Answered(Made::Gone) | Once::Replaced => {
                Err(PageError::Elsewhere { what: "a file that a page makes and lets nobody read".to_owned() })
            }
        }
    }
}
