use std::path::PathBuf;

use super::*;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn wish(flow: &str) -> Wish {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Wish { flow: flow.into(), attributes: names(&["id", "email", "name"]), entitlements: names(&["role"]) }
}

/// `UPDATE=1` writes the golden files anew.
#[test]
fn recordings_become_drafts() {
    for (recording, name, wish) in [
        ("invite", "invite", Wish { flow: "invite".into(), ..Wish::default() }),
        ("invite", "invite_with_connector", wish("invite")),
        ("invite", "login", wish("login")),
        ("change_role", "change_role", wish("change_role")),
    ] {
        let folder = root().join("fixtures/recorder");
        let json = std::fs::read_to_string(folder.join(format!("{recording}.json"))).unwrap();
        let Draft { yaml, decisions } = draft(&json, &wish).unwrap();
        assert_eq!(yaml.matches("TODO").count(), decisions);
        assert!(!yaml.contains("acme-password"), "{yaml}");
        let golden = folder.join(format!("{name}.yaml"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &yaml).unwrap();
        }
        assert_eq!(yaml, std::fs::read_to_string(&golden).unwrap_or_default(), "{name}");
    }
}

#[test]
fn what_is_no_recording_is_said() {
    for (json, expected) in [
        ("no json", "this is no export of Chrome's Recorder (JSON)"),
        (r#"{"title":"x"}"#, "this is no export of Chrome's Recorder (JSON)"),
        (r#"{"title":"x","steps":[]}"#, "the recording has no step that belongs in `invite`"),
    ] {
        assert_eq!(draft(json, &wish("invite")).unwrap_err().to_string(), expected);
    }
}

#[test]
fn odd_recordings_make_drafts_that_can_be_read() {
    let steps = r#"{"type":"navigate","url":"https://a.example/x/42?u=1"},
        {"type":"navigate","url":"https://b.example/"},
        {"type":"click","selectors":["aria/Say: \"hi\" {{ now }}"],"frame":[0],"target":"https://a.example/pop"},
        {"type":"hover","selectors":[["text/More"]]},
        {"type":"change","value":"yes","selectors":[["aria/true"]]},
        {"type":"click","selectors":[["css > span"],["xpath///html/body/a[2]/span"],["aria/Go"]]},
        {"type":"customStep","name":"x"}"#;
    let json = format!(r#"{{"title":"a\nb","steps":[{steps}]}}"#);
    let Draft { yaml, .. } = draft(&json, &Wish { flow: "part".into(), ..Wish::default() }).unwrap();
    let tree = crate::playbook::read(crate::diagnostic::Source::new("draft", yaml.as_str()));
    let steps = tree.unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{yaml}"));
    for step in steps.get("steps").and_then(crate::playbook::Node::as_list).unwrap() {
        if let Some(text) = step.get("click").and_then(crate::playbook::Node::as_text) {
            let span =
                crate::diagnostic::Span::new(crate::diagnostic::Source::new("locator", text), 0, text.len());
            assert!(crate::playbook::parse_locator(text, &span).is_ok(), "{text}");
        }
    }
    for expected in [
        "link \"Go\"",
        "\"true\": \"yes\"",
        "another host",
        "is this number an id",
        "another window",
        "in a frame",
        "customStep",
    ] {
        assert!(yaml.contains(expected), "{expected} is not in\n{yaml}");
    }
}
