//! What must change for a group to be in the app as it is wanted. Who is in it is a matter of each account.

use std::fmt;

use crate::account::{Attributes, Group};
use crate::failure::FailureClass;

use super::{Capabilities, Protection, Refusal};

/// One change to one group; each is done by one flow of the connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupOperation {
    /// Make it.
    Create {
        /// Its name.
        name: String,
    },
    /// Give it another name.
    Rename {
        /// The group as the app shows it.
        group: Group,
        /// The name it shall have.
        name: String,
    },
    /// Remove it.
    Remove {
        /// The group as the app shows it.
        group: Group,
    },
}

impl GroupOperation {
    /// The flow that does it.
    pub fn flow(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create_group",
            Self::Rename { .. } => "rename_group",
            Self::Remove { .. } => "remove_group",
        }
    }
}

impl fmt::Display for GroupOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name } => write!(f, "create the group {name}"),
            Self::Rename { group, name } => write!(f, "rename the group {} to {name}", group.name),
            Self::Remove { group } => write!(f, "remove the group {}", group.name),
        }
    }
}

/// What makes the group that the app shows (`observed`) the one that is wanted: of that name, or none. `None` when nothing has to
/// change.
///
/// # Errors
/// A [`Refusal`] when a pattern protects the group or the connector has no flow for what is needed.
pub fn plan_group(
    wanted: Option<&str>,
    observed: Option<&Group>,
    can: &Capabilities,
    protection: &Protection,
) -> Result<Option<GroupOperation>, Refusal> {
    let operation = match (wanted, observed) {
        (None, None) => return Ok(None),
        (Some(name), Some(group)) if group.name == name => return Ok(None),
        (Some(name), None) => GroupOperation::Create { name: name.to_owned() },
        (Some(name), Some(group)) => GroupOperation::Rename { group: group.clone(), name: name.to_owned() },
        (None, Some(group)) => GroupOperation::Remove { group: group.clone() },
    };
    if let Some(group) = observed {
        refuse_protected_group(group, protection)?;
    }
    if can.has(operation.flow()) {
        return Ok(Some(operation));
    }
    let message = format!("the connector has no flow `{}`, which is needed to {operation}", operation.flow());
    Err(Refusal { class: FailureClass::Unsupported, message })
}

/// Refuses to change a group of a protected name, or who is in it.
pub(super) fn refuse_protected_group(group: &Group, protection: &Protection) -> Result<(), Refusal> {
    let named = Attributes::from([("name".to_owned(), group.name.clone())]);
    let Some(pattern) = protection.covers(&named) else { return Ok(()) };
    let message = format!(
        "the group {} is protected by `{pattern}` and is never changed; \
         take it off the integration's protected list first if it shall be",
        group.name
    );
    Err(Refusal { class: FailureClass::Protected, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_made_renamed_or_removed_and_otherwise_left_alone() {
        let mut can = Capabilities::default();
        can.flows.extend(["create_group", "rename_group"].map(str::to_owned));
        let protection = Protection::new(["staff".to_owned()]);
        for (wanted, seen, expected) in [
            (None, None, ""),
            (Some("Ops"), None, "create the group Ops"),
            (Some("Ops"), Some("Ops"), ""),
            (Some("Ops"), Some("ops"), "rename the group ops to Ops"),
            (Some("Ops"), Some("Staff"), "protected"),
            (Some("Staff"), Some("Staff"), ""),
            (None, Some("Staff"), "protected"),
            (None, Some("Ops"), "unsupported"),
        ] {
            let seen = seen.map(|name| Group { id: Some("7".to_owned()), name: name.to_owned() });
            let planned = match plan_group(wanted, seen.as_ref(), &can, &protection) {
                Ok(operation) => operation.map(|operation| operation.to_string()).unwrap_or_default(),
                Err(refusal) => refusal.class.to_string(),
            };
            assert_eq!(planned, expected, "{wanted:?} {seen:?}");
        }
    }
}
