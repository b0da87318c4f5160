//! The names that templates of one place may use, for finding the undeclared ones before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// Names and what each has inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    known: BTreeMap<String, Inside>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    /// It is not looked into.
    Anything,
    /// Exactly these.
    Members(BTreeSet<String>),
}

impl Names {
    /// Also knows `name`, whatever is inside it.
    pub fn add(&mut self, name: impl Into<String>) {
        self.known.insert(name.into(), Inside::Anything);
    }

    /// Also knows `name`, with exactly these members.
    pub fn add_with<S: Into<String>>(
        &mut self,
        name: impl Into<String>,
        members: impl IntoIterator<Item = S>,
    ) {
        let members = members.into_iter().map(Into::into).collect();
        self.known.insert(name.into(), Inside::Members(members));
    }

    /// Whether the first part of a name is known.
    pub fn knows(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Notes those of `used` (dotted, with places) that are not known.
    pub fn check(&self, used: &[(String, Span)], found: &mut Diagnostics) {
        found.extend(used.iter().filter_map(|(name, span)| self.unknown(name, span)));
    }

    fn unknown(&self, name: &str, span: &Span) -> Option<Diagnostic> {
        let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
        let Some(inside) = self.known.get(first) else {
            let message = format!("`{first}` is not known here");
            let place = span.sub(0, first.len());
            let found = Diagnostic::error("undeclared", &place, message);
            return Some(found.suggest(first, self.known.keys().map(String::as_str)));
        };
        let (Inside::Members(members), Some(rest)) = (inside, rest) else {
            return None;
        };
        let member = rest.split('.').next().unwrap_or(rest);
        if members.contains(member) {
            return None;
        }
        let place = span.sub(first.len() + 1, first.len() + 1 + member.len());
        let found = Diagnostic::error("undeclared", &place, format!("`{first}` has no `{member}`"));
        Some(if members.is_empty() {
            found.label(format!("nothing is declared in `{first}`"))
        } else {
            found.suggest(member, members.iter().map(String::as_str))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn undeclared_names_are_pointed_at() {
        let mut names = Names::default();
        names.add_with("account", ["email", "name"]);
        names.add_with("settings", Vec::<String>::new());
        names.add("seen");
        for (used, expected) in [
            ("account.email", None),
            ("account", None),
            ("seen.whatever", None),
            ("account.emial", Some(("emial", "did you mean `email`?"))),
            ("acount.email", Some(("acount", "did you mean `account`?"))),
            ("settings.org", Some(("org", "nothing is declared in `settings`"))),
            ("window", Some(("window", "expected `account`, `seen` or `settings`"))),
        ] {
            let source = Source::new("f", used);
            let span = Span::new(source, 0, used.len());
            let mut found = Diagnostics::default();
            names.check(&[(used.to_owned(), span)], &mut found);
            let found = found.into_sorted();
            let shown =
                found.first().map(|found| (found.span.text(), found.label.as_deref().unwrap_or_default()));
            assert_eq!(shown, expected, "{used}");
        }
    }
}
