//! Carrying changes out.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Action, PatchRequest, place};
use crate::scim::Error;
use crate::scim::error::quote;
use crate::scim::filter::{Filter, Literal};
use crate::scim::path::{Path, Scope};
use crate::scim::resource::{Resource, check_immutable, is_primary, unwrap_json};
use crate::scim::schema::{Attribute, Found, ResourceSchema, USHER_USER, fold};

/// The resource after all changes of `request`, in order. `resource` itself stays as it is.
///
/// # Errors
/// `noTarget`: a filter matches nothing and does not describe what to create. `mutability`: another id, or an immutable
/// attribute. `invalidValue`: a required attribute would be blank.
pub fn apply(
    resource: &Resource,
    request: &PatchRequest,
    schema: &ResourceSchema,
) -> Result<Resource, Error> {
    let mut attributes = resource.attributes().clone();
    for change in &request.changes {
        change
            .action
            .apply(&mut attributes, schema)
            .map_err(|error| error.within(&place(change.operation)))?;
    }
    forget_displays(resource.attributes(), &mut attributes, request);
    check_immutable(resource.attributes(), &attributes, schema)?;
    Resource::finish(attributes, schema)
}

/// How an element was shown whose `value` is another one now does not hold any longer, where the request does not say it anew: Entra ID
/// changes the `value` of a role alone.
fn forget_displays(before: &Map<String, Value>, attributes: &mut Map<String, Value>, request: &PatchRequest) {
    let sets = |name: &str, part: &str| {
        request.changes.iter().any(|change| match &change.action {
            Action::Add(path, _) | Action::Replace(path, _) => {
                path.name.eq_ignore_ascii_case(name)
                    && path.sub.as_deref().is_some_and(|sub| sub.eq_ignore_ascii_case(part))
            }
            Action::Remove(_) | Action::RemoveValues(..) | Action::SameId(_) => false,
        })
    };
    for (name, old) in before {
        let (Value::Array(old), true) = (old, sets(name, "value") && !sets(name, "display")) else {
            continue;
        };
        let Some(Value::Array(new)) = attributes.get_mut(name) else { continue };
        for (old, new) in old.iter().zip(new) {
            let is_kept = old.get("display").is_some() && old.get("display") == new.get("display");
            if let (true, Value::Object(parts)) = (is_kept && differs(old, new), new) {
                parts.shift_remove("display");
            }
        }
    }
}

/// What an action does to the attribute it names.
enum Effect<'a> {
    Add(&'a Value),
    Replace(&'a Value),
    Remove,
    RemoveValues(&'a [Value]),
}

impl Action {
    fn apply(&self, attributes: &mut Map<String, Value>, schema: &ResourceSchema) -> Result<(), Error> {
        let (path, effect) = match self {
            Self::SameId(id) if attributes.get("id").is_none_or(|own| own == id) => return Ok(()),
            Self::SameId(_) => return Err(Error::mutability("`id` is read only, and this is another one")),
            Self::Add(path, value) => (path, Effect::Add(value)),
            Self::Replace(path, value) => (path, Effect::Replace(value)),
            Self::Remove(path) => (path, Effect::Remove),
            Self::RemoveValues(path, values) => (path, Effect::RemoveValues(values)),
        };
        match Scope::Resource(schema).find(path) {
            None => Err(Error::invalid_path(format!("no attribute {}", quote(&path.to_string())))),
            Some(Found::Extension(extension)) => {
                attributes.shift_remove(extension.id);
                Ok(())
            }
            Some(Found::Attribute { extension: None, attribute }) => {
                change(attributes, path, attribute, &effect)
            }
            Some(Found::Attribute { extension: Some(extension), attribute }) => {
                let mut inner = match attributes.get_mut(extension.id) {
                    Some(Value::Object(inner)) => std::mem::take(inner),
                    _ => Map::new(),
                };
                change(&mut inner, path, attribute, &effect)?;
                // Whoever takes the last away wishes that none is held.
                let is_emptied = attribute.multi_valued && !inner.contains_key(attribute.name.as_ref());
                if extension.id == USHER_USER && is_emptied && !matches!(effect, Effect::Add(_)) {
                    inner.insert(attribute.name.to_string(), Value::Array(Vec::new()));
                }
                put(attributes, extension.id, Value::Object(inner));
                Ok(())
            }
        }
    }
}

/// Changes one attribute among those that stand beside it.
fn change(
    holder: &mut Map<String, Value>,
    path: &Path,
    attribute: &Attribute,
    effect: &Effect<'_>,
) -> Result<(), Error> {
    // Taken out and put back: in its place, or gone where nothing is left of it.
    let old = holder.get_mut(attribute.name.as_ref()).map(Value::take).unwrap_or_default();
    let new = if attribute.multi_valued {
        let elements = match old {
            Value::Array(elements) => elements,
            _ => Vec::new(),
        };
        Value::Array(change_list(elements, path, attribute, effect)?)
    } else {
        change_single(old, path, attribute, effect)
    };
    put(holder, &attribute.name, new);
    Ok(())
}

fn change_single(old: Value, path: &Path, attribute: &Attribute, effect: &Effect<'_>) -> Value {
    if let Some(sub) = &path.sub {
        let mut parts = into_object(old);
        set_part(&mut parts, sub, effect);
        return parts_left(parts, attribute, sub);
    }
    match (effect, old) {
        (Effect::Remove | Effect::RemoveValues(_), _) => Value::Null,
        // Another manager: what is known of the last one does not hold for this one.
        (Effect::Add(new) | Effect::Replace(new), old) if differs(&old, new) => (*new).clone(),
        // A complex attribute keeps the parts that the client does not mention (RFC 7644 section 3.5.2.3).
        (Effect::Add(Value::Object(new)) | Effect::Replace(Value::Object(new)), Value::Object(mut parts)) => {
            parts.extend(new.clone());
            Value::Object(parts)
        }
        (Effect::Add(new) | Effect::Replace(new), _) => (*new).clone(),
    }
}

/// Whether both name something by `value`, and not the same.
fn differs(old: &Value, new: &Value) -> bool {
    matches!((old.get("value"), new.get("value")), (Some(old), Some(new)) if old != new)
}

fn change_list(
    elements: Vec<Value>,
    path: &Path,
    attribute: &Attribute,
    effect: &Effect<'_>,
) -> Result<Vec<Value>, Error> {
    if path.filter.is_some() || path.sub.is_some() {
        return change_some(elements, path, attribute, effect);
    }
    Ok(match effect {
        Effect::Add(Value::Array(new)) => joined(elements, new, attribute),
        Effect::Replace(Value::Array(new)) => new.clone(),
        Effect::RemoveValues(gone) => without(elements, gone, attribute),
        Effect::Remove => Vec::new(),
        // A list is read as a list, so nothing else arrives here.
        Effect::Add(new) | Effect::Replace(new) => vec![(*new).clone()],
    })
}

/// Changes the elements that the path's filter chooses; without a filter, all.
fn change_some(
    mut elements: Vec<Value>,
    path: &Path,
    attribute: &Attribute,
    effect: &Effect<'_>,
) -> Result<Vec<Value>, Error> {
    let filter = path.filter.as_deref();
    let mut touched = Vec::new();
    for (n, element) in elements.iter_mut().enumerate() {
        if chosen(filter, element, attribute) {
            *element = change_element(element.take(), path, attribute, effect);
            touched.push(n);
        }
    }
    if touched.is_empty() && matches!(effect, Effect::Add(_) | Effect::Replace(_)) {
        let described = described(path, filter)?;
        elements.push(change_element(described, path, attribute, effect));
        touched.push(elements.len() - 1);
    }
    let primary = touched.into_iter().rev().find(|n| elements.get(*n).is_some_and(is_primary));
    demote_others(&mut elements, primary);
    elements.retain(|element| !is_empty(element));
    Ok(elements)
}

fn chosen(filter: Option<&Filter>, element: &Value, attribute: &Attribute) -> bool {
    match (filter, element) {
        (None, _) => true,
        (Some(filter), Value::Object(parts)) => filter.matches_in(parts, Scope::Element(attribute)),
        (Some(_), _) => false,
    }
}

fn change_element(old: Value, path: &Path, attribute: &Attribute, effect: &Effect<'_>) -> Value {
    let mut parts = into_object(old);
    if let Some(sub) = &path.sub {
        set_part(&mut parts, sub, effect);
        unwrap_json(attribute, &mut parts);
        return parts_left(parts, attribute, sub);
    }
    match effect {
        Effect::Add(Value::Object(new)) => {
            parts.extend(new.clone());
            Value::Object(parts)
        }
        Effect::Replace(Value::Object(new)) => {
            // What the filter says of the element stays true, so that the same request finds it again.
            let mut kept = path.filter.as_deref().map(seed).unwrap_or_default();
            kept.extend(new.clone());
            Value::Object(kept)
        }
        Effect::Add(_) | Effect::Replace(_) | Effect::Remove | Effect::RemoveValues(_) => Value::Null,
    }
}

/// The element to create where the filter matches none: what the filter says of it. A filter on `value` names an element
/// that exists or does not; nothing is created for it.
fn described(path: &Path, filter: Option<&Filter>) -> Result<Value, Error> {
    let Some(filter) = filter else { return Ok(Value::Null) };
    let parts = filter.equalities().unwrap_or_default();
    let names = |name: &str| parts.iter().any(|(known, _)| *known == name);
    if parts.is_empty() || names("value") || path.sub.as_deref().is_some_and(names) {
        return Err(Error::no_target(format!("nothing matches {}", quote(&path.to_string()))));
    }
    Ok(Value::Object(seed(filter)))
}

fn seed(filter: &Filter) -> Map<String, Value> {
    let parts = filter.equalities().unwrap_or_default().into_iter();
    parts
        .filter(|(_, value)| !matches!(value, Literal::Null))
        .map(|(name, value)| (name.to_owned(), value.to_value()))
        .collect()
}

fn set_part(parts: &mut Map<String, Value>, sub: &str, effect: &Effect<'_>) {
    match effect {
        Effect::Add(value) | Effect::Replace(value) => {
            parts.insert(sub.to_owned(), (*value).clone());
        }
        Effect::Remove | Effect::RemoveValues(_) => {
            parts.shift_remove(sub);
        }
    }
}

/// What is left of a value whose part `sub` was changed: without its `value` it says nothing.
fn parts_left(parts: Map<String, Value>, attribute: &Attribute, sub: &str) -> Value {
    if sub == "value" && attribute.has_value() && !parts.contains_key("value") {
        return Value::Null;
    }
    Value::Object(parts)
}

/// `elements` and those of `new` that are not among them yet; of the same element, what `new` says of it.
fn joined(mut elements: Vec<Value>, new: &[Value], attribute: &Attribute) -> Vec<Value> {
    let mut places: HashMap<String, usize> =
        elements.iter().enumerate().map(|(n, element)| (identity(element, attribute), n)).collect();
    let mut primary = None;
    for element in new {
        let n = *places.entry(identity(element, attribute)).or_insert(elements.len());
        match (elements.get_mut(n), element) {
            (Some(Value::Object(old)), Value::Object(parts)) => old.extend(parts.clone()),
            (Some(_), _) => {}
            (None, _) => elements.push(element.clone()),
        }
        if is_primary(element) {
            primary = Some(n);
        }
    }
    demote_others(&mut elements, primary);
    elements
}

/// `elements` but those that `gone` names by their `value`, and by their `type` where it gives one.
fn without(mut elements: Vec<Value>, gone: &[Value], attribute: &Attribute) -> Vec<Value> {
    let gone: HashSet<String> = gone.iter().map(|element| identity(element, attribute)).collect();
    elements.retain(|element| {
        !gone.contains(&identity(element, attribute)) && !gone.contains(&untyped(element, attribute))
    });
    elements
}

/// What tells an element from others: `value` and `type`, or all of it where it has no `value`.
fn identity(element: &Value, attribute: &Attribute) -> String {
    let part = |name: &str| compared(element.get(name), attribute.sub(name));
    match element {
        Value::Object(parts) if parts.contains_key("value") => format!("{}\n{}", part("type"), part("value")),
        _ => compared(Some(element), Some(attribute)),
    }
}

/// The identity that `element` would have without a type.
fn untyped(element: &Value, attribute: &Attribute) -> String {
    match element {
        Value::Object(parts) if parts.contains_key("value") => {
            format!("\n{}", compared(element.get("value"), attribute.sub("value")))
        }
        _ => identity(element, attribute),
    }
}

/// A value as it is compared, by the attribute's rule of case.
fn compared(value: Option<&Value>, attribute: Option<&Attribute>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) if attribute.is_some_and(|attribute| !attribute.case_exact) => fold(text),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(parts)) => {
            // Independent of the order in which the client wrote the parts.
            let mut parts: Vec<String> =
                parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
            parts.sort_unstable();
            parts.join("\n")
        }
        Some(other) => other.to_string(),
    }
}

/// At most one is primary: the one that was named last (RFC 7644 section 3.5.2).
fn demote_others(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    for (n, element) in elements.iter_mut().enumerate() {
        if n == primary || !is_primary(element) {
            continue;
        }
        if let Value::Object(parts) = element {
            parts.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

fn put(holder: &mut Map<String, Value>, name: &str, value: Value) {
    if is_empty(&value) {
        holder.shift_remove(name);
    } else {
        holder.insert(name.to_owned(), value);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}

fn into_object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(parts) => parts,
        _ => Map::new(),
    }
}
