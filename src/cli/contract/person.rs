//! The people whom the suite makes: known by a mark that no other run has, as an identity provider would send them.

use serde_json::{Map, Value, json};

use crate::connector::attributes::EXTENSION;
use crate::connector::{Connector, Entitlement, Holds};
use crate::id::Entropy;

/// What the people and groups of one run are known by.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    text: String,
    domain: String,
}

impl Mark {
    pub(super) fn draw(entropy: &dyn Entropy, domain: &str) -> Self {
        let mut bytes = [0; 3];
        entropy.fill(&mut bytes);
        let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, domain: domain.to_owned() }
    }

    /// By what name the `number`-th of them is known.
    pub(super) fn user_name(&self, number: usize) -> String {
        format!("usher-test-{}-{number}@{}", self.text, self.domain)
    }

    /// The `number`-th of them as a SCIM resource, with what the connector gives to somebody new.
    pub(super) fn user(&self, connector: &Connector, number: usize) -> Map<String, Value> {
        let name = self.user_name(number);
        let held = connector.entitlements.iter().filter(|one| one.holds == Holds::One);
        let held: Map<String, Value> =
            held.filter_map(|one| Some((one.name.clone(), first_of(one)?.into()))).collect();
        let resource = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", EXTENSION],
            "userName": name,
            "externalId": format!("usher-test-{}-{number}", self.text),
            "emails": [{ "primary": true, "value": name, "type": "work" }],
            "title": "Test account of Usher",
            "active": true,
            EXTENSION: held,
        });
        let Value::Object(mut resource) = resource else { return Map::new() };
        self.call(&mut resource, "Usher", number);
        resource
    }

    /// Gives the `number`-th of them another name.
    pub(super) fn rename(&self, resource: &mut Map<String, Value>, number: usize) {
        self.call(resource, "Renamed", number);
    }

    fn call(&self, resource: &mut Map<String, Value>, given: &str, number: usize) {
        let family = format!("Test-{}-{number}", self.text);
        let full = format!("{given} {family}");
        let name = json!({ "givenName": given, "familyName": family, "formatted": full });
        resource.insert("displayName".to_owned(), full.clone().into());
        resource.insert("nickName".to_owned(), full.into());
        resource.insert("name".to_owned(), name);
    }

    pub(super) fn group(&self) -> String {
        format!("Usher test {}", self.text)
    }

    pub(super) fn renamed_group(&self) -> String {
        format!("Usher test {} renamed", self.text)
    }

    /// What is certainly not the service account's password.
    pub(super) fn wrong_password(&self) -> String {
        format!("Not-the-Password-{}", self.text)
    }
}

/// What somebody new holds: the default, else the first that makes nobody an administrator.
fn first_of(entitlement: &Entitlement) -> Option<String> {
    let no_admin = || entitlement.keys().find(|key| !entitlement.admins.iter().any(|admin| admin == key));
    entitlement.default.clone().or_else(|| no_admin().map(str::to_owned))
}

/// Says in a resource what is held of a type.
pub(super) fn hold(resource: &mut Map<String, Value>, entitlement: &str, value: Value) {
    let extension = resource.entry(EXTENSION).or_insert_with(|| json!({}));
    if let Value::Object(extension) = extension {
        extension.insert(entitlement.to_owned(), value);
    }
}
