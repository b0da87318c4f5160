//! What authors of connectors look at: what a locator matches, and where on the page something would be done.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::error::PageError;
use super::act::words;
use super::ask::{About, Once};
use super::{Action, Guard, Page, Target, Wait};

/// How long a question about "now" may take.
const NOW: std::time::Duration = std::time::Duration::from_secs(10);

/// What a locator matches at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Matches {
    /// The visible elements in words, the first 20.
    pub elements: Vec<String>,
    /// How many match and are hidden, where none is visible.
    pub hidden: usize,
    /// Whether everything that the locator is looked for in is there.
    pub entered: bool,
}

impl Page {
    /// What matches now, without waiting for anything.
    ///
    /// # Errors
    /// The page failed.
    pub async fn matches(&self, target: &Target) -> Result<Matches, PageError> {
        let question = json!({ "within": target.within, "locator": target.locator });
        let wait = Wait { until: Instant::now() + NOW, watch: Vec::new() };
        let (matches, _) = self.ask("matches", question, About::Target(target), &wait).await?;
        Ok(matches)
    }

    /// Waits as [`Page::act`] does until `action` can be done and every guard holds, and marks the element instead of doing it. The
    /// mark stays. Returns the element, such as `button "Save"`.
    ///
    /// # Errors
    /// As for [`Page::act`]; nothing is done in any case.
    pub async fn show(
        &self,
        target: &Target,
        action: &Action,
        guards: &[Guard],
        wait: &Wait,
    ) -> Result<String, PageError> {
        #[derive(Deserialize)]
        struct Ready {
            element: String,
            token: u64,
        }
        let question = json!({ "within": target.within, "locator": target.locator, "guards": guards, "action": words(action) });
        let (ready, world): (Ready, String) =
            self.ask("ready", question, About::Target(target), wait).await?;
        let marked = json!({ "token": ready.token });
        // A document that was replaced meanwhile has nothing to be marked.
        let _: Once<Value> =
            self.ask_world(&world, "show", marked, About::Target(target), wait.until).await?;
        Ok(ready.element)
    }
}
