//! Reads the folder of a connector, and every mistake in it in one go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Connector;
use super::manifest::{self, Manifest};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span};
use crate::playbook::{Node, read_bytes};
use crate::step::{Book, Flow, check_flows, compile_flow};

/// No connector has so many flows.
const MAX_FLOWS: usize = 500;
/// One byte more than is read; a longer file is refused for its length.
const MAX_BYTES: u64 = 1024 * 1024 + 1;

/// Said of a flow in which another mistake was found, these may only follow from that.
const FOLLOW_ON: &[&str] = &["no_commit", "no_identity_check", "unused_flow"];
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

/// A file of a connector, read.
struct Text {
    /// The path under the connector's folder.
    path: String,
    /// The name of its flow; `None` for `connector.yaml`.
    flow: Option<String>,
    bytes: Vec<u8>,
}

/// Loads the connector in the folder `dir`. Files are shown by their paths under `dir` as it is given.
pub fn load(dir: &Path) -> Loaded {
    let mut found = Diagnostics::default();
    let texts = read_texts(dir, &mut found);
    let names: BTreeSet<String> = texts.iter().filter_map(|text| text.flow.clone()).collect();
    let (mut tree, mut flow_trees) = (None, Vec::new());
    for text in &texts {
        let shown = dir.join(&text.path).display().to_string();
        let node: Option<Node> = found.take(read_bytes(&shown, &text.bytes));
        match &text.flow {
            None => tree = node,
            Some(name) => flow_trees.extend(node.map(|node| (name.clone(), node))),
        }
    }
    // Without `connector.yaml` every name in the flows would be undeclared; of them only the syntax is checked then.
    let connector = tree.and_then(|tree| {
        let manifest = manifest::read(&tree, &names, &mut found);
        let flows = flows(&flow_trees, &manifest, &mut found);
        assemble(manifest, flows, dir, hash(&texts))
    });
    Loaded { connector: connector.filter(|_| !found.has_errors()), diagnostics: found.into_sorted() }
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
    let broken: BTreeSet<&str> = compiled.iter().map(|mistake| mistake.span.file()).collect();
    let own =
        |mistake: &Diagnostic| !(FOLLOW_ON.contains(&mistake.code) && broken.contains(mistake.span.file()));
    let linked: Vec<Diagnostic> = linked.into_sorted().into_iter().filter(own).collect();
    let told = compiled.into_iter().chain(linked);
    found.extend(told.filter(|mistake| manifest.is_whole || !NAMES.contains(&mistake.code)));
    flows
}

fn assemble(
    manifest: Manifest,
    flows: BTreeMap<String, Flow>,
    dir: &Path,
    hash: String,
) -> Option<Connector> {
    let Manifest { pop_ups, errors, tenant, origins, .. } = manifest;
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
        book: Book {
            base_url: manifest.base_url?,
            flows,
            pop_ups,
            errors,
            tenant,
            origins,
            folder: dir.to_owned(),
        },
        hash,
    })
}

/// `connector.yaml` and the flows, sorted by path. What cannot be read is noted.
fn read_texts(dir: &Path, found: &mut Diagnostics) -> Vec<Text> {
    let mut texts = Vec::new();
    let manifest = "connector.yaml".to_owned();
    match read_file(&dir.join(&manifest)) {
        Ok(bytes) => texts.push(Text { path: manifest, flow: None, bytes }),
        Err(error) => found.push(unreadable(&dir.join(&manifest), &error)),
    }
    let names = match flow_files(&dir.join("flows"), found) {
        Ok(names) => names,
        Err(error) => {
            found.push(unreadable(&dir.join("flows"), &error));
            return texts;
        }
    };
    for name in names {
        let path = format!("flows/{name}.yaml");
        match read_file(&dir.join(&path)) {
            Ok(bytes) => texts.push(Text { path, flow: Some(name), bytes }),
            Err(error) => found.push(unreadable(&dir.join(&path), &error)),
        }
    }
    texts
}

/// The names of the flows in a folder, sorted. Other files than flows are mistakes, hidden ones aside.
fn flow_files(folder: &Path, found: &mut Diagnostics) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let file = file.to_string_lossy();
        if file.starts_with('.') {
            continue;
        }
        let name = file.strip_suffix(".yaml").filter(|name| is_flow_name(name));
        match name {
            Some(name) if names.len() < MAX_FLOWS => drop(names.insert(name.to_owned())),
            Some(_) => return Err(io::Error::other(format!("more than {MAX_FLOWS} flows"))),
            None => {
                let place = Span::new(Source::new(folder.join(&*file).display().to_string(), ""), 0, 0);
                let other = Diagnostic::error("file_name", &place, format!("`{file}` is no flow"));
                found
                    .push(other.help(
                        "a flow's file is named by small letters, digits and `_`, and ends in `.yaml`",
                    ));
            }
        }
    }
    Ok(names)
}

fn is_flow_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let place = Span::new(Source::new(path.display().to_string(), ""), 0, 0);
    match error.kind() {
        io::ErrorKind::NotFound => {
            Diagnostic::error("missing_file", &place, "there is no such file or folder")
                .help("a connector is a folder with connector.yaml and flows/*.yaml in it")
        }
        _ => Diagnostic::error("unreadable", &place, format!("cannot be read: {error}")),
    }
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
