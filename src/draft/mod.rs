//! A Chrome DevTools Recorder export as a draft of a flow.
//!
//! Roles and names are preferred to selectors; the recorded address becomes `{{ account.email }}`, secrets become credentials and
//! are never repeated; the step that probably changes the app is marked. Where a person must decide there is a `TODO`. Logging
//! in, where the recording begins with it, belongs in `login` and is left out of every other flow.

use url::Url;

mod element;
mod recording;
mod words;
mod write;

use recording::{RecordedStep, Recording};
use words::{Words, is_email};

/// What the draft is of.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The flow's name.
    pub flow: String,
    /// The attributes that the connector declares; a control of that name gets the attribute.
    pub attributes: Vec<String>,
    /// Its one-valued entitlements.
    pub entitlements: Vec<String>,
}

/// A draft of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The flow's file.
    pub yaml: String,
    /// How many decisions are left to a person.
    pub decisions: usize,
}

/// No draft can be made.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// It is no recording.
    #[error("this is no export of Chrome's Recorder (JSON)")]
    NoRecording(#[source] serde_json::Error),
    /// Nothing was done in it that belongs in the flow.
    #[error("the recording has no step that belongs in `{0}`")]
    Empty(String),
}

/// A draft of the flow `wish.flow`, from the JSON that the Recorder exports.
///
/// # Errors
/// It is no recording, or nothing in it belongs in the flow.
pub fn draft(json: &str, wish: &Wish) -> Result<Draft, DraftError> {
    let recording: Recording = serde_json::from_str(json).map_err(DraftError::NoRecording)?;
    let logged_in_at = end_of_login(&recording.steps);
    let (login, rest) = recording.steps.split_at(logged_in_at);
    let is_login = wish.flow == "login";
    let steps = if is_login && !login.is_empty() { login } else { rest };
    let acts: Vec<Act> = acts(steps);
    if !acts.iter().any(|act| !matches!(act, Act::Open(_))) {
        return Err(DraftError::Empty(wish.flow.clone()));
    }
    let base = recording.steps.iter().find_map(|step| Url::parse(step.url.as_deref()?).ok());
    let start = if is_login { None } else { login.iter().rev().find_map(RecordedStep::led_to) };
    let email = steps.iter().filter(|step| step.kind == "change").filter_map(|step| step.value.as_deref());
    let words = Words { email: email.into_iter().find(|value| is_email(value)).filter(|_| !is_login) };
    let about = write::About {
        wish,
        words,
        base: base.as_ref(),
        title: &recording.title,
        left_out: if is_login { 0 } else { login.len() },
    };
    Ok(write::write(&acts, start, &about))
}

/// How many steps log in: up to what is clicked or pressed after the last secret.
fn end_of_login(steps: &[RecordedStep]) -> usize {
    let Some(secret) = steps.iter().rposition(RecordedStep::is_secret) else { return 0 };
    let sends = |step: &RecordedStep| {
        step.kind == "click" || step.key.as_deref() == Some("Enter") && step.kind == "keyUp"
    };
    let after = steps.get(secret..).unwrap_or_default().iter().position(sends);
    after.map_or(steps.len(), |after| secret + after + 1)
}

/// What somebody did, without the noise of a recording.
#[derive(Debug)]
enum Act<'a> {
    /// Opened an address.
    Open(&'a str),
    /// Clicked, or pointed at something.
    Point(&'static str, &'a RecordedStep),
    /// Gave values to controls, one after the other.
    Fill(Vec<&'a RecordedStep>),
    /// Pressed a key.
    Press(&'a str),
    /// Waited for something.
    Expect(&'a RecordedStep),
    /// Did what a flow says otherwise, if at all.
    Other(&'a str),
}

fn acts(steps: &[RecordedStep]) -> Vec<Act<'_>> {
    let mut acts: Vec<Act<'_>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        match step.kind.as_str() {
            "navigate" => acts.extend(step.url.as_deref().map(Act::Open)),
            // A click into a control whose value is changed next.
            "click" if changes_next(steps, index) => {}
            "click" | "doubleClick" => acts.push(Act::Point("click", step)),
            "hover" => acts.push(Act::Point("hover", step)),
            "change" => match acts.last_mut() {
                Some(Act::Fill(changes)) => match changes.iter_mut().find(|change| change.is_at(step)) {
                    Some(change) => *change = step,
                    None => changes.push(step),
                },
                _ => acts.push(Act::Fill(vec![step])),
            },
            "keyUp" => match step.key.as_deref() {
                // The way from control to control, and what is held down while another key is pressed.
                None | Some("Tab" | "Shift" | "Control" | "Alt" | "Meta" | "CapsLock") => {}
                Some(key) if key.chars().count() > 1 => acts.push(Act::Press(key)),
                Some(_) => {}
            },
            "waitForElement" => acts.push(Act::Expect(step)),
            "keyDown" | "setViewport" | "scroll" | "emulateNetworkConditions" | "close" => {}
            other => acts.push(Act::Other(other)),
        }
    }
    acts
}

/// Whether the element of this step gets a value before anything else is done.
fn changes_next(steps: &[RecordedStep], index: usize) -> bool {
    let Some((step, rest)) = steps.get(index..).and_then(<[_]>::split_first) else { return false };
    let next = rest.iter().find(|next| !matches!(next.kind.as_str(), "keyDown" | "keyUp" | "scroll"));
    next.is_some_and(|next| next.kind == "change" && next.is_at(step))
}

#[cfg(test)]
mod tests;
