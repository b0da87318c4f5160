//! What can only be checked once all flows are read: names that sub-flows give and take, and rings of sub-flows.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::{Call, Flow, OpenName};
use super::paths;
use super::purpose::{Purpose, Vocabulary};
use super::rule;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::playbook::Names;

/// Checks the flows of a connector against each other: names, commit steps, calls in a ring, flows that nobody runs.
pub fn check_flows(flows: &BTreeMap<String, Flow>, vocabulary: &Vocabulary, diagnostics: &mut Diagnostics) {
    let parts = flows.keys().map(|name| (name.as_str(), Part::of(name, flows))).collect();
    let linker = Linker { flows, vocabulary, parts };
    for flow in flows.values() {
        linker.check(flow, diagnostics);
        paths::check(flow, flows, vocabulary, diagnostics);
    }
    rule::groups_unread::check(flows, vocabulary, diagnostics);
    rule::unescaped_path::check(flows, diagnostics);
    rule::unused_flow::check(flows, vocabulary, diagnostics);
    rule::unused_variable::check(flows, vocabulary, diagnostics);
}

/// A name that nothing gives a value to; `known` is what the flow can use at its end.
pub(super) fn unknown_name(open: &OpenName, known: &Names) -> Diagnostic {
    let mut found = Diagnostics::default();
    known.check(&[(open.name.clone(), open.span.clone())], &mut found);
    let later = || {
        let message = format!("`{}` has no value here yet", open.name);
        Diagnostic::error("undeclared", &open.span, message).label("a step further down sets it")
    };
    found.into_sorted().into_iter().next().unwrap_or_else(later)
}

/// A flow with all that it runs.
#[derive(Default)]
struct Part<'a> {
    /// Every flow that is run, by whatever way.
    flows: BTreeSet<&'a str>,
    /// What is set or read in them.
    yields: BTreeSet<&'a str>,
    /// One of them could not be read and may set anything.
    unread: bool,
}

impl<'a> Part<'a> {
    fn of(name: &'a str, flows: &'a BTreeMap<String, Flow>) -> Self {
        let mut part = Self::default();
        let mut next = vec![name];
        while let Some(flow) = next.pop().and_then(|name| flows.get(name)) {
            part.yields.extend(flow.yields.iter().map(|(name, _)| name.as_str()));
            for call in &flow.calls {
                match flows.contains_key(&call.flow) {
                    true if part.flows.insert(&call.flow) => next.push(&call.flow),
                    true => {}
                    false => part.unread = true,
                }
            }
        }
        part
    }
}

struct Linker<'a> {
    flows: &'a BTreeMap<String, Flow>,
    vocabulary: &'a Vocabulary,
    parts: BTreeMap<&'a str, Part<'a>>,
}

impl Linker<'_> {
    fn check(&self, flow: &Flow, diagnostics: &mut Diagnostics) {
        if Purpose::of(&flow.name, self.vocabulary) != Purpose::SubFlow {
            for open in flow.open_names.iter().filter(|open| !self.is_read_before(open)) {
                diagnostics.push(unknown_name(open, &flow.names));
            }
        }
        for call in &flow.calls {
            self.check_call(flow, call, diagnostics);
        }
    }

    /// Whether a sub-flow that ran before yields the name.
    fn is_read_before(&self, open: &OpenName) -> bool {
        let gives = |part: &Part<'_>| part.unread || part.yields.contains(open.name.as_str());
        // A flow that could not be read may yield anything.
        open.after.iter().any(|flow| self.parts.get(flow.as_str()).is_none_or(gives))
    }

    fn check_call(&self, caller: &Flow, call: &Call, diagnostics: &mut Diagnostics) {
        if self.reaches(&call.flow, &caller.name) {
            let message = format!("`{}` runs itself again by way of `{}`", caller.name, call.flow);
            diagnostics.error("ring", &call.span, message);
            return;
        }
        let Some(callee) = self.flows.get(&call.flow) else { return };
        if Purpose::of(&call.flow, self.vocabulary) != Purpose::SubFlow {
            let message = format!("`{}` is run by itself and is no sub-flow", call.flow);
            diagnostics.error("not_a_sub_flow", &call.span, message);
            return;
        }
        let mut missing: Vec<&str> = callee
            .open_names
            .iter()
            .filter(|open| !self.is_read_before(open))
            .map(|open| open.name.as_str())
            .filter(|name| !call.with.iter().any(|(given, _)| given == name) && !self.lends(caller, name))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        for name in missing {
            let found =
                Diagnostic::error("missing_value", &call.span, format!("`{}` needs `{name}`", call.flow));
            diagnostics.push(found.help(format!("give it beside `run:`, as `with: {{ {name}: … }}`")));
        }
        for (name, span) in &call.with {
            if !callee.open_names.iter().any(|open| open.name == *name) {
                let message = format!("`{}` does not use `{name}`", call.flow);
                let names = callee.open_names.iter().map(|open| open.name.as_str());
                diagnostics.push(rule::unused_value::RULE.at(span, message).suggest(name, names));
            }
        }
    }

    /// Whether the caller's own `role`, `wanted` and the like are there for the flows it runs.
    fn lends(&self, caller: &Flow, name: &str) -> bool {
        Purpose::SubFlow.lends(name, self.vocabulary) && caller.names.knows(name)
    }

    fn reaches(&self, from: &str, to: &str) -> bool {
        from == to || self.parts.get(from).is_some_and(|part| part.flows.contains(to))
    }
}
