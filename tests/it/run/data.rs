//! Step kinds that give and take data: files, exports, endpoints.

use serde_json::json;
use usher::failure::FailureClass;
use usher::run::{Committed, Reach};

use super::beyond::{ADA, on_fixtures, steps};
use super::stand::{Log, failure};

#[test]
fn files_of_the_connector_are_uploaded() {
    on_fixtures(|mut stand, _| async move {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
        stand.book().folder = folder.path().to_owned();
        let flow = r#"  - upload: { into: field "Plain", file: a.txt }
  - upload: { into: text "choose…", file: "{{ 'a' }}.txt" }
    optional: true
  - upload: { into: field /Photo/, file: a.txt }
  - upload: { into: region "Drop zone", file: a.txt }
  - expect: status /zone/
  - read: { log: status }
"#;
        stand.impatient();
        stand.write("peek", &steps("upload.html", flow));
        let report = stand.run("peek", &[]).await;
        let output = report.outcome.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", stand.log.lines()));
        assert_eq!(
            output.values["log"],
            "plain a.txt hello true;photo a.txt hello true;zone a.txt hello true;"
        );
        for (step, class, says) in [
            (
                "{ into: field \"Plain\", file: b.txt }",
                FailureClass::Internal,
                "the connector has no file `b.txt`",
            ),
            (
                "{ into: field \"Plain\", file: \"{{ '..' }}/b.txt\" }",
                FailureClass::Internal,
                "a file outside",
            ),
            ("{ into: region \"Two\", file: a.txt }", FailureClass::UiDrift, "2 match region \"Two\""),
            ("{ into: button \"Save\", file: a.txt }", FailureClass::UiDrift, "button \"Save\" is button"),
        ] {
            stand.write("peek", &steps("upload.html", &format!("  - upload: {step}\n")));
            let report = stand.run("peek", &[]).await;
            let (found, message) = failure(&report);
            assert!(found == class && message.starts_with(says), "{step}: {found} {message}");
        }
    });
}

#[test]
fn an_export_is_a_whole_list() {
    on_fixtures(|mut stand, _| async move {
        let csv =
            "as: { email: E-mail, name: Name, status: { read: State, map: { On: active, Off: suspended } } }";
        let json = "as: { email: mail, name: { read: name.first, default: nobody } }";
        let both = &["ada@x", "bob@x"][..];
        for (click, parse, fields, complete, expected) in [
            ("link \"Export\"", "csv", csv, true, both),
            ("link \"Export in a window\"", "csv", csv, true, both),
            ("button \"Export JSON\"", "json", json, true, both),
            ("button \"Export nothing\"", "csv", "as: { email: E-mail }", false, &[]),
            ("button \"Export twice\"", "csv", "as: { email: E-mail }", false, &["a@x", "a@x"]),
        ] {
            let step = format!("  - download:\n      click: {click}\n      parse: {parse}\n      {fields}\n");
            stand.write("list_accounts", &steps("export.html", &step));
            let report = stand.run("list_accounts", &[]).await;
            let output = report.outcome.unwrap_or_else(|failure| panic!("{click}: {failure}"));
            let emails: Vec<&str> = output.rows.iter().map(|row| row["email"].as_str()).collect();
            assert_eq!((emails.as_slice(), output.complete), (expected, complete), "{click}");
            if fields == csv {
                assert_eq!(
                    (output.rows[0]["name"].as_str(), output.rows[1]["status"].as_str()),
                    ("Ada; I", "suspended")
                );
            }
        }
    });
}

#[test]
fn files_go_to_a_browser_elsewhere_and_come_from_it() {
    on_fixtures(|mut stand, _| async move {
        let plain = stand.move_elsewhere().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "h\u{e9}llo").unwrap();
        stand.book().folder = folder.path().to_owned();
        let flow = r#"  - upload: { into: field "Plain", file: a.txt }
  - upload: { into: region "Drop zone", file: a.txt }
  - expect: status /zone/
  - read: { log: status }
"#;
        stand.write("peek", &steps("upload.html", flow));
        let report = stand.run("peek", &[]).await;
        let output = report.outcome.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", stand.log.lines()));
        // A person is not asked for it there, and the page could know.
        assert_eq!(output.values["log"], "plain a.txt h\u{e9}llo false;zone a.txt h\u{e9}llo false;");
        std::fs::File::create(folder.path().join("a.txt")).unwrap().set_len((16 << 20) + 1).unwrap();
        let report = stand.run("peek", &[]).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::Unsupported, "{message}");

        let csv = "as: { email: E-mail }";
        for (click, parse, fields, expected) in [
            ("link \"Export\"", "csv", csv, &["ada@x", "bob@x"][..]),
            ("link \"Export plainly\"", "csv", csv, &["ada@x", "bob@x"]),
            ("button \"Export JSON\"", "json", "as: { email: mail }", &["ada@x", "bob@x"]),
            ("button \"Export twice\"", "csv", csv, &["a@x", "a@x"]),
        ] {
            let step = format!("  - download:\n      click: {click}\n      parse: {parse}\n      {fields}\n");
            stand.write("list_accounts", &steps("export.html", &step));
            let report = stand.run("list_accounts", &[]).await;
            let output = report.outcome.unwrap_or_else(|failure| panic!("{click}: {failure}"));
            let emails: Vec<&str> = output.rows.iter().map(|row| row["email"].as_str()).collect();
            assert_eq!(emails, expected, "{click}");
        }
        for (click, class, says) in [
            ("link \"Export all\"", FailureClass::UiDrift, "the file is longer than 32 MiB"),
            ("button \"No export\"", FailureClass::UiDrift, "the page offered no file"),
            (
                "link \"Export in a window\"",
                FailureClass::Unsupported,
                "a file that a page gives in a window",
            ),
        ] {
            stand.limits.step = std::time::Duration::from_secs(if click.contains("all") { 60 } else { 4 });
            let step = format!("  - download:\n      click: {click}\n      parse: csv\n      {csv}\n");
            stand.write("list_accounts", &steps("export.html", &step));
            let report = stand.run("list_accounts", &[]).await;
            let (found, message) = failure(&report);
            assert!(found == class && message.starts_with(says), "{click}: {found} {message}");
        }
        // What a page makes and lets nobody read.
        let step = format!("  - download:\n      click: button \"Export\"\n      parse: csv\n      {csv}\n");
        stand.write("list_accounts", &steps("export_strict.html", &step));
        let report = stand.run("list_accounts", &[]).await;
        let (class, message) = failure(&report);
        let says =
            "a file that a page makes and lets nobody read cannot come from a browser on another machine";
        assert!(class == FailureClass::Unsupported && message.starts_with(says), "{class} {message}");
        // Nothing waits for our word any more.
        stand.write("peek", "steps:\n  - goto: /arrived.html\n  - expect: heading \"Arrived\"\n");
        stand.run("peek", &[]).await.outcome.unwrap();
        plain.end().await;
    });
}

#[test]
fn an_export_that_is_none_or_too_long_is_refused_and_nothing_is_left() {
    on_fixtures(|mut stand, _| async move {
        for (click, column, says) in [
            ("button \"No export\"", "E-mail", "the page offered no file"),
            ("link \"Export all\"", "E-mail", "the file is longer than 32 MiB"),
            ("link \"Export\"", "Email", "email: there is no `Email`; there is E-mail, Name, State"),
        ] {
            stand.limits.step = std::time::Duration::from_secs(if click.contains("all") { 60 } else { 2 });
            let step = format!(
                "  - download:\n      click: {click}\n      parse: csv\n      as: {{ email: {column} }}\n"
            );
            stand.write("list_accounts", &steps("export.html", &step));
            let report = stand.run("list_accounts", &[]).await;
            let (class, message) = failure(&report);
            assert!(
                class == FailureClass::UiDrift && message.starts_with(says),
                "{click}: {class} {message}"
            );
        }
        // Downloads that nobody awaits are denied as before, and the page works.
        stand.write(
            "peek",
            &steps("export.html", "  - click: link \"Export\"\n  - click: button \"No export\"\n"),
        );
        assert!(stand.run("peek", &[]).await.outcome.is_ok());
    });
}

#[test]
fn endpoints_are_read_as_lists_and_as_values() {
    on_fixtures(|mut stand, _| async move {
        let fields = "as: { email: profile.mail, id: id, status: { read: active, map: { true: active, false: suspended } } }";
        let three = &["ada@x", "bob@x", "eve@x"][..];
        for (path, rows, proof, fields, complete, expected) in [
            ("/api/users?page={{ page }}", "data", "total: meta.total", fields, true, three),
            ("/api/users?page={{ page }}", "data", "expect: [200]", fields, true, three),
            ("/api/users?offset={{ listed }}", "data", "total: meta.total", fields, true, three),
            ("/api/users", "data", "total: meta.total", fields, false, &three[..2]),
            ("/api/all", ".", "expect: 200", "as: { email: mail }", false, &three[..1]),
        ] {
            let step = format!(
                "  - request:\n      method: GET\n      path: {path}\n      rows: {rows}\n      {proof}\n      {fields}\n"
            );
            stand.write("list_accounts", &steps("api.html", &step));
            let report = stand.run("list_accounts", &[]).await;
            let output = report.outcome.unwrap_or_else(|failure| panic!("{path}: {failure}"));
            let emails: Vec<&str> = output.rows.iter().map(|row| row["email"].as_str()).collect();
            assert_eq!((emails.as_slice(), output.complete), (expected, complete), "{path} {proof}");
        }
        let step = "  - request: { method: GET, path: '/api/users?page=2', as: { total: meta.total, first: data.0.profile.mail } }\n  - expect: heading \"{{ 'ada@x' if total == '3' else first }}\"\n";
        stand.write("peek", &steps("api.html", step));
        let output = stand.run("peek", &[]).await.outcome.unwrap();
        assert_eq!((output.values["total"].as_str(), output.values["first"].as_str()), ("3", "eve@x"));
    });
}

#[test]
fn a_request_can_be_the_commit_step() {
    on_fixtures(|mut stand, received| async move {
        let create = |token: &str| {
            format!(
                r#"  - expect: heading "{{{{ account.email }}}}"
  - read: {{ token: {{ read: testid "token", attribute: {token} }} }}
  - request:
      method: POST
      path: /api/users
      headers: {{ X-Token: "{{{{ token }}}}" }}
      body: {{ email: "{{{{ account.email }}}}", seats: 2, admin: false, teams: [Blue, "{{{{ account.email }}}}"] }}
      expect: 201
      as: {{ made: user.id }}
    commit: true
"#
            )
        };
        stand.write("remove", &steps("api.html", &create("title")));
        let report = stand.run("remove", ADA).await;
        let output = report.outcome.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", stand.log.lines()));
        assert_eq!((output.values["made"].as_str(), report.committed), ("7", Committed::Yes));
        assert_eq!(stand.log.words_of_commit, ["before", "committed"]);
        let sent = json!({ "email": "ada@x", "seats": 2, "admin": false, "teams": ["Blue", "ada@x"] });
        assert_eq!(*received.lock().unwrap(), [sent]);
        // By its status the app says that it did nothing.
        stand.write("remove", &steps("api.html", &create("data-testid")));
        let report = stand.run("remove", ADA).await;
        let (class, message) = failure(&report);
        assert_eq!((class, message), (FailureClass::PermissionDenied, "the app answered with 403: no token"));
        // The page shows another account.
        stand.identity = Some("pal@x".into());
        stand.write("remove", &steps("api.html", &create("title")));
        let report = stand.run("remove", ADA).await;
        assert_eq!((failure(&report).0, report.committed), (FailureClass::IdentityMismatch, Committed::No));
        // A run up to the commit step looks at the same, and sends nothing.
        stand.limits.reach = Reach::Commit;
        let report = stand.run("remove", ADA).await;
        assert_eq!(failure(&report).0, FailureClass::IdentityMismatch);
        (stand.identity, stand.log) = (None, Log::default());
        let report = stand.run("remove", ADA).await;
        assert!(report.outcome.is_ok_and(|output| output.stopped) && report.committed == Committed::No);
        assert!(stand.log.words_of_commit.is_empty());
        assert_eq!(received.lock().unwrap().len(), 1);
    });
}

#[test]
fn what_an_endpoint_refuses_has_its_class() {
    on_fixtures(|mut stand, _| async move {
        let commit = |path: &str| {
            format!(
                "  - expect: heading \"{{{{ account.email }}}}\"\n  - request: {{ method: POST, path: {path} }}\n    commit: true\n"
            )
        };
        for (path, class, says) in [
            ("/api/status/422", FailureClass::InvalidValue, "the app answered with 422: because"),
            ("/api/status/503", FailureClass::OutcomeUnknown, "after the commit step: app_unavailable"),
            ("http://other.example/x", FailureClass::UiDrift, "http://other.example/x is outside"),
        ] {
            stand.write("remove", &steps("api.html", &commit(path)));
            let report = stand.run("remove", ADA).await;
            let (found, message) = failure(&report);
            assert!(found == class && message.starts_with(says), "{path}: {found} {message}");
        }
        for (before, path, class, says) in [
            ("", "/api/bounce", FailureClass::SessionLost, "the app asks to log in again"),
            ("", "/api.html", FailureClass::UiDrift, "the answer of 200 is no JSON"),
        ] {
            stand.write(
                "peek",
                &steps(
                    "api.html",
                    &format!("{before}  - request: {{ method: GET, path: {path}, as: {{ x: y }} }}\n"),
                ),
            );
            let report = stand.run("peek", &[]).await;
            let (found, message) = failure(&report);
            assert!(found == class && message.starts_with(says), "{path}: {found} {message}");
        }
    });
}
