//! Why a flow ended before its end, and whether it may go on after a step.

use std::fmt;
use std::path::Path;

use crate::diagnostic::Span;
use crate::failure::FailureClass;

/// Why a flow failed.
///
/// `Display` gives the headline with place and step, then the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why, in the closed list.
    pub class: FailureClass,
    /// What was looked for and what was there instead; lower case, no full stop, no secrets.
    pub message: String,
    /// Who says so.
    pub told: Told,
    /// The step at which it happened; none where no step had begun.
    pub at: Option<At>,
}

/// Who says that a step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The app, in words that the connector declares: whatever was asked of it was refused.
    ByApp,
    /// Usher, because something is not as it must be.
    ByUsher,
}

/// A step of a flow, as people find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The flow.
    pub flow: String,
    /// The file it is written in, by its path in the connector's folder: where that lies is nobody's business but the
    /// operator's, and failures are also told to identity providers.
    pub file: String,
    /// The line there, from 1.
    pub line: u32,
    /// What the step was to do.
    pub words: String,
}

impl At {
    /// The file of a place in a connector, by its path in the connector's folder.
    pub fn file_of(span: &Span) -> String {
        let path = Path::new(span.file());
        let name = path.file_name().unwrap_or_default().display();
        match path.parent().and_then(Path::file_name) {
            Some(folder) if folder == "flows" => format!("flows/{name}"),
            _ => name.to_string(),
        }
    }
}

/// Whether the flow goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With the next step.
    GoOn,
    /// The flow is at its end, and well.
    End,
}

impl Failure {
    /// Usher's own finding.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), told: Told::ByUsher, at: None }
    }

    /// What the app said.
    pub fn by_app(class: FailureClass, message: impl Into<String>) -> Self {
        Self { told: Told::ByApp, ..Self::new(class, message) }
    }

    /// A mistake in the connector that only shows when it runs.
    pub fn of_connector(message: impl Into<String>, span: &Span) -> Self {
        let (message, file): (String, _) = (message.into(), At::file_of(span));
        Self::new(FailureClass::Internal, format!("{message} (at {file}:{}:{})", span.line(), span.column()))
    }

    /// Whether it says no more than that an element is not there, or not ready, or not the only one: what an optional
    /// step puts up with.
    pub fn is_absence(&self) -> bool {
        use FailureClass::{AmbiguousMatch, Timeout, UiDrift};
        self.told == Told::ByUsher && matches!(self.class, UiDrift | Timeout | AmbiguousMatch)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.class)?;
        if let Some(at) = &self.at {
            write!(f, " at {}:{}  {}", at.file, at.line, at.words)?;
        }
        for line in self.message.lines() {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_where_what_and_what_was_there() {
        let mut failure =
            Failure::new(FailureClass::UiDrift, "no button named \"Save\"; there are\n  button \"Go\"");
        let words = "click button “Save”".to_owned();
        failure.at = Some(At { flow: "f".into(), file: "flows/f.yaml".into(), line: 9, words });
        let expected = "ui_drift at flows/f.yaml:9  click button “Save”\n  no button named \"Save\"; there are\n    button \"Go\"";
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn only_absence_is_put_up_with() {
        for (failure, expected) in [
            (Failure::new(FailureClass::UiDrift, ""), true),
            (Failure::new(FailureClass::Timeout, ""), true),
            (Failure::by_app(FailureClass::UiDrift, ""), false),
            (Failure::new(FailureClass::SessionLost, ""), false),
            (Failure::new(FailureClass::IdentityMismatch, ""), false),
            (Failure::new(FailureClass::BrowserCrashed, ""), false),
        ] {
            assert_eq!(failure.is_absence(), expected, "{failure:?}");
        }
    }
}
