//! Actions: find out how, send trusted events, see what became of them, wait for what they started.

use chromiumoxide::cdp::browser_protocol::input::{
    DispatchMouseEventParams, DispatchMouseEventType, MouseButton,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::super::error::{PageError, Seen, Unready};
use super::ask::{About, Once, Place};
use super::frames::frames_around;
use super::{Acted, Action, Guard, Page, Target, Text, Wait, keys};
use crate::locator::{Kind, Locator, Name};

/// What our script found: the element and how to do the action.
#[derive(Debug, Deserialize)]
struct Ready {
    plan: Plan,
    element: String,
    /// The value that the control had.
    #[serde(default)]
    was: Option<String>,
    /// Names the element for the calls that follow.
    token: u64,
    /// Milliseconds from when it was first found, in the call that answers.
    #[serde(default)]
    waited: u64,
    x: f64,
    y: f64,
}

/// How an action is done with this control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Plan {
    /// It is as it should be.
    None,
    Click,
    Hover,
    Press,
    Type,
    /// A value that cannot be typed, such as a date.
    Assign,
    /// An option of a native select.
    Choose,
    /// A file is chosen.
    Upload,
    /// A list that must be opened, then its option clicked.
    Open,
    /// A list that opens as its control is typed in, then its option clicked.
    Suggest,
    /// The pointer goes away first, as what it is over covers the element.
    Leave,
}

/// What became of an event.
#[derive(Debug, Deserialize)]
struct Outcome {
    press: Press,
    by: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Press {
    Received,
    /// Something else was in its way; our script kept the event from the page.
    Missed,
    /// The element was taken out of the page.
    Gone,
}

/// How often a text is typed again that the page lost. What it goes on refusing is an error.
const MOST_TYPED: u32 = 3;

/// What an attempt came to.
enum Done {
    Yes,
    /// Nothing reached the page: try again. What was in the way.
    Not(Option<String>),
}

struct Try<'a> {
    page: &'a Page,
    target: &'a Target,
    action: &'a Action,
    wait: &'a Wait,
    world: &'a str,
    ready: &'a Ready,
    /// How often it was tried before.
    tries: u32,
}

impl Page {
    /// Does `action` to the one element that matches, once it is visible, still, enabled and uncovered. Where that opens another
    /// document, returns when it is complete.
    ///
    /// # Errors
    /// [`PageError::AfterEvent`] where the page had received the event; every other error means that nothing was done.
    pub async fn act(
        &self,
        target: &Target,
        action: &Action,
        guards: &[Guard],
        wait: &Wait,
    ) -> Result<Acted, PageError> {
        let began = Instant::now();
        let mut question = json!({ "within": target.within, "locator": target.locator, "guards": guards,
            "action": words(action), "may_leave": true });
        let (mut tries, mut refused) = (0, None);
        loop {
            let about = About::Target(target);
            let asked = self.ask("ready", question.clone(), about, wait).await;
            let (mut ready, place): (Ready, Place) = asked.map_err(|error| telling(error, refused.take()))?;
            let found = Instant::now();
            self.exposed().await;
            let point = if !matches!(ready.plan, Plan::Click | Plan::Hover | Plan::Press | Plan::Type) {
                Some((ready.x, ready.y))
            } else {
                let at = (ready.x, ready.y);
                self.point_on_page(&place, at, guards, about, wait.until).await?
            };
            let done = match point {
                Some(point) => {
                    (ready.x, ready.y) = point;
                    let attempt =
                        Try { page: self, target, action, wait, world: &place.world, ready: &ready, tries };
                    attempt.perform().await?
                }
                None => Done::Not(None),
            };
            tries += 1;
            if ready.plan == Plan::Leave {
                question["may_leave"] = json!(false);
            }
            let by = match done {
                Done::Not(by) => by,
                Done::Yes => {
                    let acted = Instant::now();
                    self.settle(wait).await.map_err(PageError::after_event)?;
                    return Ok(Acted {
                        element: ready.element,
                        was: ready.was,
                        changed: ready.plan != Plan::None,
                        find_ms: ms(began, found).saturating_sub(ready.waited),
                        wait_ms: ready.waited,
                        act_ms: ms(found, acted),
                        settle_ms: ms(acted, Instant::now()),
                    });
                }
            };
            let why = match ready.plan {
                Plan::Type => Unready::Unfocused,
                _ => Unready::Covered { by: by.unwrap_or_else(|| "something else".into()) },
            };
            if Instant::now() >= wait.until {
                let seen = Seen { doing: self.state.borrow().doing(), ..Seen::default() };
                return Err(PageError::NotReady { looked_for: target.locator.to_string(), why, seen });
            }
            refused = Some(why);
        }
    }

    /// Waits until a navigation that has begun is over and its document complete.
    async fn settle(&self, wait: &Wait) -> Result<(), PageError> {
        self.wait_for_state(wait.until, |state| state.is_settled()).await?;
        self.arrival().map(drop)
    }
}

/// The error of an element that did not become ready again after it had refused: to look whether it keeps still is how each try begins,
/// and tells nothing of why the last one failed.
fn telling(error: PageError, refused: Option<Unready>) -> PageError {
    match (error, refused) {
        (PageError::NotReady { looked_for, why: Unready::Moving, seen }, Some(why)) => {
            PageError::NotReady { looked_for, why, seen }
        }
        (error, _) => error,
    }
}

impl Try<'_> {
    async fn perform(&self) -> Result<Done, PageError> {
        match (self.ready.plan, self.action) {
            (Plan::None, _) => Ok(Done::Yes),
            (Plan::Click, action) => self.click(checked_by(action)).await,
            (Plan::Hover, _) => self.hover().await,
            (Plan::Leave, _) => self.hover().await.map(|_| Done::Not(None)),
            (Plan::Press, Action::Press(name)) => self.press(name).await,
            (Plan::Type, Action::Fill(text) | Action::Set(text)) => self.type_text(text).await,
            (Plan::Assign, Action::Fill(text) | Action::Set(text)) => self.apply("assign", text).await,
            (Plan::Choose, Action::Fill(text) | Action::Set(text)) => self.apply("choose", text).await,
            (Plan::Choose, Action::Select(label)) => {
                self.apply("choose", &Text { text: label.clone(), secret: false }).await
            }
            (Plan::Upload, Action::Upload(file)) => {
                let chosen = self.page.choose_file(self.world, self.ready.token, file, self.wait.until);
                self.sent(chosen).await.map_err(PageError::after_event)?;
                let _: Once<Value> =
                    self.ask_token("verdict", json!({})).await.map_err(PageError::after_event)?;
                Ok(Done::Yes)
            }
            (Plan::Open, Action::Select(label)) => self.choose_opened(Action::Click, label).await,
            (Plan::Open, Action::Set(text)) => self.choose_opened(Action::Click, &text.text).await,
            (Plan::Suggest, Action::Select(label)) => {
                let text = Text { text: label.clone(), secret: false };
                self.choose_opened(Action::Fill(text), label).await
            }
            (Plan::Suggest, Action::Set(text)) => {
                self.choose_opened(Action::Fill(text.clone()), &text.text).await
            }
            (plan, _) => Err(PageError::Protocol(format!("the page script planned {plan:?}"))),
        }
    }

    async fn click(&self, checked: Option<bool>) -> Result<Done, PageError> {
        let moved = self.mouse(DispatchMouseEventType::MouseMoved);
        let pressed = self.mouse(DispatchMouseEventType::MousePressed);
        let released = self.mouse(DispatchMouseEventType::MouseReleased);
        // All three are sent by now.
        for answer in [self.sent(moved).await, self.sent(pressed).await, self.sent(released).await] {
            answer.map_err(PageError::after_event)?;
        }
        let outcome = self.ask_token("verdict", json!({})).await.map_err(perhaps_received)?;
        match outcome {
            Once::Answered(Outcome { press: Press::Missed | Press::Gone, by }) => Ok(Done::Not(by)),
            Once::Answered(_) | Once::Replaced => {
                if let Some(checked) = checked {
                    self.verify(json!({ "checked": checked })).await.map_err(PageError::after_event)?;
                }
                Ok(Done::Yes)
            }
        }
    }

    async fn hover(&self) -> Result<Done, PageError> {
        self.sent(self.mouse(DispatchMouseEventType::MouseMoved)).await?;
        Ok(Done::Yes)
    }

    async fn press(&self, name: &str) -> Result<Done, PageError> {
        let Some([down, up]) = keys::events(name) else {
            return Err(PageError::Protocol(format!("there is no key `{name}`")));
        };
        let down = self.page.send(&down);
        let up = self.page.send(&up);
        self.sent(down).await.map_err(PageError::after_event)?;
        self.sent(up).await.map_err(PageError::after_event)?;
        // Like after a click, the page's own tasks come first; what it answers does not matter.
        let _: Once<Value> = self.ask_token("verdict", json!({})).await.map_err(PageError::after_event)?;
        Ok(Done::Yes)
    }

    async fn type_text(&self, text: &Text) -> Result<Done, PageError> {
        if text.secret {
            self.page.remember_secret(&text.text);
            let Once::Answered(Value::Null) = self.ask_token("noteSecret", json!({})).await? else {
                return Ok(Done::Not(None));
            };
        }
        self.apply("type", text).await
    }

    async fn apply(&self, plan: &str, text: &Text) -> Result<Done, PageError> {
        let applied = self.ask_token("apply", json!({ "plan": plan, "text": text.text })).await;
        match applied.map_err(perhaps_received)? {
            Once::Answered(Outcome { press: Press::Received, .. }) => {
                let again = self.ready.plan == Plan::Type && self.tries < MOST_TYPED;
                let question = json!({ "text": text.text, "secret": text.secret, "again": again });
                self.verify(question).await.map_err(PageError::after_event)
            }
            Once::Answered(_) => Ok(Done::Not(None)),
            Once::Replaced => Ok(Done::Yes),
        }
    }

    /// Opens a list by `opener` and clicks its option, wherever on the page the list is.
    async fn choose_opened(&self, opener: Action, label: &str) -> Result<Done, PageError> {
        Box::pin(self.page.act(self.target, &opener, &[], self.wait)).await?;
        let option = Locator::one(Kind::Role("option".into()), Name::Exact(label.to_owned()));
        let option = Target { within: frames_around(self.target), locator: option };
        Box::pin(self.page.act(&option, &Action::Click, &[], self.wait))
            .await
            .map_err(PageError::after_event)?;
        Ok(Done::Yes)
    }

    /// Whether the control took the value; not where it was taken out of the page meanwhile.
    async fn verify(&self, mut question: Value) -> Result<Done, PageError> {
        if let Value::Object(fields) = &mut question {
            let left = self.wait.until.saturating_duration_since(Instant::now());
            fields.insert("timeout".into(), json!(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)));
        }
        match self.ask_token("verify", question).await? {
            Once::Answered(Outcome { press: Press::Received, .. }) | Once::Replaced => Ok(Done::Yes),
            Once::Answered(_) => Ok(Done::Not(None)),
        }
    }

    async fn ask_token<T: serde::de::DeserializeOwned>(
        &self,
        function: &str,
        mut question: Value,
    ) -> Result<Once<T>, PageError> {
        if let Value::Object(fields) = &mut question {
            fields.insert("token".into(), json!(self.ready.token));
        }
        self.page.ask_world(self.world, function, question, About::Target(self.target), self.wait.until).await
    }

    fn mouse(
        &self,
        kind: DispatchMouseEventType,
    ) -> impl Future<Output = Result<(), PageError>> + Send + use<> {
        let button =
            if kind == DispatchMouseEventType::MouseMoved { MouseButton::None } else { MouseButton::Left };
        let count = i64::from(button == MouseButton::Left);
        let event = DispatchMouseEventParams {
            button: Some(button),
            click_count: Some(count),
            ..DispatchMouseEventParams::new(kind, self.ready.x, self.ready.y)
        };
        let sent = self.page.send(&event);
        async { sent.await.map(drop) }
    }

    /// Waits for the answer to something that was sent. A native dialog holds it up, and is found by the next call.
    async fn sent<T>(&self, answer: impl Future<Output = Result<T, PageError>>) -> Result<(), PageError> {
        tokio::select! {
            biased;
            answer = timeout_at(self.wait.until + super::ask::GRACE, answer) => match answer {
                Ok(answer) => answer.map(drop),
                Err(_) => Err(PageError::TooSlow { doing: self.page.state.borrow().doing() }),
            },
            () = self.page.dialog_opened() => Ok(()),
        }
    }
}

/// The error of a page that was to tell what became of an event: it may have received it before it answered no more, but nothing where a
/// guard did not hold, as then our script keeps the event from it.
fn perhaps_received(error: PageError) -> PageError {
    match error {
        PageError::Guard { .. } => error,
        other => other.after_event(),
    }
}

/// The state that a click must have brought about, where the action says one.
fn checked_by(action: &Action) -> Option<bool> {
    match action {
        Action::Check(checked) => Some(*checked),
        _ => None,
    }
}

/// The action for our script.
pub(super) fn words(action: &Action) -> Value {
    match action {
        Action::Click => json!({ "kind": "click" }),
        Action::Hover => json!({ "kind": "hover" }),
        Action::Press(_) => json!({ "kind": "press" }),
        Action::Fill(text) => json!({ "kind": "fill", "text": text.text }),
        Action::Upload(_) => json!({ "kind": "upload" }),
        Action::Select(label) => json!({ "kind": "select", "text": label }),
        Action::Check(checked) => json!({ "kind": "check", "checked": checked }),
        Action::Set(text) => json!({ "kind": "set", "text": text.text }),
    }
}

fn ms(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}
