//! The paths through a flow: one commit step on each, the account seen before it, and no step that none leads to.
//!
//! Walks every path at once, as the set of states it can be in; a loop is walked until nothing new comes out.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::{Flow, Role, Shape, Step, Use};
use super::purpose::{Purpose, Vocabulary};
use super::rule;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// Where a path can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    committed: bool,
    /// The page showed whose account it is.
    identified: bool,
    /// The page showed which group it is.
    group_identified: bool,
    /// What the page shows was waited for.
    looked: bool,
}

/// Checks the commit steps of one flow.
pub(super) fn check(
    flow: &Flow,
    flows: &BTreeMap<String, Flow>,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) {
    let purpose = Purpose::of(&flow.name, vocabulary);
    if purpose == Purpose::SubFlow {
        // It is walked as a part of the flows that run it.
        return;
    }
    let mut walker = Walker {
        flows,
        purpose: &purpose,
        account: if purpose.changes_an_account() { account_names(vocabulary) } else { Vec::new() },
        group: if purpose.is_about_a_group() { group_names() } else { Vec::new() },
        mistakes: BTreeMap::new(),
        calls: Vec::new(),
        called: BTreeMap::new(),
    };
    let start = State {
        identified: walker.account.is_empty(),
        group_identified: walker.group.is_empty(),
        ..State::default()
    };
    let ends = walker.steps(&flow.steps, BTreeSet::from([start]));
    let Walker { mistakes, .. } = walker;
    diagnostics.extend(mistakes.into_values());
    if purpose.changes() && ends.iter().any(|state| !state.committed) {
        let span = flow.steps.last().map_or(&flow.span, |step| &step.span);
        let on_some = ends.iter().any(|state| state.committed);
        diagnostics.push(rule::no_commit::found(span, &flow.name, on_some));
    }
}

/// The names any of which, shown by the page, tells whose account it is.
fn account_names(vocabulary: &Vocabulary) -> Vec<String> {
    let mut names = vec!["account.id".to_owned()];
    names.extend(vocabulary.match_by.iter().map(|name| format!("account.{name}")));
    names.sort();
    names
}

/// The same of a group.
fn group_names() -> Vec<String> {
    ["group.name", "group.id"].map(str::to_owned).to_vec()
}

struct Walker<'a> {
    flows: &'a BTreeMap<String, Flow>,
    purpose: &'a Purpose,
    /// What tells the account, any of it; nothing where no account is changed.
    account: Vec<String>,
    /// The same of the group.
    group: Vec<String>,
    /// By place and code, so that walking a step again says nothing twice.
    mistakes: BTreeMap<(String, usize, &'static str), Diagnostic>,
    /// The flows that are being walked, innermost last.
    calls: Vec<&'a str>,
    /// Where a flow that was walked ends, by where it began: each is walked once a state, however often it is run.
    called: BTreeMap<(&'a str, State), BTreeSet<State>>,
}

impl<'a> Walker<'a> {
    /// The states after `steps`; paths that end in them are left out.
    fn steps(&mut self, steps: &'a [Step], mut states: BTreeSet<State>) -> BTreeSet<State> {
        for (index, step) in steps.iter().enumerate() {
            if states.is_empty() && index > 0 {
                self.note(rule::unreachable::found(&step.span));
                return states;
            }
            let skipped =
                (step.when.is_some() || step.need == super::flow::Need::Optional).then(|| states.clone());
            states = self.step(step, states);
            states.extend(skipped.into_iter().flatten());
        }
        states
    }

    fn step(&mut self, step: &'a Step, mut states: BTreeSet<State>) -> BTreeSet<State> {
        if self.identifies(step, &self.account, &[Purpose::Invite, Purpose::Member]) {
            states = states.into_iter().map(|state| State { identified: true, ..state }).collect();
        }
        if self.identifies(step, &self.group, &[Purpose::CreateGroup]) {
            states = states.into_iter().map(|state| State { group_identified: true, ..state }).collect();
        }
        if step.effect.looks() {
            states = states.into_iter().map(|state| State { looked: true, ..state }).collect();
        }
        if *self.purpose == Purpose::ReadAccount
            && step.effect.says_absent()
            && states.iter().any(|state| !state.looked)
        {
            self.note(rule::absent_unproved::found(&step.span));
        }
        if step.role == Role::Commit {
            self.commit(&step.span, &states);
            states = states.into_iter().map(|state| State { committed: true, ..state }).collect();
        }
        match step.effect.shape() {
            Shape::Leaf => states,
            Shape::All(steps) | Shape::Window(steps) => self.steps(steps, states),
            Shape::Either(branches) => {
                let mut after = BTreeSet::new();
                for (steps, ends) in branches {
                    let branch = self.steps(steps, states.clone());
                    if !ends {
                        after.extend(branch);
                    }
                }
                after
            }
            Shape::Loop(steps) => self.again(steps, states),
            Shape::Call(name) => self.call(name, states),
            Shape::End => BTreeSet::new(),
        }
    }

    fn again(&mut self, steps: &'a [Step], mut states: BTreeSet<State>) -> BTreeSet<State> {
        loop {
            let after = self.steps(steps, states.clone());
            let known = states.len();
            states.extend(after);
            if states.len() == known {
                return states;
            }
        }
    }

    fn call(&mut self, name: &'a str, states: BTreeSet<State>) -> BTreeSet<State> {
        let Some(flow) = self.flows.get(name).filter(|_| !self.calls.contains(&name)) else { return states };
        let mut after = BTreeSet::new();
        for state in states {
            if !self.called.contains_key(&(name, state)) {
                self.calls.push(name);
                let ends = self.steps(&flow.steps, BTreeSet::from([state]));
                self.calls.pop();
                self.called.insert((name, state), ends);
            }
            after.extend(self.called.get(&(name, state)).into_iter().flatten());
        }
        after
    }

    fn commit(&mut self, span: &Span, states: &BTreeSet<State>) {
        if self.purpose.only_reads() {
            self.note(rule::commit_in_reading::found(span));
            return;
        }
        if states.iter().any(|state| state.committed) {
            self.note(rule::two_commits::found(span));
        }
        if let (true, Some(name)) = (states.iter().any(|state| !state.identified), self.account.first()) {
            self.note(rule::no_identity_check::found(span, "whose account", name));
        }
        if let (true, Some(name)) = (states.iter().any(|state| !state.group_identified), self.group.first()) {
            self.note(rule::no_identity_check::found(span, "which group", name));
        }
    }

    fn note(&mut self, found: Diagnostic) {
        let place = (found.span.file().to_owned(), found.span.range().start, found.code);
        self.mistakes.entry(place).or_insert(found);
    }

    /// Whether the step finds an element by what tells the account, or the group; where it is only being made, or chosen from
    /// all (`typed_in`), whether it types that.
    fn identifies(&self, step: &Step, names: &[String], typed_in: &[Purpose]) -> bool {
        let may_be_typed = typed_in.contains(self.purpose);
        let mut found = false;
        step.effect.texts(&mut |r#use, template| {
            let counts = r#use == Use::Locator || (r#use == Use::Value && may_be_typed);
            found |= counts && template.names().iter().any(|(name, _)| names.contains(name));
        });
        found
    }
}
