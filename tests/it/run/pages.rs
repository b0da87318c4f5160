//! The step kinds on small pages of our own: lists that come late, loops, branches, native dialogs.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use usher::browser::{Network, SessionOptions};
use usher::failure::FailureClass;
use usher::run::Committed;

use super::stand::{Stand, failure};

/// Two pages of rows; the second comes a while after the click was answered.
const LATE: &str = r#"<!doctype html><title>Late</title><p id=n>1-2 of 3 people</p>
<table aria-label=People><tbody id=b><tr><td>ada@x</td></tr><tr><td>bob@x</td></tr></tbody></table>
<button onclick="this.disabled = true; setTimeout(() => { b.innerHTML = '<tr><td>eve@x</td></tr>' }, 400)">Next</button>"#;
/// Rows that are added below the others.
const MORE: &str = r#"<!doctype html><title>More</title>
<table aria-label=People><tbody id=b><tr><td>ada@x</td></tr><tr><td>bob@x</td></tr></tbody></table>
<button onclick="this.remove(); setTimeout(() => { b.innerHTML += '<tr><td>eve@x</td></tr>' }, 400)">More</button>"#;
/// A list whose next page repeats a row of the last.
const MOVING: &str = r#"<!doctype html><title>Moving</title>
<table aria-label=People><tbody id=b><tr><td>ada@x</td></tr><tr><td>bob@x</td></tr></tbody></table>
<button onclick="this.remove(); b.innerHTML = '<tr><td>bob@x</td></tr><tr><td>eve@x</td></tr>'">Next</button>"#;
const COUNTER: &str = r#"<!doctype html><title>Counter</title><main>acme <output id=o>0</output>
<button onclick="o.textContent = +o.textContent + 1">More</button>
<a href=/login>Away</a> <a href=/again>Elsewhere</a>
<label><input type=checkbox> Mail</label> <label><input type=checkbox> Chat</label></main>"#;
const CONFIRM: &str = r#"<!doctype html><title>Confirm</title><header>acme</header><p>ada@x</p>
<button onclick="if (confirm('Sure?')) document.title = 'Done'">Delete</button>
<button onclick="setTimeout(() => document.body.insertAdjacentHTML('beforeend', '<div role=alert>Refused: still in use</div>'), 50)">Drop</button>"#;

const LOGIN: &str = r#"<!doctype html><title>Log in</title><label>Password <input type=password></label>"#;

/// Acme Desk's connector on our own pages.
fn on_pages<F: Future<Output = ()>>(test: impl FnOnce(Stand) -> F) {
    Stand::with(
        |_| {},
        |mut stand| async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let mut app = Router::new();
            for (path, html) in [
                ("/late", LATE),
                ("/more", MORE),
                ("/moving", MOVING),
                ("/counter", COUNTER),
                ("/confirm", CONFIRM),
                ("/login", LOGIN),
                ("/again", LOGIN),
            ] {
                app = app.route(path, get(move || async move { Html(html) }));
            }
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
            let options =
                SessionOptions { origins: vec![base.clone()], viewport: (1000, 700), network: Network::Real };
            stand.session = stand.browser.open_session(&options).await.unwrap();
            stand.base_url = base;
            stand.book().tenant = None;
            test(stand).await;
        },
    );
}

#[test]
fn lists_are_read_whole_however_they_turn_their_pages() {
    on_pages(|mut stand| async move {
        for (page, next, complete, expected) in [
            ("late", "Next", true, &["ada@x", "bob@x", "eve@x"][..]),
            ("more", "More", true, &["ada@x", "bob@x", "eve@x"]),
            ("moving", "Next", false, &["ada@x", "bob@x", "bob@x", "eve@x"]),
        ] {
            let rows = "rows: table \"People\" > row\n      as: { email: cell }";
            stand.write(
                "peek",
                &format!(
                    "steps:\n  - goto: /{page}\n  - collect:\n      {rows}\n      next: button \"{next}\"\n"
                ),
            );
            let output = stand.run("peek", &[]).await.outcome.unwrap();
            let emails: Vec<&str> = output.rows.iter().map(|row| row["email"].as_str()).collect();
            assert_eq!((emails.as_slice(), output.complete), (expected, complete), "{page}");
        }
    });
}

#[test]
fn loops_branches_conditions_and_sub_flows() {
    on_pages(|mut stand| async move {
        stand.write("tick", "steps:\n  - check: checkbox \"{{ product }}\"\n  - read: { count: status }\n");
        stand.write(
            "peek",
            r#"steps:
  - goto: /counter
  - repeat: { until: status "3", at_most: 5, do: [click: button "More"] }
  - each: { in: "Mail, Chat", as: item, do: [{ run: tick, with: { product: "{{ item }}" } }] }
  - click: button "Nowhere"
    optional: true
    timeout: 300ms
  - click: button "Nowhere"
    when: count == "4"
  - one_of:
      - when: text "Never"
        fail: { class: internal, message: never }
      - when: status "3"
        do:
          - set: { seen: "{{ count }} times" }
  - read:
      nothing: { read: text "Nothing", default: none }
      said: { read: main, match: '(acme)' }
  - expect: { field: checkbox "Chat", is: true }
"#,
        );
        let report = stand.run("peek", &[]).await;
        let output = report.outcome.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", stand.log.lines()));
        let values: Vec<(&str, &str)> =
            output.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, [("count", "3"), ("nothing", "none"), ("said", "acme")]);
        let expected = [
            "peek goto: opened “/counter”",
            "peek repeat: repeated until there was status “3”",
            "  peek click: clicked button “More”",
            "  peek click: clicked button “More”",
            "  peek click: clicked button “More”",
            "peek each: went through “Mail, Chat”",
            "  peek run: ran flow `tick` with product “Mail”",
            "    tick check: checked checkbox “Mail”",
            "    tick read: read count",
            "  peek run: ran flow `tick` with product “Chat”",
            "    tick check: checked checkbox “Chat”",
            "    tick read: read count",
            "peek click: click button “Nowhere” [skipped: optional: no button \"Nowhere\" within 300 ms; there is\n  \
             button \"More\"]",
            "peek click: click button “Nowhere” [skipped: not `count == \"4\"`]",
            "peek one_of: saw status “3”",
            "  peek set: set seen to “3 times”",
            "peek read: read said, nothing",
            "peek expect: saw “true” in checkbox “Chat”",
        ];
        assert_eq!(stand.log.lines(), expected);
    });
}

#[test]
fn a_loop_ends_at_its_bound() {
    on_pages(|mut stand| async move {
        stand.impatient();
        let flow = "steps:\n  - goto: /counter\n  - repeat: { until: status \"9\", at_most: 2, do: [click: button \"More\"] }\n";
        stand.write("peek", flow);
        let report = stand.run("peek", &[]).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::UiDrift);
        assert!(message.starts_with("no status \"9\" within 4 s"), "{message}");
        stand.limits.steps = 3;
        let report = stand.run("peek", &[]).await;
        assert_eq!(failure(&report), (FailureClass::Timeout, "the flow did not end within 3 steps"));
    });
}

#[test]
fn a_dialog_that_nobody_declared_ends_the_flow() {
    on_pages(|mut stand| async move {
        stand.write(
            "open",
            "steps:\n  - goto: /confirm\n  - click: button \"Delete\"\n  - expect: text \"ada@x\"\n",
        );
        let report = stand.run("open", &[]).await;
        let (class, message) = failure(&report);
        assert_eq!((class, report.committed), (FailureClass::UnexpectedDialog, Committed::No), "{message}");
        let flow = "steps:\n  - goto: /confirm\n  - expect: text \"{{ account.email }}\"\n  - click: button \"Delete\"\n    commit: true\n  - expect: text \"Gone\"\n    timeout: 500ms\n";
        stand.write("remove", flow);
        let report = stand.run("remove", &[("account.email", "ada@x")]).await;
        let (class, message) = failure(&report);
        assert_eq!((class, report.committed), (FailureClass::OutcomeUnknown, Committed::Yes), "{message}");
        assert!(message.contains("unexpected_dialog"), "{message}");
    });
}

#[test]
fn several_rows_of_one_account_are_ambiguous_and_several_buttons_are_drift() {
    on_pages(|mut stand| async move {
        for (account, step, class) in [
            ("ada@x", "row (has cell /@x/)", FailureClass::UiDrift),
            ("@x", "row (has cell ~\"{{ account.email }}\")", FailureClass::AmbiguousMatch),
        ] {
            stand.write("peek", &format!("steps:\n  - goto: /late\n  - click: {step}\n"));
            let report = stand.run("peek", &[("account.email", account)]).await;
            let (found, message) = failure(&report);
            assert_eq!(found, class, "{message}");
            assert!(message.starts_with("2 match row"), "{message}");
        }
    });
}

/// At the address of the login, or at another that asks for a password.
#[test]
fn a_password_field_in_the_middle_of_a_flow_is_a_lost_session() {
    on_pages(|mut stand| async move {
        for link in ["Away", "Elsewhere"] {
            let flow = format!(
                "steps:\n  - goto: /counter\n  - click: link \"{link}\"\n  - click: button \"More\"\n    timeout: 500ms\n"
            );
            stand.write("peek", &flow);
            let report = stand.run("peek", &[]).await;
            let (class, message) = failure(&report);
            assert_eq!(class, FailureClass::SessionLost, "{message}");
            assert!(message.starts_with("the app asks to log in again, at http://127.0.0.1:"), "{message}");
        }
    });
}
