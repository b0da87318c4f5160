//! The values that templates are rendered from.
//!
//! A template that reads a secret, directly or inside a condition or a filter, marks its result as secret: the mark is
//! set where the value is looked up, so that nothing done to it afterwards can lose it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::value::{Enumerator, Object, Value};

use crate::secret::{ExposeSecret, MASK, SecretString};

/// A value that templates can name.
#[derive(Clone)]
pub enum ScopeValue {
    /// Text.
    Text(String),
    /// Text that must not be seen.
    Secret(SecretString),
    /// A secret made anew each time it is read, as one-time codes are.
    Computed(Arc<dyn Fn() -> SecretString + Send + Sync>),
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A list.
    List(Vec<ScopeValue>),
    /// Named values.
    Map(BTreeMap<String, ScopeValue>),
}

/// Named values; cheap to clone, and a clone can be extended without the original noticing.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    values: Arc<BTreeMap<String, ScopeValue>>,
}

impl Scope {
    /// A scope of one name.
    pub fn with(name: impl Into<String>, value: impl Into<ScopeValue>) -> Self {
        let mut scope = Self::default();
        scope.set(name, value);
        scope
    }

    /// Gives `name` a value, a new one where it had one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<ScopeValue>) {
        Arc::make_mut(&mut self.values).insert(name.into(), value.into());
    }

    /// The value of a name, or of one inside it: `account.email`.
    pub fn get(&self, path: &str) -> Option<&ScopeValue> {
        let mut parts = path.split('.');
        let first = self.values.get(parts.next()?)?;
        parts.try_fold(first, |value, part| match value {
            ScopeValue::Map(inner) => inner.get(part),
            _ => None,
        })
    }

    /// The values as JSON, those that are secret masked.
    pub fn to_json(&self) -> serde_json::Value {
        ScopeValue::map_to_json(&self.values)
    }

    /// What minijinja looks names up in; `read` is set as soon as one of them is secret.
    pub(super) fn context(&self, read: &Arc<AtomicBool>) -> Value {
        Value::from_object(Names { values: self.values.clone(), secret_read: read.clone() })
    }
}

impl ScopeValue {
    /// The value of a JSON value. What is null in it is left out, so that naming it is a mistake and not an empty
    /// text; null itself is `None`.
    pub fn from_json(value: &serde_json::Value) -> Option<Self> {
        use serde_json::Value as Json;
        Some(match value {
            Json::Null => return None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(value) => Self::Number(value.clone()),
            Json::String(value) => Self::Text(value.clone()),
            Json::Array(items) => Self::List(items.iter().filter_map(Self::from_json).collect()),
            Json::Object(map) => {
                let named =
                    map.iter().filter_map(|(name, value)| Some((name.clone(), Self::from_json(value)?)));
                Self::Map(named.collect())
            }
        })
    }

    /// The value as JSON; a secret is masked.
    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Secret(_) | Self::Computed(_) => MASK.into(),
            Self::Bool(value) => (*value).into(),
            Self::Number(number) => number.clone().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => Self::map_to_json(map),
        }
    }

    fn map_to_json(map: &BTreeMap<String, Self>) -> serde_json::Value {
        map.iter().map(|(name, value)| (name.clone(), value.to_json())).collect()
    }

    /// The same value, every text in it secret.
    pub(super) fn into_secret(self) -> Self {
        match self {
            Self::Text(text) => Self::Secret(SecretString::from(text)),
            Self::List(items) => Self::List(items.into_iter().map(Self::into_secret).collect()),
            Self::Map(map) => {
                Self::Map(map.into_iter().map(|(name, value)| (name, value.into_secret())).collect())
            }
            other => other,
        }
    }

    fn to_minijinja(&self, read: &Arc<AtomicBool>) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Secret(secret) => {
                read.store(true, Ordering::Relaxed);
                Value::from(secret.expose_secret())
            }
            Self::Computed(compute) => {
                read.store(true, Ordering::Relaxed);
                Value::from(compute().expose_secret())
            }
            Self::Bool(value) => Value::from(*value),
            Self::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::from(whole),
                (None, fraction) => Value::from(fraction.unwrap_or(f64::NAN)),
            },
            Self::List(items) => items.iter().map(|item| item.to_minijinja(read)).collect(),
            Self::Map(map) => {
                Value::from_object(Names { values: Arc::new(map.clone()), secret_read: read.clone() })
            }
        }
    }
}

impl fmt::Debug for ScopeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Secret(_) | Self::Computed(_) => f.write_str(MASK),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => fmt::Display::fmt(value, f),
            Self::List(items) => items.fmt(f),
            Self::Map(map) => map.fmt(f),
        }
    }
}

impl From<&str> for ScopeValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ScopeValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<SecretString> for ScopeValue {
    fn from(secret: SecretString) -> Self {
        Self::Secret(secret)
    }
}

impl From<bool> for ScopeValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<V: Into<ScopeValue>> From<Vec<V>> for ScopeValue {
    fn from(items: Vec<V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<ScopeValue>> From<BTreeMap<String, V>> for ScopeValue {
    fn from(map: BTreeMap<String, V>) -> Self {
        Self::Map(map.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

/// Names as minijinja sees them.
struct Names {
    values: Arc<BTreeMap<String, ScopeValue>>,
    secret_read: Arc<AtomicBool>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values.fmt(f)
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(self.values.get(key.as_str()?)?.to_minijinja(&self.secret_read))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.values.keys().map(|name| Value::from(name.as_str())).collect())
    }
}
