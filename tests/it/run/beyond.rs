//! The step kinds that reach beyond the page: native dialogs, windows, files, endpoints.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use usher::browser::SessionOptions;
use usher::failure::FailureClass;
use usher::run::Committed;

use super::stand::{Stand, failure};

/// What the app received by its endpoint.
type Received = Arc<Mutex<Vec<Value>>>;

/// Acme Desk's connector on the pages of `fixtures/pages`.
fn on_fixtures<F: Future<Output = ()>>(test: impl FnOnce(Stand, Received) -> F) {
    Stand::with(
        |_| {},
        |mut stand| async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let received = Received::default();
            let app = Router::new()
                .route("/{page}", get(page))
                .route("/login", get(|| async { Html("<input type=password>") }))
                .route(
                    "/export.csv",
                    get(|| async { csv("E-mail;Name;State\nada@x;\"Ada; I\";On\nbob@x;Bob;Off\n") }),
                )
                .route("/endless.csv", get(|| async { csv(Body::from_stream(endless())) }))
                .route("/api/users", get(users).post(create))
                .route("/api/all", get(|| async { Json(json!([{ "mail": "ada@x" }])) }))
                .route("/api/bounce", get(|| async { Redirect::to("/login") }))
                .route(
                    "/api/status/{code}",
                    post(|UrlPath(code): UrlPath<u16>| async move {
                        (StatusCode::from_u16(code).unwrap(), "because")
                    }),
                )
                .with_state(received.clone());
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
            let options = SessionOptions { origins: vec![base.clone()], viewport: (1000, 700) };
            stand.session = stand.browser.open_session(&options).await.unwrap();
            stand.base_url = base;
            stand.connector.book.tenant = None;
            test(stand, received).await;
        },
    );
}

async fn page(UrlPath(page): UrlPath<String>) -> Response {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pages").join(&page);
    match std::fs::read_to_string(path) {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn csv(body: impl Into<Body>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/csv"), (header::CONTENT_DISPOSITION, "attachment; filename=a.csv")];
    (headers, body.into()).into_response()
}

fn endless() -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    futures::stream::repeat_with(|| Ok(Bytes::from_static(&[b'a'; 65536])))
}

#[derive(serde::Deserialize)]
struct Place {
    page: Option<usize>,
    offset: Option<usize>,
}

/// Three users, two a page.
async fn users(Query(place): Query<Place>) -> Json<Value> {
    let all = ["ada@x", "bob@x", "eve@x"];
    let from = place.page.map_or(place.offset.unwrap_or(0), |page| (page - 1) * 2);
    let users: Vec<Value> = all
        .iter()
        .enumerate()
        .skip(from)
        .take(2)
        .map(|(id, mail)| json!({ "id": id, "profile": { "mail": mail }, "active": id != 1 }))
        .collect();
    Json(json!({ "data": users, "meta": { "total": all.len() } }))
}

async fn create(State(received): State<Received>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if headers.get("x-token").is_none_or(|token| token != "t0ken") {
        return (StatusCode::FORBIDDEN, "no token").into_response();
    }
    received.lock().unwrap().push(body);
    (StatusCode::CREATED, Json(json!({ "user": { "id": 7 } }))).into_response()
}

fn steps(page: &str, steps: &str) -> String {
    format!("steps:\n  - goto: /{page}\n{steps}")
}

const ADA: &[(&str, &str)] = &[("account.email", "ada@x")];

#[test]
fn declared_dialogs_are_answered_in_their_order() {
    on_fixtures(|mut stand, _| async move {
        let flow = r#"  - dialog: accept
  - click: button "Delete"
  - dialog: { answer: accept, text: "for {{ account.email }}" }
  - click: button "Ask"
  - dialog: dismiss
  - click: button "Tell"
  - dialog: accept
  - dialog: dismiss
  - click: button "Twice"
  - dialog: accept
  - click: button "Later"
  - expect: status /late true/
  - dialog: accept
    optional: true
  - click: button "Silent"
  - read: { log: status }
"#;
        stand.write("peek", &steps("dialogs.html", flow));
        let report = stand.run("peek", ADA).await;
        let output = report.outcome.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", stand.log.lines()));
        let expected = "confirm true;prompt for ada@x;alerted;first true;second false;late true;silent;";
        assert_eq!(output.values["log"], expected);
        let lines = stand.log.lines();
        assert_eq!(lines[1], "peek dialog: will accept the next dialog");
        assert_eq!(lines[2], "peek click: clicked button “Delete”; accepted the confirm “Sure?”");
        assert_eq!(lines[3], "peek dialog: will accept the next dialog with “for ada@x”");
        assert!(
            lines.iter().any(|line| line.ends_with("“First?”; dismissed the confirm “Second?”")),
            "{lines:#?}"
        );
    });
}

#[test]
fn a_question_whether_to_leave_is_answered_as_declared() {
    on_fixtures(|mut stand, _| async move {
        let flow = r#"  - click: button "Arm"
  - dialog: dismiss
  - click: link "Leave"
  - expect: status "armed;"
  - dialog: accept
  - click: link "Leave"
  - expect: heading "Arrived"
"#;
        stand.write("peek", &steps("dialogs.html", flow));
        let report = stand.run("peek", &[]).await;
        assert!(report.outcome.is_ok(), "{report:?}\n{:#?}", stand.log.lines());
    });
}

#[test]
fn a_declared_dialog_that_does_not_open_fails_the_flow() {
    on_fixtures(|mut stand, _| async move {
        let silent = "  - dialog: accept\n  - click: button \"Silent\"\n";
        stand.write("peek", &steps("dialogs.html", silent));
        let report = stand.run("peek", &[]).await;
        assert_eq!(
            failure(&report),
            (FailureClass::UiDrift, "no native dialog opened for this step to answer")
        );
        let at = report.outcome.unwrap_err().at.unwrap();
        assert_eq!((at.line, at.words.as_str()), (3, "accept the next dialog"));
        // Nothing of it is left for the next flow.
        let report = {
            stand.write("peek", &steps("dialogs.html", "  - click: button \"Delete\"\n"));
            stand.run("peek", &[]).await
        };
        assert_eq!(failure(&report).0, FailureClass::UnexpectedDialog);
    });
}

#[test]
fn a_commit_that_asks_is_committed_where_the_answer_is_declared() {
    on_fixtures(|mut stand, _| async move {
        let commit = "  - expect: text \"{{ account.email }}\"\n  - dialog: accept\n  - click: button \"Delete\"\n    commit: true\n  - expect: status \"confirm true;\"\n";
        stand.write("remove", &steps("dialogs.html", commit));
        let report = stand.run("remove", ADA).await;
        assert!(report.outcome.is_ok(), "{report:?}");
        assert_eq!(
            (report.committed, stand.log.words_of_commit.as_slice()),
            (Committed::Yes, &["before", "committed"][..])
        );
        // Where the app no longer asks, it is for a reading to tell what became of it.
        stand.write(
            "remove",
            &steps("dialogs.html", &commit.replace("Delete", "Silent").replace("confirm true", "silent")),
        );
        let report = stand.run("remove", ADA).await;
        assert_eq!((failure(&report).0, report.committed), (FailureClass::OutcomeUnknown, Committed::Yes));
    });
}

#[test]
fn a_page_that_asks_without_end_is_closed() {
    on_fixtures(|mut stand, _| async move {
        stand.impatient();
        stand.write(
            "peek",
            &steps("dialogs.html", "  - click: button \"Loop\"\n  - expect: status \"never\"\n"),
        );
        let report = stand.run("peek", &[]).await;
        let (class, message) = failure(&report);
        assert_eq!(class, FailureClass::UnexpectedDialog, "{message}");
        let page = stand.session.page().clone();
        let closed = async {
            while !page.is_closed() {
                let _ = page.text().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), closed).await.expect("the page is closed");
    });
}

#[test]
fn a_window_is_worked_in_and_closed() {
    on_fixtures(|mut stand, _| async move {
        let flow = r#"  - within: region "Owner"
    do:
      - click: button "Choose"
  - popup:
      do:
        - expect: heading "Choose a member"
        - click: button "Bob"
        - dialog: accept
        - click: button "Eve"
        - click: button "More"
  - click: link "Open"
  - popup:
      do:
        - click: button "Ada"
  - click: button "Choose later"
  - popup:
      do:
        - click: button "Bob"
        - click: button "More"
        - popup: { do: [expect: heading "Choose a member"] }
        - click: button "Ada"
  - click: button "Choose twice"
  - popup: { do: [click: button "Ada"] }
  - click: button "Choose"
  - click: button "Nothing"
  - read: { log: status }
"#;
        stand.write("peek", &steps("windows.html", flow));
        let report = stand.run("peek", &[]).await;
        let output = report.outcome.unwrap_or_else(|failure| panic!("{failure}\n{:#?}", stand.log.lines()));
        assert_eq!(output.values["log"], "bob;sure true;ada;bob;ada;ada;nothing;");
    });
}

#[test]
fn a_window_that_does_not_open_or_closes_too_early_is_drift() {
    on_fixtures(|mut stand, _| async move {
        stand.impatient();
        for (flow, expected) in [
            (
                "  - click: button \"Nothing\"\n  - popup: { do: [click: button \"Ada\"] }\n",
                "no window opened within 1500 ms",
            ),
            (
                "  - click: button \"Choose\"\n  - popup: { do: [{ click: button \"Ada\" }, { click: button \"Bob\" }] }\n",
                "the window closed before this step",
            ),
        ] {
            stand.write("peek", &steps("windows.html", flow));
            let report = stand.run("peek", &[]).await;
            assert_eq!(failure(&report), (FailureClass::UiDrift, expected));
        }
        let optional =
            "  - click: button \"Nothing\"\n  - popup: { do: [click: button \"Ada\"] }\n    optional: true\n";
        stand.write("peek", &steps("windows.html", optional));
        assert!(stand.run("peek", &[]).await.outcome.is_ok());
    });
}

#[test]
fn a_commit_can_be_the_last_act_in_a_window() {
    on_fixtures(|mut stand, _| async move {
        let flow = r#"  - click: button "Choose"
  - popup:
      do:
        - expect: text "{{ account.email }}"
        - click: button "Ada"
          commit: true
  - expect: status "ada;"
"#;
        stand.write("remove", &steps("windows.html", flow));
        let report = stand.run("remove", ADA).await;
        assert!(report.outcome.is_ok(), "{report:?}\n{:#?}", stand.log.lines());
        assert_eq!(
            (report.committed, stand.log.words_of_commit.as_slice()),
            (Committed::Yes, &["before", "committed"][..])
        );
    });
}

#[test]
fn files_of_the_connector_are_uploaded() {
    on_fixtures(|mut stand, _| async move {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "hello").unwrap();
        stand.connector.book.folder = folder.path().to_owned();
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
