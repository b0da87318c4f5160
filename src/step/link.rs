//! What can only be checked once all flows are read: names that sub-flows give and take, and rings of sub-flows.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::{Call, Flow, OpenName};
use super::paths;
use super::purpose::{Purpose, Vocabulary};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::playbook::Names;

/// Checks the flows of a connector against each other: names, commit steps, calls in a ring, flows that nobody runs.
pub fn check_flows(flows: &BTreeMap<String, Flow>, vocabulary: &Vocabulary, diagnostics: &mut Diagnostics) {
    let linker = Linker { flows, vocabulary };
    for flow in flows.values() {
        linker.check(flow, diagnostics);
        paths::check(flow, flows, vocabulary, diagnostics);
    }
    let called: BTreeSet<&str> =
        flows.values().flat_map(|flow| &flow.calls).map(|call| call.flow.as_str()).collect();
    for flow in flows.values().filter(|flow| !called.contains(flow.name.as_str())) {
        if Purpose::of(&flow.name, vocabulary) == Purpose::SubFlow {
            let message = format!("nothing runs the flow `{}`", flow.name);
            let names = Purpose::flow_names(vocabulary);
            let span = first_line(&flow.span);
            let found = Diagnostic::warning("unused_flow", &span, message);
            diagnostics.push(found.suggest(&flow.name, names.iter().map(String::as_str)));
        }
    }
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

fn first_line(span: &Span) -> Span {
    span.sub(0, span.text().lines().next().unwrap_or_default().len())
}

struct Linker<'a> {
    flows: &'a BTreeMap<String, Flow>,
    vocabulary: &'a Vocabulary,
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
        open.after.iter().any(|flow| self.yields(flow, &open.name, &mut BTreeSet::new()))
    }

    fn yields<'f>(&'f self, flow: &'f str, name: &str, seen: &mut BTreeSet<&'f str>) -> bool {
        // A flow that could not be read may yield anything.
        let Some(found) = self.flows.get(flow) else { return true };
        seen.insert(flow)
            && (found.yields.iter().any(|known| known == name)
                || found.calls.iter().any(|call| self.yields(&call.flow, name, seen)))
    }

    fn check_call(&self, caller: &Flow, call: &Call, diagnostics: &mut Diagnostics) {
        if self.reaches(&call.flow, &caller.name, &mut BTreeSet::new()) {
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
                diagnostics.push(Diagnostic::error("unused_value", span, message).suggest(name, names));
            }
        }
    }

    /// Whether the caller's own `role`, `wanted` and the like are there for the flows it runs.
    fn lends(&self, caller: &Flow, name: &str) -> bool {
        Purpose::SubFlow.lends(name, self.vocabulary) && caller.names.knows(name)
    }

    fn reaches<'f>(&'f self, from: &'f str, to: &str, seen: &mut BTreeSet<&'f str>) -> bool {
        from == to
            || (seen.insert(from)
                && self
                    .flows
                    .get(from)
                    .is_some_and(|flow| flow.calls.iter().any(|call| self.reaches(&call.flow, to, seen))))
    }
}
