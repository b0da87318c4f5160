//! The service account: the account of the app in whose name everything is done.

use super::fields::{Fields, check_name, entries, text};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::playbook::Node;

/// Who logs in, and how that can be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The role it needs in the app.
    pub role: Option<String>,
    /// Why it needs that one.
    pub why: Option<String>,
    /// The ways to log in; at least one.
    pub logins: Vec<Login>,
}

/// A way to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// `password`, `sso` or `token`.
    pub method: String,
    /// What it takes, in the order of the file.
    pub credentials: Vec<Credential>,
}

/// One thing that a login takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name in templates: `credentials.<name>`.
    pub name: String,
    /// Whether it may be seen.
    pub kind: CredentialKind,
    /// Whether the login works without it.
    pub required: bool,
}

/// Whether a credential may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// It may, as a user name.
    Text,
    /// It may not.
    Secret,
}

impl ServiceAccount {
    /// The way to log in called `method`.
    pub fn login(&self, method: &str) -> Option<&Login> {
        self.logins.iter().find(|login| login.method == method)
    }

    /// What is wrong with credentials of these names for that way to log in, a line each.
    pub fn check<'a>(&self, method: &str, given: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let Some(login) = self.login(method) else {
            let methods: Vec<&str> = self.logins.iter().map(|login| login.method.as_str()).collect();
            return vec![format!("the connector has no login `{method}`; it has: {}", methods.join(", "))];
        };
        let given: Vec<&str> = given.into_iter().collect();
        let missing =
            login.credentials.iter().filter(|one| one.required && !given.contains(&one.name.as_str()));
        let mut wrong: Vec<String> = missing
            .map(|one| format!("the credential `{}` is missing; the login `{method}` needs it", one.name))
            .collect();
        let names: Vec<&str> = login.credentials.iter().map(|one| one.name.as_str()).collect();
        let unknown = given.iter().filter(|name| !names.contains(name));
        wrong.extend(
            unknown.map(|name| {
                format!("`{name}` is no credential of this login; it takes: {}", names.join(", "))
            }),
        );
        wrong
    }
}

pub(super) const METHODS: &[&str] = &["password", "sso", "token"];
pub(super) const KINDS: &[(&str, CredentialKind, bool)] = &[
    ("text", CredentialKind::Text, true),
    ("secret", CredentialKind::Secret, true),
    ("text?", CredentialKind::Text, false),
    ("secret?", CredentialKind::Secret, false),
];
/// What would be readable by everyone who may see the integration.
const MUST_BE_SECRET: &[&str] = &["password", "totp", "token"];

/// Reads `service_account:`.
pub(super) fn read(node: &Node, found: &mut Diagnostics) -> ServiceAccount {
    let Some(fields) = Fields::read(node, "the service account", &["role", "why", "logins"], found) else {
        return ServiceAccount::default();
    };
    let role = fields.text("role", found).map(str::to_owned);
    let why = fields.text("why", found).map(str::to_owned);
    let logins = fields.required("logins", found).map(|node| read_logins(node, found)).unwrap_or_default();
    ServiceAccount { role, why, logins }
}

fn read_logins(node: &Node, found: &mut Diagnostics) -> Vec<Login> {
    let expected = "ways to log in: a mapping such as `password: { username: text, password: secret }`";
    let ways = entries(node, expected, found).unwrap_or_default();
    if node.as_map().is_some_and(<[_]>::is_empty) {
        found.error("missing_key", &node.span, "a connector needs a way to log in");
    }
    let mut logins = Vec::new();
    for way in ways {
        let method = way.key.text.as_str();
        if !METHODS.contains(&method) {
            let unknown =
                Diagnostic::error("unknown_login", &way.key.span, format!("`{method}` is no way to log in"));
            found.push(unknown.suggest(method, METHODS.iter().copied()));
        }
        let mut credentials = Vec::new();
        for entry in entries(&way.value, "what the login takes: a mapping from name to kind", found)
            .unwrap_or_default()
        {
            check_name(entry, "a credential", found);
            let Some(word) = text(&entry.value, found) else { continue };
            let Some((_, kind, required)) = KINDS.iter().find(|(known, ..)| *known == word).copied() else {
                let message = format!("`{word}` is no kind of credential");
                let unknown = Diagnostic::error("unknown_type", &entry.value.span, message);
                found.push(unknown.suggest(word, KINDS.iter().map(|(word, ..)| *word)));
                continue;
            };
            let name = entry.key.text.clone();
            if kind == CredentialKind::Text && MUST_BE_SECRET.contains(&name.as_str()) {
                let open =
                    Diagnostic::error("open_secret", &entry.value.span, format!("`{name}` must not be seen"));
                found.push(open.label("expected `secret`"));
            }
            credentials.push(Credential { name, kind, required });
        }
        logins.push(Login { method: method.to_owned(), credentials });
    }
    logins
}
