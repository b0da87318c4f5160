//! Whether the service account is logged in: before a flow, after `login`, and when something is missing.

use tokio::time::Instant;
use url::Url;

use super::Limits;
use super::explain::{Situation, explain};
use super::runner::Runner;
use crate::browser::{Arrival, Page, Target, Wait};
use crate::failure::FailureClass;
use crate::locator::{Kind, Locator, Name};
use crate::playbook::{Scope, Template};
use crate::secret::Redactor;
use crate::step::{Book, Failure, Flow, Use};

/// A page with such a field asks for a password.
const PASSWORD: &str = "input[type=password]";

/// How a page shows that it is, or is not, logged in.
#[derive(Debug)]
pub(super) struct Login {
    /// There while the session holds.
    logged_in: Option<Locator>,
    /// Where the app asks for a password.
    address: Option<Url>,
    /// Whether the flow that runs is the login itself.
    is_running: bool,
}

impl Login {
    /// That of `book`, for a run of `flow`.
    pub fn of(book: &Book, scope: &Scope, flow: &str) -> Self {
        let login = book.flows.get("login");
        let render = |template: &Template| template.render(scope).map(|rendered| rendered.text);
        let logged_in = login
            .and_then(|login| login.logged_in.as_ref())
            .and_then(|locator| locator.try_map(&mut |template: &Template| render(template)).ok());
        let base = render(&book.base_url).unwrap_or_default();
        let address = login.and_then(first_address).and_then(|template| render(template).ok());
        let address = address.and_then(|address| Url::parse(&absolute(&base, &address)).ok());
        Self { logged_in, address, is_running: flow == "login" }
    }

    pub(super) fn is_login_address(&self, url: &str) -> bool {
        let same = |a: &Url, b: &Url| a.origin() == b.origin() && a.path() == b.path();
        self.address.as_ref().zip(Url::parse(url).ok()).is_some_and(|(login, url)| same(login, &url))
    }
}

/// Whether the session of `page` still holds: opens the `at` of `login` and looks for its `logged_in`.
///
/// # Errors
/// The app did not answer, or the connector has no `logged_in`.
pub async fn logged_in(
    book: &Book,
    scope: &Scope,
    page: &Page,
    limits: Limits,
    redactor: &Redactor,
) -> Result<bool, Failure> {
    let login = Login::of(book, scope, "login");
    let Some(logged_in) = login.logged_in.clone() else {
        return Err(Failure::new(FailureClass::Unsupported, "the connector's `login` says no `logged_in`"));
    };
    let at = book.flows.get("login").and_then(|flow| flow.at.as_ref());
    let render = |template: &Template| {
        let rendered = template.render(scope);
        rendered.map_err(|error| Failure::of_connector(error.to_string(), template.span()))
    };
    let address = at.map_or(Ok("/".to_owned()), |at| render(at).map(|rendered| rendered.text))?;
    let url = absolute(&render(&book.base_url)?.text, &address);
    let wait = Wait { until: Instant::now() + limits.step, watch: Vec::new() };
    let told = |error| {
        let situation = Situation { target: None, identity: &[], waited: limits.step, guards: &[] };
        let mut failure = explain(&error, &situation);
        failure.message = redactor.redact(&failure.message);
        failure
    };
    let arrival = page.goto(&url, &wait).await.map_err(told)?;
    refusal(&url, &arrival).map_or(Ok(()), Err)?;
    if matches!(arrival.status, Some(401 | 403))
        || (login.is_login_address(&arrival.url) && !login.is_login_address(&url))
    {
        return Ok(false);
    }
    match page.first_of(&[whole_page(logged_in), password_field()], &wait).await {
        Ok(first) => Ok(first == 0),
        Err(error) => {
            let failure = told(error);
            if failure.class == FailureClass::UiDrift { Ok(false) } else { Err(failure) }
        }
    }
}

impl Runner<'_> {
    /// After `login`: the app must show that it worked.
    pub(super) async fn after_login(&mut self, flow: &Flow) -> Result<(), Failure> {
        let Some(locator) = flow.logged_in.as_ref().filter(|_| self.login.is_running) else { return Ok(()) };
        let target = whole_page(self.rendered(locator)?);
        self.within.clear();
        self.timeout = self.limits.step;
        let stage: &mut dyn crate::step::Stage = self;
        stage.restart_wait();
        stage.expect(&target).await
    }

    /// Whether the page asks to log in, in the middle of a flow that needs to be.
    pub(super) async fn session_is_lost(&self) -> bool {
        if self.login.is_running {
            return false;
        }
        if self.login.is_login_address(&self.page.url()) {
            return true;
        }
        // A window that the app opens may ask for a password for reasons of its own.
        if self.windows > 0 {
            return false;
        }
        let Some(logged_in) = self.login.logged_in.clone() else { return false };
        let there = self.page.is_there(&whole_page(logged_in)).await;
        there == Ok(false) && self.page.is_there(&password_field()).await == Ok(true)
    }

    /// What the app's answer means.
    pub(super) fn check_arrival(&self, asked: &str, arrival: &Arrival) -> Result<(), Failure> {
        if let Some(failure) = refusal(asked, arrival) {
            return Err(failure);
        }
        if self.login.is_running {
            return Ok(());
        }
        let says =
            |class, word: &str| Err(Failure::new(class, format!("the app answered {asked} with {word}")));
        match arrival.status {
            Some(401) => says(FailureClass::SessionLost, "401 (not logged in)"),
            Some(403) => says(FailureClass::PermissionDenied, "403 (not allowed)"),
            Some(status @ 400..) => says(FailureClass::UiDrift, &status.to_string()),
            _ if self.login.is_login_address(&arrival.url) && !self.login.is_login_address(asked) => {
                let message = format!("the app asks to log in again, instead of showing {asked}");
                Err(Failure::new(FailureClass::SessionLost, message))
            }
            _ => Ok(()),
        }
    }
}

/// What the app's answer means whoever asks.
fn refusal(asked: &str, arrival: &Arrival) -> Option<Failure> {
    let status = arrival.status?;
    let class = match status {
        429 => FailureClass::RateLimited,
        500.. => FailureClass::AppUnavailable,
        _ => return None,
    };
    Some(Failure::new(class, format!("the app answered {asked} with {status}")))
}

/// The first address that the flow opens.
fn first_address(flow: &Flow) -> Option<&Template> {
    let mut found = None;
    for step in &flow.steps {
        step.effect.texts(&mut |r#use, template| {
            if r#use == Use::Address && found.is_none() {
                found = Some(template);
            }
        });
    }
    found
}

fn whole_page(locator: Locator) -> Target {
    Target { within: Vec::new(), locator }
}

fn password_field() -> Target {
    whole_page(Locator::one(Kind::Css, Name::Exact(PASSWORD.to_owned())))
}

/// `address` under the app's own, unless it is a whole URL.
pub(super) fn absolute(base: &str, address: &str) -> String {
    if address.starts_with("http://") || address.starts_with("https://") {
        return address.to_owned();
    }
    format!("{}/{}", base.trim_end_matches('/'), address.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_under_the_address_of_the_app() {
        for (base, address, expected) in [
            ("https://desk.acme.example", "/members", "https://desk.acme.example/members"),
            ("https://acme.example/desk/", "/members?q=1", "https://acme.example/desk/members?q=1"),
            ("https://acme.example", "members", "https://acme.example/members"),
            ("https://acme.example", "https://other.example/x", "https://other.example/x"),
            ("https://acme.example", "//other.example/x", "https://acme.example/other.example/x"),
        ] {
            assert_eq!(absolute(base, address), expected);
        }
    }
}
