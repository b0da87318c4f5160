//! Any sequence of requests leaves what a model in memory has, and is answered as the model expects.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const NAMES: [&str; 5] =
    ["ada@acme.example", "ADA@acme.example", "bob@acme.example", "émile@acme.example", "ÉMILE@acme.example"];
const GROUPS: [&str; 4] = ["Support", "SUPPORT", "Sales", "Équipe"];
const SEQUENCES: u32 = 24;
const LONGEST: usize = 30;

#[derive(Clone, Debug)]
enum Ask {
    Create { name: usize, external: bool, active: bool },
    Put { of: Index, name: usize, active: bool },
    SetActive { of: Index, active: bool },
    Rename { of: Index, name: usize },
    Delete { of: Index },
    CreateGroup { name: usize, members: Vec<Index> },
    PutGroup { of: Index, name: usize, members: Vec<Index> },
    Join { of: Index, member: Index },
    Leave { of: Index, member: Index },
    RenameGroup { of: Index, name: usize },
    DeleteGroup { of: Index },
}

fn ask() -> impl Strategy<Value = Ask> {
    let (name, group) = (0..NAMES.len(), 0..GROUPS.len());
    let members = || proptest::collection::vec(any::<Index>(), 0..4);
    prop_oneof![
        4 => (name.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(name, external, active)| Ask::Create { name, external, active }),
        2 => (any::<Index>(), name.clone(), any::<bool>()).prop_map(|(of, name, active)| Ask::Put { of, name, active }),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(of, active)| Ask::SetActive { of, active }),
        1 => (any::<Index>(), name).prop_map(|(of, name)| Ask::Rename { of, name }),
        2 => any::<Index>().prop_map(|of| Ask::Delete { of }),
        2 => (group.clone(), members()).prop_map(|(name, members)| Ask::CreateGroup { name, members }),
        1 => (any::<Index>(), group.clone(), members())
            .prop_map(|(of, name, members)| Ask::PutGroup { of, name, members }),
        3 => (any::<Index>(), any::<Index>()).prop_map(|(of, member)| Ask::Join { of, member }),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(of, member)| Ask::Leave { of, member }),
        1 => (any::<Index>(), group).prop_map(|(of, name)| Ask::RenameGroup { of, name }),
        1 => any::<Index>().prop_map(|of| Ask::DeleteGroup { of }),
    ]
}

/// A user that was made once. No worker runs, so whoever is deleted keeps the name.
#[derive(Clone, Debug)]
struct Person {
    id: String,
    name: String,
    external: String,
    active: bool,
    alive: bool,
}

#[derive(Clone, Debug)]
struct Team {
    id: String,
    name: String,
    members: Vec<String>,
}

struct Model {
    gate: Gate,
    people: Vec<Person>,
    teams: Vec<Team>,
}

impl Model {
    async fn carry_out(&mut self, ask: &Ask) {
        match ask {
            Ask::Create { name, external, active } => self.create(NAMES[*name], *external, *active).await,
            Ask::Put { of, name, active } => {
                let Some(at) = self.person(of) else { return };
                let Person { id, external, .. } = self.people[at].clone();
                let answer = self.gate.put(&id, &person(NAMES[*name], &external, *active)).await;
                self.changed(at, &answer, Some(NAMES[*name]), Some(*active));
            }
            Ask::SetActive { of, active } => {
                let Some(at) = self.person(of) else { return };
                let id = self.people[at].id.clone();
                let change = json!([{ "op": "Replace", "path": "active", "value": active.to_string() }]);
                let answer = self.gate.patch(&id, change).await;
                self.changed(at, &answer, None, Some(*active));
            }
            Ask::Rename { of, name } => {
                let Some(at) = self.person(of) else { return };
                let id = self.people[at].id.clone();
                let change = json!([{ "op": "replace", "value": { "userName": NAMES[*name] } }]);
                let answer = self.gate.patch(&id, change).await;
                self.changed(at, &answer, Some(NAMES[*name]), None);
            }
            Ask::Delete { of } => {
                let Some(at) = self.person(of) else { return };
                let Person { id, alive, .. } = self.people[at].clone();
                let expected = if alive { 204 } else { 404 };
                assert_eq!(self.gate.delete(&id).await.status, expected);
                self.people[at].alive = false;
                self.teams.iter_mut().for_each(|team| team.members.retain(|member| *member != id));
            }
            _ => self.carry_out_on_group(ask).await,
        }
    }

    async fn create(&mut self, name: &str, external: bool, active: bool) {
        let external = if external { name.to_lowercase() } else { "other".to_owned() };
        let answer = self.gate.post(&person(name, &external, active)).await;
        // Whoever is there under the same external id and another name is the same person.
        let is_there = |one: &Person| one.alive && one.external == external && !same(&one.name, name);
        let twin = self.people.iter().any(is_there);
        let holder = self.people.iter_mut().find(|person| same(&person.name, name));
        match holder {
            Some(holder) if holder.external != external || (twin && !holder.alive) => {
                answer.scim_error(409, Some("uniqueness"));
            }
            // The same wish again, not fulfilled yet: it is taken up, be it deleted or not.
            Some(holder) => {
                assert_eq!(
                    (answer.status, answer.json()["id"].as_str()),
                    (201, Some(&*holder.id)),
                    "{answer:?}"
                );
                (holder.name, holder.active, holder.alive) = (name.to_owned(), active, true);
            }
            // Somebody whose name changed is no second person.
            None if twin => {
                answer.scim_error(409, Some("uniqueness"));
            }
            None => {
                assert_eq!(answer.status, 201, "{answer:?}");
                let id = answer.json()["id"].as_str().unwrap().to_owned();
                self.people.push(Person { id, name: name.to_owned(), external, active, alive: true });
            }
        }
    }

    fn changed(&mut self, at: usize, answer: &Answer, name: Option<&str>, active: Option<bool>) {
        let taken = name.is_some_and(|name| {
            self.people.iter().enumerate().any(|(other, person)| other != at && same(&person.name, name))
        });
        let person = &mut self.people[at];
        match (person.alive, taken) {
            (false, _) => drop(answer.scim_error(404, None)),
            (true, true) => drop(answer.scim_error(409, Some("uniqueness"))),
            (true, false) => {
                assert_eq!(answer.status, 200, "{answer:?}");
                person.name = name.map_or(person.name.clone(), str::to_owned);
                person.active = active.unwrap_or(person.active);
            }
        }
    }

    async fn carry_out_on_group(&mut self, ask: &Ask) {
        if let Ask::CreateGroup { name, members } = ask {
            let (name, members) = (GROUPS[*name], self.some(members));
            let body = group(name, &members).to_string();
            let answer = self.gate.send(self.gate.with_body(Method::POST, "/Groups", body)).await;
            if self.is_refused(&answer, None, Some(name), &members) {
                return;
            }
            assert_eq!(answer.status, 201, "{answer:?}");
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            return self.teams.push(Team { id, name: name.to_owned(), members });
        }
        let (Ask::PutGroup { of, .. }
        | Ask::Join { of, .. }
        | Ask::Leave { of, .. }
        | Ask::RenameGroup { of, .. }
        | Ask::DeleteGroup { of }) = ask
        else {
            return;
        };
        if self.teams.is_empty() {
            return;
        }
        let at = of.index(self.teams.len());
        let mut team = self.teams[at].clone();
        let path = format!("/Groups/{}", team.id);
        let request = match ask {
            Ask::PutGroup { name, members, .. } => {
                (team.name, team.members) = (GROUPS[*name].to_owned(), self.some(members));
                self.gate.with_body(Method::PUT, &path, group(&team.name, &team.members).to_string())
            }
            Ask::DeleteGroup { .. } => {
                assert_eq!(self.gate.send(self.gate.request(Method::DELETE, &path)).await.status, 204);
                self.teams.remove(at);
                return;
            }
            _ => {
                let operation = self.patch_of(ask, &mut team);
                let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
                self.gate.with_body(Method::PATCH, &path, body.to_string())
            }
        };
        let answer = self.gate.send(request).await;
        if !self.is_refused(&answer, Some(at), Some(&team.name), &team.members) {
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            self.teams[at] = team;
        }
    }

    /// The operation, and what it makes of the team.
    fn patch_of(&self, ask: &Ask, team: &mut Team) -> Value {
        match ask {
            Ask::Join { member, .. } => {
                let id = self.some(std::slice::from_ref(member)).pop().unwrap_or_else(|| "nobody".to_owned());
                if !team.members.contains(&id) {
                    team.members.push(id.clone());
                }
                json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
            }
            Ask::Leave { member, .. } => {
                let id = self.some(std::slice::from_ref(member)).pop().unwrap_or_else(|| "nobody".to_owned());
                team.members.retain(|known| *known != id);
                json!({ "op": "remove", "path": "members", "value": [{ "value": id }] })
            }
            Ask::RenameGroup { name, .. } => {
                team.name = GROUPS[*name].to_owned();
                json!({ "op": "replace", "value": { "id": team.id, "displayName": team.name } })
            }
            _ => unreachable!(),
        }
    }

    /// Whether a group cannot become so, and then that it was said.
    fn is_refused(&self, answer: &Answer, at: Option<usize>, name: Option<&str>, members: &[String]) -> bool {
        let others = self.teams.iter().enumerate().filter(|(other, _)| Some(*other) != at);
        let taken = name.is_some_and(|name| others.into_iter().any(|(_, team)| same(&team.name, name)));
        let is_there = |id: &String| self.people.iter().any(|person| person.alive && person.id == *id);
        if taken {
            answer.scim_error(409, Some("uniqueness"));
        } else if !members.iter().all(is_there) {
            answer.scim_error(400, Some("invalidValue"));
        } else {
            return false;
        }
        true
    }

    fn person(&self, of: &Index) -> Option<usize> {
        (!self.people.is_empty()).then(|| of.index(self.people.len()))
    }

    /// The ids of people, alive or not, each once.
    fn some(&self, of: &[Index]) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for at in of.iter().filter_map(|of| self.person(of)) {
            let id = &self.people[at].id;
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        ids
    }

    /// Compares everything that a client can read.
    async fn compare(&self) {
        let sorted = |values: &Value, of: &dyn Fn(&Value) -> String| {
            let mut all: Vec<String> =
                values.as_array().map_or(&[][..], Vec::as_slice).iter().map(of).collect();
            all.sort();
            all
        };
        let members =
            |one: &Value, list: &str| sorted(&one[list], &|part| part["value"].as_str().unwrap().to_owned());
        let users = self.gate.get("/Users").await.json();
        let found = sorted(&users["Resources"], &|user| {
            format!("{} {} {} {:?}", user["id"], user["userName"], user["active"], members(user, "groups"))
        });
        let mut expected: Vec<String> = Vec::new();
        for person in self.people.iter().filter(|person| person.alive) {
            let mut groups: Vec<String> = self
                .teams
                .iter()
                .filter(|team| team.members.contains(&person.id))
                .map(|team| team.id.clone())
                .collect();
            groups.sort();
            expected.push(format!(
                "{} {} {} {groups:?}",
                json!(person.id),
                json!(person.name),
                person.active
            ));
        }
        expected.sort();
        assert_eq!(found, expected);
        let groups = self.gate.get("/Groups").await.json();
        let found = sorted(&groups["Resources"], &|group| {
            format!("{} {} {:?}", group["id"], group["displayName"], members(group, "members"))
        });
        let mut expected: Vec<String> = Vec::new();
        for team in &self.teams {
            let mut members = team.members.clone();
            members.sort();
            expected.push(format!("{} {} {members:?}", json!(team.id), json!(team.name)));
        }
        expected.sort();
        assert_eq!(found, expected);
        for (page, key) in [(&users, "userName"), (&groups, "displayName")] {
            assert_eq!(page["totalResults"], page["Resources"].as_array().unwrap().len());
            for one in page["Resources"].as_array().unwrap() {
                let (endpoint, text) =
                    if key == "userName" { ("Users", &one[key]) } else { ("Groups", &one[key]) };
                let filter = format!("{key} eq {text}");
                let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
                let found = self.gate.get(&format!("/{endpoint}?filter={filter}")).await.json();
                assert_eq!(
                    (&found["totalResults"], &found["Resources"][0]["id"]),
                    (&1.into(), &one["id"]),
                    "{text}"
                );
            }
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn person(name: &str, external: &str, active: bool) -> Value {
    let mut person = user(name);
    (person["externalId"], person["active"]) = (external.into(), active.into());
    person
}

fn group(name: &str, members: &[String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

#[tokio::test]
async fn any_sequence_of_requests_equals_a_model_in_memory() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let mut asked = 0;
    for _ in 0..SEQUENCES {
        let asks = proptest::collection::vec(ask(), 1..LONGEST).new_tree(&mut runner).unwrap().current();
        let mut model = Model { gate: Gate::new().await, people: Vec::new(), teams: Vec::new() };
        for (n, ask) in asks.iter().enumerate() {
            // What a panic below prints tells the way to it.
            println!("{n}: {ask:?}");
            model.carry_out(ask).await;
        }
        asked += asks.len();
        model.compare().await;
        model.gate.end().await;
    }
    println!("{asked} requests in {SEQUENCES} sequences");
}
