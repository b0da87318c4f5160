//! `usher check`.

use super::*;

#[test]
fn a_connector_without_a_mistake_passes() {
    let shell = Shell::new();
    let said = shell.run(&["check", "connectors/acme-desk"]).done();
    assert_eq!(said, "1 connector(s), no mistakes\n");
    assert_eq!(shell.run(&["check"]).done(), said, "all of them, if none is named");
    assert_eq!(shell.run(&["check", "--format", "json"]).json(), serde_json::json!([]));
    assert_eq!(shell.run(&["check", "connectors", "connectors/acme-desk"]).done(), said.replace('1', "2"));
    for wrong in ["connectors/acme-dusk", "connectors/acme-desk/flows", "connectors/acme-desk/connector.yaml"]
    {
        let ran = shell.run(&["check", wrong]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.starts_with(&format!("error: cannot check {wrong}: ")), "{ran:?}");
    }
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

/// The golden files of the broken connectors, one after the other, are what one run over all of them prints.
#[test]
fn one_run_tells_the_mistakes_of_all_connectors() {
    let broken = "fixtures/connectors/broken";
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root().join(broken)).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    let golden: Vec<String> = folders
        .iter()
        .map(|folder| std::fs::read_to_string(folder.with_extension("err")).unwrap_or_default())
        .collect();
    let golden = golden.join("\n");
    let ran: Ran = Shell::new().command(&["check", broken]).current_dir(root()).output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let count = |level: &str| golden.lines().filter(|line| line.starts_with(level)).count();
    let (errors, warnings) = (count("error["), count("warning["));
    assert!(folders.len() >= 20 && errors >= 100 && warnings >= 5, "{errors} {warnings}");
    assert_eq!(ran.out, format!("{golden}\n{errors} mistake(s), {warnings} warning(s)\n"));
}

#[test]
fn warnings_alone_do_not_fail() {
    let shell = Shell::new();
    shell.edit("connectors/acme-desk/flows/remove.yaml", "button \"Remove\"", "button \"Remove\" first");
    let said = shell.run(&["check"]).done();
    assert!(said.starts_with("warning[nth]: ") && said.ends_with("\n1 warning(s)\n"), "{said}");
}

/// What the schema of SARIF 2.1.0 requires, and what code hosts ask for besides.
#[test]
fn sarif_has_what_code_hosts_need() {
    let shell = Shell::new();
    shell.edit("connectors/acme-desk/flows/invite.yaml", "click: button", "clik: button");
    shell.edit("connectors/acme-desk/flows/remove.yaml", "button \"Remove\"", "button \"Remove\" first");
    let ran = shell.run(&["check", "--format", "sarif"]);
    assert_eq!(ran.code, Some(1));
    let log: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!((&driver["name"], &run["columnKind"]), (&"usher".into(), &"unicodeCodePoints".into()));
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[text]["text"].as_str().is_some_and(|text| text.ends_with('.')), "{rule}");
        }
        assert!(
            matches!(rule["defaultConfiguration"]["level"].as_str(), Some("error" | "warning")),
            "{rule}"
        );
    }
    let found: Vec<String> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            let (uri, region) = (&place["artifactLocation"]["uri"], &place["region"]);
            let [line, column, end_line, end_column] =
                ["startLine", "startColumn", "endLine", "endColumn"].map(|key| region[key].as_u64().unwrap());
            let (level, text) = (&result["level"], result["message"]["text"].as_str().unwrap());
            format!(
                "{} {line}:{column}-{end_line}:{end_column} {} {text}",
                uri.as_str().unwrap(),
                level.as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "connectors/acme-desk/flows/invite.yaml 3:5-3:9 error unknown step `clik`; did you mean `click`?",
            "connectors/acme-desk/flows/remove.yaml 5:32-5:37 warning an element by its number is another one once the page \
             has one more; say what it is: its name, or the row, dialog or region that it is in",
        ]
    );
    let other = shell.run(&["job", "list", "--format", "sarif"]);
    assert_eq!((other.code, other.out.as_str()), (Some(2), ""), "{other:?}");
}
