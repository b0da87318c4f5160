//! Opening an address.

use chromiumoxide::cdp::browser_protocol::page::NavigateParams;
use tokio::time::timeout_at;

use super::super::error::PageError;
use super::{Arrival, Page, Wait};

impl Page {
    /// Opens `url` and waits until its document is complete. An error page of the app is an arrival, with its status.
    ///
    /// # Errors
    /// It is outside the allowed origins ([`PageError::Blocked`]), cannot be opened ([`PageError::Navigation`]), or takes too long.
    pub async fn goto(&self, url: &str, wait: &Wait) -> Result<Arrival, PageError> {
        self.check()?;
        if !self.state.borrow().origins.allow(url) {
            return Err(PageError::Blocked { url: url.to_owned() });
        }
        self.exposed().await;
        self.state.send_modify(|state| state.dialogs.leaving = true);
        let arrived = self.navigate(url, wait).await;
        self.state.send_modify(|state| state.dialogs.leaving = false);
        arrived
    }

    async fn navigate(&self, url: &str, wait: &Wait) -> Result<Arrival, PageError> {
        let answer = match timeout_at(wait.until, self.send(&NavigateParams::new(url))).await {
            Ok(answer) => answer?,
            Err(_) => return Err(PageError::TooSlow { doing: self.state.borrow().doing() }),
        };
        // An error status without a page of its own is an answer of the app all the same.
        if let Some(reason) = answer.error_text.filter(|reason| !reason.contains("HTTP_RESPONSE_CODE")) {
            return Err(self.navigation_error(url, reason));
        }
        match answer.loader_id {
            Some(loader) => {
                let loader: String = loader.into();
                self.wait_for_state(wait.until, |state| {
                    state.loaders.contains(&loader) && state.is_settled()
                })
                .await?;
            }
            // Another place in the same document. The event that says so may come later.
            None => self.state.send_modify(|state| url.clone_into(&mut state.url)),
        }
        self.arrival()
    }

    /// Where the page is now; an error where Chromium shows its own error page.
    pub(super) fn arrival(&self) -> Result<Arrival, PageError> {
        let state = self.state.borrow();
        if let Some(url) = state.unreachable.as_ref().filter(|_| state.status().is_none()) {
            let url = url.clone();
            drop(state);
            return Err(self.navigation_error(&url, "the page could not be reached".into()));
        }
        Ok(Arrival { url: state.url.clone(), status: state.status() })
    }

    /// Chromium's word for a refused proxy means that the address is not allowed.
    fn navigation_error(&self, url: &str, reason: String) -> PageError {
        let state = self.state.borrow();
        let refused = state
            .blocked
            .iter()
            .rev()
            .find(|blocked| state.unreachable.as_ref().is_none_or(|it| it == *blocked));
        match refused {
            Some(blocked)
                if state.unreachable.is_some() || reason.contains("PROXY") || reason.contains("TUNNEL") =>
            {
                PageError::Blocked { url: blocked.clone() }
            }
            _ => PageError::Navigation { url: url.to_owned(), reason },
        }
    }
}
