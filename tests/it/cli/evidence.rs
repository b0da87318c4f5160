//! `usher evidence`: what is refused, and what people read.

use super::*;

const EXPORT: [&str; 6] = ["evidence", "export", "--integration", "desk", "--to", "bundle"];

fn export(shell: &Shell, more: &[&str]) -> Ran {
    shell.run(&[&EXPORT[..], more].concat())
}

#[test]
fn what_cannot_be_exported_is_refused_with_the_reason() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    let err = export(&shell, &["--person", "nobody@acme.example"]).failed();
    assert!(err.contains("desk has nobody of the user name or the id `nobody@acme.example`"), "{err}");
    let err = export(&shell, &["--from", "2026-12-02", "--until", "2026-12-01"]).failed();
    assert!(err.contains("--until must be after --from"), "{err}");
    let err = export(&shell, &["--from", "1999-12-01", "--until", "1999-12-31"]).failed();
    assert!(err.contains("nothing is recorded of that time in desk"), "{err}");
    let err = shell.run(&[
        "evidence",
        "export",
        "--integration",
        "desk",
        "--person",
        "x",
        "--to",
        "b",
        "--from",
        "2026-12-01",
        "--until",
        "2026-12-02",
    ]);
    assert_eq!(err.code, Some(2), "{err:?}");
    for wrong in ["yesterday", "2026-13-01", "2026-12-01T22:00:00"] {
        let refused = export(&shell, &["--from", wrong, "--until", "2026-12-31"]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains("is no time: write it as"), "{refused:?}");
    }
    std::fs::create_dir(shell.path("bundle")).unwrap();
    std::fs::write(shell.path("bundle/mine"), "mine").unwrap();
    let err = export(&shell, &["--from", "2020-01-01", "--until", "2999-01-01"]).failed();
    assert!(err.contains("the folder bundle is not empty: name another one"), "{err}");
}

#[test]
fn a_bundle_is_exported_and_verified_as_people_read_it() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    let out = shell
        .run(&[
            "evidence",
            "export",
            "--integration",
            "desk",
            "--from",
            "2020-01-01",
            "--until",
            "2999-01-01",
            "--to",
            "all.tar.gz",
        ])
        .done();
    assert!(
        out.contains("1 story, with 0 pictures\n") && out.contains("There is people's data in the bundle."),
        "{out}"
    );
    let digest = out.lines().find_map(|line| line.strip_prefix("digest ")).unwrap();
    let out = shell.run(&["evidence", "verify", "all.tar.gz", "--digest", digest]).done();
    assert!(
        out.contains("is in itself as a bundle is exported")
            && out.contains("It is the one that was exported."),
        "{out}"
    );
    let wrong = shell.run(&["evidence", "verify", "all.tar.gz", "--digest", "0"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(
        wrong.out.contains("all.tar.gz is NOT as it was exported:\n  SHA256SUMS: has another digest"),
        "{wrong:?}"
    );
    let err = shell.run(&["evidence", "verify", "connectors"]).failed();
    assert!(err.contains("connectors is no evidence bundle"), "{err}");
    assert!(shell.run(&["evidence", "verify", "nothing"]).failed().contains("cannot use nothing"));
    let out = shell.run(&["evidence", "verify", "all.tar.gz", "--against-database"]).done();
    assert!(out.contains("the chain holds"), "{out}");
}
