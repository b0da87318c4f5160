//! What a list of all groups means: those of the app beside those that are known. Pure.
//!
//! A group of the app and one that is known belong together by the app's own id, else by their name. One with work pending is left alone.

use std::collections::{HashMap, HashSet};

use crate::account::Group;
use crate::reconcile::Protection;
use crate::reconcile::group::refuse_protected_group;

/// A group as a comparison needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its id.
    pub id: String,
    /// The name that it is wanted to have; none where it is to go.
    pub wanted: Option<String>,
    /// What was last seen of it in the app.
    pub in_app: Option<Group>,
    /// Whether it is only known from the app: then nothing is wanted of it.
    pub is_found: bool,
    /// Whether a job for it has not ended.
    pub is_pending: bool,
}

/// Something that a list of groups showed and that was not known so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupFinding {
    /// A group that is not known.
    Adopt {
        /// The group.
        group: Group,
    },
    /// A group that is only known from the app has another name there, or another id.
    Follow {
        /// The group that is known.
        id: String,
        /// The group in the app.
        group: Group,
    },
    /// The group of one that is wanted and was not known to be there.
    Link {
        /// The group that is known.
        id: String,
        /// The group in the app.
        group: Group,
    },
    /// A group that goes by another name than it is wanted to, or is to go.
    Drift {
        /// The group that is known.
        id: String,
        /// The group in the app.
        group: Group,
        /// The name that it is wanted to have; none where it is to go.
        wanted: Option<String>,
    },
    /// The group is not on the list any more.
    Gone {
        /// The group that is known.
        id: String,
        /// What was seen of it before.
        before: Group,
        /// Whether it is only known from the app.
        is_found: bool,
    },
    /// A group that is wanted, was not there before either, and nobody is at it.
    Missing {
        /// The group that is known.
        id: String,
        /// The name that it is wanted to have.
        name: String,
    },
    /// Several groups of the app go by one name, so that none can be told from the others by it.
    Conflict {
        /// One of them.
        group: Group,
    },
}

/// A comparison of all groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupComparison {
    /// What was not known so, in the order of the list; those that are gone come last.
    pub findings: Vec<GroupFinding>,
    /// How many were in the app before: those that may be found gone.
    pub were_there: usize,
    /// How many are on the list.
    pub listed: usize,
    /// Those with work pending that are as wanted: the work may be done already.
    pub seems_done: Vec<String>,
}

impl GroupComparison {
    /// How many groups are gone.
    pub fn gone(&self) -> usize {
        self.findings.iter().filter(|finding| matches!(finding, GroupFinding::Gone { .. })).count()
    }
}

/// Compares a complete list of groups with those that are known. A protected group that is not known is not adopted.
pub fn compare_groups(known: &[KnownGroup], listed: Vec<Group>, protection: &Protection) -> GroupComparison {
    let matched = matches(known, &listed);
    let mut names: HashMap<String, usize> = HashMap::new();
    for group in &listed {
        *names.entry(group.name.to_lowercase()).or_default() += 1;
    }
    let mut compared = GroupComparison {
        findings: Vec::new(),
        were_there: known.iter().filter(|one| one.in_app.is_some()).count(),
        listed: listed.len(),
        seems_done: Vec::new(),
    };
    for (group, at) in listed.into_iter().zip(&matched) {
        let is_one_of_several = names.get(&group.name.to_lowercase()).is_some_and(|count| *count > 1);
        match at.and_then(|at| known.get(at)) {
            Some(one) if one.is_pending => {
                compared
                    .seems_done
                    .extend((one.wanted.as_ref() == Some(&group.name)).then(|| one.id.clone()));
            }
            Some(one) => compared.findings.extend(known_group(one, group)),
            None if is_one_of_several => compared.findings.push(GroupFinding::Conflict { group }),
            None if refuse_protected_group(&group, protection).is_ok() => {
                compared.findings.push(GroupFinding::Adopt { group });
            }
            None => {}
        }
    }
    let met: HashSet<usize> = matched.into_iter().flatten().collect();
    for (_, one) in known.iter().enumerate().filter(|(at, _)| !met.contains(at)) {
        if one.is_pending {
            compared.seems_done.extend(one.wanted.is_none().then(|| one.id.clone()));
            continue;
        }
        // One that is to go and is gone is as it is wanted.
        let Some(name) = one.wanted.clone() else { continue };
        let (id, is_found) = (one.id.clone(), one.is_found);
        compared.findings.push(match one.in_app.clone() {
            Some(before) => GroupFinding::Gone { id, before, is_found },
            None => GroupFinding::Missing { id, name },
        });
    }
    compared
}

/// What a group of the list is to one that is known; nothing where it is as it was.
fn known_group(one: &KnownGroup, group: Group) -> Option<GroupFinding> {
    let id = one.id.clone();
    if one.is_found {
        return (one.in_app.as_ref() != Some(&group)).then_some(GroupFinding::Follow { id, group });
    }
    if one.wanted.as_ref() != Some(&group.name) {
        return Some(GroupFinding::Drift { id, group, wanted: one.wanted.clone() });
    }
    (one.in_app.as_ref() != Some(&group)).then_some(GroupFinding::Link { id, group })
}

/// For each group of the list the place of the one that is known. By the app's id first: a name may be another group's by now. A known group
/// belongs to one of the list alone.
fn matches(known: &[KnownGroup], listed: &[Group]) -> Vec<Option<usize>> {
    let mut matched = vec![None; listed.len()];
    let mut taken = HashSet::new();
    let by_id = |one: &KnownGroup, group: &Group| {
        let ids = (one.in_app.as_ref().and_then(|seen| seen.id.as_ref()), group.id.as_ref());
        matches!(ids, (Some(before), Some(now)) if before == now)
    };
    let by_seen_name = |one: &KnownGroup, group: &Group| {
        let seen = one.in_app.as_ref();
        seen.is_some_and(|seen| (seen.id.is_none() || group.id.is_none()) && seen.name == group.name)
    };
    let by_name = |one: &KnownGroup, group: &Group| one.wanted.as_ref() == Some(&group.name);
    let by_name_in_any_case = |one: &KnownGroup, group: &Group| {
        one.wanted.as_ref().is_some_and(|name| name.to_lowercase() == group.name.to_lowercase())
    };
    let ways: [fn(&KnownGroup, &Group) -> bool; 4] = [by_id, by_seen_name, by_name, by_name_in_any_case];
    for is_it in ways {
        for (group, place) in listed.iter().zip(&mut matched).filter(|(_, place)| place.is_none()) {
            let mut free = known.iter().enumerate().filter(|(at, _)| !taken.contains(at));
            if let Some((at, _)) = free.find(|(_, one)| is_it(one, group)) {
                taken.insert(at);
                *place = Some(at);
            }
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `7:Ops`, or `Ops` of an app without ids.
    fn group(text: &str) -> Group {
        match text.split_once(':') {
            Some((id, name)) => Group { id: Some(id.to_owned()), name: name.to_owned() },
            None => Group { id: None, name: text.to_owned() },
        }
    }

    /// `a=Ops@7:Ops` is wanted and was seen, `a~7:Ops` was found, `a=-@7:Ops` is to go, `!` has work pending.
    fn known(text: &str) -> KnownGroup {
        let (text, is_pending) = match text.strip_suffix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (id, wanted, seen) = match text.split_once('~') {
            Some((id, seen)) => (id, Some(group(seen).name), Some(seen)),
            None => {
                let (id, rest) = text.split_once('=').unwrap();
                let (wanted, seen) =
                    rest.split_once('@').map_or((rest, None), |(wanted, seen)| (wanted, Some(seen)));
                (id, Some(wanted.to_owned()).filter(|wanted| wanted != "-"), seen)
            }
        };
        let is_found = text.contains('~');
        KnownGroup { id: id.to_owned(), wanted, in_app: seen.map(group), is_found, is_pending }
    }

    fn word(finding: &GroupFinding) -> String {
        let shown = |group: &Group| match &group.id {
            Some(id) => format!("{id}:{}", group.name),
            None => group.name.clone(),
        };
        match finding {
            GroupFinding::Adopt { group } => format!("adopt {}", shown(group)),
            GroupFinding::Follow { id, group } => format!("{id} follows {}", shown(group)),
            GroupFinding::Link { id, group } => format!("{id} is {}", shown(group)),
            GroupFinding::Drift { id, group, .. } => format!("{id} drifted {}", shown(group)),
            GroupFinding::Gone { id, .. } => format!("{id} gone"),
            GroupFinding::Missing { id, .. } => format!("{id} missing"),
            GroupFinding::Conflict { group } => format!("conflict {}", shown(group)),
        }
    }

    #[test]
    fn groups_are_known_by_their_ids_else_by_their_names() {
        let protection = Protection::new(["staff".to_owned()]);
        for (had, listed, expected) in [
            ("", "1:Ops Staff", "adopt 1:Ops"),
            ("a~1:Ops", "1:Ops", ""),
            ("a~1:Ops", "1:Night", "a follows 1:Night"),
            // It was removed and made again by hand.
            ("a~1:Ops", "2:Ops", "a follows 2:Ops"),
            ("a~1:Ops", "2:Night", "adopt 2:Night, a gone"),
            ("a~1:Ops b~2:Night", "1:Night 2:Ops", "a follows 1:Night, b follows 2:Ops"),
            ("a=Ops@1:Ops", "1:Ops", ""),
            ("a=Ops@1:Ops", "1:Night", "a drifted 1:Night"),
            ("a=Ops@1:Ops", "", "a gone"),
            ("a=Ops@1:Ops", "2:Ops", "a is 2:Ops"),
            ("a=Ops", "1:Ops", "a is 1:Ops"),
            ("a=Ops", "1:ops", "a drifted 1:ops"),
            ("a=Ops", "", "a missing"),
            ("a=Ops!", "", ""),
            ("a=Ops!", "1:Ops", ""),
            ("a=Ops@1:Ops!", "", ""),
            ("a=-@1:Ops", "1:Ops", "a drifted 1:Ops"),
            ("a=-@1:Ops", "", ""),
            ("a=-@1:Ops", "2:Ops", "adopt 2:Ops"),
            ("a=Ops@Ops", "Ops", ""),
            ("a=Night@Ops", "Ops", "a drifted Ops"),
            // The one that was seen goes before one of the wanted name.
            ("a=Night@Ops", "Night Ops", "adopt Night, a drifted Ops"),
            ("", "1:Ops 2:ops", "conflict 1:Ops, conflict 2:ops"),
            ("a=Ops@1:Ops", "1:Ops 2:ops", "conflict 2:ops"),
            ("a=Staff", "1:Staff", "a is 1:Staff"),
        ] {
            let had: Vec<KnownGroup> = had.split_whitespace().map(known).collect();
            let listed = listed.split_whitespace().map(group).collect();
            let found = compare_groups(&had, listed, &protection).findings;
            assert_eq!(found.iter().map(word).collect::<Vec<_>>().join(", "), expected, "{had:?}");
        }
        for (had, listed, seems_done) in [
            ("a=Ops!", "1:Ops", "a"),
            ("a=Ops!", "1:ops", ""),
            ("a=-@1:Ops!", "", "a"),
            ("a=-@1:Ops!", "1:Ops", ""),
        ] {
            let compared =
                compare_groups(&[known(had)], listed.split_whitespace().map(group).collect(), &protection);
            assert_eq!(compared.seems_done.join(" "), seems_done, "{had} {listed}");
        }
    }
}
