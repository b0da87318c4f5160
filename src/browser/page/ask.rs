//! Calls to our script in the page.

use std::time::Duration;

use chromiumoxide::cdp::js_protocol::runtime::{CallArgument, CallFunctionOnParams};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::super::error::{PageError, Seen, Unready};
use super::super::router::CallError;
use super::super::state::{End, PageState};
use super::{Page, Target, Wait};

/// How long a page may take to say that the time is over. One that says nothing hangs.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// What our script answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Ok(Value),
    Fail(Failure),
}

/// Why it could not.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Failure {
    NotFound {
        at: Option<usize>,
        scope: Option<String>,
        candidates: Vec<String>,
    },
    NotReady {
        at: Option<usize>,
        why: Unready,
        scope: Option<String>,
        candidates: Vec<String>,
    },
    Ambiguous {
        at: Option<usize>,
        matches: Vec<String>,
    },
    AmbiguousCell {
        cell: usize,
        matches: Vec<String>,
    },
    StillThere {
        matches: Vec<String>,
    },
    Watched {
        index: usize,
    },
    Guard {
        index: usize,
        matches: usize,
        seen: String,
    },
    /// The rest is for our world in the frame of that token.
    Elsewhere {
        token: u64,
        within: Value,
        #[serde(default)]
        locator: Value,
        skipped: usize,
    },
    Loading,
    Script {
        message: String,
    },
}

/// What a question is about, for the words of its errors.
#[derive(Clone, Copy, Debug)]
pub(super) enum About<'a> {
    Target(&'a Target),
    Rows(&'a Target, &'a [(crate::locator::Locator, super::Read)]),
    AnyOf(&'a [Target]),
}

/// Who answered: our world in a document, and the frames of other origins on the way to it, each with the world that it is in.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) world: String,
    pub(super) through: Vec<(String, u64)>,
}

/// The answer of a world that may be gone by then.
#[derive(Debug)]
pub(super) enum Once<T> {
    Answered(T),
    /// The document was replaced.
    Replaced,
}

impl Page {
    /// Asks until there is an answer: where the document is replaced meanwhile, the next one is asked; where the way leads into a frame of
    /// another origin, our world in it is. Returns who answered too.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        function: &str,
        question: Value,
        about: About<'_>,
        wait: &Wait,
    ) -> Result<(T, Place), PageError> {
        let mut gone = Vec::new();
        'anew: loop {
            let mut place = Place { world: self.world(&gone, wait.until).await?, through: Vec::new() };
            let mut question = question.clone();
            let mut skipped = 0;
            loop {
                let left = wait.until.saturating_duration_since(Instant::now());
                set(&mut question, "timeout", json!(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)));
                set(&mut question, "watch", serde_json::to_value(&wait.watch).unwrap_or_default());
                match self.ask_place(&place, function, &question, wait).await? {
                    Once::Answered(Answer::Ok(value)) => {
                        return Ok((serde_json::from_value(value).map_err(unreadable)?, place));
                    }
                    Once::Answered(Answer::Fail(Failure::Elsewhere {
                        token,
                        within,
                        locator,
                        skipped: more,
                    })) => {
                        let Some(world) = self.world_in_frame(&place.world, token, &gone, wait.until).await?
                        else {
                            continue 'anew;
                        };
                        place.through.push((std::mem::replace(&mut place.world, world), token));
                        set(&mut question, "within", within);
                        set(&mut question, "locator", locator);
                        set(&mut question, "framed", json!(true));
                        skipped += more;
                    }
                    Once::Answered(Answer::Fail(failure)) => {
                        return Err(self.error_of(failure.shifted(skipped), about));
                    }
                    Once::Replaced => {
                        gone.push(place.world);
                        continue 'anew;
                    }
                }
            }
        }
    }

    /// Asks this world only.
    pub(super) async fn ask_world<T: DeserializeOwned>(
        &self,
        world: &str,
        function: &str,
        question: Value,
        about: About<'_>,
        until: Instant,
    ) -> Result<Once<T>, PageError> {
        match self.call(world, function, &question, until).await? {
            Once::Replaced => Ok(Once::Replaced),
            Once::Answered(Answer::Ok(value)) => {
                Ok(Once::Answered(serde_json::from_value(value).map_err(unreadable)?))
            }
            Once::Answered(Answer::Fail(failure)) => Err(self.error_of(failure, about)),
        }
    }

    /// The answer of a world, as it is.
    pub(super) async fn call(
        &self,
        world: &str,
        function: &str,
        question: &Value,
        until: Instant,
    ) -> Result<Once<Answer>, PageError> {
        self.check()?;
        let call = CallFunctionOnParams {
            arguments: Some(vec![CallArgument {
                value: Some(question.clone()),
                unserializable_value: None,
                object_id: None,
            }]),
            return_by_value: Some(true),
            await_promise: Some(true),
            unique_context_id: Some(world.to_owned()),
            ..CallFunctionOnParams::new(format!("(question) => usher.{function}(question)"))
        };
        let session = self.session_of(world);
        let answer = self.router.send(Some(&session), &call);
        let answer = tokio::select! {
            biased;
            answer = timeout_at(until + GRACE, answer) => answer,
            // A dialog stops the page's script until it is dismissed; the question is void with it.
            () = self.dialog_opened() => {
                self.check()?;
                return Ok(Once::Replaced);
            }
        };
        let answer = match answer {
            Err(_) => return Err(PageError::TooSlow { doing: self.state.borrow().doing() }),
            Ok(Err(error)) if self.is_void(&session, &error) => return Ok(Once::Replaced),
            Ok(Err(error)) => return Err(self.failed(error)),
            Ok(Ok(answer)) => answer,
        };
        self.check()?;
        if let Some(thrown) = answer.exception_details {
            return Err(PageError::Protocol(
                thrown.exception.and_then(|it| it.description).unwrap_or(thrown.text),
            ));
        }
        let value = answer.result.value.unwrap_or_default();
        Ok(Once::Answered(serde_json::from_value(value).map_err(unreadable)?))
    }

    /// The session that a world is in.
    pub(super) fn session_of(&self, world: &str) -> String {
        self.state.borrow().session_of(world).to_owned()
    }

    /// Whether a call failed only because its document is gone, or the process of the frame that it is in.
    pub(super) fn is_void(&self, session: &str, error: &CallError) -> bool {
        let is_gone = match error {
            CallError::Crashed | CallError::Closed => true,
            CallError::Refused { message } => message.contains("Session with given id"),
            CallError::Unreadable { .. } => false,
        };
        is_replaced(error) || is_gone && session != self.session && self.router.is_alive()
    }

    /// Returns when there is a native dialog that nobody has been told of.
    pub(super) async fn dialog_opened(&self) {
        let mut state = self.state.subscribe();
        // What `wait_for` returns holds a lock on the state; it must not leave this function.
        drop(state.wait_for(|state| state.dialogs.undeclared.is_some()).await);
    }

    /// Our world in the main frame's document, none of those that are `gone`.
    pub(super) async fn world(&self, gone: &[String], until: Instant) -> Result<String, PageError> {
        let is_there = |state: &PageState| {
            state.main_world().is_some_and(|world| !gone.iter().any(|gone| gone == world))
        };
        self.wait_for_state(until, is_there).await?;
        let world = self.state.borrow().main_world().map(str::to_owned);
        world.ok_or_else(|| PageError::TooSlow { doing: "between two documents".into() })
    }

    /// Waits until the state of the page is so.
    pub(super) async fn wait_for_state(
        &self,
        until: Instant,
        is_so: impl Fn(&PageState) -> bool,
    ) -> Result<(), PageError> {
        self.check()?;
        let mut state = self.state.subscribe();
        let over =
            |state: &PageState| is_so(state) || state.ended.is_some() || state.dialogs.undeclared.is_some();
        let waited = timeout_at(until, state.wait_for(over)).await.is_err();
        self.check()?;
        if waited { Err(PageError::TooSlow { doing: self.state.borrow().doing() }) } else { Ok(()) }
    }

    fn error_of(&self, failure: Failure, about: About<'_>) -> PageError {
        let seen = |scope, candidates| Seen { scope, candidates, doing: self.state.borrow().doing() };
        match failure {
            Failure::NotFound { at, scope, candidates } => {
                PageError::NotFound { looked_for: about.words(at), seen: seen(scope, candidates) }
            }
            Failure::NotReady { at, why, scope, candidates } => {
                PageError::NotReady { looked_for: about.words(at), why, seen: seen(scope, candidates) }
            }
            Failure::Ambiguous { at, matches } => {
                PageError::Ambiguous { looked_for: about.words(at), matches }
            }
            Failure::AmbiguousCell { cell, matches } => {
                PageError::Ambiguous { looked_for: about.cell_words(cell), matches }
            }
            Failure::StillThere { matches } => PageError::StillThere {
                looked_for: about.words(None),
                matches,
                doing: self.state.borrow().doing(),
            },
            Failure::Watched { index } => PageError::Watched(index),
            Failure::Guard { index, matches, seen } => PageError::Guard { index, seen, matches },
            Failure::Elsewhere { .. } => PageError::NotFound {
                looked_for: about.words(None),
                seen: Seen { doing: "showing a frame of another origin".into(), ..Seen::default() },
            },
            Failure::Loading => PageError::TooSlow { doing: self.state.borrow().doing() },
            Failure::Script { message } => PageError::Protocol(message),
        }
    }
}

impl Failure {
    /// The same, about a question of whose scopes the first were left out.
    fn shifted(mut self, skipped: usize) -> Self {
        if let Failure::NotFound { at, .. } | Failure::NotReady { at, .. } | Failure::Ambiguous { at, .. } =
            &mut self
        {
            *at = at.map(|at| at + skipped);
        }
        self
    }
}

/// Puts a field into a question.
fn set(question: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = question {
        fields.insert(key.to_owned(), value);
    }
}

impl About<'_> {
    /// The locator of the scope with that index, or of the target.
    fn words(&self, at: Option<usize>) -> String {
        match self {
            About::Target(target) | About::Rows(target, _) => {
                at.and_then(|at| target.within.get(at)).unwrap_or(&target.locator).to_string()
            }
            About::AnyOf(targets) => {
                targets.iter().map(|target| target.locator.to_string()).collect::<Vec<_>>().join(" or ")
            }
        }
    }

    fn cell_words(&self, cell: usize) -> String {
        match self {
            About::Rows(target, cells) => match cells.get(cell) {
                Some((locator, _)) => format!("{} > {locator}", target.locator),
                None => target.locator.to_string(),
            },
            _ => self.words(None),
        }
    }
}

/// Whether a call failed only because its document is gone.
fn is_replaced(error: &CallError) -> bool {
    const WORDS: &[&str] =
        &["context", "uniqueContextId", "navigated or closed", "Promise was collected", "No frame"];
    matches!(error, CallError::Refused { message } if WORDS.iter().any(|words| message.contains(words)))
}

fn unreadable(error: serde_json::Error) -> PageError {
    PageError::Protocol(format!("the page script answered in an unknown form: {error}"))
}

impl From<End> for PageError {
    fn from(end: End) -> Self {
        match end {
            End::Crashed => PageError::Crashed,
            End::Closed => PageError::Closed,
        }
    }
}
