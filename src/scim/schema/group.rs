//! The attributes of a group (RFC 7643 section 4.2).
//!
//! Three deviations, stated in discovery too: `displayName` is required and unique regardless of case, since it is by their names that
//! identity providers find the groups they push; a member needs a `value`, and is always a user.

use super::Type::{Reference, String};
use super::{Attribute, GROUP, Mutability, ResourceSchema, Schema, Uniqueness};

/// What Entra ID adds to `schemas` when it creates a group. It means nothing.
const MICROSOFT_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

pub(super) fn resource_schema() -> ResourceSchema {
    let name =
        Attribute::new("displayName", String, "The name of the group; unique regardless of case").required();
    ResourceSchema {
        name: "Group",
        endpoint: "/Groups",
        core: Schema {
            id: GROUP,
            name: "Group",
            description: "People who are given something together",
            attributes: vec![Attribute { uniqueness: Uniqueness::Server, ..name }, members()],
        },
        extensions: vec![super::job::extension()],
        ignored: &[MICROSOFT_GROUP],
    }
}

fn members() -> Attribute {
    let once = |attribute: Attribute| Attribute { mutability: Mutability::Immutable, ..attribute };
    let user =
        Attribute { reference_types: &["User"], ..Attribute::new("$ref", Reference, "The user's address") };
    let parts = vec![
        once(Attribute::new("value", String, "The user's id").case_exact().required()),
        once(user),
        once(Attribute::new("type", String, "What the member is").canonical(["User"])),
    ];
    Attribute::complex("members", "Who is in the group", parts).multi_valued()
}
