//! Requests to the app's own endpoints: the rules of the commit step hold for them, and statuses mean what they mean for pages.

use super::runner::Runner;
use super::{Committed, session};
use crate::browser::{Answered, Asked};
use crate::failure::FailureClass;
use crate::step::{Failure, Stage, shorten};

impl Runner<'_> {
    /// Sends a request, and looks at the status of the answer.
    pub(super) async fn send(&mut self, mut asked: Asked, expect: &[u16]) -> Result<Answered, Failure> {
        let stage: &dyn Stage = self;
        let base = stage.render(&self.book.base_url)?.text;
        let path = std::mem::take(&mut asked.url);
        asked.url = session::absolute(&base, &path);
        let commit = self.is_commit();
        if commit {
            self.prepare_commit().await?;
            let (guards, purposes) = self.guards()?;
            let held = self.page.holds(&self.within, &guards, &self.now_waiting()).await;
            if let Err(error) = held {
                return Err(self.failure_of(&error, None, &purposes).await);
            }
        }
        let answered = self.page.request(&asked, &self.now_waiting()).await;
        let sent = answered.as_ref().map_or_else(|error| error.event_was_sent(), |_| true);
        if commit && sent {
            self.committed = Committed::Yes;
            self.witness.committed().await;
        }
        match answered {
            Ok(answered) => self.expected(&asked, answered, expect),
            Err(error) => Err(self.failure_of(&error, None, &[]).await),
        }
    }

    /// The answer, where its status is as it must be.
    fn expected(&self, asked: &Asked, answered: Answered, expect: &[u16]) -> Result<Answered, Failure> {
        if self.login.is_login_address(&answered.url) && !self.login.is_login_address(&asked.url) {
            let message = format!("the app asks to log in again, at {}", answered.url);
            return Err(Failure::new(FailureClass::SessionLost, message));
        }
        let well = if expect.is_empty() {
            (200..300).contains(&answered.status)
        } else {
            expect.contains(&answered.status)
        };
        if well { Ok(answered) } else { Err(refusal(&answered)) }
    }
}

/// What a status means that nobody expected. By 4xx the app says that it did nothing (RFC 9110 section 15.5).
fn refusal(answered: &Answered) -> Failure {
    use FailureClass as F;
    let class = match answered.status {
        401 => F::SessionLost,
        403 => F::PermissionDenied,
        400 | 409 | 422 => F::InvalidValue,
        429 => F::RateLimited,
        500.. => F::AppUnavailable,
        _ => F::UiDrift,
    };
    let says = shorten(&answered.text);
    let says = if says.is_empty() { String::new() } else { format!(": {says}") };
    let message = format!("the app answered with {}{says}", answered.status);
    let refused = (400..500).contains(&answered.status) && answered.status != 401;
    if refused { Failure::by_app(class, message) } else { Failure::new(class, message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Told;

    #[test]
    fn a_status_has_its_class_and_only_a_refusal_is_the_apps_word() {
        use FailureClass as F;
        for (status, class, told) in [
            (302, F::UiDrift, Told::ByUsher),
            (401, F::SessionLost, Told::ByUsher),
            (403, F::PermissionDenied, Told::ByApp),
            (404, F::UiDrift, Told::ByApp),
            (422, F::InvalidValue, Told::ByApp),
            (429, F::RateLimited, Told::ByApp),
            (503, F::AppUnavailable, Told::ByUsher),
        ] {
            let answered = Answered { status, url: String::new(), text: "no\n such".into() };
            let failure = refusal(&answered);
            assert_eq!((failure.class, failure.told), (class, told), "{status}");
            assert_eq!(failure.message, format!("the app answered with {status}: no such"));
        }
    }
}
