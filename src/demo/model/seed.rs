//! The people who are there when the app starts: the same ones each time, so that tests can name them.

use super::groups::Groups;
use super::{Member, Organisation, Role, Status};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const FIRST_ID: u64 = 1001;
const TEAMS: [&str; 6] = ["Support", "Billing", "Field", "Onboarding", "Escalations", "Night shift"];

/// Groups, and the places of those in them among [`KNOWN`]: the one whose name is markup, one who is suspended, one who
/// is pending, and one who is in both.
const GROUPS: [(&str, &[usize]); 2] = [("Berlin office", &[1, 2, 6, 9]), ("On call", &[2, 3, 8])];

/// Known by name in tests and pictures. The second one's name is markup and locator syntax, the addresses `al@` and
/// `pal@` are part of each other, and two names are beyond ASCII.
const KNOWN: [(&str, &str, Role, Status); 16] = [
    ("Olivia Owner", "owner", Role::Owner, Status::Active),
    ("<b>Bobby</b> \"> button \"Remove", "bobby.tables", Role::Viewer, Status::Active),
    ("Ada Lovelace", "ada", Role::Agent, Status::Active),
    ("Grace Hopper", "grace", Role::Admin, Status::Active),
    ("Al Khwarizmi", "al", Role::Viewer, Status::Active),
    ("Pál Erdős", "pal", Role::Viewer, Status::Active),
    ("Alan Turing", "alan", Role::Agent, Status::Suspended),
    ("Katherine Johnson", "katherine", Role::Agent, Status::Active),
    ("Edsger Dijkstra", "edsger", Role::Viewer, Status::Pending),
    ("Barbara Liskov", "barbara", Role::Admin, Status::Active),
    ("Zoë Ångström", "zoe", Role::Agent, Status::Active),
    ("Donald Knuth", "donald", Role::Viewer, Status::Active),
    ("Margaret Hamilton", "margaret", Role::Agent, Status::Pending),
    ("Claude Shannon", "claude", Role::Viewer, Status::Suspended),
    ("Radia Perlman", "radia", Role::Agent, Status::Active),
    ("Emmy Noether", "emmy", Role::Viewer, Status::Active),
];

const FIRST: [&str; 25] = [
    "Amara", "Ben", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Keiko", "Lars",
    "Maya", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Samir", "Tove", "Uma", "Viktor", "Wanjiru",
    "Ximena", "Yusuf",
];
const LAST: [&str; 24] = [
    "Abe", "Berg", "Costa", "Diallo", "Eriksen", "Fischer", "Gupta", "Haddad", "Ivanova", "Jensen",
    "Kowalski", "Laurent", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rossi", "Santos", "Tanaka",
    "Usman", "Vargas", "Weber", "Zhang",
];

/// An organisation of `count` people, the owner first; there is always the owner.
pub(in crate::demo) fn seed(count: usize, seats: usize, now_ms: i64) -> Organisation {
    let count = count.max(1);
    let members = (0..count).map(|index| member(index, now_ms)).collect();
    let ids = |places: &[usize]| {
        places.iter().filter(|place| **place < count).map(|place| FIRST_ID + *place as u64).collect()
    };
    let groups = Groups::new(GROUPS.map(|(name, places)| (name, ids(places))).to_vec());
    Organisation::new(members, TEAMS.map(str::to_owned).to_vec(), groups, seats)
}

fn member(index: usize, now_ms: i64) -> Member {
    let (name, local, role, status) = match KNOWN.get(index) {
        Some((name, local, role, status)) => ((*name).to_owned(), (*local).to_owned(), *role, *status),
        None => made_up(index - KNOWN.len()),
    };
    let age = i64::try_from(index % 900).unwrap_or(0) * DAY_MS;
    Member {
        id: FIRST_ID + index as u64,
        name,
        email: format!("{local}@acme.example"),
        role,
        teams: teams(index),
        invitation: (status == Status::Pending).then(|| format!("seeded-{}", FIRST_ID + index as u64)),
        status,
        since_ms: if status == Status::Pending { now_ms } else { now_ms.saturating_sub(age) },
    }
}

/// 600 names, then the same ones with a number.
fn made_up(index: usize) -> (String, String, Role, Status) {
    let first = FIRST.get(index % FIRST.len()).copied().unwrap_or_default();
    let last = LAST.get(index % LAST.len()).copied().unwrap_or_default();
    let role = [Role::Viewer, Role::Agent, Role::Agent, Role::Viewer, Role::Agent, Role::Admin, Role::Viewer];
    let role = role.get(index % role.len()).copied().unwrap_or(Role::Viewer);
    let status = match index % 23 {
        7 => Status::Suspended,
        15 => Status::Pending,
        _ => Status::Active,
    };
    let local = format!("{first}.{last}").to_lowercase();
    match index / (FIRST.len() * LAST.len()) {
        0 => (format!("{first} {last}"), local, role, status),
        round => (format!("{first} {last} {}", round + 1), format!("{local}{}", round + 1), role, status),
    }
}

fn teams(index: usize) -> Vec<String> {
    let chosen = |place: usize| match index % 5 {
        0 => false,
        1 => place == index / 5 % TEAMS.len(),
        2 | 3 => place == (index / 3 + 1) % TEAMS.len(),
        _ => place == index % TEAMS.len() || place == (index / 2 + 3) % TEAMS.len(),
    };
    TEAMS.iter().enumerate().filter(|(place, _)| chosen(*place)).map(|(_, team)| (*team).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ten_thousand_people_have_their_own_id_and_address_and_one_owner() {
        let organisation = seed(10_000, 20_000, 0);
        let emails: HashSet<&str> = organisation.members().map(|member| member.email.as_str()).collect();
        let ids: HashSet<u64> = organisation.members().map(|member| member.id).collect();
        assert_eq!((emails.len(), ids.len()), (10_000, 10_000));
        assert_eq!(organisation.members().filter(|member| member.role == Role::Owner).count(), 1);
        assert!(organisation.record().is_empty());
    }

    #[test]
    fn nobody_else_is_there_when_one_is_asked_for() {
        for count in [0, 1] {
            let emails: Vec<String> =
                seed(count, 5, 0).members().map(|member| member.email.clone()).collect();
            assert_eq!(emails, ["owner@acme.example"]);
            assert!(seed(count, 5, 0).groups().all(|group| group.members.is_empty()));
        }
    }
}
