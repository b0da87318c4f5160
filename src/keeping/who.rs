//! What somebody is known by.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::text::{Haystack, collapsed};
use crate::connector::{Connector, From};
use crate::store::{EventFilter, Store, StoreError, UserRow};

/// How many events are read at a time.
const CHUNK: u32 = 1000;
/// What is shorter stands anywhere.
const SHORTEST: usize = 3;
/// An id of an app that is shorter may be any number.
const SHORTEST_ID: usize = 6;
/// The SCIM attributes by which a person is known.
const PATHS: [&str; 4] = ["userName", "displayName", "name.formatted", "emails"];

/// Somebody, with what they are and were known by in an integration.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// Their ids: one of each time that they were made.
    pub ids: Vec<String>,
    /// User names, addresses, ids, and names that nobody else has; in small letters.
    known_by: BTreeSet<String>,
    /// What cannot be looked for: others have it too, or it is too short.
    pub left_out: BTreeSet<String>,
}

impl Who {
    /// These people, who are one. What they were known by before is taken from their events.
    ///
    /// # Errors
    /// The store cannot read.
    pub async fn of(store: &Store, connector: &Connector, people: &[UserRow]) -> Result<Self, StoreError> {
        let attributes = identifying(connector);
        let mut found = Found::default();
        for user in people {
            found.note_sure(&user.user_name);
            user.external_id.iter().for_each(|id| found.note_id(id));
            found.note_resource(&user.resource);
            if let Some(account) = store.find_account(&user.integration_id, &user.id).await? {
                account.seen.app_id.iter().for_each(|id| found.note_id(id));
                let named = account.seen.attributes.iter().filter(|(name, _)| attributes.contains(*name));
                named.for_each(|(_, value)| found.note(value));
            }
            let mut before = None;
            loop {
                let events = store.list_events(&EventFilter::Target(user.id.clone()), before, CHUNK).await?;
                events.iter().for_each(|event| found.note_event(&event.data, &attributes));
                match events.last() {
                    Some(event) => before = Some(event.seq),
                    None => break,
                }
            }
        }
        let ids: Vec<String> = people.iter().map(|user| user.id.clone()).collect();
        let integration = people.first().map_or("", |user| user.integration_id.as_str());
        let mut others = HashSet::new();
        if !found.names.is_empty() {
            let names = &found.names;
            store
                .each_known_user(integration, |known| {
                    if !ids.contains(&known.user.id) {
                        let mut theirs = Found::default();
                        theirs.note_resource(&known.user.resource);
                        let seen = known.seen.iter().flat_map(|seen| seen.attributes.values());
                        seen.for_each(|value| theirs.note(value));
                        others.extend(theirs.names.intersection(names).cloned());
                    }
                })
                .await?;
        }
        let Found { mut sure, names, mut short } = found;
        for name in names {
            if others.contains(&name) {
                short.insert(name)
            } else {
                sure.insert(name)
            };
        }
        Ok(Self { ids, known_by: sure, left_out: short })
    }

    /// Whether a text shows them.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let text = Haystack::of(bytes);
        self.known_by.iter().any(|sought| text.has(sought))
    }
}

/// The attributes of an account that tell whose it is.
fn identifying(connector: &Connector) -> BTreeSet<String> {
    let account = &connector.account;
    let is_named = |from: &From| match from {
        From::Path(path) => PATHS.iter().any(|known| path.starts_with(known)),
        From::Template(_) => true,
    };
    let told = account.attributes.iter().filter(|one| one.from.as_ref().is_some_and(is_named));
    told.map(|one| &one.name).chain(&account.match_by).cloned().collect()
}

#[derive(Default)]
struct Found {
    /// What nobody else has.
    sure: BTreeSet<String>,
    /// What others may have too.
    names: BTreeSet<String>,
    short: BTreeSet<String>,
}

impl Found {
    fn note_sure(&mut self, value: &str) {
        self.put(value, SHORTEST, true);
    }

    fn note_id(&mut self, value: &str) {
        self.put(value, SHORTEST_ID, true);
    }

    /// An address, or a name that others may have too.
    fn note(&mut self, value: &str) {
        self.put(value, SHORTEST, value.contains('@'));
    }

    fn put(&mut self, value: &str, shortest: usize, is_sure: bool) {
        let value = collapsed(&value.to_lowercase());
        match (value.chars().count(), is_sure) {
            (0, _) => false,
            (length, _) if length < shortest => self.short.insert(value),
            (_, true) => self.sure.insert(value),
            (_, false) => self.names.insert(value),
        };
    }

    fn note_resource(&mut self, resource: &Value) {
        let name = &resource["name"];
        let parts = ["givenName", "familyName"].map(|part| name[part].as_str());
        if let [Some(given), Some(family)] = parts {
            self.note(&format!("{given} {family}"));
            self.note(&format!("{family}, {given}"));
        }
        let texts = [&resource["userName"], &resource["displayName"], &name["formatted"]];
        let addresses = resource["emails"].as_array().into_iter().flatten().map(|email| &email["value"]);
        texts.into_iter().chain(addresses).filter_map(Value::as_str).for_each(|text| self.note(text));
    }

    /// What an event told of the account, as it was wanted and seen.
    fn note_event(&mut self, data: &Value, attributes: &BTreeSet<String>) {
        for account in ["wanted", "before", "after"].map(|name| &data[name]) {
            let values = account["attributes"].as_object().into_iter().flatten();
            let named = values.filter(|(name, _)| attributes.contains(*name));
            named.filter_map(|(_, value)| value.as_str()).for_each(|value| self.note(value));
            account["app_id"].as_str().into_iter().for_each(|id| self.note_id(id));
        }
        data["user_name"].as_str().into_iter().for_each(|name| self.note_sure(name));
    }
}
