//! Files for file controls.

use chromiumoxide::cdp::browser_protocol::dom::SetFileInputFilesParams;
use chromiumoxide::cdp::js_protocol::runtime::{CallArgument, CallFunctionOnParams, RemoteObjectId};
use serde_json::{Value, json};
use std::path::Path;
use tokio::time::{Instant, timeout_at};

use super::super::error::PageError;
use super::Page;

impl Page {
    /// Chooses a file in the file control that our script holds under `token`.
    pub(super) async fn choose_file(
        &self,
        world: &str,
        token: u64,
        file: &Path,
        until: Instant,
    ) -> Result<(), PageError> {
        let Some(control) = self.object(world, "held", json!({ "token": token }), until).await? else {
            return Err(PageError::Protocol("the file control is gone".into()));
        };
        let files = SetFileInputFilesParams {
            object_id: Some(control),
            ..SetFileInputFilesParams::new(vec![file.display().to_string()])
        };
        self.send(&files).await.map(drop)
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
        let answer = tokio::select! {
            biased;
            answer = timeout_at(until + super::ask::GRACE, self.router.send(Some(&self.session), &call)) => answer,
            () = self.dialog_opened() => {
                self.check()?;
                return Ok(None);
            }
        };
        match answer {
            Err(_) => Err(PageError::TooSlow { doing: self.state.borrow().doing() }),
            Ok(Err(error)) if super::ask::is_replaced(&error) => Ok(None),
            Ok(Err(error)) => Err(self.failed(error)),
            Ok(Ok(answer)) => Ok(answer.result.object_id),
        }
    }
}
