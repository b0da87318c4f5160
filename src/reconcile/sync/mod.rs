//! What a reading of every account means: the accounts of the app beside the users that are known. Pure.
//!
//! An account and a user belong together by the app's own id, else by what the connector matches by, in its order. Whoever has work
//! pending is left alone: what is read of them now may be about to change. Nothing is removed by a comparison, and an account that nobody
//! wants is only told of (R20).

mod groups;

use std::collections::{HashMap, HashSet};

use crate::account::{Attributes, Group, Membership, Observed, Presence, Status, Wanted};

use super::{Capabilities, Operation, Protection, Refusal, plan};

pub use groups::{GroupComparison, GroupFinding, KnownGroup, compare_groups};

/// A user as a comparison needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub user_id: String,
    /// What is wanted of its account; of groups, only those that it is wanted in.
    pub wanted: Wanted,
    /// What was last seen of it.
    pub seen: Option<Observed>,
    /// Whether a job for it has not ended.
    pub is_pending: bool,
    /// Whether it was removed, and its account seen gone, before: nothing is wanted of it any more.
    pub is_over: bool,
}

/// What is compared by.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'r> {
    /// The attributes by which accounts and users find each other, in this order.
    pub match_by: &'r [String],
    /// What the connector can do.
    pub can: &'r Capabilities,
    /// Who is never changed: they are not adopted either.
    pub protection: &'r Protection,
    /// The groups that Usher keeps in the app. Of others nothing is wanted.
    pub groups: &'r [Group],
}

/// Something that a reading found and that was not known so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An account of somebody who is not known.
    Adopt {
        /// The account.
        account: Observed,
    },
    /// The account of a user whose account was not known, or not known to be there. What is still to do for it to be as wanted.
    Link {
        /// The user.
        user_id: String,
        /// The account.
        account: Observed,
        /// What differs from what is wanted.
        to_do: Result<Vec<Operation>, Refusal>,
    },
    /// The account that a user had is not on the list any more.
    Gone {
        /// The user.
        user_id: String,
    },
    /// A user who is to have an account, had none before either, and nobody is at it: it was found gone earlier, or a job gave up.
    Missing {
        /// The user.
        user_id: String,
        /// What differs from what is wanted.
        to_do: Result<Vec<Operation>, Refusal>,
    },
    /// An account that is not as it is wanted, and nobody is at it: it was changed by hand, or a job gave up.
    Drift {
        /// The user.
        user_id: String,
        /// The account.
        account: Observed,
        /// What differs from what is wanted.
        to_do: Result<Vec<Operation>, Refusal>,
    },
    /// The account of somebody who was removed is there, or there again.
    Orphan {
        /// The user who had it.
        user_id: String,
        /// The account.
        account: Observed,
    },
    /// An account that might be a user's and might not: another one is, or goes by the same name.
    Conflict {
        /// The user.
        user_id: String,
        /// The account.
        account: Observed,
    },
    /// An account holds what the connector does not declare.
    Unknown {
        /// The account.
        account: Observed,
        /// The type of entitlement.
        entitlement: String,
        /// What it holds of it.
        key: String,
    },
}

/// A comparison of all accounts with all users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What was not known so, in the order of the accounts; users whose accounts are gone come last.
    pub findings: Vec<Finding>,
    /// The users whose accounts are as wanted, with what was seen: it is kept as it is.
    pub as_wanted: Vec<(String, Observed)>,
    /// How many users have work pending and were left alone.
    pub pending: usize,
    /// Those of them whose accounts are as wanted, as far as was shown: the work may be done already.
    pub seems_done: Vec<String>,
    /// How many accounts are protected and belong to nobody who is known.
    pub protected: usize,
    /// How many users had an account before: those who may be found gone.
    pub had_account: usize,
}

/// Compares a complete reading with what is known. No account of `accounts` is absent.
pub fn compare(known: &[Known], accounts: Vec<Observed>, rules: Rules<'_>) -> Comparison {
    let index = Index::of(known, rules);
    let mut taken = HashSet::new();
    let mut compared = Comparison {
        had_account: known.iter().filter(|one| !one.is_over && had_account(one)).count(),
        ..Comparison::default()
    };
    // Those who are known by the app's own id first: a name that another of them had before may be anybody's by now.
    let by_id: Vec<Option<usize>> = accounts.iter().map(|account| index.by_id(account)).collect();
    for at in by_id.iter().flatten() {
        taken.insert(*at);
    }
    let mut met = HashSet::new();
    for (account, by_id) in accounts.into_iter().zip(by_id) {
        compared.findings.extend(unknown_keys(&account, rules));
        let at = by_id.or_else(|| index.by_value(&account, rules, &taken));
        match at.and_then(|at| Some((at, known.get(at)?))) {
            None if rules.protection.covers(&account.attributes).is_some() => compared.protected += 1,
            None => compared.findings.push(Finding::Adopt { account }),
            Some((at, one)) => {
                let is_second = !met.insert(at);
                taken.insert(at);
                matched(one, account, is_second, rules, &mut compared);
            }
        }
    }
    for (at, one) in known.iter().enumerate() {
        if !taken.contains(&at) && !one.is_over {
            missed(one, rules, &mut compared);
        }
    }
    compared
}

fn matched(one: &Known, account: Observed, is_second: bool, rules: Rules<'_>, compared: &mut Comparison) {
    let user_id = one.user_id.clone();
    let ids = (one.seen.as_ref().and_then(|seen| seen.id.as_ref()), account.id.as_ref());
    let is_another = matches!(ids, (Some(known), Some(shown)) if known != shown);
    if one.is_over {
        // Where several go by the name of somebody who left, each is told of.
        compared.findings.push(Finding::Orphan { user_id, account });
    } else if is_second || is_another {
        compared.findings.push(Finding::Conflict { user_id, account });
    } else if one.is_pending {
        pending(one, &account, rules, compared);
    } else {
        let to_do = plan_of(one, &account, rules);
        if !had_account(one) {
            compared.findings.push(Finding::Link { user_id, account, to_do });
        } else if to_do.as_ref().is_ok_and(Vec::is_empty) {
            compared.as_wanted.push((user_id, account));
        } else {
            compared.findings.push(Finding::Drift { user_id, account, to_do });
        }
    }
}

/// A user none of the accounts belongs to.
fn missed(one: &Known, rules: Rules<'_>, compared: &mut Comparison) {
    if one.is_pending {
        pending(one, &Observed::absent(), rules, compared);
        return;
    }
    let user_id = one.user_id.clone();
    let to_do = plan_of(one, &Observed::absent(), rules);
    match (had_account(one), to_do.as_ref().is_ok_and(Vec::is_empty)) {
        (true, true) => compared.as_wanted.push((user_id, Observed::absent())),
        (true, false) => compared.findings.push(Finding::Gone { user_id }),
        (false, true) => {}
        (false, false) => compared.findings.push(Finding::Missing { user_id, to_do }),
    }
}

/// A user with work pending, whose account is so now.
fn pending(one: &Known, account: &Observed, rules: Rules<'_>, compared: &mut Comparison) {
    compared.pending += 1;
    if plan_of(one, account, rules).is_ok_and(|to_do| to_do.is_empty()) {
        compared.seems_done.push(one.user_id.clone());
    }
}

fn had_account(one: &Known) -> bool {
    one.seen.as_ref().is_some_and(|seen| seen.status != Status::Absent)
}

/// What differs from what is wanted, among what was shown: a list that shows no groups says nothing of them.
fn plan_of(one: &Known, account: &Observed, rules: Rules<'_>) -> Result<Vec<Operation>, Refusal> {
    let mut wanted = one.wanted.clone();
    match &account.groups {
        None => wanted.groups.clear(),
        Some(is_in) => {
            let is_wanted = |group: &&Group| one.wanted.groups.iter().any(|wanted| wanted.group == **group);
            let others = rules.groups.iter().filter(|group| is_in.contains(&group.name) && !is_wanted(group));
            wanted.groups.extend(others.map(|group| Membership { group: group.clone(), is_wanted: false }));
        }
    }
    plan(&wanted, account, rules.can, rules.protection)
}

fn unknown_keys(account: &Observed, rules: Rules<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (entitlement, keys) in &account.entitlements {
        let declared = rules.can.entitlements.get(entitlement).and_then(|rule| rule.keys.as_ref());
        let Some(declared) = declared else { continue };
        findings.extend(keys.difference(declared).map(|key| Finding::Unknown {
            account: account.clone(),
            entitlement: entitlement.clone(),
            key: key.clone(),
        }));
    }
    findings
}

/// Where a user is found by what an account shows.
struct Index<'k> {
    by_id: HashMap<&'k str, usize>,
    /// By the place of the attribute in what is matched by, and its value as it is compared; with whether it is what is wanted, and not
    /// only what was seen. Those who are wanted come before those who were removed.
    by_value: HashMap<(usize, String), (usize, bool)>,
}

impl<'k> Index<'k> {
    fn of(known: &'k [Known], rules: Rules<'_>) -> Self {
        let mut index = Self { by_id: HashMap::new(), by_value: HashMap::new() };
        let ranks = [
            |one: &Known| !one.is_over && one.wanted.presence != Presence::Gone,
            |one: &Known| !one.is_over && one.wanted.presence == Presence::Gone,
            |one: &Known| one.is_over,
        ];
        for rank in ranks {
            let those = || known.iter().enumerate().filter(|(_, one)| rank(one));
            for (at, one) in those() {
                if let Some(id) = one.seen.as_ref().and_then(|seen| seen.id.as_deref()) {
                    index.by_id.entry(id).or_insert(at);
                }
                index.add((at, true), &one.wanted.attributes, rules);
            }
            for (at, one) in those() {
                if let Some(seen) = &one.seen {
                    index.add((at, false), &seen.attributes, rules);
                }
            }
        }
        index
    }

    fn add(&mut self, at: (usize, bool), attributes: &Attributes, rules: Rules<'_>) {
        for (place, name) in rules.match_by.iter().enumerate() {
            if let Some(value) = attributes.get(name).filter(|value| !value.trim().is_empty()) {
                self.by_value.entry((place, rules.can.folded(name, value))).or_insert(at);
            }
        }
    }

    fn by_id(&self, account: &Observed) -> Option<usize> {
        self.by_id.get(account.id.as_deref()?).copied()
    }

    /// Whoever goes by the name, or went by it, unless their account is another one that is `taken` already.
    fn by_value(&self, account: &Observed, rules: Rules<'_>, taken: &HashSet<usize>) -> Option<usize> {
        let found = rules.match_by.iter().enumerate().find_map(|(place, name)| {
            let value = account.attributes.get(name)?;
            self.by_value.get(&(place, rules.can.folded(name, value))).copied()
        });
        found.filter(|(at, is_wanted)| *is_wanted || !taken.contains(at)).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests;
