//! Accounts as SCIM has them: the schema of a connector's users, and the resource of an account that was seen.

use serde_json::{Map, Value, json};

use super::attributes::STRINGS;
use super::{Connector, Entitlement, From, Holds};
use crate::account::{Attributes, Entitlements, Observed, Status};
use crate::scim::schema::{self, Type, USHER_USER};
use crate::scim::{Attribute, ResourceSchema};

impl Connector {
    /// The users of the app as SCIM describes them: what the connector declares is in Usher's extension.
    pub fn user_schema(&self) -> ResourceSchema {
        let attributes = self.entitlements.iter().map(|entitlement| {
            let description = format!("What the person holds in {}.", self.title);
            let keys: Vec<String> = entitlement.keys().map(str::to_owned).collect();
            let attribute =
                Attribute::new(entitlement.name.clone(), Type::String, description).canonical(keys);
            match entitlement.holds {
                Holds::One => attribute,
                Holds::Many => attribute.multi_valued(),
            }
        });
        let strings = "String values, such as `team:Field`, that say all that the person holds, of several types in one list.";
        // One of each type, as examples: all of them may be thousands.
        let example = |one: &Entitlement| {
            let key = one.default.as_deref().or_else(|| one.keys().next())?;
            Some(one.string_value(key))
        };
        let examples: Vec<String> = self.entitlements.iter().filter_map(example).collect();
        let strings = Attribute::new(STRINGS, Type::String, strings).canonical(examples).multi_valued();
        let attributes = attributes.chain([strings].into_iter().filter(|_| !self.entitlements.is_empty()));
        let user = ResourceSchema::user().with_attributes(USHER_USER, attributes.collect());
        // The role can be said in the core attribute too; there, too, only those are taken that the app has.
        let Some(role) = self.entitlement("role") else { return user };
        let Some(mut roles) = user.attribute("roles").cloned() else { return user };
        for part in roles.sub_attributes.iter_mut().filter(|part| part.name == "value") {
            *part = part.clone().canonical(role.keys().map(str::to_owned));
        }
        user.with_attributes(schema::USER, vec![roles])
    }

    /// Puts what was seen of an account in the place of what `resource` says. Of one that is not there, only that is said.
    pub fn overlay(
        &self,
        (status, attributes, entitlements): (Status, &Attributes, &Entitlements),
        resource: &mut Map<String, Value>,
    ) {
        let is_active = matches!(status, Status::Active | Status::Invited);
        resource.insert("active".to_owned(), Value::Bool(is_active));
        if status == Status::Absent {
            return;
        }
        for attribute in &self.account.attributes {
            if let (Some(From::Path(path)), Some(value)) = (&attribute.from, attributes.get(&attribute.name))
            {
                set(resource, path, value.clone().into());
            }
        }
        let held = self.entitlements.iter().filter_map(|entitlement| {
            let keys = entitlements.get(&entitlement.name)?;
            let value = match entitlement.holds {
                Holds::One => keys.first()?.clone().into(),
                Holds::Many => keys.iter().cloned().collect(),
            };
            Some((entitlement.name.clone(), value))
        });
        let extension = resource.entry(USHER_USER).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(extension) = extension {
            extension.extend(held);
        }
    }

    /// The SCIM user of an account that was found in the app: what it is wanted to be from now on is what it is. `None` where the
    /// account shows nothing that could be a user name. What the connector does not declare is left out: nobody could ask for it.
    pub fn resource(&self, account: &Observed) -> Option<Map<String, Value>> {
        let mut known = account.entitlements.clone();
        for entitlement in &self.entitlements {
            if let Some(keys) = known.get_mut(&entitlement.name) {
                keys.retain(|key| entitlement.may_be(key));
            }
        }
        known.retain(|_, keys| !keys.is_empty());
        let mut resource = Map::from_iter([("schemas".to_owned(), json!([schema::USER, USHER_USER]))]);
        self.overlay((account.status, &account.attributes, &known), &mut resource);
        if !resource.contains_key("userName") {
            let name = self.account.match_by.iter().find_map(|name| account.attributes.get(name))?;
            resource.insert("userName".to_owned(), name.clone().into());
        }
        let name = resource.get("userName")?.as_str()?;
        (!name.trim().is_empty()).then_some(resource)
    }
}

/// Sets what a plain path names, such as `displayName`, `name.givenName` or `emails`; a path with a filter is left as it is.
fn set(attributes: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        _ if path.contains(['[', ':']) => {}
        // The one address that the app shows.
        _ if path == "emails" || path == "emails.value" => {
            attributes.insert("emails".to_owned(), json!([{ "value": value, "primary": true }]));
        }
        None => drop(attributes.insert(path.to_owned(), value)),
        Some((parent, child)) => {
            let parent = attributes.entry(parent).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(parent) = parent {
                parent.insert(child.to_owned(), value);
            }
        }
    }
}
