//! Connectors as they lie in the tree: those that ship are without a mistake, the broken ones tell all of theirs.

mod refused;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use usher::connector::{Deactivate, Holds, codes, load};
use usher::diagnostic::{Colour, Severity, render};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders in `folder`, sorted.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn connectors_that_ship_have_no_mistake() {
    for folder in folders(&root().join("connectors")) {
        let loaded = load(&folder);
        assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, Colour::Plain));
        let connector = loaded.connector.unwrap();
        assert_eq!(Some(connector.name.as_str()), folder.file_name().unwrap().to_str());
        for flow in ["login", "list_accounts"] {
            assert!(connector.can(flow), "{} cannot {flow}", connector.name);
        }
    }
}

#[test]
fn acme_desk_is_read_as_it_is_written() {
    let connector = load(&root().join("connectors/acme-desk")).connector.unwrap();
    assert_eq!(connector.account.id.as_deref(), Some("id"));
    assert_eq!(connector.account.match_by, ["email"]);
    assert_eq!(connector.account.deactivate, Some(Deactivate::Suspend));
    let role = connector.entitlement("role").unwrap();
    assert_eq!((role.holds, role.default.as_deref()), (Holds::One, Some("viewer")));
    assert_eq!(role.value_of("AGENT"), Some(("agent", "Agent")));
    assert_eq!((connector.book.pop_ups.len(), connector.book.errors.len()), (1, 8));
    let credentials = &connector.service_account.login("password").unwrap().credentials;
    let required: Vec<_> = credentials.iter().map(|one| (one.name.as_str(), one.required)).collect();
    assert_eq!(required, [("username", true), ("password", true), ("totp", false)]);

    let user = serde_json::json!({ "userName": "ada@acme.example", "displayName": "Ada" });
    let wanted = connector.wanted(user.as_object().unwrap()).unwrap();
    assert!(wanted.entitlements.is_empty(), "what is not said stays as it is");
}

/// Each folder of `fixtures/connectors/broken` has beside it what is said of it. `UPDATE=1` writes that anew.
#[test]
fn broken_connectors_tell_every_mistake_at_once() {
    for folder in folders(&root().join("fixtures/connectors/broken")) {
        let loaded = load(&folder);
        let shown = render(&loaded.diagnostics, Colour::Plain);
        // Paths in the tree, whatever the tree is in.
        let shown = shown.replace(&format!("{}/", root().display()), "");
        assert!(!shown.is_empty(), "{} has no mistake", folder.display());
        golden(&folder.with_extension("err"), &shown);
    }
}

/// Holds `shown` to the file `path`; `UPDATE=1` writes it anew.
fn golden(path: &Path, shown: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, shown).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(shown == expected, "{}:\n{shown}", path.display());
}

/// Each kind of mistake, and so each rule of the linter, is told in one of the golden files, as bad as it is said to be.
#[test]
fn every_kind_of_mistake_has_a_golden_file() {
    let told = regex::Regex::new(r"(?m)^(error|warning)\[([a-z0-9_]+)\]").unwrap();
    let mut found = BTreeSet::new();
    for folder in ["broken", "refused"] {
        for entry in fs::read_dir(root().join("fixtures/connectors").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "err") {
                let text = fs::read_to_string(&path).unwrap();
                found.extend(
                    told.captures_iter(&text).map(|found| (found[2].to_owned(), found[1].to_owned())),
                );
            }
        }
    }
    let level = |severity| if severity == Severity::Error { "error" } else { "warning" };
    let known: BTreeSet<(String, String)> =
        codes().iter().map(|code| (code.id.to_owned(), level(code.severity).to_owned())).collect();
    assert_eq!(found, known);
}

#[test]
fn the_hash_changes_with_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = root().join("connectors/acme-desk");
    fs::create_dir(dir.path().join("flows")).unwrap();
    fs::copy(shipped.join("connector.yaml"), dir.path().join("connector.yaml")).unwrap();
    for flow in fs::read_dir(shipped.join("flows")).unwrap() {
        let flow = flow.unwrap();
        fs::copy(flow.path(), dir.path().join("flows").join(flow.file_name())).unwrap();
    }
    let before = load(dir.path()).connector.unwrap().hash;
    assert_eq!(before, load(&shipped).connector.unwrap().hash);
    let login = dir.path().join("flows/login.yaml");
    let text = fs::read_to_string(&login).unwrap();
    fs::write(&login, format!("{text}# changed\n")).unwrap();
    assert_ne!(load(dir.path()).connector.unwrap().hash, before);
}

#[test]
fn a_folder_that_is_no_connector_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = load(dir.path());
    assert!(loaded.connector.is_none());
    let codes: Vec<_> = loaded.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["missing_file", "missing_file"]);
}
