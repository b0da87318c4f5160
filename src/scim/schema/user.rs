//! The attributes of a user (RFC 7643 sections 3.1, 4.1, 4.3), and Usher's own two extensions.
//!
//! One deviation, stated in discovery too: `manager.displayName` may be set by the client, because that is where Okta
//! sends the manager's name.

use super::Type::{Binary, Boolean, DateTime, Reference, String};
use super::{
    Attribute, ENTERPRISE_USER, Mutability, ResourceSchema, Returned, Schema, USER, USHER_USER, Uniqueness,
};

pub(super) fn resource_schema() -> ResourceSchema {
    ResourceSchema {
        name: "User",
        endpoint: "/Users",
        core: Schema {
            id: USER,
            name: "User",
            description: "A person's account",
            attributes: [singular(), contacts(), rights()].concat(),
        },
        extensions: vec![enterprise(), usher(), super::job::extension()],
        ignored: &[],
    }
}

/// `id`, `externalId`, `meta` and `schemas`, which no schema lists.
pub(super) fn common_attributes() -> Vec<Attribute> {
    let id = Attribute::new("id", String, "The identifier that the server gave it").case_exact().read_only();
    let schemas = Attribute::new("schemas", Reference, "The schemas it carries").multi_valued().read_only();
    let meta = Attribute::complex(
        "meta",
        "What the server knows of it",
        vec![
            text("resourceType", "The name of its resource type").case_exact(),
            Attribute::new("created", DateTime, "When it was created"),
            Attribute::new("lastModified", DateTime, "When it was last changed"),
            Attribute::new("location", Reference, "Its address"),
            text("version", "Its version, as an entity tag").case_exact(),
        ],
    );
    vec![
        Attribute { returned: Returned::Always, ..schemas },
        Attribute { returned: Returned::Always, uniqueness: Uniqueness::Server, ..id },
        text("externalId", "The identifier that the identity provider uses").case_exact(),
        meta.read_only(),
    ]
}

fn singular() -> Vec<Attribute> {
    let user_name = text("userName", "The name to sign in with; unique regardless of case").required();
    let password = text("password", "Accepted and forgotten at once; Usher never keeps it").case_exact();
    let profile_url = Attribute {
        reference_types: &["external"],
        ..Attribute::new("profileUrl", Reference, "A page about the person")
    };
    vec![
        Attribute { uniqueness: Uniqueness::Server, ..user_name },
        Attribute::complex(
            "name",
            "The parts of the person's name",
            vec![
                text("formatted", "The whole name as it is shown"),
                text("familyName", "The family name"),
                text("givenName", "The given name"),
                text("middleName", "The middle names"),
                text("honorificPrefix", "Titles before the name"),
                text("honorificSuffix", "Additions after the name"),
            ],
        ),
        text("displayName", "The name to show"),
        text("nickName", "The casual name"),
        profile_url,
        text("title", "The job title"),
        text("userType", "The relation to the organisation"),
        text("preferredLanguage", "The language to write to the person in"),
        text("locale", "Where dates and numbers are formatted for"),
        text("timezone", "The time zone, by its IANA name"),
        Attribute::new("active", Boolean, "Whether the person may use the app"),
        Attribute { mutability: Mutability::WriteOnly, returned: Returned::Never, ..password },
    ]
}

fn contacts() -> Vec<Attribute> {
    let address = |name, description| text(name, description);
    vec![
        plural("emails", "E-mail addresses", text("value", "The address"), &["work", "home", "other"]),
        plural(
            "phoneNumbers",
            "Telephone numbers",
            text("value", "The number"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        plural("ims", "Instant messaging names", text("value", "The name"), &[]),
        plural("photos", "Pictures of the person", link("value", "Where it is"), &["photo", "thumbnail"]),
        Attribute::complex(
            "addresses",
            "Postal addresses",
            vec![
                address("formatted", "The whole address as it is shown"),
                address("streetAddress", "Street and number"),
                address("locality", "City"),
                address("region", "State or region"),
                address("postalCode", "Postal code"),
                address("country", "Country, by its ISO 3166-1 code"),
                kind(&["work", "home", "other"]),
                primary(),
            ],
        )
        .multi_valued(),
    ]
}

fn rights() -> Vec<Attribute> {
    let group =
        Attribute { reference_types: &["Group"], ..Attribute::new("$ref", Reference, "The group's address") };
    let certificate = Attribute::new("value", Binary, "The certificate, DER in base64");
    vec![
        Attribute::complex(
            "groups",
            "The groups the person is in; changed through the group",
            vec![
                text("value", "The group's id").case_exact(),
                group,
                text("display", "The group's name"),
                kind(&["direct", "indirect"]),
            ],
        )
        .multi_valued()
        .read_only(),
        plural("entitlements", "Things the person holds", text("value", "What is held"), &[]),
        plural("roles", "Roles of the person", text("value", "The role"), &[]),
        plural("x509Certificates", "Certificates of the person", certificate, &[]),
    ]
}

fn enterprise() -> Schema {
    let manager = Attribute {
        reference_types: &["User"],
        ..Attribute::new("$ref", Reference, "The manager's address")
    };
    Schema {
        id: ENTERPRISE_USER,
        name: "EnterpriseUser",
        description: "A person's place in the organisation",
        attributes: vec![
            text("employeeNumber", "The number that the organisation gave the person"),
            text("costCenter", "The cost centre"),
            text("organization", "The organisation"),
            text("division", "The division"),
            text("department", "The department"),
            Attribute::complex(
                "manager",
                "The person's manager",
                vec![
                    text("value", "The manager's id").case_exact(),
                    manager,
                    text("displayName", "The manager's name"),
                ],
            ),
        ],
    }
}

fn usher() -> Schema {
    Schema {
        id: USHER_USER,
        name: "UsherUser",
        description: "What the person holds in the app",
        attributes: vec![text("role", "The role in the app")],
    }
}

fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, String, description)
}

fn link(name: &'static str, description: &'static str) -> Attribute {
    Attribute { reference_types: &["external"], ..Attribute::new(name, Reference, description) }
}

fn kind(usual: &[&'static str]) -> Attribute {
    text("type", "What it is for").canonical(usual.iter().copied())
}

fn primary() -> Attribute {
    Attribute::new("primary", Boolean, "Whether it is the preferred one; true once at most")
}

/// A list of the usual parts (RFC 7643 section 2.4).
fn plural(
    name: &'static str,
    description: &'static str,
    value: Attribute,
    usual: &[&'static str],
) -> Attribute {
    let parts = vec![value, text("display", "How it is shown"), kind(usual), primary()];
    Attribute::complex(name, description, parts).multi_valued()
}
