//! Files that are too much: refused for their size before they are read, or as soon as a limit is passed. They are made
//! here, because nobody wants them in the tree; what is said of them is in `fixtures/connectors/refused`.

use std::fs::{self, File};
use std::path::Path;

use super::{golden, root};
use usher::connector::load;
use usher::diagnostic::{Colour, render};

/// A connector without a mistake, changed by `change`, and what is said of it then.
fn check(name: &str, change: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let shipped = root().join("connectors/acme-desk");
    fs::create_dir(dir.path().join("flows")).unwrap();
    for file in ["connector.yaml", "flows/login.yaml", "flows/list_accounts.yaml"] {
        fs::copy(shipped.join(file), dir.path().join(file)).unwrap();
    }
    let manifest = fs::read_to_string(dir.path().join("connector.yaml")).unwrap();
    let manifest = manifest
        .replace("  deactivate: suspend\n", "")
        .replace("  team: { holds: many, values: listed }\n", "");
    fs::write(dir.path().join("connector.yaml"), manifest).unwrap();
    let list = fs::read_to_string(dir.path().join("flows/list_accounts.yaml")).unwrap();
    fs::write(
        dir.path().join("flows/list_accounts.yaml"),
        list.replace("        team: column \"Teams\"\n", "")
            .replace("        group: column \"Groups\"\n", ""),
    )
    .unwrap();
    assert!(
        load(dir.path()).diagnostics.is_empty(),
        "{}",
        render(&load(dir.path()).diagnostics, Colour::Plain)
    );
    change(dir.path());
    let loaded = load(dir.path());
    assert!(loaded.connector.is_none());
    let shown = render(&loaded.diagnostics, Colour::Plain);
    let shown = shown.replace(&format!("{}/", dir.path().display()), "");
    // Of a thousand mistakes the last ones are enough.
    let shown = shown.split("\n\n").collect::<Vec<_>>();
    let shown = shown.get(shown.len().saturating_sub(5)..).unwrap_or_default().join("\n\n");
    golden(&root().join("fixtures/connectors/refused").join(name).with_extension("err"), &shown);
}

#[test]
fn a_large_file_is_refused_for_its_size() {
    // It has no bytes on the disk: nothing of it is read.
    check("large_file", |dir| {
        File::create(dir.join("flows/remove.yaml")).unwrap().set_len(100 << 30).unwrap();
        File::create(dir.join("flows/update.yaml")).unwrap().set_len((1 << 20) + 1).unwrap();
    });
}

#[test]
fn many_large_files_are_refused_together() {
    check("large_connector", |dir| {
        for flow in ["a", "b", "c"] {
            fs::write(
                dir.join(format!("flows/{flow}.yaml")),
                format!("steps: [goto: /]\n#{}\n", "x".repeat(1_000_000)),
            )
            .unwrap();
        }
    });
}

#[test]
fn a_file_of_many_values_is_refused() {
    check("many_values", |dir| {
        fs::write(dir.join("flows/remove.yaml"), format!("steps:\n{}", "  - click: button\n".repeat(15_000)))
            .unwrap();
    });
}

#[test]
fn many_mistakes_are_cut_off() {
    check("many_mistakes", |dir| {
        fs::write(dir.join("flows/remove.yaml"), format!("steps:\n{}", "  - clik: button\n".repeat(5_000)))
            .unwrap();
    });
}

/// Each of them takes milliseconds to compile.
#[test]
fn many_regular_expressions_are_refused() {
    check("many_patterns", |dir| {
        fs::write(
            dir.join("flows/remove.yaml"),
            format!("steps:\n{}", "  - click: button /a/\n".repeat(1500)),
        )
        .unwrap();
    });
}

#[test]
fn many_flows_are_refused() {
    check("many_flows", |dir| {
        for flow in 0..600 {
            fs::write(dir.join(format!("flows/f{flow}.yaml")), "steps: [goto: /]\n").unwrap();
        }
    });
}

/// Opening a pipe would wait for a writer.
#[test]
#[cfg(unix)]
fn a_pipe_is_not_opened() {
    check("pipe", |dir| {
        let made = std::process::Command::new("mkfifo").arg(dir.join("flows/remove.yaml")).status().unwrap();
        assert!(made.success());
    });
}

/// Each flow runs the next one twice: walked one by one, the ways through them would be 2 to the power of 200.
#[test]
fn flows_that_run_each_other_are_walked_once() {
    check("doubling", |dir| {
        for flow in 0..200 {
            let next = flow + 1;
            fs::write(
                dir.join(format!("flows/f{flow}.yaml")),
                format!("steps: [run: f{next}, run: f{next}]\n"),
            )
            .unwrap();
        }
        fs::write(dir.join("flows/f200.yaml"), "steps: [goto: /]\n").unwrap();
        fs::write(dir.join("flows/remove.yaml"), "steps: [run: f0]\n").unwrap();
    });
}
