//! Locators as data: how an element of a page is described.
//!
//! A locator is a chain of parts, each found inside the one before. Its texts are of type `T`: templates as a connector
//! is read (`playbook` holds the grammar), plain strings once a step runs (`browser` finds the element). The texts of a
//! running locator came out of templates and are data; nothing parses them again.
//!
//! [`Display`](fmt::Display) writes the one-line form of `connectors/REFERENCE.md`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Parts, each found inside the one before. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Locator<T = String> {
    /// The parts, outermost first.
    pub parts: Vec<Part<T>>,
}

/// One part of a locator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part<T = String> {
    /// What sort of element.
    pub kind: Kind,
    /// Its name; for [`Kind::Css`] and [`Kind::XPath`] the expression, as [`Name::Exact`].
    pub name: Option<Name<T>>,
    /// What it must have inside.
    pub has: Vec<Locator<T>>,
    /// The states it must be in.
    pub is: Vec<Is>,
    /// Which of several.
    pub nth: Option<Nth>,
}

/// The sort of element a part describes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An ARIA role, such as `button`; the name is the accessible name.
    Role(String),
    /// Any control with that label, placeholder or accessible name.
    Field,
    /// A control with that label.
    Label,
    /// A control with that placeholder.
    Placeholder,
    /// The innermost element with that text.
    Text,
    /// An element with that `title`.
    Title,
    /// An element with that `data-testid`.
    TestId,
    /// The cell of the row before it, under the heading of that name.
    Column,
    /// The smallest element that has inside what the part says; without a name.
    Box,
    /// A document inside an `iframe`, by its title or name.
    Frame,
    /// A CSS selector.
    Css,
    /// An XPath expression.
    XPath,
}

/// A state that an element must be in, or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Is {
    /// The state.
    pub state: State,
    /// Whether it must be in it (`is checked`), or must not (`is not checked`).
    pub holds: bool,
}

/// A state of an element, as assistive technology is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A checkbox, switch or radio that is on.
    Checked,
    /// A control that cannot be used.
    Disabled,
    /// What is open: a menu, a section.
    Expanded,
    /// An option or tab that is chosen.
    Selected,
    /// A heading or tree item of that level, counted from 1.
    Level(u8),
}

/// How a name is compared. White space is folded first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name<T = String> {
    /// The whole name, letter by letter.
    Exact(T),
    /// The whole name, regardless of case.
    Same(T),
    /// The name contains it, regardless of case.
    Contains(T),
    /// The name matches somewhere.
    Pattern {
        /// The regular expression, of the syntax that Rust's `regex` and JavaScript share.
        regex: String,
        /// Regardless of case (`/…/i`).
        ignore_case: bool,
    },
}

/// Which of several matches is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nth {
    /// The first.
    First,
    /// The last.
    Last,
    /// The n-th, counted from 1.
    Index(u32),
}

impl Kind {
    /// The word of the grammar: a role or a keyword.
    pub fn word(&self) -> &str {
        match self {
            Kind::Role(role) => role,
            Kind::Field => "field",
            Kind::Label => "label",
            Kind::Placeholder => "placeholder",
            Kind::Text => "text",
            Kind::Title => "title",
            Kind::TestId => "testid",
            Kind::Column => "column",
            Kind::Box => "box",
            Kind::Frame => "frame",
            Kind::Css => "css",
            Kind::XPath => "xpath",
        }
    }
}

impl<T> Locator<T> {
    /// A locator of one part.
    pub fn one(kind: Kind, name: Name<T>) -> Self {
        Self { parts: vec![Part { kind, name: Some(name), has: Vec::new(), is: Vec::new(), nth: None }] }
    }

    /// The same locator with every text put through `render`.
    ///
    /// # Errors
    /// The first error of `render`.
    pub fn try_map<U, E>(&self, render: &mut impl FnMut(&T) -> Result<U, E>) -> Result<Locator<U>, E> {
        let parts = self.parts.iter().map(|part| part.try_map(render)).collect::<Result<_, E>>()?;
        Ok(Locator { parts })
    }

    /// Calls `visit` with every text, in reading order.
    pub fn for_each_text<'a>(&'a self, visit: &mut impl FnMut(&'a T)) {
        for part in &self.parts {
            if let Some(Name::Exact(text) | Name::Same(text) | Name::Contains(text)) = &part.name {
                visit(text);
            }
            part.has.iter().for_each(|inner| inner.for_each_text(visit));
        }
    }
}

impl<T> Part<T> {
    fn try_map<U, E>(&self, render: &mut impl FnMut(&T) -> Result<U, E>) -> Result<Part<U>, E> {
        let name = match &self.name {
            None => None,
            Some(Name::Exact(text)) => Some(Name::Exact(render(text)?)),
            Some(Name::Same(text)) => Some(Name::Same(render(text)?)),
            Some(Name::Contains(text)) => Some(Name::Contains(render(text)?)),
            Some(Name::Pattern { regex, ignore_case }) => {
                Some(Name::Pattern { regex: regex.clone(), ignore_case: *ignore_case })
            }
        };
        let mut has = Vec::with_capacity(self.has.len());
        for inner in &self.has {
            // Through a trait object: the closure's type would otherwise grow with each level.
            has.push(inner.try_map_dyn(render)?);
        }
        Ok(Part { kind: self.kind.clone(), name, has, is: self.is.clone(), nth: self.nth })
    }
}

impl<T> Locator<T> {
    fn try_map_dyn<U, E>(&self, render: &mut dyn FnMut(&T) -> Result<U, E>) -> Result<Locator<U>, E> {
        self.try_map(&mut |text: &T| render(text))
    }
}

impl<T: fmt::Display> fmt::Display for Locator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(" > ")?;
            }
            part.fmt(f)?;
        }
        Ok(())
    }
}

impl<T: fmt::Display> fmt::Display for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.word())?;
        match &self.name {
            None => {}
            Some(Name::Exact(text)) => write!(f, " {}", Quoted(&text.to_string()))?,
            Some(Name::Same(text)) => write!(f, " {}i", Quoted(&text.to_string()))?,
            Some(Name::Contains(text)) => write!(f, " ~{}", Quoted(&text.to_string()))?,
            Some(Name::Pattern { regex, ignore_case }) => {
                let flag = if *ignore_case { "i" } else { "" };
                write!(f, " /{}/{flag}", escape_slashes(regex))?;
            }
        }
        for inner in &self.has {
            write!(f, " (has {inner})")?;
        }
        for is in &self.is {
            write!(f, " ({is})")?;
        }
        match self.nth {
            None => Ok(()),
            Some(Nth::First) => f.write_str(" first"),
            Some(Nth::Last) => f.write_str(" last"),
            Some(Nth::Index(n)) => write!(f, " nth {n}"),
        }
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.holds { "is " } else { "is not " })?;
        match self.state {
            State::Checked => f.write_str("checked"),
            State::Disabled => f.write_str("disabled"),
            State::Expanded => f.write_str("expanded"),
            State::Selected => f.write_str("selected"),
            State::Level(level) => write!(f, "level {level}"),
        }
    }
}

/// A text between quotes; `"` and `\` inside are escaped with `\`.
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Escapes the slashes of a regular expression that are not escaped yet.
fn escape_slashes(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let mut escaped = false;
    for c in regex.chars() {
        if c == '/' && !escaped {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locator_is_written_on_one_line() {
        let cell = Locator::one(Kind::Role("cell".into()), Name::Exact("a \"b\" \\ c".to_owned()));
        let row = Part {
            kind: Kind::Role("row".into()),
            name: None,
            has: vec![cell],
            is: vec![],
            nth: Some(Nth::Index(2)),
        };
        let link = Part {
            kind: Kind::Role("link".into()),
            name: Some(Name::Pattern { regex: "a/b\\/c".into(), ignore_case: true }),
            has: vec![],
            is: vec![Is { state: State::Level(2), holds: false }],
            nth: None,
        };
        let locator = Locator { parts: vec![row, link] };
        assert_eq!(
            locator.to_string(),
            r#"row (has cell "a \"b\" \\ c") nth 2 > link /a\/b\/c/i (is not level 2)"#
        );
    }
}
