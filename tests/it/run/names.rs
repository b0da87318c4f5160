//! What a flow may say of whose account it is, and of the password that nobody knows.

use usher::failure::FailureClass;
use usher::run::Committed;
use usher::secret::MASK;

use super::stand::{Stand, failure};

/// The search box is the only thing in `search`, and so the only thing that can tell whose it is.
const RENAME: &str = r#"
steps:
  - goto: /orgs/{{ settings.org_id }}/members?q={{ account.email | urlencode }}
  - within: search
    do:
      - expect: { field: searchbox, is: "{{ account.email }}" }
      - fill: { into: searchbox, with: "{{ wanted.email }}" }
      - press: { key: Enter, on: searchbox }
        commit: true
"#;

#[test]
fn a_control_that_told_whose_it_is_may_be_changed_to_another_name() {
    Stand::logged_in(|mut stand| async move {
        stand.write("update", RENAME);
        let somebody = stand.somebody();
        let values = [("account.email", somebody.email.as_str()), ("wanted.email", "countess@acme.example")];
        let report = stand.run("update", &values).await;
        assert!(report.outcome.is_ok(), "{report:?}");
        assert_eq!(report.committed, Committed::Yes);

        stand.identity = Some(format!("x{}", somebody.email));
        let report = stand.run("update", &values).await;
        assert_eq!(failure(&report).0, FailureClass::IdentityMismatch, "what stood there was not it");
        assert_eq!(report.committed, Committed::No);
    });
}

#[test]
fn a_random_password_stays_the_same_in_a_run_and_is_seen_nowhere() {
    Stand::logged_in(|mut stand| async move {
        let typed = r#"
steps:
  - goto: /orgs/{{ settings.org_id }}/members
  - set: { first: "{{ random_password }}" }
  - fill: { into: searchbox, with: "{{ first }}" }
  - expect: { field: searchbox, is: "{{ random_password }}" }
  - fail: { class: unsupported, message: "it is {{ random_password }}; {{ first | length }} characters" }
"#;
        stand.write("typed", typed);
        let report = stand.run("typed", &[]).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::Unsupported, "{message}");
        assert!(message.contains(&format!("it is {MASK}; 20 characters")), "{message}");
        let lines = stand.log.lines();
        assert!(lines.iter().any(|line| line.contains(&format!("typed {MASK} into"))), "{lines:?}");
    });
}
