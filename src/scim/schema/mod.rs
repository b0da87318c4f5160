//! Which attributes there are, and the rules of each (RFC 7643 sections 2 and 7).
//!
//! Everything that reads a request consults one [`ResourceSchema`]: the core schema of a resource type with its
//! extensions, plus what a connector declares. Names are found regardless of case; what is found carries the spelling
//! that is stored and answered with. Deliberately absent: complex attributes inside complex attributes (RFC 7643 section
//! 2.3.8 forbids them).

mod group;
mod job;
mod user;

use std::borrow::Cow;
use std::sync::LazyLock;

/// The core schema of a user (RFC 7643 section 4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core schema of a group (RFC 7643 section 4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of a user (RFC 7643 section 4.3).
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Usher's own extension of a user: the entitlements of the external app, as its connector declares them.
pub const USHER_USER: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:User";
/// Usher's own extension with the state of the work that a resource waits for. Read only.
pub const USHER_JOB: &str = "urn:ietf:params:scim:schemas:extension:usher:2.0:Job";

/// Text by which names and values that ignore case are compared. Stores that index such values keep this form.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// The type of an attribute's values (RFC 7643 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// An RFC 3339 moment.
    DateTime,
    /// Base64.
    Binary,
    /// A URI.
    Reference,
    /// Sub-attributes.
    Complex,
}

/// Who may set an attribute (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// The client, at any time.
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client; it is never told.
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Even when excluded.
    Always,
    /// Never.
    Never,
    /// Unless excluded.
    Default,
    /// Only where it is asked for by name.
    Request,
}

/// Where a value must be the only one of its kind (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// Nowhere.
    None,
    /// Within the integration.
    Server,
}

/// One attribute or sub-attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name in canonical spelling.
    pub name: Cow<'static, str>,
    /// The type of its values.
    pub kind: Type,
    /// Whether it is a list.
    pub multi_valued: bool,
    /// What it is, for people.
    pub description: Cow<'static, str>,
    /// Whether a resource without it is refused.
    pub required: bool,
    /// Values that are usual; shown to clients, not enforced here.
    pub canonical_values: Vec<Cow<'static, str>>,
    /// Whether its text is compared letter by letter.
    pub case_exact: bool,
    /// Who may set it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Where it is unique.
    pub uniqueness: Uniqueness,
    /// What a [`Type::Reference`] may point at.
    pub reference_types: &'static [&'static str],
    /// What a [`Type::Complex`] consists of.
    pub sub_attributes: Vec<Attribute>,
}

impl Attribute {
    /// An optional, single-valued attribute that anyone may set and that ignores case.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        kind: Type,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            multi_valued: false,
            description: description.into(),
            required: false,
            canonical_values: Vec::new(),
            case_exact: matches!(kind, Type::Binary | Type::Reference),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            reference_types: &[],
            sub_attributes: Vec::new(),
        }
    }

    /// A complex attribute.
    pub fn complex(
        name: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
        sub_attributes: Vec<Self>,
    ) -> Self {
        Self { sub_attributes, ..Self::new(name, Type::Complex, description) }
    }

    /// The same, as a list.
    #[must_use]
    pub fn multi_valued(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    /// The same, required.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, compared letter by letter.
    #[must_use]
    pub fn case_exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    /// The same, set by the server alone; its sub-attributes too.
    #[must_use]
    pub fn read_only(self) -> Self {
        let sub_attributes = self.sub_attributes.into_iter().map(Self::read_only).collect();
        Self { mutability: Mutability::ReadOnly, sub_attributes, ..self }
    }

    /// The same, with the values that are usual.
    #[must_use]
    pub fn canonical(self, values: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        Self { canonical_values: values.into_iter().map(Into::into).collect(), ..self }
    }

    /// Its sub-attribute of that name, regardless of case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        find(&self.sub_attributes, name)
    }

    /// Whether values are told apart by a `value` sub-attribute (RFC 7643 section 2.4).
    pub(super) fn has_value(&self) -> bool {
        self.sub("value").is_some()
    }
}

/// A named set of attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name, for people.
    pub name: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// Its attribute of that name, regardless of case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

/// A resource type: its endpoint, its core schema and the extensions it may carry (RFC 7643 section 6).
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSchema {
    /// Its name, such as `User`.
    pub name: &'static str,
    /// Where it is served, such as `/Users`.
    pub endpoint: &'static str,
    /// The schema whose attributes stand at the top level.
    pub core: Schema,
    /// The schemas whose attributes stand under their URN. None is required.
    pub extensions: Vec<Schema>,
    /// URNs that clients put into `schemas` and that mean nothing.
    pub ignored: &'static [&'static str],
}

/// What a path names within a [`ResourceSchema`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Found<'s> {
    /// All of an extension.
    Extension(&'s Schema),
    /// An attribute of the core schema, or of all resources, or of an extension.
    Attribute {
        /// The extension it belongs to.
        extension: Option<&'s Schema>,
        /// The attribute.
        attribute: &'s Attribute,
    },
}

impl ResourceSchema {
    /// Users: the core schema, the enterprise extension and Usher's own two.
    pub fn user() -> Self {
        user::resource_schema()
    }

    /// Groups.
    pub fn group() -> Self {
        group::resource_schema()
    }

    /// The same with `attributes` in the schema `urn`: those of that name are replaced, others added. Usher's own
    /// extension then consists of nothing else, so that a mistyped entitlement is refused and not ignored. The core
    /// schema and the enterprise extension can be extended too, for identity providers that know no other namespace.
    /// An unknown `urn` changes nothing.
    #[must_use]
    pub fn with_attributes(mut self, urn: &str, attributes: Vec<Attribute>) -> Self {
        if let Some(schema) = self.schema_mut(urn) {
            if schema.id == USHER_USER {
                schema.attributes.clear();
            }
            schema.attributes.retain(|old| find(&attributes, &old.name).is_none());
            schema.attributes.extend(attributes);
        }
        self
    }

    /// The core schema or extension of that URN, regardless of case.
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.schemas().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// Whether a client may name that URN in `schemas`.
    pub(super) fn may_name(&self, urn: &str) -> bool {
        self.schema(urn).is_some() || self.ignored.iter().any(|ignored| ignored.eq_ignore_ascii_case(urn))
    }

    /// The core schema, then the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.core).chain(&self.extensions)
    }

    /// The attribute of the core schema, or of those that all resources share, regardless of case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(common(), name).or_else(|| self.core.attribute(name))
    }

    pub(super) fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// What `schema` and `name` of a path mean. A URN alone is split at its last colon, as if its end were an
    /// attribute's name; here it is put together again.
    pub fn find(&self, schema: Option<&str>, name: &str) -> Option<Found<'_>> {
        let Some(urn) = schema else {
            return self.attribute(name).map(|attribute| Found::Attribute { extension: None, attribute });
        };
        if self.core.id.eq_ignore_ascii_case(urn) {
            return self.find(None, name);
        }
        if let Some(extension) = self.extension(urn) {
            let attribute = extension.attribute(name)?;
            return Some(Found::Attribute { extension: Some(extension), attribute });
        }
        self.extension(&format!("{urn}:{name}")).map(Found::Extension)
    }

    fn schema_mut(&mut self, urn: &str) -> Option<&mut Schema> {
        std::iter::once(&mut self.core)
            .chain(&mut self.extensions)
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }
}

/// The attributes that every resource has (RFC 7643 section 3).
pub(super) fn common() -> &'static [Attribute] {
    static COMMON: LazyLock<Vec<Attribute>> = LazyLock::new(user::common_attributes);
    &COMMON
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_regardless_of_case_and_keep_their_spelling() {
        let user = ResourceSchema::user();
        assert_eq!(user.attribute("USERNAME").unwrap().name, "userName");
        assert_eq!(user.attribute("meta").unwrap().sub("LASTmodified").unwrap().name, "lastModified");
        assert!(user.attribute("shoeSize").is_none());
        let urn = USHER_USER.to_uppercase();
        assert!(matches!(user.find(Some(&urn), "ROLE"), Some(Found::Attribute { extension: Some(_), .. })));
        assert!(matches!(user.find(Some(USER), "userName"), Some(Found::Attribute { extension: None, .. })));
        let (namespace, name) = ENTERPRISE_USER.rsplit_once(':').unwrap();
        assert!(
            matches!(user.find(Some(namespace), name), Some(Found::Extension(found)) if found.id == ENTERPRISE_USER)
        );
    }

    #[test]
    fn a_connector_declares_its_own_entitlements() {
        let licence = || vec![Attribute::new("licence", Type::String, "The licence held").multi_valued()];
        let user = ResourceSchema::user().with_attributes(USHER_USER, licence());
        assert!(user.find(Some(USHER_USER), "licence").is_some());
        assert!(user.find(Some(USHER_USER), "role").is_none());

        let user = ResourceSchema::user()
            .with_attributes(ENTERPRISE_USER, licence())
            .with_attributes(USER, licence());
        assert!(user.find(Some(ENTERPRISE_USER), "licence").is_some());
        assert!(user.find(Some(ENTERPRISE_USER), "department").is_some());
        assert!(user.find(None, "licence").is_some());
    }

    #[test]
    fn no_complex_attribute_holds_another_and_only_complex_ones_have_parts() {
        let user = ResourceSchema::user();
        for attribute in user.schemas().flat_map(|schema| &schema.attributes).chain(common()) {
            assert_eq!(
                attribute.kind == Type::Complex,
                !attribute.sub_attributes.is_empty(),
                "{}",
                attribute.name
            );
            assert!(
                attribute.sub_attributes.iter().all(|sub| sub.kind != Type::Complex),
                "{}",
                attribute.name
            );
            assert!(!attribute.description.is_empty(), "{}", attribute.name);
        }
    }
}
