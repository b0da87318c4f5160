//! What an account of the app is: its attributes, where they come from, and what leaving means.

use super::entitlement::{Entitlement, Values};
use super::fields::{Fields, check_name, entries, items, text};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::playbook::{Node, Template};
use crate::step::GROUP;

/// An account of the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The attribute that is the app's own immutable id, where the app shows one.
    pub id: Option<String>,
    /// The attributes by which a SCIM user and an account find each other, in this order; never empty.
    pub match_by: Vec<String>,
    /// Its attributes, in the order of the file.
    pub attributes: Vec<Attribute>,
    /// What deactivation means; `None` where accounts cannot be deactivated.
    pub deactivate: Option<Deactivate>,
}

/// An attribute of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in templates and in what flows read.
    pub name: String,
    /// Where its value comes from; `None` where it is only read.
    pub from: Option<From>,
    /// Whether a user without it is refused.
    pub required: bool,
    /// Whether the app alone decides it.
    pub read_only: bool,
}

/// Where the value of an attribute comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A SCIM attribute path, such as `name.givenName`.
    Path(String),
    /// A template over `user`, the SCIM resource.
    Template(Template),
}

/// What deactivation of an account means in this app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deactivate {
    /// It stays and cannot be used: flow `deactivate`.
    Suspend,
    /// It goes: flow `remove`.
    Remove,
    /// It keeps the least it can hold: flow `change_<entitlement>`.
    Downgrade {
        /// The type of entitlement.
        entitlement: String,
        /// The key that is left.
        key: String,
    },
}

impl Account {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

impl Deactivate {
    /// The flow that does it.
    pub fn flow(&self) -> String {
        match self {
            Self::Suspend => "deactivate".to_owned(),
            Self::Remove => "remove".to_owned(),
            Self::Downgrade { entitlement, .. } => format!("change_{entitlement}"),
        }
    }
}

/// Reads `account:`.
pub(super) fn read(node: &Node, entitlements: &[Entitlement], found: &mut Diagnostics) -> Account {
    let known = ["id", "match", "attributes", "deactivate"];
    let Some(fields) = Fields::read(node, "an account", &known, found) else { return Account::default() };
    let attributes = fields.required("attributes", found);
    let attributes = attributes.map(|node| read_attributes(node, entitlements, found)).unwrap_or_default();
    let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let id = fields.get("id").and_then(|node| declared(node, &names, found));
    let match_by = fields.required("match", found).map(|node| {
        let nodes = items(node, "a list of attributes", found).unwrap_or_default();
        if node.as_list().is_some_and(<[_]>::is_empty) {
            found.error("empty", &node.span, "a user and an account must find each other by something");
        }
        nodes.iter().filter_map(|node| declared(node, &names, found)).collect()
    });
    let deactivate = fields.get("deactivate").and_then(|node| read_deactivate(node, entitlements, found));
    Account { id, match_by: match_by.unwrap_or_default(), attributes, deactivate }
}

fn declared(node: &Node, names: &[&str], found: &mut Diagnostics) -> Option<String> {
    let name = text(node, found)?;
    if !names.contains(&name) {
        let unknown =
            Diagnostic::error("undeclared", &node.span, format!("`{name}` is no attribute of an account"));
        found.push(unknown.suggest(name, names.iter().copied()));
    }
    Some(name.to_owned())
}

fn read_attributes(node: &Node, entitlements: &[Entitlement], found: &mut Diagnostics) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    for entry in entries(node, "attributes: a mapping from name to attribute", found).unwrap_or_default() {
        check_name(entry, "an attribute", found);
        let name = entry.key.text.clone();
        let taken = entitlements.iter().any(|entitlement| entitlement.name == name);
        if taken || name == "status" || name == GROUP {
            let message = format!("`{name}` means something else already");
            let twice = Diagnostic::error("reserved_name", &entry.key.span, message);
            found.push(twice.label(if taken {
                "an entitlement is called so"
            } else if name == GROUP {
                "an account may be in groups"
            } else {
                "every account has a status"
            }));
        }
        let Some(fields) =
            Fields::read(&entry.value, "an attribute", &["from", "required", "read_only"], found)
        else {
            continue;
        };
        let from = fields.get("from").and_then(|node| read_from(node, found));
        let read_only = fields.flag("read_only", false, found);
        let required = fields.flag("required", false, found);
        if fields.get("from").is_none() && !read_only {
            let message = format!("`{name}` comes from nowhere");
            let missing = Diagnostic::error("missing_key", &entry.key.span, message);
            found.push(missing.help("say `from: userName` or another SCIM attribute, or `read_only: true`"));
        }
        if let (Some(node), true) = (fields.get("from"), read_only) {
            found.error(
                "contradiction",
                &node.span,
                format!("`{name}` is read only and takes no value from anywhere"),
            );
        }
        attributes.push(Attribute { name, from, required, read_only });
    }
    attributes
}

fn read_from(node: &Node, found: &mut Diagnostics) -> Option<From> {
    let text = text(node, found)?;
    if !text.contains("{{") && !text.contains("{%") {
        if let Err(reason) = super::attributes::check_path(text) {
            let wrong =
                Diagnostic::error("scim_path", &node.span, format!("`{text}` is no SCIM attribute path"));
            found.push(wrong.label(reason));
        }
        return Some(From::Path(text.to_owned()));
    }
    let template = Template::parse(text, &node.span).map_err(|wrong| found.push(wrong)).ok()?;
    for (name, span) in template.names() {
        if name != "user" && !name.starts_with("user.") {
            found.push(outside_user(&name, &span));
        }
    }
    Some(From::Template(template))
}

fn outside_user(name: &str, span: &Span) -> Diagnostic {
    let unknown = Diagnostic::error("undeclared", span, format!("`{name}` is not known here"));
    unknown
        .label(format!("did you mean `user.{name}`?"))
        .help("the value of an attribute is made from `user` alone")
}

fn read_deactivate(node: &Node, entitlements: &[Entitlement], found: &mut Diagnostics) -> Option<Deactivate> {
    let expected = "`suspend`, `remove` or `{ downgrade: … }`";
    match node.as_text() {
        Some("suspend") => return Some(Deactivate::Suspend),
        Some("remove") => return Some(Deactivate::Remove),
        Some(word) => {
            let unknown =
                Diagnostic::error("unknown_value", &node.span, format!("`{word}` is no way to deactivate"));
            let near = crate::diagnostic::near(word, ["suspend", "remove"]);
            let label =
                near.map_or_else(|| format!("expected {expected}"), |near| format!("did you mean `{near}`?"));
            found.push(unknown.label(label));
            return None;
        }
        None if node.as_map().is_none() => {
            found.push(node.unexpected(expected));
            return None;
        }
        None => {}
    }
    let fields = Fields::read(node, "`deactivate`", &["downgrade"], found)?;
    let node = fields.required("downgrade", found)?;
    let key = text(node, found)?;
    let holds = |entitlement: &&Entitlement| entitlement.value_of(key).is_some();
    let fixed = entitlements.iter().filter(|entitlement| matches!(entitlement.values, Values::Fixed(_)));
    let mut candidates = fixed.filter(holds);
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => {
            Some(Deactivate::Downgrade { entitlement: only.name.clone(), key: key.to_owned() })
        }
        (Some(_), Some(_)) => {
            found.error("ambiguous", &node.span, format!("`{key}` is a value of several entitlements"));
            None
        }
        (None, _) => {
            let unknown =
                Diagnostic::error("undeclared", &node.span, format!("no entitlement has the value `{key}`"));
            let keys = entitlements.iter().flat_map(Entitlement::keys);
            found.push(unknown.suggest(key, keys));
            None
        }
    }
}
