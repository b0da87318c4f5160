//! Reads `connector.yaml`.

use std::collections::BTreeSet;

use super::Terms;
use super::account::{self, Account};
use super::entitlement::{self, Entitlement, Holds, Values};
use super::fields::{Fields, items, text};
use super::service_account::{self, ServiceAccount};
use super::settings::{self, Setting, SettingType};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::locator::Locator;
use crate::playbook::{Node, Template};
use crate::step::{
    KnownError, PopUp, Vocabulary, compile_errors, compile_locator, compile_pop_ups, compile_secrets,
    compile_template,
};

/// The version of the language that this program speaks.
const LANGUAGE: &str = "1";

pub(super) const KEYS: &[&str] = &[
    "usher",
    "name",
    "title",
    "version",
    "app",
    "settings",
    "origins",
    "service_account",
    "tenant",
    "account",
    "entitlements",
    "pop_ups",
    "errors",
    "secrets",
];

/// What `connector.yaml` says; what is wrong in it is left out.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) terms: Option<Terms>,
    pub(super) base_url: Option<Template>,
    pub(super) settings: Vec<Setting>,
    pub(super) origins: Vec<Template>,
    pub(super) service_account: ServiceAccount,
    pub(super) tenant: Option<Locator<Template>>,
    pub(super) account: Account,
    pub(super) entitlements: Vec<Entitlement>,
    pub(super) pop_ups: Vec<PopUp>,
    pub(super) errors: Vec<KnownError>,
    pub(super) secrets: Vec<Locator<Template>>,
    pub(super) vocabulary: Vocabulary,
    /// Whether every part that flows take names from is there.
    pub(super) is_whole: bool,
}

/// Reads the tree of `connector.yaml`. `flows` are the names of the flows beside it.
pub(super) fn read(node: &Node, flows: &BTreeSet<String>, found: &mut Diagnostics) -> Manifest {
    let mut manifest = Manifest::default();
    let Some(fields) = Fields::read(node, "a connector", KEYS, found) else { return manifest };
    check_language(&fields, found);
    manifest.name = fields.required("name", found).and_then(|node| read_name(node, found));
    manifest.title = fields.required_text("title", found).map(str::to_owned);
    manifest.version = fields.required("version", found).and_then(|node| read_version(node, found));
    manifest.settings = fields.get("settings").map(|node| settings::read(node, found)).unwrap_or_default();
    let service_account = fields.required("service_account", found);
    manifest.service_account =
        service_account.map(|node| service_account::read(node, found)).unwrap_or_default();
    manifest.entitlements =
        fields.get("entitlements").map(|node| entitlement::read(node, found)).unwrap_or_default();
    let account = fields.required("account", found);
    manifest.account =
        account.map(|node| account::read(node, &manifest.entitlements, found)).unwrap_or_default();
    manifest.is_whole = service_account.is_some() && account.is_some();
    manifest.vocabulary = manifest.vocabulary(&fields, flows);

    let vocabulary = &manifest.vocabulary;
    manifest.tenant = fields.get("tenant").and_then(|node| compile_locator(node, vocabulary, found));
    let pop_ups = fields.get("pop_ups").map(|node| compile_pop_ups(node, vocabulary, found));
    let errors = fields.get("errors").map(|node| compile_errors(node, vocabulary, found));
    (manifest.pop_ups, manifest.errors) = (pop_ups.unwrap_or_default(), errors.unwrap_or_default());
    let secrets = fields.get("secrets").map(|node| compile_secrets(node, vocabulary, found));
    manifest.secrets = secrets.unwrap_or_default();
    read_app(&fields, &mut manifest, found);
    read_origins(&fields, &mut manifest, found);
    check_flows(&fields, &manifest, found);
    manifest
}

impl Manifest {
    /// What is declared, also where its declaration is broken: a name is not wrong for that.
    fn vocabulary(&self, fields: &Fields<'_>, flows: &BTreeSet<String>) -> Vocabulary {
        let keys = |node: Option<&Node>| -> BTreeSet<String> {
            let entries = node.and_then(Node::as_map).unwrap_or_default();
            entries.iter().map(|entry| entry.key.text.clone()).collect()
        };
        let entitlements = keys(fields.get("entitlements"));
        let not_held = |holds: Holds| {
            let others = self.entitlements.iter().filter(move |entitlement| entitlement.holds != holds);
            others.map(|entitlement| entitlement.name.clone()).collect::<BTreeSet<String>>()
        };
        let fixed = |entitlement: &Entitlement| match &entitlement.values {
            Values::Fixed(values) => Some((entitlement.name.clone(), values.clone())),
            Values::Listed => None,
        };
        let logins = fields.get("service_account").and_then(|node| node.get("logins")).and_then(Node::as_map);
        Vocabulary {
            settings: keys(fields.get("settings")),
            attributes: keys(fields.get("account").and_then(|account| account.get("attributes"))),
            match_by: self.account.match_by.clone(),
            one_valued: &entitlements - &not_held(Holds::One),
            many_valued: &entitlements - &not_held(Holds::Many),
            values: self.entitlements.iter().filter_map(fixed).collect(),
            credentials: logins
                .unwrap_or_default()
                .iter()
                .flat_map(|login| keys(Some(&login.value)))
                .collect(),
            flows: flows.clone(),
        }
    }
}

fn check_language(fields: &Fields<'_>, found: &mut Diagnostics) {
    let Some(node) = fields.required("usher", found) else { return };
    if node.as_text() != Some(LANGUAGE) {
        let other = Diagnostic::error(
            "language_version",
            &node.span,
            "a version of the language that is not known here",
        );
        found.push(other.label(format!("expected `{LANGUAGE}`")));
    }
}

fn read_name(node: &Node, found: &mut Diagnostics) -> Option<String> {
    let name = text(node, found)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(plain) || name.starts_with('-') {
        let bad =
            Diagnostic::error("bad_name", &node.span, format!("`{name}` cannot be the name of a connector"));
        found.push(bad.help("a name is small letters, digits and `-`, as in `acme-desk`"));
    }
    Some(name.to_owned())
}

fn read_version(node: &Node, found: &mut Diagnostics) -> Option<String> {
    let version = text(node, found)?;
    let numbers: Vec<&str> = version.split('.').collect();
    if numbers.len() != 3 || !numbers.iter().all(|number| number.parse::<u32>().is_ok()) {
        let bad = Diagnostic::error("bad_version", &node.span, format!("`{version}` is no version"));
        found.push(bad.label("expected three numbers, such as `1.2.0`"));
    }
    Some(version.to_owned())
}

fn read_app(fields: &Fields<'_>, manifest: &mut Manifest, found: &mut Diagnostics) {
    let app = fields
        .get("app")
        .and_then(|node| Fields::read(node, "the app", &["base_url", "homepage", "terms"], found));
    let given = app.and_then(|app| app.get("base_url"));
    let declared = manifest.settings.iter().find(|setting| setting.name == "base_url");
    manifest.base_url = match (given, declared) {
        (Some(node), _) => compile_template(node, &manifest.vocabulary, found),
        (None, Some(setting)) if setting.kind == SettingType::Url => {
            let place = fields.get("settings").and_then(|settings| settings.get("base_url"));
            place.and_then(|node| Template::parse("{{ settings.base_url }}", &node.span).ok())
        }
        (None, Some(_)) => {
            if let Some(node) = fields.get("settings").and_then(|settings| settings.get("base_url")) {
                found.error("wrong_type", &node.span, "the setting `base_url` must be of the type `url`");
            }
            None
        }
        (None, None) => {
            let node = fields.node();
            let missing = Diagnostic::error("missing_key", &node.span, "it is not said where the app is");
            found.push(missing.help(
                "declare a setting `base_url: { type: url, title: … }`, or give `app: { base_url: … }`",
            ));
            None
        }
    };
    let Some(app) = app else { return };
    manifest.homepage = app.text("homepage", found).map(str::to_owned);
    manifest.terms = app.get("terms").and_then(|node| {
        let terms = Fields::read(node, "the terms of use", &["url", "read"], found)?;
        let url = terms.required_text("url", found)?.to_owned();
        let node = terms.required("read", found)?;
        let read = text(node, found)?;
        if read.parse::<jiff::civil::Date>().is_err() {
            let bad = Diagnostic::error("wrong_type", &node.span, format!("`{read}` is no day"));
            found.push(bad.label("expected a day such as `2026-11-21`"));
        }
        Some(Terms { url, read: read.to_owned() })
    });
}

fn read_origins(fields: &Fields<'_>, manifest: &mut Manifest, found: &mut Diagnostics) {
    let Some(node) = fields.get("origins") else {
        // An app that is on one origin needs not say so.
        manifest.origins = manifest.base_url.iter().cloned().collect();
        return;
    };
    let nodes = items(node, "a list of origins", found).unwrap_or_default();
    if node.as_list().is_some_and(<[_]>::is_empty) {
        found.error("empty", &node.span, "without an origin the browser reaches nothing");
    }
    for node in nodes {
        let Some(template) = compile_template(node, &manifest.vocabulary, found) else { continue };
        let literal = template.literal().map(|origin| origin.parse::<url::Url>());
        let usable = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
        if literal.is_some_and(|url| !url.is_ok_and(|url| usable(&url))) {
            let bad = Diagnostic::error("wrong_type", &node.span, "not an origin");
            found.push(bad.label("expected an address such as `https://desk.example.com`"));
        }
        manifest.origins.push(template);
    }
}

/// What the connector declares and no flow does.
fn check_flows(fields: &Fields<'_>, manifest: &Manifest, found: &mut Diagnostics) {
    let flows = &manifest.vocabulary.flows;
    let account = fields.get("account");
    if let Some(deactivate) = &manifest.account.deactivate {
        let flow = deactivate.flow();
        if let Some(node) =
            account.and_then(|account| account.get("deactivate")).filter(|_| !flows.contains(&flow))
        {
            let missing = Diagnostic::error(
                "missing_flow",
                &node.span,
                format!("there is no flow `{flow}` that does it"),
            );
            found.push(missing.label(format!("expected flows/{flow}.yaml")));
        }
    }
    for entitlement in manifest.entitlements.iter().filter(|entitlement| entitlement.values == Values::Listed)
    {
        let flow = format!("list_{}s", entitlement.name);
        let node = fields.get("entitlements").and_then(|all| all.get(&entitlement.name)?.get("values"));
        if let Some(node) = node.filter(|_| !flows.contains(&flow)) {
            let missing = Diagnostic::error(
                "missing_flow",
                &node.span,
                format!("there is no flow `{flow}` that lists them"),
            );
            found.push(missing.label(format!("expected flows/{flow}.yaml")));
        }
    }
    for flow in ["login", "list_accounts"] {
        if !flows.contains(flow) {
            let node = fields.node();
            let missing =
                Diagnostic::error("missing_flow", &node.span, format!("a connector needs the flow `{flow}`"));
            found.push(
                missing.help(format!("write flows/{flow}.yaml; without it nothing can be known of the app")),
            );
        }
    }
}
