//! Connectors as they lie in the tree: those that ship are without a mistake, the broken ones tell all of theirs.

use std::fs;
use std::path::{Path, PathBuf};

use usher::connector::{Deactivate, Holds, load};
use usher::diagnostic::{Colour, render};

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
    assert_eq!((connector.book.pop_ups.len(), connector.book.errors.len()), (1, 7));
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
    let broken = root().join("fixtures/connectors/broken");
    let mut wrong = Vec::new();
    for folder in folders(&broken) {
        let loaded = load(&folder);
        let shown = render(&loaded.diagnostics, Colour::Plain);
        // Paths in the tree, whatever the tree is in.
        let prefix = format!("{}/", root().display());
        let shown = shown.replace(&prefix, "");
        let golden = folder.with_extension("err");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&golden, &shown).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if shown != expected {
            wrong.push(format!("{}:\n{shown}", golden.display()));
        }
        assert!(!shown.is_empty(), "{} has no mistake", folder.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
