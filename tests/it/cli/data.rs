//! Commands on a data directory: integrations, tokens, and what is refused.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_token_is_printed_alone_and_never_again() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    let ran = shell.run(&["token", "new", "desk"]);
    assert_eq!(ran.err, "");
    let token = ran.done();
    let token = token.strip_suffix('\n').unwrap();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!(token.starts_with("usher_") && token.len() == 49 && token.chars().all(plain), "{token}");
    let json = shell.run(&["token", "new", "desk", "--format", "json", "--expires-in-days", "30"]).json();
    assert_ne!(json["token"], token);
    let listed = shell.run(&["token", "list", "desk"]).done();
    assert!(listed.contains(json["id"].as_str().unwrap()) && !listed.contains("usher_"), "{listed}");
    let id = json["id"].as_str().unwrap();
    assert_eq!(shell.run(&["token", "revoke", id]).done(), format!("revoked {id}\n"));
}

#[test]
fn the_key_of_an_operator_is_printed_alone_and_never_again() {
    let shell = Shell::new();
    let key = shell.run(&["operator-key", "new", "ci"]).done();
    assert!(key.starts_with("usher_") && key.len() == 50, "{key}");
    let looks = ["operator-key", "new", "night-watch", "--reads-only", "--expires-in-days", "30"];
    let made = shell.run(&[&looks[..], &["--format", "json"]].concat()).json();
    assert_eq!((&made["name"], &made["role"]), (&"night-watch".into(), &"auditor".into()));
    assert!(made["key"].as_str().unwrap().starts_with("usher_"), "{made}");

    let table = shell.run(&["operator-key", "list"]).done();
    assert!(table.starts_with("ID") && table.contains("LAST USED") && !table.contains("usher_"), "{table}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(shell.run(&["operator-key", "revoke", id]).done(), format!("revoked {id}\n"));
    let listed = shell.run(&["operator-key", "list", "--format", "json"]).json();
    let role = |index: usize| (listed[index]["name"].as_str(), listed[index]["role"].as_str());
    assert_eq!((role(0), role(1)), ((Some("ci"), Some("admin")), (Some("night-watch"), Some("auditor"))));
    assert!(listed[0]["expires"].is_null() && listed[0]["revoked"].is_null(), "{listed}");
    assert!(listed[1]["expires"].is_string() && listed[1]["revoked"].is_string(), "{listed}");

    for (arguments, expected) in [
        (&["new", "ci"][..], "there is, or was, a key named `ci`"),
        (&["new", "usher"], "`usher` cannot name a key"),
        (&["revoke", "key_1"], "`usher operator-key list` shows them"),
    ] {
        let said = shell.run(&[&["operator-key"][..], arguments].concat()).failed();
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_new_integration_is_said_at_once() {
    let shell = Shell::new();
    let said = shell
        .run(&["integration", "create", "desk", "--connector", "acme-desk", "--set", "orgid=acme"])
        .failed();
    for expected in ["base_url", "org_id", "orgid", "username", "password"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let listed = shell.run(&["integration", "list", "--format", "json"]).json();
    assert_eq!(listed, serde_json::json!([]), "and nothing was made");
}

#[test]
fn unknown_names_are_answered_with_those_there_are() {
    let shell = Shell::new();
    let none = shell.run(&["token", "new", "desk"]).failed();
    assert!(none.contains("usher integration create"), "{none}");
    shell.create("desk", "acme-desk");
    for (arguments, expected) in [
        (&["integration", "create", "x", "--connector", "acme"][..], "acme-desk"),
        (&["token", "new", "dusk"], "there are: desk"),
        (&["token", "list", "dusk"], "there are: desk"),
        (&["token", "revoke", "token_1"], "usher token list"),
        (&["integration", "pause", "dusk", "--reason", "x"], "there are: desk"),
        (&["integration", "test", "dusk"], "there are: desk"),
        (&["job", "list", "--integration", "dusk"], "there are: desk"),
        (&["job", "list", "--state", "ended"], "ended"),
        (&["job", "show", "job_1"], "usher job list"),
    ] {
        let said = shell.run(arguments).failed();
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn a_secret_is_not_taken_from_an_argument_and_not_repeated() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    for arguments in [
        &["integration", "credentials", "desk", "--credential", "password=hunter2-hunter2"][..],
        &["integration", "credentials", "desk", "--credential", "hunter2-hunter2"],
        &["integration", "credentials", "desk", "--credential", "totp=hunter2-hunter2"],
        &[
            "integration",
            "create",
            "two",
            "--connector",
            "acme-desk",
            "--credential",
            "password=hunter2-hunter2",
        ],
    ] {
        let said = shell.run(arguments).failed();
        assert!(
            !said.contains("hunter2") && (said.contains("@FILE") || said.contains("KEY=VALUE")),
            "{said}"
        );
    }
    let mut command =
        shell.command(&["integration", "credentials", "desk", "--credential", "password=$DESK_PASSWORD"]);
    let ran: Ran = command.env("DESK_PASSWORD", "hunter2-hunter2").output().unwrap().into();
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    ran.done();
    let database = std::fs::read(shell.path("usher-data/usher.db")).unwrap();
    assert!(!database.windows(7).any(|bytes| bytes == b"hunter2"), "it is sealed");
}

#[test]
fn a_wrong_call_exits_with_2() {
    let shell = Shell::new();
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["check", "--colour"],
        &["job", "retry"],
        &["job", "list", "--limit", "many"],
        &["integration", "create", "desk"],
        &["integration", "create", "desk", "--connector", "acme-desk", "--patience", "soon"],
        &["serve", "--listen", "here"],
        &["job", "list", "--format", "xml"],
    ] {
        let ran = shell.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains("Usage:") || ran.err.contains("--help"), "{ran:?}");
    }
    assert!(!shell.path("usher-data").exists(), "and makes nothing");
    assert!(shell.run(&["--help"]).done().contains("SCIM"));
    assert!(shell.run(&["--version"]).done().starts_with("usher "));
}

#[test]
fn a_data_directory_that_others_can_read_is_refused_with_the_cure() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    let data = shell.path("usher-data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = shell.run(&["job", "list"]).failed();
    assert!(
        said.contains("can be read by others (mode 755)") && said.contains("chmod 700 usher-data"),
        "{said}"
    );
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    shell.run(&["job", "list"]).done();

    std::fs::write(shell.path("file"), "x").unwrap();
    let said = shell.run(&["job", "list", "--data", "file"]).failed();
    assert!(said.contains("file"), "{said}");
    let said = shell.run(&["job", "list", "--connectors", "nowhere"]).failed();
    assert!(said.contains("--connectors"), "{said}");
}
