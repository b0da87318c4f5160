//! From a recording's selectors to a locator: role and name where the recording has them.

use super::recording::RecordedStep;
use super::words::{Words, literal};
use crate::locator::{Kind, Locator, Name, Part};

/// Which element a step is about.
#[derive(Debug)]
pub(super) struct Element {
    /// Its locator, the texts in it as they are written in a flow.
    pub locator: Locator<String>,
    /// What a person has to decide.
    pub doubt: Option<&'static str>,
    /// Whether the recording tells the row it is in by its place alone.
    pub in_a_row: bool,
}

/// What sort of element it is, as far as the recording tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    Role(String),
    Tag(String),
    Unknown,
}

/// A control that is given a value.
pub(super) fn control(step: &RecordedStep, words: &Words<'_>) -> Element {
    match named(step) {
        Some((name, _)) => found(step, Kind::Field, exact(&name, words), None),
        None => otherwise(step, words),
    }
}

/// The name of a control as the page shows it, where the recording has it.
pub(super) fn label(step: &RecordedStep) -> Option<String> {
    named(step).map(|(name, _)| name)
}

/// Something that is clicked or pointed at.
pub(super) fn target(step: &RecordedStep, words: &Words<'_>) -> Element {
    let Some((name, role)) = named(step) else { return otherwise(step, words) };
    let name = exact(&name, words);
    let role_of = |role: &str| Kind::Role(role.to_owned());
    match role.map_or_else(|| sort(step), Sort::Role) {
        Sort::Role(role) => found(step, role_of(&role), name, None),
        Sort::Tag(tag) => match tag.as_str() {
            "button" | "summary" => found(step, role_of("button"), name, None),
            "a" => found(step, role_of("link"), name, None),
            "select" | "textarea" => found(step, Kind::Field, name, None),
            "input" => found(step, Kind::Field, name, Some("for a checkbox write `check:` or `uncheck:`")),
            "option" => found(step, role_of("option"), name, None),
            "th" => found(step, role_of("columnheader"), name, None),
            "td" => found(step, role_of("cell"), name, None),
            _ => found(step, Kind::Text, name, Some("what is it: a button, a link, a text?")),
        },
        Sort::Unknown => found(step, role_of("button"), name, Some("is it a button, or a link?")),
    }
}

fn found(step: &RecordedStep, kind: Kind, name: Name<String>, doubt: Option<&'static str>) -> Element {
    Element { locator: Locator::one(kind, name), doubt, in_a_row: in_a_row(step) }
}

/// Without a name: by text, or as a last resort by the page's structure.
fn otherwise(step: &RecordedStep, words: &Words<'_>) -> Element {
    if let Some(text) = step.selector("text/") {
        let doubt = "say what it is, and its whole name";
        return found(step, Kind::Text, Name::Contains(words.fill(text)), Some(doubt));
    }
    let css = step.css().or_else(|| step.selector("pierce/")).unwrap_or("*");
    let doubt = "nothing on the page names it; `usher pick` finds what does";
    Element {
        locator: Locator {
            parts: vec![Part {
                kind: Kind::Css,
                name: Some(Name::Exact(literal(css))),
                is: Vec::new(),
                has: vec![],
                nth: None,
            }],
        },
        doubt: Some(doubt),
        in_a_row: false,
    }
}

fn exact(name: &str, words: &Words<'_>) -> Name<String> {
    Name::Exact(words.fill(name))
}

/// Accessible name, and role where the recording says it: `aria/Save[role="button"]`.
fn named(step: &RecordedStep) -> Option<(String, Option<String>)> {
    let text = step.selector("aria/")?;
    let split = text.strip_suffix("\"]").and_then(|rest| rest.rsplit_once("[role=\""));
    let (name, role) = split.map_or((text, None), |(name, role)| (name, Some(role.to_owned())));
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some((name, role))
}

/// By the last part of its CSS selector, or of its path.
fn sort(step: &RecordedStep) -> Sort {
    let css = step.css().and_then(|css| css.rsplit([' ', '>', '+', '~']).next());
    if let Some((_, rest)) = css.and_then(|last| last.split_once("[role=")) {
        return Sort::Role(rest.trim_matches(['\'', '"', ']']).to_owned());
    }
    let path = step.selector("xpath/").and_then(|path| path.rsplit('/').next());
    let tags = [css, path]
        .into_iter()
        .flatten()
        .map(|last| last.chars().take_while(|c| c.is_ascii_alphanumeric()).collect::<String>());
    tags.into_iter().find(|tag| !tag.is_empty()).map_or(Sort::Unknown, |tag| match tag.as_str() {
        // What is inside of a button or link is found as that.
        "span" | "svg" | "path" | "i" | "div" => inside_of(step).unwrap_or(Sort::Tag(tag)),
        _ => Sort::Tag(tag),
    })
}

/// The button or link that the path goes through.
fn inside_of(step: &RecordedStep) -> Option<Sort> {
    let path = step.selector("xpath/")?;
    let tags = path.rsplit('/').map(|part| part.split('[').next().unwrap_or_default());
    tags.into_iter().find(|tag| matches!(*tag, "button" | "a")).map(|tag| Sort::Tag(tag.to_owned()))
}

/// Whether a row is told by its number.
fn in_a_row(step: &RecordedStep) -> bool {
    step.selectors()
        .any(|selector| ["tr[", "tr:nth-", "li[", "li:nth-"].iter().any(|place| selector.contains(place)))
}
