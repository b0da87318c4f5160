//! Connectors: what an app is, and how its flows do things in it.
//!
//! [`load()`] reads the folder of one and tells every mistake in every file at once; a connector with an error in it is
//! not given out. Flows are compiled by `step`; here is what they are about: settings, the service account, attributes,
//! entitlements, and how a SCIM user becomes an account of the app ([`attributes`]).
//!
//! Invariants: what a [`Connector`] names (attributes, entitlements, keys, flows) it also declares; its `hash` changes
//! with every byte of its files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::step::{Book, Purpose, Vocabulary};

mod account;
pub mod attributes;
mod code;
mod entitlement;
mod fields;
mod files;
mod library;
mod load;
mod manifest;
mod readme;
mod reference;
mod resource;
mod schema;
mod seen;
mod service_account;
mod settings;

pub use account::{Account, Attribute, Deactivate, From};
pub use code::{Code, codes};
pub use entitlement::{Entitlement, Holds, Listed, Values};
pub use files::Text;
pub use library::{Entry, Library};
pub use load::{Loaded, load, load_texts, texts};
pub use readme::readme;
pub use reference::reference;
pub use schema::schema;
pub use seen::Seen;
pub use service_account::{Credential, CredentialKind, Login, ServiceAccount};
pub use settings::{Setting, SettingError, SettingType};

/// A connector without errors.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its name, as integrations refer to it.
    pub name: String,
    /// What the app is called.
    pub title: String,
    /// Semantic version; a changed account id, attribute or entitlement key is a new major.
    pub version: String,
    /// The app's own page.
    pub homepage: Option<String>,
    /// The app's terms of use.
    pub terms: Option<Terms>,
    /// What an integration has to say, in the order of the wizard.
    pub settings: Vec<Setting>,
    /// Who logs in.
    pub service_account: ServiceAccount,
    /// What an account is.
    pub account: Account,
    /// What an account can hold, in the order of the file.
    pub entitlements: Vec<Entitlement>,
    /// The flows and what the runner needs beside them.
    pub book: Arc<Book>,
    /// SHA-256 over all files, in hexadecimal.
    pub hash: String,
    /// The files.
    pub texts: Arc<[Text]>,
}

/// Terms of use, and when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where they are.
    pub url: String,
    /// The day, as `2026-11-21`.
    pub read: String,
}

impl Connector {
    /// Whether it has that flow.
    pub fn can(&self, flow: &str) -> bool {
        self.book.flows.contains_key(flow)
    }

    /// The same, for an app whose listed values, by type of entitlement, are these.
    #[must_use]
    pub fn with_listed(&self, mut listed: BTreeMap<String, Vec<Listed>>) -> Self {
        let mut connector = self.clone();
        for entitlement in connector.entitlements.iter_mut().filter(|one| one.values == Values::Listed) {
            entitlement.listed = listed.remove(&entitlement.name).unwrap_or_default();
        }
        connector
    }

    /// Whether it lists the groups of the app. A flow of that name may list the values of an entitlement.
    pub fn lists_groups(&self) -> bool {
        self.can("list_groups") && self.purpose("list_groups") == Purpose::ListGroups
    }

    /// Whether pushed groups are made in the app: it lists them and has a flow that changes them, or who is in them.
    pub fn replicates_groups(&self) -> bool {
        self.can("list_groups") && self.book.flows.keys().any(|flow| self.purpose(flow).is_about_a_group())
    }

    /// Whether accounts are put into groups of the app, or taken out.
    pub fn moves_members(&self) -> bool {
        let member = |flow: &str| self.can(flow) && self.purpose(flow) == Purpose::Member;
        self.can("list_groups") && (member("add_member") || member("remove_member"))
    }

    /// What the flow of that name is for.
    pub fn purpose(&self, flow: &str) -> Purpose {
        let of = |holds| -> BTreeSet<String> {
            let those = self.entitlements.iter().filter(|entitlement| entitlement.holds == holds);
            those.map(|entitlement| entitlement.name.clone()).collect()
        };
        let (one_valued, many_valued) = (of(Holds::One), of(Holds::Many));
        Purpose::of(flow, &Vocabulary { one_valued, many_valued, ..Vocabulary::default() })
    }

    /// The entitlement of that type.
    pub fn entitlement(&self, name: &str) -> Option<&Entitlement> {
        self.entitlements.iter().find(|entitlement| entitlement.name == name)
    }
}
