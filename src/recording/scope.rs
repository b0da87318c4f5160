//! What templates see, as JSON and back.

use serde_json::Value;

use crate::playbook::{Scope, ScopeValue};

/// What the service account logs in with; never in a recording.
const CREDENTIALS: &str = "credentials";

/// What a run was given, as a recording keeps it: everything but credentials.
pub fn given(scope: &Scope) -> Value {
    let mut given = scope.to_json();
    if let Value::Object(fields) = &mut given {
        fields.remove(CREDENTIALS);
    }
    given
}

/// What a recorded run was given.
pub(super) fn scope(given: &Value) -> Scope {
    let mut scope = Scope::default();
    for (name, value) in given.as_object().into_iter().flatten() {
        if let Some(value) = ScopeValue::from_json(value) {
            scope.set(name.clone(), value);
        }
    }
    scope
}
