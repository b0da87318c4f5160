//! Files for file controls.

use base64::Engine as _;
use chromiumoxide::cdp::browser_protocol::dom::SetFileInputFilesParams;
use chromiumoxide::cdp::js_protocol::runtime::{CallArgument, CallFunctionOnParams, RemoteObjectId};
use serde_json::{Value, json};
use std::path::Path;
use tokio::time::{Instant, timeout_at};

use super::super::error::PageError;
use super::super::session::Files;
use super::Page;
use super::ask::{About, Once};

/// The longest file that is given to a browser on another machine, in bytes.
const MOST: u64 = 16 << 20;

impl Page {
    /// Chooses a file in the file control that our script holds under `token`.
    pub(super) async fn choose_file(
        &self,
        world: &str,
        token: u64,
        file: &Path,
        until: Instant,
    ) -> Result<(), PageError> {
        if matches!(self.surroundings.files, Files::Elsewhere) {
            return self.give_file(world, token, file, until).await;
        }
        let Some(control) = self.object(world, "held", json!({ "token": token }), until).await? else {
            return Err(PageError::Protocol("the file control is gone".into()));
        };
        let files = SetFileInputFilesParams {
            object_id: Some(control),
            ..SetFileInputFilesParams::new(vec![file.display().to_string()])
        };
        self.send_to(&self.session_of(world), &files).await.map(drop)
    }

    /// Gives the file itself to the page, as a browser on another machine has none of that path.
    async fn give_file(&self, world: &str, token: u64, file: &Path, until: Instant) -> Result<(), PageError> {
        let unreadable =
            |error: std::io::Error| PageError::Protocol(format!("the file cannot be read: {error}"));
        let length = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
        if length > MOST {
            let what = format!("a file of more than {} MiB", MOST >> 20);
            return Err(PageError::Elsewhere { what });
        }
        let data = base64::engine::general_purpose::STANDARD
            .encode(tokio::fs::read(file).await.map_err(unreadable)?);
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let question = json!({ "token": token, "name": name, "type": kind_of(&name), "data": data });
        match self.ask_world::<Value>(world, "giveFile", question, About::AnyOf(&[]), until).await? {
            Once::Answered(Value::Bool(true)) => Ok(()),
            _ => Err(PageError::Protocol("the file control is gone".into())),
        }
    }

    /// A handle to the element that our script answers with; none where it has none.
    pub(super) async fn object(
        &self,
        world: &str,
        function: &str,
        question: Value,
        until: Instant,
    ) -> Result<Option<RemoteObjectId>, PageError> {
        let argument = CallArgument { value: Some(question), unserializable_value: None, object_id: None };
        let call = CallFunctionOnParams {
            arguments: Some(vec![argument]),
            unique_context_id: Some(world.to_owned()),
            ..CallFunctionOnParams::new(format!("(question) => usher.{function}(question)"))
        };
        let session = self.session_of(world);
        let answer = tokio::select! {
            biased;
            answer = timeout_at(until + super::ask::GRACE, self.router.send(Some(&session), &call)) => answer,
            () = self.dialog_opened() => {
                self.check()?;
                return Ok(None);
            }
        };
        match answer {
            Err(_) => Err(PageError::TooSlow { doing: self.state.borrow().doing() }),
            Ok(Err(error)) if self.is_void(&session, &error) => Ok(None),
            Ok(Err(error)) => Err(self.failed(error)),
            Ok(Ok(answer)) => Ok(answer.result.object_id),
        }
    }
}

/// What a browser takes a file for by its name; nothing where that says nothing.
fn kind_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "csv" => "text/csv",
        "gif" => "image/gif",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "webp" => "image/webp",
        "xml" => "text/xml",
        "zip" => "application/zip",
        _ => "",
    }
}
