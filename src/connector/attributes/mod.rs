//! From a SCIM user to what an account of the app shall be.
//!
//! Pure: JSON in, [`Wanted`] or every reason why not out, so that a role nobody declared is refused before a browser
//! opens. SCIM names are compared regardless of case (RFC 7643 section 2.1); an empty text counts as absent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Connector;
use super::account::{Attribute, From};
use super::entitlement::{Entitlement, Holds};
use crate::diagnostic::one_of;
use crate::playbook::{Scope, ScopeValue};

mod path;

pub(super) use path::check_path;
use path::{at_path, find, plain_value};

/// The schema under which identity providers send entitlements of their own.
pub const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:User";

/// The list of string values in it. No entitlement is called so.
pub(super) const STRINGS: &str = "entitlements";

/// What an account shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether it can be used (`active`; yes where nothing is said).
    pub active: bool,
    /// Attributes by name. What is not said is not there, and stays as it is.
    pub attributes: BTreeMap<String, String>,
    /// Keys by type of entitlement. A type that is not spoken of is not there, and stays as it is; an empty set takes
    /// everything away.
    pub entitlements: BTreeMap<String, BTreeSet<String>>,
}

/// Why a SCIM user cannot be an account of the app. The message names the attribute, for the identity provider's admin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A required attribute has no value.
    #[error("`{attribute}` is required; it is taken from {from}, which has no value")]
    Missing {
        /// The attribute of the account.
        attribute: String,
        /// Where its value comes from.
        from: String,
    },
    /// The value of an attribute cannot be used.
    #[error("`{attribute}` cannot be used: {reason}")]
    Invalid {
        /// The attribute, as the connector or SCIM calls it.
        attribute: String,
        /// Why.
        reason: String,
    },
    /// A value that the entitlement does not have.
    #[error("`{value}` is no value of `{entitlement}`; allowed are {allowed}")]
    UnknownValue {
        /// The type of entitlement.
        entitlement: String,
        /// What was asked for.
        value: String,
        /// All that can be asked for, in words.
        allowed: String,
    },
    /// Several values where an account holds one.
    #[error("an account has one `{entitlement}`, and {count} are asked for")]
    TooMany {
        /// The type of entitlement.
        entitlement: String,
        /// How many.
        count: usize,
    },
}

impl Connector {
    /// What the account of this SCIM user shall be.
    ///
    /// # Errors
    /// Every attribute that is missing or cannot be used, and every value that does not exist.
    pub fn wanted(&self, user: &Map<String, Value>) -> Result<Wanted, Vec<MappingError>> {
        map(&self.account.attributes, &self.entitlements, user)
    }

    /// By what the account of this SCIM user is recognised, of a user whose other wishes cannot be understood any more.
    pub fn identifying(&self, user: &Map<String, Value>) -> BTreeMap<String, String> {
        let is_identifying = |attribute: &&Attribute| self.account.match_by.contains(&attribute.name);
        let attributes: Vec<Attribute> =
            self.account.attributes.iter().filter(is_identifying).cloned().collect();
        map(&attributes, &[], user).map(|wanted| wanted.attributes).unwrap_or_default()
    }

    /// Adds to `wanted` what the user's groups give: `granted` of each entitlement that any group of the integration gives, in
    /// the order in which they count. Of a kind that is held many times, they are added to what the identity provider says of the
    /// user. Of a kind that is held once, what it says of the user counts first, then the highest that a group gives, or that of the
    /// first group where the values have no order; where neither says anything, the user has what a new account has.
    pub fn grant(&self, wanted: &mut Wanted, granted: &BTreeMap<String, Vec<String>>) {
        for entitlement in &self.entitlements {
            let Some(keys) = granted.get(&entitlement.name) else { continue };
            let said = wanted.entitlements.get(&entitlement.name);
            let keys: BTreeSet<String> = match (entitlement.holds, said) {
                (Holds::One, Some(_)) => continue,
                (Holds::One, None) => {
                    let all: BTreeSet<String> = keys.iter().cloned().collect();
                    let counts = entitlement.highest(&all).or(keys.first()).or(entitlement.default.as_ref());
                    counts.into_iter().cloned().collect()
                }
                (Holds::Many, said) => said.into_iter().flatten().chain(keys).cloned().collect(),
            };
            if entitlement.holds == Holds::Many || !keys.is_empty() {
                wanted.entitlements.insert(entitlement.name.clone(), keys);
            }
        }
    }
}

fn map(
    attributes: &[Attribute],
    entitlements: &[Entitlement],
    user: &Map<String, Value>,
) -> Result<Wanted, Vec<MappingError>> {
    let mut errors = Vec::new();
    let mut wanted = Wanted { active: true, ..Wanted::default() };
    match active(user) {
        Ok(active) => wanted.active = active,
        Err(error) => errors.push(error),
    }
    let scope = Scope::with(
        "user",
        ScopeValue::from_json(&Value::Object(user.clone())).unwrap_or(ScopeValue::Bool(false)),
    );
    for attribute in attributes.iter().filter(|attribute| !attribute.read_only) {
        match value_of(attribute, user, &scope) {
            Ok(Some(value)) => drop(wanted.attributes.insert(attribute.name.clone(), value)),
            Ok(None) if attribute.required => errors.push(missing(attribute)),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    if !entitlements.is_empty() {
        errors.extend(wrong_strings(entitlements, user));
    }
    for entitlement in entitlements {
        match held(entitlement, user) {
            Ok(Some(keys)) => drop(wanted.entitlements.insert(entitlement.name.clone(), keys)),
            Ok(None) => {}
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}

/// `active` as a truth value, or as the text of one, which some identity providers send.
fn active(user: &Map<String, Value>) -> Result<bool, MappingError> {
    match find(user, "active") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(active)) => Ok(*active),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(MappingError::Invalid {
            attribute: "active".to_owned(),
            reason: "it is neither true nor false".to_owned(),
        }),
    }
}

fn missing(attribute: &Attribute) -> MappingError {
    let from = match &attribute.from {
        Some(From::Path(path)) => format!("`{path}`"),
        Some(From::Template(template)) => format!("`{template}`"),
        None => "nowhere".to_owned(),
    };
    MappingError::Missing { attribute: attribute.name.clone(), from }
}

fn value_of(
    attribute: &Attribute,
    user: &Map<String, Value>,
    scope: &Scope,
) -> Result<Option<String>, MappingError> {
    let text = match &attribute.from {
        None => None,
        // A template that names what the user does not have has no value.
        Some(From::Template(template)) => template.render(scope).ok().map(|rendered| rendered.text),
        Some(From::Path(path)) => match at_path(user, path) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(Value::Bool(value)) => Some(value.to_string()),
            Some(Value::Number(value)) => Some(value.to_string()),
            Some(_) => {
                let reason = format!("`{path}` is not a single value");
                return Err(MappingError::Invalid { attribute: attribute.name.clone(), reason });
            }
        },
    };
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
        // A line break typed into a field could send its form.
        let reason = "it has control characters in it".to_owned();
        return Err(MappingError::Invalid { attribute: attribute.name.clone(), reason });
    }
    Ok(text)
}

/// The keys of an entitlement that the user asks for; `None` where it is not spoken of.
fn held(
    entitlement: &Entitlement,
    user: &Map<String, Value>,
) -> Result<Option<BTreeSet<String>>, Vec<MappingError>> {
    let Some(said) = said_of(entitlement, user) else { return Ok(None) };
    let mut errors = Vec::new();
    let mut keys = BTreeSet::new();
    let mut blank = false;
    for value in said {
        let text = match &value {
            Value::String(text) => text.trim(),
            Value::Null => "",
            _ => {
                let reason = "a value must be text".to_owned();
                errors.push(MappingError::Invalid { attribute: entitlement.name.clone(), reason });
                continue;
            }
        };
        if text.is_empty() {
            blank = true;
            continue;
        }
        match entitlement.value_of(text) {
            Some((key, _)) => drop(keys.insert(key.to_owned())),
            None => errors.push(unknown_value(entitlement, text)),
        }
    }
    if entitlement.holds == Holds::One
        && let Some(highest) = entitlement.highest(&keys).cloned()
    {
        keys = BTreeSet::from([highest]);
    } else if entitlement.holds == Holds::One && keys.len() > 1 {
        errors.push(MappingError::TooMany { entitlement: entitlement.name.clone(), count: keys.len() });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // No value of a kind of which an account has one, or an empty text: nothing is said.
    let nothing = keys.is_empty() && (blank || entitlement.holds == Holds::One);
    Ok((!nothing).then_some(keys))
}

fn unknown_value(entitlement: &Entitlement, value: &str) -> MappingError {
    let keys: Vec<&str> = entitlement.keys().collect();
    let (entitlement, value) = (entitlement.name.clone(), value.to_owned());
    MappingError::UnknownValue { entitlement, value, allowed: one_of(&keys) }
}

/// The entitlement string values of the user, such as `team:Field`, which say all that is held: several types in one list of our extension,
/// for an identity provider that can only give texts to a group.
fn strings(user: &Map<String, Value>) -> Option<&[Value]> {
    let extension = find(user, EXTENSION).and_then(Value::as_object)?;
    find(extension, STRINGS).map(many)
}

/// What a string value says of an entitlement; none where it says something of another.
fn said_by<'t>(entitlement: &Entitlement, text: &'t str) -> Option<&'t str> {
    let (kind, said) = text.split_once(':')?;
    kind.trim().eq_ignore_ascii_case(&entitlement.name).then(|| said.trim())
}

/// The string values that are of no type.
fn wrong_strings(entitlements: &[Entitlement], user: &Map<String, Value>) -> Vec<MappingError> {
    let is_known = |text: &str| entitlements.iter().any(|entitlement| said_by(entitlement, text).is_some());
    let names: Vec<&str> = entitlements.iter().map(|entitlement| entitlement.name.as_str()).collect();
    let texts = strings(user).unwrap_or_default().iter().filter(|value| !value.is_null());
    let wrong =
        texts.filter(|value| !value.as_str().is_some_and(|text| text.trim().is_empty() || is_known(text)));
    let error = |value: &Value| {
        let reason = format!("{value} is no string value, such as `TYPE:KEY`; TYPE is {}", one_of(&names));
        MappingError::Invalid { attribute: STRINGS.to_owned(), reason }
    };
    wrong.map(error).collect()
}

/// What the user says of an entitlement: under its name in our extension, else in string values there, else as an item of
/// `entitlements` with its type, else, where it is called `role`, in `roles`.
fn said_of(entitlement: &Entitlement, user: &Map<String, Value>) -> Option<Vec<Value>> {
    let name = entitlement.name.as_str();
    let extension = find(user, EXTENSION).and_then(Value::as_object);
    let plural = format!("{name}s");
    if let Some(said) =
        extension.and_then(|extension| find(extension, name).or_else(|| find(extension, &plural)))
    {
        return Some(many(said).iter().map(plain_value).collect());
    }
    if let Some(strings) = strings(user) {
        let said = strings.iter().filter_map(|value| said_by(entitlement, value.as_str()?));
        return Some(said.map(Value::from).collect());
    }
    let of_type = |item: &&Value| {
        let kind = item.as_object().and_then(|item| find(item, "type")).and_then(Value::as_str);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(name))
    };
    let typed: Vec<Value> = match find(user, "entitlements") {
        Some(items) => many(items).iter().filter(of_type).map(plain_value).collect(),
        None => Vec::new(),
    };
    if !typed.is_empty() {
        return Some(typed);
    }
    let roles = find(user, "roles").filter(|_| name == "role")?;
    Some(many(roles).iter().map(plain_value).collect())
}

/// A list as it is; anything else as a list of one.
fn many(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
    }
}

#[cfg(test)]
mod tests;
