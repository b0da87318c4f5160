//! The flows of Acme Desk, from login to removal.

use usher::demo::Role;
use usher::run::Committed;
use usher::trace::Moment;

use super::stand::{Stand, failure};

#[test]
fn it_logs_in_lists_reads_and_changes() {
    Stand::with(
        |_| {},
        |mut stand| async move {
            assert!(!stand.session_holds().await);
            stand.log_in().await;
            assert!(stand.session_holds().await);

            let report = stand.run("list_accounts", &[]).await;
            let output = report.outcome.unwrap();
            let members = stand.desk.members();
            assert!(output.complete);
            let mut listed: Vec<(&str, &str)> =
                output.rows.iter().map(|row| (row["id"].as_str(), row["email"].as_str())).collect();
            listed.sort_by_key(|(id, _)| id.parse::<u64>().unwrap());
            let ids: Vec<String> = members.iter().map(|member| member.id.to_string()).collect();
            let expected: Vec<(&str, &str)> =
                ids.iter().zip(&members).map(|(id, member)| (id.as_str(), member.email.as_str())).collect();
            assert_eq!(listed, expected);
            let said = stand.log.lines().pop().unwrap();
            assert!(said.ends_with(&format!("listed {0} of {0} on 2 pages", members.len())), "{said}");

            let somebody = stand.somebody();
            let account = [("account.email", somebody.email.as_str())];
            let output = stand.run("read_account", &account).await.outcome.unwrap();
            assert!(!output.absent);
            assert_eq!(output.values["id"], somebody.id.to_string());
            assert_eq!(
                (output.values["role"].as_str(), output.values["status"].as_str()),
                ("Agent", "active")
            );

            let output = stand.run("read_account", &[("account.email", "nobody@acme.example")]).await;
            let output = output.outcome.unwrap();
            assert!(output.absent && output.values.is_empty());
        },
    );
}

#[test]
fn a_change_is_made_once_told_in_words_and_pictured_before_and_after() {
    Stand::logged_in(|mut stand| async move {
        let somebody = stand.somebody();
        let values =
            [("account.email", somebody.email.as_str()), ("role.key", "viewer"), ("role.label", "Viewer")];
        let report = stand.run("change_role", &values).await;
        assert!(report.outcome.is_ok(), "{report:?}");
        assert_eq!(report.committed, Committed::Yes);
        assert_eq!(stand.member(&somebody.email).role, Role::Viewer);
        assert_eq!(stand.desk.record().len(), 1);
        assert_eq!(stand.log.words_of_commit, ["before", "committed"]);

        let email = &somebody.email;
        let row = format!("row with text “{email}” in column “Email”");
        let expected = [
            "change_role run: ran flow `find_member`".to_owned(),
            format!(
                "  find_member goto: opened “/orgs/acme/members?q={}”",
                email.replace('@', "%40").replace('.', "%2E")
            ),
            format!("change_role within: was in {row}"),
            format!("  change_role click: clicked button “Edit” in {row}"),
            "change_role within: was in dialog “Edit member”".to_owned(),
            format!("  change_role expect: saw text “{email}” in dialog “Edit member”"),
            "  change_role form: set field “Role” to “Viewer” in dialog “Edit member”".to_owned(),
            "  change_role click: clicked button “Save” in dialog “Edit member”".to_owned(),
            "change_role expect: saw status “Member updated”".to_owned(),
        ];
        assert_eq!(stand.log.lines(), expected);

        let commit = stand.log.commit();
        assert_eq!((commit.keyword.as_str(), commit.line), ("click", 10));
        assert_eq!(commit.file, "flows/change_role.yaml");
        let moments: Vec<Moment> = stand
            .log
            .pictures
            .iter()
            .filter(|(seq, _)| *seq == commit.seq)
            .map(|(_, one)| one.moment)
            .collect();
        assert_eq!(moments, [Moment::Before, Moment::After]);
        assert!(
            stand.log.pictures.iter().all(|(_, picture)| picture
                .jpeg
                .as_ref()
                .unwrap()
                .starts_with(&[0xff, 0xd8]))
        );
        let pictured = stand.log.pictures.len();
        assert_eq!(pictured, 5, "goto, Edit, Role, and twice Save");
        // Between choosing the role and saving it nothing changes, so one picture serves for both.
        assert!(stand.log.pictures[2].1.jpeg == stand.log.pictures[3].1.jpeg);
    });
}

#[test]
fn every_flow_of_a_life_leaves_its_change_in_the_record() {
    Stand::logged_in(|mut stand| async move {
        let email = "grace@new.example";
        let account = [("account.email", email), ("account.name", "Grace Hopper")];
        let with = |more: &[(&'static str, &'static str)]| [&account[..], more].concat();
        let role = [("role.key", "agent"), ("role.label", "Agent")];
        for (flow, values) in [
            ("invite", with(&role)),
            ("resend_invite", with(&[])),
            ("change_role", with(&[("role.key", "viewer"), ("role.label", "Viewer")])),
            ("grant_team", with(&[("team.key", "Support"), ("team.label", "Support")])),
            ("revoke_team", with(&[("team.key", "Support"), ("team.label", "Support")])),
        ] {
            let report = stand.run(flow, &values).await;
            assert!(report.outcome.is_ok(), "{flow}: {}", report.outcome.unwrap_err());
        }
        assert!(stand.desk.accept(email));
        for (flow, values) in [
            ("update", with(&[("wanted.name", "Grace B. Hopper"), ("wanted.email", "grace@new.example")])),
            ("deactivate", with(&[])),
            ("reactivate", with(&[])),
            ("remove", with(&[])),
        ] {
            let report = stand.run(flow, &values).await;
            assert!(report.outcome.is_ok(), "{flow}: {}", report.outcome.unwrap_err());
        }
        let done: Vec<String> =
            stand.desk.record().iter().map(|change| format!("{:?}", change.action)).collect();
        assert_eq!(done.len(), 10, "{done:?}");
        assert!(stand.desk.members().iter().all(|member| member.email != email));
    });
}

#[test]
fn a_name_that_is_markup_and_locator_syntax_stays_a_name() {
    Stand::logged_in(|mut stand| async move {
        let odd = stand
            .desk
            .members()
            .into_iter()
            .find(|member| member.name.contains("\"> button"))
            .expect("an odd name");
        let others = stand.desk.members().len();
        let values = [("account.email", odd.email.as_str()), ("account.name", odd.name.as_str())];
        stand.write("show", "steps:\n  - goto: /orgs/acme/members?q={{ account.email | urlencode }}\n  - expect: cell \"{{ account.name }}\"\n  - set: { seen: \"{{ account.name }}\" }\n  - read:\n      email: row (has cell \"{{ seen }}\") > column \"Email\"\n");
        let output = stand.run("show", &values).await.outcome.unwrap();
        assert_eq!(output.values["email"], odd.email);
        let report = stand.run("deactivate", &values).await;
        assert!(report.outcome.is_ok(), "{}", report.outcome.unwrap_err());
        assert_eq!(stand.desk.record().len(), 1);
        assert_eq!(stand.desk.members().len(), others);
    });
}

#[test]
fn a_one_time_code_is_typed_and_secrets_are_never_told() {
    Stand::with(
        |options| options.totp_secret = Some("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into()),
        |mut stand| async move {
            let report = stand.run("login", &[]).await;
            assert!(report.outcome.is_ok(), "{}", report.outcome.unwrap_err());
            assert_eq!(stand.desk.stats().sign_ins, 1);
            let lines = stand.log.lines().join("\n");
            assert!(lines.contains("field “Password” to ••••••"), "{lines}");
            assert!(lines.contains("field “Authentication code” to ••••••"), "{lines}");
            let all = serde_json::to_string(&stand.log.records).unwrap();
            assert!(!all.contains("acme-password"), "{all}");
        },
    );
}

#[test]
fn a_wrong_password_is_tried_once_and_said() {
    Stand::with(
        |_| {},
        |stand| async move {
            let mut stand = stand.password("not-the-password");
            let report = stand.run("login", &[]).await;
            let (class, message) = failure(&report);
            assert_eq!((class.as_str(), message), ("auth_failed", "Acme Desk refused the password"));
            assert_eq!(stand.desk.stats().refused_sign_ins, 1);
        },
    );
}
