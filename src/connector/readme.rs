//! The README of a connector, made from its files: what it can do, what it needs, its attributes as an identity provider's admin
//! types them in, its limits.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::attributes::EXTENSION;
use super::{Connector, CredentialKind, Deactivate, Entitlement, From, Holds, Values};
use crate::step::reference_table as table;

/// Where SCIM keeps what every user has (RFC 7643 section 4.1).
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What the flows of a fixed name do, in the order in which they are told.
const ABILITIES: &[(&str, &str)] = &[
    ("list_accounts", "lists all accounts: import, access reviews, orphans"),
    ("read_account", "reads one account, without reading the whole list"),
    ("invite", "makes an account"),
    ("update", "changes attributes of an account"),
    ("deactivate", "suspends an account"),
    ("reactivate", "lets a suspended account in again"),
    ("remove", "removes an account"),
    ("resend_invite", "sends an invitation again"),
    ("cancel_invite", "takes an invitation back"),
    ("list_groups", "lists groups"),
    ("create_group", "makes a group"),
    ("rename_group", "renames a group"),
    ("remove_group", "removes a group"),
    ("add_member", "puts an account into a group"),
    ("remove_member", "takes an account out of a group"),
];

/// Without these something that identity providers ask for is refused.
const EXPECTED: &[&str] = &["read_account", "invite", "update", "deactivate", "reactivate", "remove"];

/// The README of `connector`, as Markdown.
pub fn readme(connector: &Connector) -> String {
    let Connector { name, title, version, .. } = connector;
    let mut page = format!(
        "<!-- Made from the connector's files; `usher docs {name}` writes it anew. -->\n# {title}\n\nUsher connector `{name}`, version {version}."
    );
    // Writing into a string cannot fail.
    if let Some(homepage) = &connector.homepage {
        let _ = write!(page, " The app: <{homepage}>.");
    }
    if let Some(terms) = &connector.terms {
        let _ = write!(page, " Its [terms of use]({}) were read on {}.", terms.url, terms.read);
    }
    page.push_str("\n\n");
    page + &[abilities(connector), needs(connector), attributes(connector), limits(connector)].join("\n")
}

fn abilities(connector: &Connector) -> String {
    let mut rows: Vec<[String; 2]> = Vec::new();
    for (flow, says) in ABILITIES.iter().filter(|(flow, _)| connector.can(flow)) {
        rows.push([(*says).to_owned(), code(flow)]);
    }
    for entitlement in &connector.entitlements {
        let name = &entitlement.name;
        for (flow, says) in [
            (format!("change_{name}"), format!("changes the {name}")),
            (format!("grant_{name}"), format!("grants a {name}")),
            (format!("revoke_{name}"), format!("takes a {name} away")),
            (format!("list_{name}s"), format!("lists the {name}s that there are")),
        ] {
            if connector.can(&flow) {
                rows.push([says, code(&flow)]);
            }
        }
    }
    format!("## What it can do\n\n{}", table(["it", "flow"], rows.into_iter()))
}

fn needs(connector: &Connector) -> String {
    let account = &connector.service_account;
    let mut text = "## What it needs\n\n".to_owned();
    let role = account.role.as_ref().map(|role| format!(" with the role {role}")).unwrap_or_default();
    let why = account.why.as_ref().map(|why| format!(" {why}")).unwrap_or_default();
    let _ = writeln!(text, "An account of the app that nobody else uses{role}.{why}\n");
    let credentials = account.logins.iter().flat_map(|login| {
        login.credentials.iter().map(|credential| {
            let kind = match credential.kind {
                CredentialKind::Text => "text",
                CredentialKind::Secret => "secret",
            };
            [code(&login.method), code(&credential.name), kind.to_owned(), yes(credential.required)]
        })
    });
    text += &table(["login", "credential", "kind", "required"], credentials);
    if !connector.settings.is_empty() {
        let settings = connector.settings.iter().map(|setting| {
            [
                code(&setting.name),
                setting.title.clone(),
                setting.help.clone().unwrap_or_default(),
                setting.default.as_ref().map(|default| code(default)).unwrap_or_default(),
                yes(setting.required && setting.default.is_none()),
            ]
        });
        let _ =
            write!(text, "\n{}", table(["setting", "is", "where it is", "default", "required"], settings));
    }
    text
}

fn attributes(connector: &Connector) -> String {
    let mut rows: Vec<[String; 6]> = Vec::new();
    for attribute in &connector.account.attributes {
        let required = yes(attribute.required);
        for path in sources(attribute.from.as_ref()) {
            let (external, namespace) = external(&path);
            let display = words(&attribute.name);
            let empty = String::new();
            rows.push(["string".into(), display, code(external), code(namespace), empty, required.clone()]);
        }
    }
    rows.extend(connector.entitlements.iter().map(entitlement_row));
    format!(
        "## Attributes\n\nAs they are typed into the identity provider's profile of the app (Okta: Profile Editor, Add Attribute; what \
         is under `core` Okta's profile has already).\n\n{}",
        table(
            [
                "data type",
                "display name",
                "external name",
                "external namespace",
                "enumerated values",
                "required"
            ],
            rows.into_iter()
        )
    )
}

fn entitlement_row(entitlement: &Entitlement) -> [String; 6] {
    let data_type = match entitlement.holds {
        Holds::One => "string",
        Holds::Many => "string array",
    };
    let values = match &entitlement.values {
        Values::Listed => "what the app has".to_owned(),
        Values::Fixed(values) => values
            .iter()
            .map(|(key, label)| format!("{label} = {}", code(key)))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let (name, namespace) = (&entitlement.name, code(EXTENSION));
    [data_type.to_owned(), words(name), code(name), namespace, values, yes(false)]
}

/// The SCIM attributes that a value is made from.
fn sources(from: Option<&From>) -> Vec<String> {
    match from {
        None => Vec::new(),
        Some(From::Path(path)) => vec![path.clone()],
        Some(From::Template(template)) => {
            let names = template.names().into_iter();
            let paths: BTreeSet<String> =
                names.filter_map(|(name, _)| name.strip_prefix("user.").map(str::to_owned)).collect();
            paths.into_iter().collect()
        }
    }
}

/// Name and schema of a SCIM attribute path.
fn external(path: &str) -> (&str, &str) {
    let is_urn = path.to_ascii_lowercase().starts_with("urn:");
    path.rsplit_once(':').filter(|_| is_urn).map_or((path, CORE), |(schema, name)| (name, schema))
}

fn limits(connector: &Connector) -> String {
    let mut lines = Vec::new();
    let missing: Vec<String> =
        EXPECTED.iter().filter(|flow| !connector.can(flow)).map(|flow| code(flow)).collect();
    if !missing.is_empty() {
        lines.push(format!("It has no flow {}; what needs one is refused.", missing.join(", ")));
    }
    lines.push(match &connector.account.deactivate {
        Some(Deactivate::Suspend) => "Who is deactivated is suspended and keeps the account.".to_owned(),
        Some(Deactivate::Remove) => {
            "Who is deactivated is removed; what the account held is gone with it.".to_owned()
        }
        Some(Deactivate::Downgrade { entitlement, key }) => {
            format!(
                "Who is deactivated keeps the account with the {entitlement} `{key}`, and can still log in."
            )
        }
        None => "Accounts cannot be deactivated.".to_owned(),
    });
    let by: Vec<String> = connector.account.match_by.iter().map(|name| code(name)).collect();
    lines.push(format!("A user and an account find each other by {}.", by.join(", then ")));
    let id = match &connector.account.id {
        Some(id) => format!(
            "The app shows an id of its own ({}), so that a renamed account stays the same.",
            code(id)
        ),
        None => {
            "The app shows no id of its own: an account that is renamed in the app is a new one.".to_owned()
        }
    };
    lines.push(id);
    for entitlement in connector.entitlements.iter().filter(|entitlement| !entitlement.admins.is_empty()) {
        let admins: Vec<String> = entitlement.admins.iter().map(|key| code(key)).collect();
        lines.push(format!(
            "The last account with the {} {} is never taken away.",
            entitlement.name,
            admins.join(" or ")
        ));
    }
    let classes: BTreeSet<String> =
        connector.book.errors.iter().map(|error| code(error.class.as_str())).collect();
    if !classes.is_empty() {
        let classes: Vec<String> = classes.into_iter().collect();
        lines.push(format!("The app's own refusals are told apart as {}.", classes.join(", ")));
    }
    let origins: Vec<String> =
        connector.book.origins.iter().map(|origin| code(&origin.to_string())).collect();
    lines.push(format!("The browser reaches {} and nothing else.", origins.join(", ")));
    format!("## Limits\n\n{}\n", lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n"))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

/// `first_name` as people read it: `First name`.
fn words(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_path_has_a_name_and_a_schema() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        for (path, expected) in [
            ("userName", ("userName", CORE)),
            ("name.givenName", ("name.givenName", CORE)),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                ("department", enterprise),
            ),
        ] {
            assert_eq!(external(path), expected);
        }
    }

    /// `UPDATE=1` writes them anew, as `usher docs` does.
    #[test]
    fn the_readmes_in_the_tree_are_what_the_connectors_say() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
        for entry in std::fs::read_dir(folder).unwrap() {
            let folder = entry.unwrap().path();
            if !folder.join("connector.yaml").is_file() {
                continue;
            }
            let connector = crate::connector::load(&folder).connector.unwrap();
            let path = folder.join("README.md");
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, readme(&connector)).unwrap();
            }
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(written == readme(&connector), "{} is old; `usher docs` writes it anew", path.display());
        }
    }
}
