//! Files for file controls.

use chromiumoxide::cdp::browser_protocol::dom::SetFileInputFilesParams;
use chromiumoxide::cdp::js_protocol::runtime::{CallArgument, CallFunctionOnParams, RemoteObjectId};
use serde_json::{Value, json};
use std::path::Path;

use super::super::error::PageError;
use super::Page;

impl Page {
    /// Chooses a file in the file control that our script holds under `token`.
    pub(super) async fn choose_file(&self, world: &str, token: u64, file: &Path) -> Result<(), PageError> {
        let Some(control) = self.object(world, "held", json!({ "token": token })).await? else {
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
    ) -> Result<Option<RemoteObjectId>, PageError> {
        let argument = CallArgument { value: Some(question), unserializable_value: None, object_id: None };
        let call = CallFunctionOnParams {
            arguments: Some(vec![argument]),
            unique_context_id: Some(world.to_owned()),
            ..CallFunctionOnParams::new(format!("(question) => usher.{function}(question)"))
        };
        Ok(self.send(&call).await?.result.object_id)
    }
}
