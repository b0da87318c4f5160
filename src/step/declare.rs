//! The names that templates of a flow can use, as they come into being from step to step.

use std::sync::Arc;

use super::compile::Compiler;
use super::flow::{Call, OpenName};
use super::purpose::Purpose;
use super::rule;
use crate::diagnostic::{Diagnostic, Span};

impl Compiler<'_> {
    /// From here on `name` is a variable.
    pub fn declare(&mut self, name: &str, span: &Span) {
        let is_word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_word {
            let found = Diagnostic::error("bad_name", span, format!("`{name}` cannot be a variable"));
            self.note(found.help("a variable is small letters, digits and `_`, a letter first"));
        } else if Purpose::roots().contains(&name) {
            self.note(Diagnostic::error("reserved_name", span, format!("`{name}` cannot be set")));
        }
        self.names.add(name);
        self.yields.push((name.to_owned(), span.clone()));
    }

    /// What `compile` makes while `name` is a variable that is gone afterwards.
    pub fn while_declared<T>(&mut self, name: &str, span: &Span, compile: impl FnOnce(&mut Self) -> T) -> T {
        let names = self.names.clone();
        self.declare(name, span);
        self.yields.pop();
        let made = compile(self);
        self.names = names;
        made
    }

    /// Notes that another flow is run here; what it reads can be used from here on.
    pub fn calls(&mut self, call: Call) {
        if !self.ran.contains(&call.flow) {
            Arc::make_mut(&mut self.ran).push(call.flow.clone());
        }
        self.calls.push(call);
    }

    pub(super) fn names(&mut self, used: Vec<(String, Span)>) {
        for (name, span) in used {
            let root = name.split('.').next().unwrap_or(&name).to_owned();
            if root == "credentials" && self.purpose != Purpose::Login {
                self.note(rule::secret_outside_login::found(&span));
                continue;
            }
            if !self.names.knows(&root) || self.purpose.lends(&root, self.vocabulary) {
                let open = OpenName { name: root.clone(), span: span.clone(), after: self.ran.clone() };
                self.open_names.push(open);
            }
            if self.names.knows(&root) {
                self.names.check(&[(name, span)], self.diagnostics);
            }
        }
    }

    /// Where nobody could give a value to the names that are open, they are mistakes.
    pub(super) fn no_open_names(&mut self) {
        for open in std::mem::take(&mut self.open_names) {
            let note = super::link::unknown_name(&open, &self.names);
            self.note(note);
        }
    }
}
