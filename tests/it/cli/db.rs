//! The database as a whole, and what several machines need.

use serde_json::json;

use super::*;
use crate::postgres::{new_schema, server};

fn address(schema: &str) -> String {
    format!("{}&schema={schema}", server())
}

impl Shell {
    /// Runs with the database on the server.
    fn run_on(&self, address: &str, arguments: &[&str]) -> Ran {
        self.command(arguments).env("USHER_DATABASE", address).output().unwrap().into()
    }
}

#[test]
fn a_file_is_made_and_checked() {
    let shell = Shell::new();
    assert_eq!(shell.run(&["db", "migrate"]).done(), "the database is at schema version 1\n");
    shell.create("desk", "acme-desk");
    let checked = shell.run(&["db", "check", "--format", "json"]).json();
    assert_eq!((&checked["version"], checked["events"].as_i64()), (&json!(1), Some(2)));
    let said = shell.run(&["db", "check"]).done();
    assert!(said.contains(checked["hash"].as_str().unwrap()), "{said}");
}

#[test]
fn a_server_is_used_once_its_tables_were_made() {
    let shell = Shell::new();
    let address = address(&new_schema());
    let refused = shell.run_on(&address, &["integration", "list"]).failed();
    assert!(refused.contains("usher db migrate"), "{refused}");
    shell.run_on(&address, &["db", "migrate"]).done();
    shell.run_on(&address, &["db", "migrate"]).done();
    assert_eq!(shell.run_on(&address, &["integration", "list", "--format", "json"]).json(), json!([]));
    assert!(!shell.path("usher-data/usher.db").exists(), "nothing is kept in a file");
}

#[test]
fn a_password_is_not_taken_from_an_argument_and_an_address_that_is_none_is_refused() {
    let shell = Shell::new();
    for option in [&["db", "check", "--database"][..], &["db", "copy", "--to"]] {
        for address in
            ["postgres://ada:hunter2@db.example/usher", "postgres://db.example/usher?password=hunter2"]
        {
            let said = shell.run(&[option, &[address]].concat()).failed();
            assert!(!said.contains("hunter2") && said.contains("PGPASSWORD"), "{said}");
        }
        let said = shell.run(&[option, &["usher.db"]].concat()).failed();
        assert!(said.contains("postgres://user@host"), "{said}");
    }
    // From the environment it is taken, and never shown.
    let said = shell.run_on("postgres://ada:hunter2@127.0.0.1:1/usher", &["db", "check"]).failed();
    assert!(!said.contains("hunter2") && said.contains("does not answer"), "{said}");
}

#[test]
fn an_installation_moves_to_a_server_and_is_the_same_there() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    let token = shell.run(&["token", "new", "desk", "--format", "json"]).json();
    shell.run(&["operator-key", "new", "ci"]).done();
    let before = shell.run(&["db", "check", "--format", "json"]).json();
    let address = address(&new_schema());

    let mut copy = shell.command(&["db", "copy", "--format", "json"]);
    let copied = Ran::from(copy.env("USHER_TO", &address).output().unwrap()).json();
    let rows = |table: &str| {
        let tables = copied["tables"].as_array().unwrap();
        tables.iter().find(|copied| copied["table"] == table).unwrap()["rows"].as_i64()
    };
    assert_eq!((rows("integrations"), rows("tokens"), rows("credentials")), (Some(1), Some(1), Some(2)));

    assert_eq!(shell.run_on(&address, &["db", "check", "--format", "json"]).json(), before);
    let keys = shell.run_on(&address, &["operator-key", "list", "--format", "json"]).json();
    assert_eq!((rows("operator_keys"), &keys[0]["name"]), (Some(1), &"ci".into()));
    let tokens = shell.run_on(&address, &["token", "list", "desk"]).done();
    assert!(tokens.contains(token["id"].as_str().unwrap()), "{tokens}");

    let mut again = shell.command(&["db", "copy"]);
    let refused = Ran::from(again.env("USHER_TO", &address).output().unwrap()).failed();
    assert!(refused.contains("not empty"), "{refused}");

    // Another machine needs the key, and makes none of its own.
    let other = Shell::new();
    let refused = other.run_on(&address, &["integration", "list"]).failed();
    assert!(refused.contains("USHER_MASTER_KEY"), "{refused}");
    assert!(!other.path("usher-data/master.key").exists());
    let key = std::fs::read_to_string(shell.path("usher-data/master.key")).unwrap();
    let mut with_key = other.command(&["integration", "list"]);
    let with_key = with_key.env("USHER_DATABASE", &address).env("USHER_MASTER_KEY", key.trim());
    Ran::from(with_key.output().unwrap()).done();
}

#[test]
fn a_worker_of_its_own_needs_a_server() {
    let shell = Shell::new();
    let refused = shell.run(&["worker"]).failed();
    assert!(refused.contains("--database") && refused.contains("usher serve"), "{refused}");
}
