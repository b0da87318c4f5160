//! What a failure of the page means for the flow: its class, and words that say what was looked for and what was there
//! instead.

use std::time::Duration;

use crate::browser::{PageError, Seen, Target, Unready};
use crate::failure::FailureClass;
use crate::locator::{Locator, Name};
use crate::step::Failure;

/// What a step was at when the page failed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    /// What it looked for.
    pub target: Option<&'a Target>,
    /// What tells the account, any of it.
    pub identity: &'a [String],
    /// How long it could wait.
    pub waited: Duration,
    /// What the guards of the step are for, in their order.
    pub guards: &'a [GuardFor],
}

/// What a guard is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GuardFor {
    /// The right organisation of the app.
    Tenant,
    /// The right account, or the right group where none of its members is meant.
    Identity,
    /// The group that the account enters or leaves.
    Group,
}

/// What `error` means.
pub(super) fn explain(error: &PageError, situation: &Situation<'_>) -> Failure {
    use FailureClass as F;
    let within = format!("within {}", in_words(situation.waited));
    let (class, message) = match error.cause() {
        PageError::NotFound { looked_for, seen } => {
            (absence(&seen.doing), format!("no {looked_for}{} {within}{}", place(seen), instead(seen)))
        }
        PageError::Ambiguous { looked_for, matches } => (
            ambiguity(situation),
            format!("{} match {looked_for} where one must:{}", matches.len(), listed(matches)),
        ),
        PageError::NotReady { looked_for, why, seen } => {
            let class = match why {
                Unready::ValueDiffers { .. } | Unready::NoOption { .. } => F::InvalidValue,
                _ => absence(&seen.doing),
            };
            (class, format!("{looked_for}{} {why} {within}{}", place(seen), doing(&seen.doing)))
        }
        PageError::StillThere { looked_for, matches, doing: busy } => {
            (absence(busy), format!("{looked_for} did not go {within}:{}{}", listed(matches), doing(busy)))
        }
        PageError::Address { looked_for, url, doing: busy } => (
            absence(busy),
            format!("the address did not match /{looked_for}/ {within}: {url}{}", doing(busy)),
        ),
        PageError::Dialog { kind, message } => (
            F::UnexpectedDialog,
            format!(
                "the page opened a dialog ({kind}) that no step expects: {message}; `dialog:` before the step answers it"
            ),
        ),
        PageError::Guard { index, seen, .. } => guard(*index, seen, situation),
        PageError::Navigation { url, reason } => (F::AppUnavailable, format!("{url} did not open: {reason}")),
        PageError::Blocked { url } => {
            (F::UiDrift, format!("{url} is outside the addresses that the connector may open (`origins`)"))
        }
        PageError::NoWindow { doing: busy } => {
            (absence(busy), format!("no window opened {within}{}", doing(busy)))
        }
        PageError::Download { reason } => (F::UiDrift, reason.clone()),
        PageError::Elsewhere { .. } => (F::Unsupported, error.cause().to_string()),
        PageError::Request { reason } => (F::AppUnavailable, format!("the request got no answer: {reason}")),
        PageError::TooSlow { doing } => (F::Timeout, format!("the page gave no answer {within}: {doing}")),
        PageError::Crashed | PageError::Closed => (F::BrowserCrashed, error.cause().to_string()),
        PageError::Watched(_) | PageError::Protocol(_) | PageError::AfterEvent(_) => {
            (F::Internal, error.cause().to_string())
        }
    };
    Failure::new(class, message)
}

/// An element that does not come is drift, unless the page itself was not there yet.
fn absence(doing: &str) -> FailureClass {
    let loading = ["on its way to ", "loading "].iter().any(|word| doing.starts_with(word));
    if loading { FailureClass::Timeout } else { FailureClass::UiDrift }
}

/// Several elements that bear what tells the account are several accounts; several others are drift.
fn ambiguity(situation: &Situation<'_>) -> FailureClass {
    let named = situation.target.is_some_and(|target| {
        let mut locators = target.within.iter().chain([&target.locator]);
        locators.any(|locator| situation.identity.iter().any(|identity| mentions(locator, identity)))
    });
    if named { FailureClass::AmbiguousMatch } else { FailureClass::UiDrift }
}

fn mentions(locator: &Locator, identity: &str) -> bool {
    locator.parts.iter().any(|part| {
        let named =
            matches!(&part.name, Some(Name::Exact(text) | Name::Same(text) | Name::Contains(text)) if text.contains(identity));
        named || part.has.iter().any(|inner| mentions(inner, identity))
    })
}

fn guard(index: usize, seen: &str, situation: &Situation<'_>) -> (FailureClass, String) {
    let seen = if seen.trim().is_empty() { "nothing".to_owned() } else { crate::step::shorten(seen) };
    match situation.guards.get(index) {
        Some(GuardFor::Tenant) => {
            let message = format!("the page does not show the organisation that was meant; there is {seen}");
            (FailureClass::WrongTenant, message)
        }
        Some(GuardFor::Identity) => {
            let wanted = situation.identity.join("” or “");
            (
                FailureClass::IdentityMismatch,
                format!("“{wanted}” is not where the change would be made; there is {seen}"),
            )
        }
        Some(GuardFor::Group) => (
            FailureClass::IdentityMismatch,
            format!("the page does not show the group that was meant; there is {seen}"),
        ),
        None => (FailureClass::Internal, format!("guard {index} does not hold: {seen}")),
    }
}

fn place(seen: &Seen) -> String {
    seen.scope.as_ref().map(|scope| format!(" in {scope}")).unwrap_or_default()
}

/// What was there instead, and what the page was doing.
fn instead(seen: &Seen) -> String {
    let found = if seen.candidates.is_empty() {
        "; there is nothing like it".to_owned()
    } else {
        format!("; there is{}", listed(&seen.candidates))
    };
    format!("{found}{}", doing(&seen.doing))
}

fn listed(locators: &[String]) -> String {
    format!("\n  {}", locators.join("    "))
}

fn doing(doing: &str) -> String {
    if doing.is_empty() || doing == "idle" { String::new() } else { format!("\n(the page was {doing})") }
}

fn in_words(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locator::Kind;

    fn seen(candidates: &[&str], doing: &str) -> Seen {
        let candidates = candidates.iter().map(|text| (*text).to_owned()).collect();
        Seen { scope: Some("dialog \"Edit member\"".into()), candidates, doing: doing.into() }
    }

    fn not_found(candidates: &[&str], doing: &str) -> PageError {
        PageError::NotFound { looked_for: "button \"Save\"".into(), seen: seen(candidates, doing) }
    }

    fn not_ready(why: Unready, doing: &str) -> PageError {
        PageError::NotReady { looked_for: "button \"Save\"".into(), why, seen: seen(&[], doing) }
    }

    fn guard(index: usize) -> PageError {
        PageError::Guard { index, seen: "acme labs".into(), matches: 0 }
    }

    #[test]
    fn each_failure_of_a_page_has_its_class_and_its_words() {
        use FailureClass as F;
        let target = Target {
            within: vec![],
            locator: Locator::one(Kind::Text, Name::Exact("ada@acme.example".into())),
        };
        let situation = Situation {
            target: Some(&target),
            identity: &["ada@acme.example".to_owned()],
            waited: Duration::from_secs(10),
            guards: &[GuardFor::Tenant, GuardFor::Identity],
        };
        let two = || vec!["row \"a\"".to_owned(), "row \"b\"".to_owned()];
        for (error, class, message) in [
            (
                not_found(&["button \"Save changes\"", "button \"Cancel\""], "idle"),
                F::UiDrift,
                "no button \"Save\" in dialog \"Edit member\" within 10 s; there is\n  \
                 button \"Save changes\"    button \"Cancel\"",
            ),
            (
                not_found(&[], "waiting for GET /members"),
                F::UiDrift,
                "no button \"Save\" in dialog \"Edit member\" within 10 s; there is nothing like it\n\
                 (the page was waiting for GET /members)",
            ),
            (
                not_found(&[], "loading /members"),
                F::Timeout,
                "no button \"Save\" in dialog \"Edit member\" within 10 s; there is nothing like it\n\
                 (the page was loading /members)",
            ),
            (
                PageError::Ambiguous { looked_for: "row".into(), matches: two() },
                F::AmbiguousMatch,
                "2 match row where one must:\n  row \"a\"    row \"b\"",
            ),
            (
                not_ready(Unready::Disabled, "idle"),
                F::UiDrift,
                "button \"Save\" in dialog \"Edit member\" is disabled within 10 s",
            ),
            (
                not_ready(Unready::NoOption { options: vec!["Agent".into()] }, "idle"),
                F::InvalidValue,
                "button \"Save\" in dialog \"Edit member\" has no such option; it has Agent within 10 s",
            ),
            (
                PageError::Dialog { kind: "confirm".into(), message: "Sure?".into() },
                F::UnexpectedDialog,
                "the page opened a dialog (confirm) that no step expects: Sure?; `dialog:` before the step answers it",
            ),
            (
                guard(0),
                F::WrongTenant,
                "the page does not show the organisation that was meant; there is acme labs",
            ),
            (
                guard(1),
                F::IdentityMismatch,
                "“ada@acme.example” is not where the change would be made; there is acme labs",
            ),
            (
                PageError::Navigation {
                    url: "http://x/".into(),
                    reason: "net::ERR_CONNECTION_REFUSED".into(),
                },
                F::AppUnavailable,
                "http://x/ did not open: net::ERR_CONNECTION_REFUSED",
            ),
            (
                PageError::TooSlow { doing: "idle".into() },
                F::Timeout,
                "the page gave no answer within 10 s: idle",
            ),
            (PageError::AfterEvent(Box::new(PageError::Crashed)), F::BrowserCrashed, "the tab crashed"),
            (PageError::Closed, F::BrowserCrashed, "the browser is gone"),
        ] {
            let failure = explain(&error, &situation);
            assert_eq!((failure.class, failure.message.as_str()), (class, message), "{error:?}");
        }
    }

    #[test]
    fn several_elements_that_do_not_name_the_account_are_drift() {
        let error = PageError::Ambiguous { looked_for: "button \"Save\"".into(), matches: vec![] };
        let target = Target { within: vec![], locator: Locator::one(Kind::Text, Name::Exact("Save".into())) };
        let situation = Situation {
            target: Some(&target),
            identity: &["a@b".to_owned()],
            waited: Duration::from_secs(1),
            guards: &[],
        };
        assert_eq!(explain(&error, &situation).class, FailureClass::UiDrift);
    }
}
