//! What happens after the event of the commit step: only the app's own refusal is certain.

use usher::failure::FailureClass;
use usher::run::Committed;

use super::stand::{Stand, failure};

#[test]
fn a_missing_confirmation_is_an_unknown_outcome() {
    Stand::logged_in(|mut stand| async move {
        let flow = "steps:\n  - run: find_member\n  - within: row (has cell \"{{ account.email }}\")\n    do:\n      - click: button \"Suspend\"\n  - within: dialog \"Suspend member\"\n    do:\n      - click: button \"Suspend\"\n        commit: true\n  - expect: status \"As you wish\"\n    timeout: 700ms\n";
        stand.write("deactivate", flow);
        let somebody = stand.somebody();
        let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::OutcomeUnknown, "{message}");
        assert!(
            message.starts_with("after the commit step: ui_drift: no status \"As you wish\" within 700 ms"),
            "{message}"
        );
        assert_eq!(report.committed, Committed::Yes);
        assert_eq!(stand.desk.record().len(), 1);
        assert!(stand.log.lines().pop().unwrap().ends_with("[outcome_unknown]"));
    });
}

#[test]
fn a_browser_that_dies_after_the_commit_leaves_an_unknown_outcome() {
    Stand::logged_in(|mut stand| async move {
        let somebody = stand.somebody();
        stand.log.close_when_committed = Some(stand.browser.clone());
        let report = stand.run("deactivate", &[("account.email", &somebody.email)]).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::OutcomeUnknown, "{message}");
        assert!(message.contains("browser_crashed"), "{message}");
        assert_eq!(report.committed, Committed::Yes);
    });
}

#[test]
fn what_the_app_refuses_in_known_words_was_not_done() {
    Stand::logged_in(|mut stand| async move {
        let mut switches = stand.desk.switches();
        switches.seats = 1;
        stand.desk.set_switches(switches);
        let values = [
            ("account.email", "grace@new.example"),
            ("account.name", "Grace"),
            ("role.key", "agent"),
            ("role.label", "Agent"),
        ];
        let report = stand.run("invite", &values).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::SeatLimit, "{message}");
        assert!(message.starts_with("the app says: "), "{message}");
        assert_eq!(report.committed, Committed::Yes);
        assert_eq!(stand.desk.record(), []);
    });
}
