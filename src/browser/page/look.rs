//! Looking at a page without touching it.

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::super::error::PageError;
use super::ask::About;
use super::frames::is_framed;
use super::{Found, Guard, Page, Read, Rows, Target, Wait};
use crate::locator::Locator;

/// How long a list may wait for requests that are under way; one that never ends must not hold it up.
const QUIET: std::time::Duration = std::time::Duration::from_secs(3);

/// How long questions about "now" may take.
const NOW: std::time::Duration = std::time::Duration::from_secs(10);

/// The most characters that [`Page::text`] returns.
const MOST_TEXT: usize = 20_000;

fn question(target: &Target) -> Value {
    json!({ "within": target.within, "locator": target.locator })
}

fn question_with(target: &Target, key: &str, value: Value) -> Value {
    json!({ "within": target.within, "locator": target.locator, key: value })
}

impl Page {
    /// Waits until exactly one visible element matches.
    ///
    /// # Errors
    /// None or several did, or the page failed.
    pub async fn expect(&self, target: &Target, wait: &Wait) -> Result<Found, PageError> {
        #[derive(serde::Deserialize)]
        struct Answer {
            element: String,
        }
        let (Answer { element }, _) =
            self.ask("expect", question(target), About::Target(target), wait).await?;
        Ok(Found { element })
    }

    /// Waits until no visible element matches.
    ///
    /// # Errors
    /// One was there to the end ([`PageError::StillThere`]), or the page failed.
    pub async fn gone(&self, target: &Target, wait: &Wait) -> Result<(), PageError> {
        self.ask::<Value>("gone", question(target), About::Target(target), wait).await?;
        Ok(())
    }

    /// Waits until a control has this value: a text, the label of a select's option, `true` or `false`.
    ///
    /// # Errors
    /// It had another to the end, or the page failed.
    pub async fn field_is(&self, target: &Target, value: &str, wait: &Wait) -> Result<(), PageError> {
        let question = question_with(target, "text", json!(value));
        self.ask::<Value>("fieldIs", question, About::Target(target), wait).await?;
        Ok(())
    }

    /// Waits until the address matches.
    ///
    /// # Errors
    /// It did not to the end ([`PageError::Address`]), or the page failed.
    pub async fn url_matches(&self, regex: &regex::Regex, wait: &Wait) -> Result<(), PageError> {
        match self.wait_for_state(wait.until, |state| regex.is_match(&state.url)).await {
            Err(PageError::TooSlow { doing }) => {
                Err(PageError::Address { looked_for: regex.as_str().to_owned(), url: self.url(), doing })
            }
            other => other,
        }
    }

    /// Waits until one of `targets` is visible; the index of the first that is.
    ///
    /// # Errors
    /// None was to the end, or the page failed.
    pub async fn first_of(&self, targets: &[Target], wait: &Wait) -> Result<usize, PageError> {
        if targets.is_empty() {
            return Err(PageError::Protocol("nothing to wait for".into()));
        }
        if targets.iter().any(is_framed) {
            // Each is looked for by itself, as each may be in another frame.
            let appear = targets.iter().map(|target| {
                Box::pin(self.ask::<Value>("appears", question(target), About::AnyOf(targets), wait))
            });
            let (first, index, _) = futures::future::select_all(appear).await;
            return first.map(|_| index);
        }
        let (index, _) =
            self.ask("firstOf", json!({ "targets": targets }), About::AnyOf(targets), wait).await?;
        Ok(index)
    }

    /// Waits for the one element and reads it; none where it has no such attribute. Secrets read as empty.
    ///
    /// # Errors
    /// None or several matched, or the page failed.
    pub async fn read(&self, target: &Target, what: &Read, wait: &Wait) -> Result<Option<String>, PageError> {
        let (value, _) =
            self.ask("read", question_with(target, "what", json!(what)), About::Target(target), wait).await?;
        Ok(value)
    }

    /// Reads all visible rows in one go, after the requests under way have ended. Each cell is looked for inside its row and must match
    /// at most one element. What the rows are in must be there; the rows may be none.
    ///
    /// # Errors
    /// What the rows are in was not found, a cell matched several, or the page failed.
    pub async fn rows(
        &self,
        rows: &Target,
        cells: &[(Locator, Read)],
        wait: &Wait,
    ) -> Result<Rows, PageError> {
        let quiet = wait.until.min(Instant::now() + QUIET);
        let mut state = self.state.subscribe();
        // Where it does not get quiet, the rows are read as they are.
        drop(timeout_at(quiet, state.wait_for(|state| state.busy() == 0 || state.ended.is_some())).await);
        let cells_json: Vec<Value> =
            cells.iter().map(|(locator, what)| json!({ "locator": locator, "what": what })).collect();
        let question = question_with(rows, "cells", json!(cells_json));
        let (rows, _) = self.ask("rows", question, About::Rows(rows, cells), wait).await?;
        Ok(Rows { rows })
    }

    /// Whether a visible element matches now, without waiting for it.
    ///
    /// # Errors
    /// The page failed.
    pub async fn is_there(&self, target: &Target) -> Result<bool, PageError> {
        let (there, _) = self.ask("isThere", question(target), About::Target(target), &now()).await?;
        Ok(there)
    }

    /// Whether exactly one visible element matches now and is enabled.
    ///
    /// # Errors
    /// Several match, or the page failed.
    pub async fn is_enabled(&self, target: &Target) -> Result<bool, PageError> {
        let (enabled, _) = self.ask("isEnabled", question(target), About::Target(target), &now()).await?;
        Ok(enabled)
    }

    /// Whether what must hold in the innermost of the scopes, or the page, does now.
    ///
    /// # Errors
    /// A guard does not hold, a scope is not there, or the page failed.
    pub async fn holds(&self, within: &[Locator], guards: &[Guard], wait: &Wait) -> Result<(), PageError> {
        let question = json!({ "within": within, "guards": guards });
        self.ask::<Value>("holds", question, About::AnyOf(&[]), wait).await?;
        Ok(())
    }

    /// The visible text of the page, white space folded, at most 20,000 characters.
    ///
    /// # Errors
    /// The page failed.
    pub async fn text(&self) -> Result<String, PageError> {
        let (text, _) = self.ask("text", json!({ "most": MOST_TEXT }), About::AnyOf(&[]), &now()).await?;
        Ok(text)
    }
}

fn now() -> Wait {
    Wait { until: Instant::now() + NOW, watch: Vec::new() }
}
