//! `usher test`, on Acme Desk.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use usher::demo::{Action, Role, Status};

use super::run::{Stage, with_desk};
use super::*;

impl Stage {
    fn test(&self, connector: &str, username: &str, more: &[&str]) -> Ran {
        self.test_command(connector, username, more).output().unwrap().into()
    }

    fn test_command(&self, connector: &str, username: &str, more: &[&str]) -> Command {
        let (base_url, username) = (format!("base_url={}", self.desk.url()), format!("username={username}"));
        let fixed = ["test", connector, "--sandbox", "--set", &base_url, "--set", "org_id=acme"];
        let credentials = ["--credential", &username, "--credential", "password=@password.txt"];
        let mut command = self.shell.command(&[&fixed[..], &credentials, more].concat());
        command.env("TMPDIR", self.shell.root.path());
        command
    }

    /// Accepts the invitation of whoever the suite invites first, as soon as it is there.
    async fn accept_the_first(&self) {
        let is_first = |email: &str| email.starts_with("usher-test-") && email.contains("-1@");
        for changes in 1.. {
            self.desk.recorded(changes).await;
            let record = self.desk.record();
            let mut invited = record.iter().filter(|change| change.action == Action::Invited);
            if let Some(first) = invited.find(|change| is_first(&change.email)) {
                assert!(self.desk.accept(&first.email));
                return;
            }
        }
    }

    fn of_the_suite(&self) -> Vec<String> {
        let emails = self.desk.members().into_iter().map(|member| member.email);
        emails.filter(|email| email.starts_with("usher-test-")).collect()
    }
}

/// What became of each case: `passed`, or the class or the reason behind the result.
fn results(report: &Value) -> BTreeMap<String, String> {
    let result = |case: &Value| {
        let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        let words = if text("result") == "passed" { String::new() } else { format!(" {}", text("words")) };
        (text("name"), text("result") + &words)
    };
    report["cases"].as_array().unwrap().iter().map(result).collect()
}

#[test]
fn a_connector_keeps_its_contract_and_nothing_of_the_suite_stays() {
    with_desk(|stage| {
        let others = stage.desk.members();
        let ran = std::thread::scope(|scope| {
            let runtime = tokio::runtime::Handle::current();
            scope.spawn(move || runtime.block_on(stage.accept_the_first()));
            stage.test("acme-desk", "owner@acme.example", &["--format", "json", "--junit", "junit.xml"])
        });
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let mut results = results(&report);
        let last_admin = results.remove("last_admin").unwrap();
        assert!(last_admin.starts_with("skipped the service account is on the list"), "{last_admin}");
        assert!(results.values().all(|result| result == "passed"), "{results:#?}");
        assert_eq!(results.len(), 21, "{results:#?}");
        assert_eq!(report["left_behind"], serde_json::json!([]));
        assert_eq!(stage.desk.members(), others, "nobody else was touched");
        assert!(stage.desk.groups().iter().all(|group| !group.name.starts_with("Usher test")));
        assert_eq!(stage.desk.stats().refused_sign_ins, 1, "the wrong password was tried once");
        let done: Vec<Action> = stage.desk.record().into_iter().map(|change| change.action).collect();
        for action in [Action::Suspended, Action::Reactivated, Action::Removed, Action::InvitationCancelled] {
            assert_eq!(done.iter().filter(|one| **one == action).count(), 1, "{action:?} in {done:?}");
        }
        let junit = std::fs::read_to_string(stage.shell.path("junit.xml")).unwrap();
        assert!(junit.contains(r#"tests="22" failures="0" errors="0" skipped="1""#), "{junit}");
        let left =
            std::fs::read_dir(stage.shell.root.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("usher-test-")).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(!ran.err.contains("acme-password") && ran.err.contains("  invite "), "{}", ran.err);
    });
}

#[test]
fn what_a_connector_does_wrong_fails_in_the_case_of_it_and_in_no_other() {
    with_desk(|stage| {
        let edit = |flow: &str, from: &str, to: &str| {
            stage.shell.edit(&format!("connectors/acme-desk/flows/{flow}.yaml"), from, to);
        };
        // Nothing says how many there are, so that the first page looks like all of them.
        edit("list_accounts", "next: button \"Next page\"", "next: button \"More\"");
        edit("list_accounts", "      total: { read: text /of \\d+ members/, match: 'of (\\d+)' }\n", "");
        edit("invite", "Name: \"{{ account.name |", "Name: \"{{ ('Mx ' ~ account.name) |");
        edit("change_role", "Role: \"{{ role.label }}\"", "Role: Viewer");
        edit("grant_team", "steps:\n", "steps:\n  - fail: { class: seat_limit, message: full up }\n");
        let cases = ["login", "list_complete", "invite", "change_role", "grant_team", "rename"];
        let only: Vec<&str> = cases.iter().flat_map(|case| ["--only", case]).collect();
        let ran = stage.test("acme-desk", "owner@acme.example", &[&only[..], &["--fill", "1"]].concat());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let rows: Vec<Vec<&str>> =
            ran.out.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
        for (case, result) in cases.iter().zip(["passed", "failed", "failed", "failed", "failed", "passed"]) {
            assert!(rows.contains(&vec![*case, result]), "{case}: {result}\n{}", ran.out);
        }
        for words in [
            "list_complete failed with verify_mismatch: the list does not show usher-test-",
            "invite failed with verify_mismatch: `invite` is told every attribute, and `update` had to put right",
            "change_role failed with verify_mismatch: ",
            "grant_team failed with seat_limit: full up\n  at: flows/grant_team.yaml:2",
            "acme-desk 1.0.0: 2 passed, 4 failed, 0 skipped",
        ] {
            assert!(ran.out.contains(words), "{words} is not in\n{}", ran.out);
        }
        let picture = ran.out.split("  picture: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        assert!(std::fs::read(picture).unwrap().starts_with(&[0xff, 0xd8]), "{picture} is a JPEG");
        assert_eq!(stage.of_the_suite(), Vec::<String>::new(), "{}", ran.out);
    });
}

#[test]
fn the_only_administrator_is_not_let_go_and_an_account_that_was_lent_is_put_back() {
    with_desk(|stage| {
        // Nothing on the list says who logs in.
        let login = "connectors/acme-desk/flows/login.yaml";
        stage.shell.edit(login, "{{ credentials.username }}", "{{ credentials.username }}@acme.example");
        let member = stage.agent();
        let cases = ["login", "deactivate", "service_account", "last_admin"];
        let only: Vec<&str> = cases.iter().flat_map(|case| ["--only", case]).collect();
        let more = [&only[..], &["--member", &member.email, "--format", "json"]].concat();
        let ran = stage.test("acme-desk", "owner", &more);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let results = results(&report);
        for case in ["login", "deactivate", "last_admin"] {
            assert_eq!(results[case], "passed", "{results:#?}");
        }
        assert!(results["service_account"].starts_with("skipped no account on the list"), "{results:#?}");
        let suspended =
            stage.desk.record().iter().filter(|change| change.action == Action::Suspended).count();
        assert_eq!(suspended, 1, "the one that was lent, for a while");
        let now = stage.desk.members().into_iter().find(|one| one.id == member.id).unwrap();
        assert_eq!((now.status, now.role, now.name), (Status::Active, Role::Agent, member.name));
    });
}

#[test]
fn what_only_the_list_shows_fails_the_case_and_whoever_breaks_it_off_leaves_nobody_behind() {
    with_desk(|stage| {
        // The list says of everybody what a reading of one does not.
        let list = "connectors/acme-desk/flows/list_accounts.yaml";
        stage.shell.edit(list, "name: column \"Name\"", "name: column \"Email\"");
        let more = ["--only", "invite", "--only", "change_role", "--only", "rename"];
        let mut command = stage.test_command("acme-desk", "owner@acme.example", &more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let id = Pid::from_child(&child);
        // All of it is read, so that nothing waits for its reader.
        let lines: Vec<String> = said
            .inspect(|line| {
                if line.contains("invite ") {
                    kill_process(id, Signal::INT).unwrap();
                }
            })
            .collect();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(1), "{lines:?} {ran:?}");
        let drift = "a reading of all finds afterwards: drift usher-test-";
        assert!(lines.iter().any(|line| line.contains(drift) && line.contains("update name")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("putting everything back")), "{lines:?}");
        assert!(ran.out.contains("it was broken off") && !ran.out.contains("left behind"), "{ran:?}");
        assert_eq!(stage.of_the_suite(), Vec::<String>::new());
    });
}

#[test]
fn nothing_is_begun_until_somebody_says_that_the_app_is_a_sandbox() {
    let shell = Shell::new();
    let ran = shell.run(&["test", "acme-desk", "--set", "org_id=acme", "--only", "invit"]);
    let expected = "error: the credential `username` is missing; the login `password` needs it\n\
                    error: the credential `password` is missing; the login `password` needs it\n\
                    error: the setting `base_url` (Desk URL) is missing; say `--set base_url=…`\n\
                    error: there is no case `invit`; did you mean `invite`?\n\
                    error: this makes, changes and removes accounts in the app, and tries a wrong password once: \
                    say `--sandbox` where the app is one\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(2), "", expected));
}
