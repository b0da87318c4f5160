//! What keeps a flow from its commit step: the app's record stays empty.

use usher::demo::{Group, Switches};
use usher::failure::FailureClass;
use usher::run::{Committed, Report};
use usher::trace::NotAllowed;

use super::stand::{Stand, failure};

/// The class, nothing done, and no word of a commit that was carried out.
fn stopped(stand: &Stand, report: &Report, class: FailureClass) -> String {
    let (found, message) = failure(report);
    assert_eq!(found, class, "{message}");
    assert_eq!(report.committed, Committed::No);
    assert!(!stand.log.words_of_commit.contains(&"committed"));
    assert_eq!(stand.desk.record(), []);
    message.to_owned()
}

fn turn(stand: &Stand, turn: impl FnOnce(&mut Switches)) {
    let mut switches = stand.desk.switches();
    turn(&mut switches);
    stand.desk.set_switches(switches);
}

#[test]
fn another_persons_row_is_not_changed() {
    Stand::logged_in(|mut stand| async move {
        let somebody = stand.somebody();
        stand.identity = Some(format!("x{}", somebody.email));
        let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
        let message = stopped(&stand, &report, FailureClass::IdentityMismatch);
        assert!(
            message.starts_with(&format!("“x{}” is not where the change would be made", somebody.email)),
            "{message}"
        );
        assert_eq!(stand.log.words_of_commit, ["before"]);
    });
}

#[test]
fn another_group_is_not_left() {
    Stand::logged_in(|mut stand| async move {
        let somebody = stand.somebody();
        let is_inside = |group: &Group| group.members.contains(&somebody.id);
        let group = stand.desk.groups().into_iter().find(is_inside).expect("a group that they are in");
        let (id, named) = (group.id.to_string(), group.name.as_str());
        stand.group = Some(format!("{named} 2"));
        let values = [("account.email", somebody.email.as_str()), ("group.id", &id), ("group.name", named)];
        let report = stand.run("remove_member", &values).await;
        let message = stopped(&stand, &report, FailureClass::IdentityMismatch);
        assert!(message.starts_with("the page does not show the group that was meant"), "{message}");

        // The change is made in the row of the account; the group is named above it.
        stand.group = Some(named.to_owned());
        stand.log = super::stand::Log::default();
        let report = stand.run("remove_member", &values).await;
        assert!(report.outcome.is_ok(), "{report:?}");
        assert!(!stand.desk.groups().iter().any(|now| now.id == group.id && is_inside(now)));
    });
}

#[test]
fn another_organisation_is_not_changed() {
    Stand::logged_in(|mut stand| async move {
        let somebody = stand.somebody();
        let locator = stand.connector.book.tenant.as_ref().unwrap();
        let other =
            usher::playbook::Template::parse("acme-labs", &stand.connector.book.flows["login"].span).unwrap();
        let locator = locator.try_map(&mut |_| Ok::<_, ()>(other.clone())).unwrap();
        stand.book().tenant = Some(locator);
        let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
        stopped(&stand, &report, FailureClass::WrongTenant);
    });
}

#[test]
fn a_witness_that_says_no_is_obeyed() {
    Stand::logged_in(|mut stand| async move {
        let somebody = stand.somebody();
        let reason = "the lease is lost".to_owned();
        stand.log.refuse_commit = Some(NotAllowed { class: FailureClass::Internal, reason });
        let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
        let message = stopped(&stand, &report, FailureClass::Internal);
        assert_eq!(message, "the run was stopped: the lease is lost");
    });
}

#[test]
fn a_new_design_is_told_with_what_is_there_instead() {
    Stand::logged_in(|mut stand| async move {
        stand.impatient();
        let somebody = stand.somebody();
        turn(&stand, |switches| switches.new_design = true);
        let values =
            [("account.email", somebody.email.as_str()), ("role.key", "viewer"), ("role.label", "Viewer")];
        let report = stand.run("change_role", &values).await;
        let message = stopped(&stand, &report, FailureClass::UiDrift);
        let row = format!("row (has column \"Email\" > text \"{}\")", somebody.email);
        let looked_for = format!("no {row} within 4 s; there is\n  ");
        assert!(message.starts_with(&looked_for), "{message}");
        assert!(message.contains("heading \"People\""), "{message}");
        let at = report.outcome.unwrap_err().at.unwrap();
        assert_eq!((at.flow.as_str(), at.line), ("change_role", 3));
        assert_eq!(at.words, format!("look into row with text “{}” in column “Email”", somebody.email));
        let failed = stand.log.pictures.last().map(|(_, picture)| picture.moment);
        assert_eq!(failed, Some(usher::trace::Moment::Failed));
    });
}

#[test]
fn a_known_pop_up_is_dealt_with_and_the_flow_goes_on() {
    Stand::with(
        |options| options.whats_new = true,
        |mut stand| async move {
            stand.log_in().await;
            let somebody = stand.somebody();
            let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
            assert!(report.outcome.is_ok(), "{}", report.outcome.unwrap_err());
            let lines = stand.log.lines().join("\n");
            assert!(lines.contains("pop_ups click: clicked button “Got it”"), "{lines}");
            assert_eq!(stand.desk.record().len(), 1);
        },
    );
}

#[test]
fn a_session_that_ended_is_told_from_drift() {
    Stand::logged_in(|mut stand| async move {
        stand.impatient();
        let somebody = stand.somebody();
        stand.desk.expire_sessions();
        let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
        stopped(&stand, &report, FailureClass::SessionLost);
        assert!(!stand.session_holds().await);
    });
}

#[test]
fn an_app_that_does_not_answer_is_told_from_drift() {
    Stand::logged_in(|mut stand| async move {
        stand.impatient();
        for (status, class) in [
            (503, FailureClass::AppUnavailable),
            (429, FailureClass::RateLimited),
            (404, FailureClass::UiDrift),
        ] {
            turn(&stand, |switches| switches.fail_with = Some(status));
            let report = stand.run("list_accounts", &[]).await;
            let message = stopped(&stand, &report, class);
            assert!(message.ends_with(&format!("/orgs/acme/members with {status}")), "{message}");
        }
    });
}

#[test]
fn no_other_flow_and_no_missing_value_reaches_the_page() {
    Stand::logged_in(|mut stand| async move {
        let report = stand.run("teleport", &[]).await;
        assert_eq!(
            stopped(&stand, &report, FailureClass::Unsupported),
            "the connector has no flow `teleport`"
        );
        let report = stand.run("deactivate", &[]).await;
        let message = stopped(&stand, &report, FailureClass::Internal);
        assert!(message.contains("has no value, in `/orgs/{{ settings.org_id }}/members"), "{message}");
    });
}

/// A list that shows nothing is not believed.
#[test]
fn an_empty_list_without_proof_is_not_complete() {
    Stand::logged_in(|mut stand| async move {
        for (proof, complete) in [
            ("next: button \"No such button\"", false),
            ("total: { read: text /of \\d+ members/, match: 'of (\\d+)' }", false),
            ("total: { read: heading \"Members\", match: '^Members', map: { Members: 0 } }", true),
        ] {
            let rows =
                "rows: table \"Members\" > row (has cell \"nobody\")\n      as: { email: column \"Email\" }";
            stand.write(
                "peek",
                &format!("steps:\n  - goto: /orgs/acme/members\n  - collect:\n      {rows}\n      {proof}\n"),
            );
            let output = stand.run("peek", &[]).await.outcome.unwrap();
            assert_eq!((output.rows.len(), output.complete), (0, complete), "{proof}");
        }
    });
}
