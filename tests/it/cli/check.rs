//! `usher check`.

use super::*;

#[test]
fn a_connector_without_a_mistake_passes() {
    let shell = Shell::new();
    let said = shell.run(&["check", "connectors/acme-desk"]).done();
    assert_eq!(said, "1 connector(s), no mistakes\n");
    assert_eq!(shell.run(&["check"]).done(), said, "all of them, if none is named");
    assert_eq!(shell.run(&["check", "--format", "json"]).json(), serde_json::json!([]));
    let missing = shell.run(&["check", "connectors/acme-dusk"]).failed();
    assert!(missing.contains("connectors/acme-dusk"), "{missing}");
}

/// `UPDATE=1` writes the golden text anew.
#[test]
fn three_mistakes_in_three_files_are_three_diagnostics_in_one_run() {
    let shell = Shell::new();
    shell.edit(
        "connectors/acme-desk/flows/invite.yaml",
        "click: button \"Invite member\"",
        "clik: button \"Invite member\"",
    );
    shell.edit("connectors/acme-desk/flows/change_role.yaml", "button \"Save\"", "buton \"Save\"");
    shell.edit("connectors/acme-desk/connector.yaml", "class: seat_limit", "class: seat_limt");
    let ran = shell.run(&["check", "connectors/acme-desk"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{ran:?}");
    let golden = root().join("tests/it/cli/three_mistakes.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&golden, &ran.out).unwrap();
    }
    assert_eq!(ran.out, std::fs::read_to_string(&golden).unwrap_or_default());

    let ran = shell.run(&["check", "connectors/acme-desk", "--format", "json"]);
    assert_eq!(ran.code, Some(1));
    let found: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let places: Vec<String> = found
        .iter()
        .map(|one| {
            format!(
                "{}:{}:{} {}",
                one["file"].as_str().unwrap(),
                one["line"],
                one["column"],
                one["code"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "connectors/acme-desk/connector.yaml:46:44 unknown_class",
        "connectors/acme-desk/flows/change_role.yaml:10:16 locator_syntax",
        "connectors/acme-desk/flows/invite.yaml:3:5 unknown_step",
    ];
    assert_eq!(places, expected);
}
