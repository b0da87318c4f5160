//! The people of the suite, and what is wanted of each, one after the other.

use std::collections::HashMap;

use serde_json::Value;
use usher::demo::{Action, Change};

use crate::path::faults::Drawn;
use crate::path::world::{OWNER, user};

/// A wish, and what the app records once it is fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub role: &'static str,
    pub active: bool,
    recorded: (Action, &'static str),
}

/// Somebody, and what is wanted of them in its order.
#[derive(Clone, Debug)]
pub struct Person {
    pub email: String,
    pub name: String,
    pub wishes: Vec<Wish>,
    /// Whether the app's own pages are used for them, instead of quick mode.
    pub on_pages: bool,
}

/// How many wishes a person has.
const EACH: usize = 10;

impl Person {
    /// As many as have `wishes` together; one in `pages` of them on the app's own pages.
    pub fn all(drawn: &mut Drawn, wishes: usize, pages: usize) -> Vec<Self> {
        let mut left = wishes;
        let mut people = Vec::new();
        while left > 0 {
            let number = people.len();
            let wanted = EACH.min(left);
            left -= wanted;
            people.push(Self {
                email: format!("person{number:05}@acme.example"),
                name: format!("Person Number {number}"),
                wishes: wishes_of(drawn, wanted),
                on_pages: number % pages == pages - 1,
            });
        }
        people
    }

    pub fn body(&self, wish: &Wish) -> Value {
        user(&self.email, &self.name, wish.active, wish.role)
    }
}

/// A joiner first; then movers, leavers and those who come back, as drawn.
fn wishes_of(drawn: &mut Drawn, count: usize) -> Vec<Wish> {
    let (mut role, mut active) = ("agent", true);
    let mut wishes = vec![Wish { role, active, recorded: (Action::Invited, "Agent") }];
    while wishes.len() < count {
        let recorded = if !active {
            active = true;
            (Action::Reactivated, "Active")
        } else if drawn.below(3) == 0 {
            active = false;
            (Action::Suspended, "Suspended")
        } else {
            let (next, label) = if role == "agent" { ("viewer", "Viewer") } else { ("agent", "Agent") };
            role = next;
            (Action::RoleChanged, label)
        };
        wishes.push(Wish { role, active, recorded });
    }
    wishes
}

/// What the app's record says about the wishes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub wanted: usize,
    pub once: usize,
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub unwanted: Vec<String>,
}

impl Verdict {
    /// Compares, in order, what is wanted of each with what the app recorded of them.
    pub fn of(people: &[Person], record: &[Change]) -> Self {
        let mut of: HashMap<&str, Vec<(Action, String)>> = HashMap::new();
        // What the invited do themselves is not Usher's.
        for change in record.iter().filter(|change| change.action != Action::Accepted) {
            assert_eq!(change.actor, OWNER);
            of.entry(&change.email).or_default().push((change.action, value(change)));
        }
        let mut verdict = Self::default();
        for person in people {
            let recorded = of.remove(person.email.as_str()).unwrap_or_default();
            verdict.compare(person, &recorded);
        }
        for (email, changes) in of {
            verdict.unwanted.extend(changes.iter().map(|change| format!("{email}: {change:?}")));
        }
        verdict
    }

    fn compare(&mut self, person: &Person, recorded: &[(Action, String)]) {
        let mut wanted = person.wishes.iter().map(|wish| wish.recorded).peekable();
        let mut last = None;
        self.wanted += person.wishes.len();
        for change in recorded {
            let is = |wish: &(Action, &str)| wish.0 == change.0 && wish.1 == change.1;
            if wanted.peek().is_some_and(is) {
                last = wanted.next();
                self.once += 1;
            } else {
                let list = if last.as_ref().is_some_and(is) { &mut self.doubled } else { &mut self.unwanted };
                list.push(format!("{}: {change:?} in {recorded:?}", person.email));
            }
        }
        self.lost.extend(wanted.map(|wish| format!("{}: {wish:?} not in {recorded:?}", person.email)));
    }

    pub fn is_clean(&self) -> bool {
        self.once == self.wanted
            && self.lost.is_empty()
            && self.doubled.is_empty()
            && self.unwanted.is_empty()
    }
}

/// The value that tells a change from others of its kind.
fn value(change: &Change) -> String {
    let field = match change.action {
        Action::Invited => "role",
        _ => change.changed.first().map_or("", |difference| difference.field),
    };
    let difference = change.changed.iter().find(|difference| difference.field == field);
    difference.and_then(|difference| difference.to.clone()).unwrap_or_default()
}

#[test]
fn the_judge_tells_lost_doubled_and_unwanted_changes() {
    let people = Person::all(&mut Drawn(1), 10, 50);
    let change = |(action, to): (Action, &str)| Change {
        at_ms: 0,
        actor: OWNER.to_owned(),
        action,
        member_id: Some(1),
        email: people[0].email.clone(),
        changed: vec![usher::demo::Difference {
            field: if matches!(action, Action::Suspended | Action::Reactivated) { "status" } else { "role" },
            from: None,
            to: Some(to.to_owned()),
        }],
    };
    let all: Vec<Change> = people[0].wishes.iter().map(|wish| change(wish.recorded)).collect();
    let counts = |record: &[Change]| {
        let verdict = Verdict::of(&people, record);
        let counts = (verdict.once, verdict.lost.len(), verdict.doubled.len(), verdict.unwanted.len());
        (verdict.is_clean(), counts)
    };
    assert_eq!(counts(&all), (true, (10, 0, 0, 0)));
    assert_eq!(counts(&all[..9]), (false, (9, 1, 0, 0)));
    assert_eq!(counts(&[&all[..1], &all[..]].concat()), (false, (10, 0, 1, 0)));
    assert_eq!(counts(&[&all[..], &all[..1]].concat()), (false, (10, 0, 0, 1)));
    let stranger = Change { email: "eve@acme.example".to_owned(), ..all[0].clone() };
    assert_eq!(counts(&[&all[..], &[stranger]].concat()), (false, (10, 0, 0, 1)));
}
