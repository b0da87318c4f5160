//! Reads the folder of a connector, and every mistake in it in one go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Connector;
use super::files::{self, Text};
use super::manifest::{self, Manifest};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::playbook::{Node, read_bytes};
use crate::step::{Book, Flow, check_flows, check_settings, compile_flow};

/// Said of a flow in which another mistake was found, these may only follow from that.
const FOLLOW_ON: &[&str] =
    &["absent_unproved", "groups_unread", "no_commit", "no_identity_check", "unreachable", "unused_flow"];
/// Said where any flow has a mistake, these may only follow from that.
const UNUSED: &[&str] = &["unused_flow", "unused_variable"];
/// Said where `connector.yaml` declares nothing at all, these follow from that.
const NAMES: &[&str] = &["undeclared", "unknown_attribute", "unused_flow", "unknown_name"];

/// What loading gave.
#[derive(Debug)]
pub struct Loaded {
    /// The connector, where no error is in it.
    pub connector: Option<Connector>,
    /// Every mistake in every file, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads the connector in the folder `dir`. Files are shown by their paths under `dir` as it is given.
pub fn load(dir: &Path) -> Loaded {
    let mut found = Diagnostics::default();
    let texts = files::read(dir, &mut found);
    assemble_texts(dir, &texts, found)
}

/// The same for files that are in no folder; they are shown by their paths under `dir`. Others than `connector.yaml`
/// and `flows/*.yaml` are not looked at.
pub fn load_texts(dir: &Path, texts: &[Text]) -> Loaded {
    let mut found = Diagnostics::default();
    if !texts.iter().any(|text| text.path == files::MANIFEST) {
        found.push(files::missing(&dir.join(files::MANIFEST)));
    }
    assemble_texts(dir, texts, found)
}

/// The files that [`load`] reads in the folder `dir`, as they lie there; what it refuses is left out.
pub fn texts(dir: &Path) -> Vec<Text> {
    files::read(dir, &mut Diagnostics::default())
}

fn assemble_texts(dir: &Path, texts: &[Text], mut found: Diagnostics) -> Loaded {
    let names: BTreeSet<String> = texts.iter().filter_map(Text::flow).map(str::to_owned).collect();
    let (mut tree, mut flow_trees) = (None, Vec::new());
    for text in texts {
        let shown = dir.join(&text.path).display().to_string();
        let node: Option<Node> = found.take(read_bytes(&shown, &text.bytes));
        match text.flow() {
            None if text.path == files::MANIFEST => tree = node,
            None => {}
            Some(name) => flow_trees.extend(node.map(|node| (name.to_owned(), node))),
        }
    }
    // Without `connector.yaml` every name in the flows would be undeclared; of them only the syntax is checked then.
    let connector = tree.and_then(|tree| {
        let manifest = manifest::read(&tree, &names, &mut found);
        let flows = flows(&flow_trees, &manifest, &mut found);
        let connector = assemble(manifest, flows, dir, texts).filter(|_| !found.has_errors())?;
        let settings = tree.get("settings").and_then(Node::as_map).unwrap_or_default();
        let settings = settings.iter().map(|entry| (entry.key.text.as_str(), &entry.key.span));
        check_settings(settings, &connector.book, &mut found);
        Some(connector)
    });
    Loaded { connector, diagnostics: found.into_sorted() }
}

/// Compiles the flows and checks them against each other. One mistake is told once, not also by what follows from it.
fn flows(trees: &[(String, Node)], manifest: &Manifest, found: &mut Diagnostics) -> BTreeMap<String, Flow> {
    let mut ours = Diagnostics::default();
    let vocabulary = &manifest.vocabulary;
    let compile = |(name, node): &(String, Node)| {
        Some((name.clone(), compile_flow(name, node, vocabulary, &mut ours)?))
    };
    let flows: BTreeMap<String, Flow> = trees.iter().filter_map(compile).collect();
    let compiled = ours.into_sorted();
    let mut linked = Diagnostics::default();
    check_flows(&flows, vocabulary, &mut linked);
    let broken: BTreeSet<&str> = compiled
        .iter()
        .filter(|mistake| mistake.severity == Severity::Error)
        .map(|mistake| mistake.span.file())
        .collect();
    let own = |mistake: &Diagnostic| {
        !(FOLLOW_ON.contains(&mistake.code) && broken.contains(mistake.span.file()))
            && !(UNUSED.contains(&mistake.code)
                && (!broken.is_empty() || trees.len() < vocabulary.flows.len()))
    };
    let linked: Vec<Diagnostic> = linked.into_sorted().into_iter().filter(own).collect();
    let told = compiled.into_iter().chain(linked);
    found.extend(told.filter(|mistake| manifest.is_whole || !NAMES.contains(&mistake.code)));
    flows
}

fn assemble(
    manifest: Manifest,
    flows: BTreeMap<String, Flow>,
    dir: &Path,
    texts: &[Text],
) -> Option<Connector> {
    let Manifest { pop_ups, errors, secrets, tenant, origins, .. } = manifest;
    Some(Connector {
        name: manifest.name?,
        title: manifest.title?,
        version: manifest.version?,
        homepage: manifest.homepage,
        terms: manifest.terms,
        settings: manifest.settings,
        service_account: manifest.service_account,
        account: manifest.account,
        entitlements: manifest.entitlements,
        book: Arc::new(Book {
            base_url: manifest.base_url?,
            flows,
            pop_ups,
            errors,
            secrets,
            tenant,
            origins,
            folder: dir.to_owned(),
        }),
        hash: hash(texts),
        texts: texts.into(),
    })
}

/// Over path, length and content of each file, so that no two sets of files have the same bytes under it.
fn hash(texts: &[Text]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        for part in [text.path.as_bytes(), &text.bytes] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
