//! `usher job open` and `usher replay --open`: where the page goes, and who may read it.

use std::os::unix::fs::PermissionsExt as _;

use super::job::leave_a_failed_job;
use super::run::with_desk;
use super::*;

impl Shell {
    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// The mode of a file, as `ls` shows it.
    fn mode(&self, path: &str) -> u32 {
        self.path(path).metadata().unwrap().permissions().mode() & 0o777
    }
}

#[tokio::test]
async fn a_job_without_a_recording_is_told_for_its_owner_alone_and_opened_where_there_is_a_browser() {
    let shell = Shell::new();
    shell.create("desk", "acme-desk");
    let id = leave_a_failed_job(&shell).await;
    // What others could read is not written into.
    std::fs::write(shell.path("page.html"), "old").unwrap();
    std::fs::set_permissions(shell.path("page.html"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = shell.run(&["job", "open", &id, "--to", "page.html", "--no-browser"]).done();
    assert_eq!(said.trim(), std::fs::canonicalize(shell.path("page.html")).unwrap().to_str().unwrap());
    assert_eq!(shell.mode("page.html"), 0o600);
    let page = shell.read("page.html");
    assert!(
        page.contains("<span class=\"class\">ui_drift</span> at <a href=\"#step-3\">flows/invite.yaml:3</a>")
    );
    assert!(page.contains("The connector has changed since"), "its hash is another: {page}");
    assert!(
        page.contains("provision ada@acme.example")
            && page.contains("It failed because of <a href=\"#step-3\">")
    );

    // A browser is told of it; that there is none fails nothing.
    let pipe = shell.path("opened");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let browser = shell.path("browser.sh");
    std::fs::write(&browser, format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", pipe.display())).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = shell.command(&["job", "open", &id, "--attempt", "1"]);
    let ran = command.env("BROWSER", &browser).env("TMPDIR", shell.root.path()).output().unwrap();
    let said = Ran::from(ran).done();
    assert_eq!(std::fs::read_to_string(&pipe).unwrap(), said.trim());
    assert!(said.trim().ends_with("/story.html"), "{said}");
    let mut command = shell.command(&["job", "open", &id, "--to", "page.html"]);
    Ran::from(command.env("BROWSER", "no-such-browser").output().unwrap()).done();

    let none = shell.run(&["job", "open", &id, "--attempt", "7"]).failed();
    assert!(none.contains("has no attempt 7; it has 1"), "{none}");
    std::fs::create_dir(shell.path("folder")).unwrap();
    let folder = shell.run(&["job", "open", &id, "--to", "folder"]).failed();
    assert!(folder.contains("it is there and no plain file"), "{folder}");
}

#[test]
fn a_replay_is_told_with_its_pictures_and_where_it_parts_from_the_recording() {
    with_desk(|stage| {
        let shell = &stage.shell;
        let agent = stage.agent().email;
        let account = format!("account.email={agent}");
        let flow = shell.path("connectors/acme-desk/flows/change_role.yaml");
        let whole = std::fs::read_to_string(&flow).unwrap();
        let broken = whole.replace("button \"Save\"\n", "button \"Store\"\n        timeout: 1s\n");
        std::fs::write(&flow, broken).unwrap();
        let about = ["--set", account.as_str(), "--set", "role=viewer", "--record", "kept"];
        assert_eq!(stage.run("change_role", &about).code, Some(1));
        std::fs::write(&flow, &whole).unwrap();
        let replay = ["replay", "kept", "--edited", "--open", "--to", "page.html", "--no-browser"];
        let said = shell.run(&replay).done();
        assert!(said.contains("\npage: ") && said.trim().ends_with("/page.html"), "{said}");
        assert_eq!(shell.mode("page.html"), 0o600);
        let page = shell.read("page.html");
        assert!(page.contains("it was carried up to its change"), "{page}");
        assert!(
            page.contains("which has: change_role: click button “Store” in dialog “Edit member” [ui_drift]")
        );
        assert!(page.contains("Not in the recording: POST http://127.0.0.1:"), "{page}");
        assert!(page.contains("data:image/jpeg;base64,/9j/") && page.contains("srcdoc=\"&#60;!doctype html"));
        // The lines are those that ran now.
        assert!(page.contains("line marked\"><b>10</b>    - click: button &#34;Save&#34;</span>"), "{page}");
        let misused = shell.run(&["replay", "kept", "--to", "page.html"]);
        assert_eq!(misused.code, Some(2), "{misused:?}");
    });
}
