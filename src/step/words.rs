//! What a step does, said for people: `clicked button “Save” in dialog “Edit member”`.
//!
//! Secrets never appear: a text that a secret went into is [`MASK`].

use crate::locator::{Kind, Locator, Name, Nth, Part};
use crate::playbook::{Scope, Template};
use crate::secret::MASK;

/// Longer values are cut, so that a row stays a line.
const LONGEST: usize = 80;

/// A step in words, before it is done and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// What it is to do: `click button “Save”`.
    pub doing: String,
    /// What it did: `clicked button “Save”`.
    pub done: String,
}

impl Phrase {
    /// `verb` and `past` in front of the same `rest`.
    pub fn new(verb: &str, past: &str, rest: &str) -> Self {
        Self { doing: join(verb, rest), done: join(past, rest) }
    }
}

fn join(verb: &str, rest: &str) -> String {
    if rest.is_empty() { verb.to_owned() } else { format!("{verb} {rest}") }
}

/// Says elements and values as they are at one moment of a run.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// What templates see.
    pub scope: &'a Scope,
    /// The elements that the step is inside of, outermost first.
    pub within: &'a [Locator],
}

impl Teller<'_> {
    /// A value: `“Admin”`, or the mask of a secret.
    pub fn value(&self, template: &Template) -> String {
        match template.render(self.scope) {
            Ok(rendered) if rendered.secret => MASK.to_owned(),
            Ok(rendered) => format!("“{}”", shorten(&rendered.text)),
            // What cannot be rendered fails the step with its own message; here it is only named.
            Err(_) => format!("“{template}”"),
        }
    }

    /// An element and what it is in: `button “Save” in dialog “Edit member”`.
    pub fn element(&self, locator: &Locator<Template>) -> String {
        let mut out = self.alone(locator);
        for scope in self.within.iter().rev() {
            out.push_str(" in ");
            out.push_str(&locator_in_words(scope));
        }
        out
    }

    /// An element without what it is in.
    pub fn alone(&self, locator: &Locator<Template>) -> String {
        let rendered = locator.try_map(&mut |template: &Template| {
            Ok::<_, std::convert::Infallible>(match template.render(self.scope) {
                Ok(rendered) if rendered.secret => MASK.to_owned(),
                Ok(rendered) => rendered.text,
                Err(_) => template.to_string(),
            })
        });
        match rendered {
            Ok(rendered) => locator_in_words(&rendered),
            Err(never) => match never {},
        }
    }
}

/// A locator as a phrase, the innermost part first.
pub fn locator_in_words(locator: &Locator) -> String {
    let parts: Vec<String> = locator.parts.iter().rev().map(part_in_words).collect();
    parts.join(" in ")
}

fn part_in_words(part: &Part) -> String {
    let mut out = String::new();
    match part.nth {
        Some(Nth::First) => out.push_str("the first "),
        Some(Nth::Last) => out.push_str("the last "),
        Some(Nth::Index(n)) => out.push_str(&format!("number {n} of ")),
        None => {}
    }
    out.push_str(part.kind.word());
    match (&part.name, &part.kind) {
        (None, _) => {}
        (Some(Name::Exact(text)), Kind::Css | Kind::XPath) => out.push_str(&format!(" `{}`", shorten(text))),
        (Some(Name::Exact(text) | Name::Same(text)), _) => out.push_str(&format!(" “{}”", shorten(text))),
        (Some(Name::Contains(text)), _) => out.push_str(&format!(" containing “{}”", shorten(text))),
        (Some(Name::Pattern { regex, .. }), _) => out.push_str(&format!(" like /{}/", shorten(regex))),
    }
    for (index, inner) in part.has.iter().enumerate() {
        out.push_str(if index == 0 { " with " } else { " and " });
        out.push_str(&locator_in_words(inner));
    }
    for is in &part.is {
        out.push_str(&format!(" that {is}"));
    }
    out
}

/// `text` on one line and not too long.
pub fn shorten(text: &str) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if folded.chars().count() <= LONGEST {
        return folded;
    }
    let cut: String = folded.chars().take(LONGEST - 1).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(role: &str, name: &str) -> Part {
        Part {
            kind: Kind::Role(role.into()),
            name: Some(Name::Exact(name.into())),
            has: vec![],
            is: vec![],
            nth: None,
        }
    }

    #[test]
    fn locators_are_read_from_the_inside_out() {
        let has = vec![Locator { parts: vec![role("cell", "ada@acme.example")] }];
        let row = Part { kind: Kind::Role("row".into()), name: None, has, is: vec![], nth: None };
        let pattern = Name::Pattern { regex: "no free".into(), ignore_case: true };
        let check =
            |parts: Vec<Part>, expected: &str| assert_eq!(locator_in_words(&Locator { parts }), expected);
        check(vec![role("button", "Save")], "button “Save”");
        check(vec![role("dialog", "Invite"), role("button", "Send")], "button “Send” in dialog “Invite”");
        check(
            vec![row.clone(), Part { kind: Kind::Column, ..role("", "Role") }],
            "column “Role” in row with cell “ada@acme.example”",
        );
        check(vec![Part { name: Some(pattern), ..role("alert", "") }], "alert like /no free/");
        check(
            vec![Part { nth: Some(Nth::Index(2)), ..role("option", "Admin") }],
            "number 2 of option “Admin”",
        );
        check(
            vec![Part { name: Some(Name::Contains("Ed".into())), ..role("link", "") }],
            "link containing “Ed”",
        );
        check(vec![Part { kind: Kind::Css, ..role("", "p > i") }], "css `p > i`");
    }

    #[test]
    fn long_and_broken_texts_stay_on_a_line() {
        assert_eq!(shorten("a\n  b"), "a b");
        assert_eq!(shorten(&"x".repeat(500)).chars().count(), LONGEST);
    }
}
