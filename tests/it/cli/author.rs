//! The commands with which connectors are made: `new`, `schema`, `docs`, `import`.

use super::*;

#[test]
fn a_new_connector_has_no_mistake_and_nothing_is_overwritten() {
    let shell = Shell::new();
    let said = shell.run(&["new", "blue-crm"]).done();
    assert!(said.contains("usher check connectors/blue-crm"), "{said}");
    let checked = shell.run(&["check", "connectors/blue-crm"]).done();
    assert_eq!(checked, "1 connector(s), no mistakes\n");
    let manifest = std::fs::read_to_string(shell.path("connectors/blue-crm/connector.yaml")).unwrap();
    assert!(manifest.contains("title: Blue Crm") && !manifest.contains("__"), "{manifest}");
    let error = shell.run(&["new", "blue-crm"]).failed();
    assert!(error.contains("is there already; nothing was written"), "{error}");
    assert!(shell.run(&["new", "Blue"]).failed().contains("cannot be the name of a connector"));
    shell.run(&["new", "red", "--dir", "elsewhere"]).done();
    assert_eq!(shell.run(&["check", "elsewhere/red"]).done(), checked);
}

#[test]
fn the_schemas_are_printed() {
    let shell = Shell::new();
    for (name, key) in [("connector", "service_account"), ("flow", "steps")] {
        let schema = shell.run(&["schema", name]).json();
        assert!(schema["properties"][key].is_object(), "{schema}");
        let file = std::fs::read_to_string(root().join(format!("connectors/{name}.schema.json"))).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&file).unwrap(), schema);
    }
}

#[test]
fn a_readme_that_is_out_of_date_is_found_and_written() {
    let shell = Shell::new();
    assert!(shell.run(&["docs", "acme-desk", "--check"]).done().contains("is up to date"));
    shell.edit("connectors/acme-desk/connector.yaml", "agent: Agent,", "agent: Agent, guest: Guest,");
    let ran = shell.run(&["docs", "acme-desk", "--check"]);
    assert!(ran.code == Some(1) && ran.out.contains("is out of date"), "{ran:?}");
    shell.run(&["docs", "acme-desk"]).done();
    let readme = std::fs::read_to_string(shell.path("connectors/acme-desk/README.md")).unwrap();
    assert!(readme.contains("Guest = `guest`"), "{readme}");
    assert!(shell.run(&["docs", "acme-desk", "--check"]).done().contains("is up to date"));
}

/// The edits that make the draft of the recording a flow; each replaces a decision that was left to a person.
const EDITS: &[(&str, &str)] = &[
    (
        "      Name: Grace Hopper  # TODO: as recorded; where does it come from? Of a list write what it shows\n",
        "      Name: \"{{ account.name }}\"\n",
    ),
    (
        "      Role: Agent  # TODO: as recorded; where does it come from? Of a list write what it shows\n",
        "      Role: \"{{ role.label }}\"\n",
    ),
    (
        "  # - expect: status \"…\"  # TODO: wait for what shows that it was done\n",
        "  - expect: status \"Invitation sent\"\n",
    ),
];

#[test]
fn a_recording_of_an_invitation_is_a_flow_after_three_edits() {
    let shell = Shell::new();
    let recording = root().join("fixtures/recorder/invite.json").display().to_string();
    let mut flow = shell.run(&["import", &recording, "invite"]).done();
    let file = shell.path("connectors/acme-desk/flows/invite.yaml");
    for (from, to) in EDITS {
        assert!(flow.contains(from), "{from} is not in\n{flow}");
        flow = flow.replacen(from, to, 1);
        std::fs::write(&file, &flow).unwrap();
    }
    assert_eq!(shell.run(&["check", "connectors/acme-desk"]).done(), "1 connector(s), no mistakes\n");

    run::with_desk(|stage| {
        std::fs::write(stage.shell.path("connectors/acme-desk/flows/invite.yaml"), &flow).unwrap();
        let values = [
            "--set",
            "account.email=new.person@elsewhere.example",
            "--set",
            "account.name=New Person",
            "--set",
            "role=agent",
        ];
        let said = stage.run("invite", &values).done();
        assert!(said.contains("the app was changed"), "{said}");
        let members = stage.desk.members();
        let made = members.iter().find(|member| member.email == "new.person@elsewhere.example").unwrap();
        assert_eq!((made.name.as_str(), made.role), ("New Person", usher::demo::Role::Agent));
    });
}

/// The commands of `connectors/README.md`, one after the other, without a browser: each is a call that the program takes, and those
/// that need no app do what the guide says.
#[test]
fn the_guide_is_a_way_that_can_be_gone() {
    let shell = Shell::new();
    let guide = std::fs::read_to_string(root().join("connectors/README.md")).unwrap();
    std::fs::copy(root().join("fixtures/recorder/invite.json"), shell.path("recording.json")).unwrap();
    std::fs::write(shell.path("password.txt"), "x").unwrap();
    let commands = readme::commands(&guide);
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let mut arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        let with_browser = ["run", "pick", "test"].contains(&arguments[0]);
        if arguments[..2] == ["integration", "test"] {
            arguments.push("--help");
        }
        let mut called = shell.command(&arguments);
        let ran: Ran = called.env("USHER_CHROMIUM", shell.path("no-chromium")).output().unwrap().into();
        assert_eq!(ran.code, Some(i32::from(with_browser)), "{command}: {ran:?}");
        assert!(!with_browser || ran.err.contains("no-chromium"), "{command}: {ran:?}");
    }
    let help = ["run", "test"].map(|command| shell.run(&[command, "--help"]).done()).concat();
    for option in regex::Regex::new(r"(?m)^\| `(--[a-z-]+)").unwrap().captures_iter(&guide) {
        assert!(help.contains(&option[1]), "neither `usher run` nor `usher test` has {}", &option[1]);
    }
    for file in regex::Regex::new(r"\]\(([a-zA-Z][^):#]*)").unwrap().captures_iter(&guide) {
        assert!(root().join("connectors").join(&file[1]).exists(), "the guide links to {}", &file[1]);
    }
}
