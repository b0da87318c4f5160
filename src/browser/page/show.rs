//! What authors of connectors look at: what a locator matches, and where on the page something would be done.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::error::PageError;
use super::act::words;
use super::ask::{About, Once};
use super::{Action, Guard, Page, Target, Wait};
use crate::locator::Locator;

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

/// An element and how it is best said which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Located {
    /// The element in words.
    pub element: String,
    /// A locator that matches it and nothing else at this moment.
    pub locator: Locator,
}

impl Page {
    /// The best locators of everything visible that can be used, and of headings, tables, dialogs and messages, in the order of the
    /// page; the first 500.
    ///
    /// # Errors
    /// The page failed.
    pub async fn locate_all(&self) -> Result<Vec<Located>, PageError> {
        let wait = Wait { until: Instant::now() + NOW, watch: Vec::new() };
        Ok(self.ask("locateAll", json!({}), About::AnyOf(&[]), &wait).await?.0)
    }

    /// The best locator of the one element that matches.
    ///
    /// # Errors
    /// None or several match, or the page failed.
    pub async fn locate(&self, target: &Target, wait: &Wait) -> Result<Located, PageError> {
        let question = json!({ "within": target.within, "locator": target.locator });
        Ok(self.ask("locate", question, About::Target(target), wait).await?.0)
    }

    /// Waits until a person clicks an element, and gives its best locator. The page does not notice the click. Where another document
    /// is opened meanwhile, the click is awaited there.
    ///
    /// # Errors
    /// Nobody clicked in time, or the page failed.
    pub async fn pick(&self, until: Instant) -> Result<Located, PageError> {
        let wait = Wait { until, watch: Vec::new() };
        Ok(self.ask("pickOne", json!({}), About::AnyOf(&[]), &wait).await?.0)
    }

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
        self.exposed().await;
        let question = json!({ "within": target.within, "locator": target.locator, "guards": guards, "action": words(action) });
        let (ready, place): (Ready, _) = self.ask("ready", question, About::Target(target), wait).await?;
        let marked = json!({ "token": ready.token });
        // A document that was replaced meanwhile has nothing to be marked.
        let _: Once<Value> =
            self.ask_world(&place.world, "show", marked, About::Target(target), wait.until).await?;
        Ok(ready.element)
    }
}
