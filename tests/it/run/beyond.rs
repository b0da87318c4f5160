//! The step kinds that reach beyond the page: native dialogs and windows; and the app that those for files and endpoints are tried on.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use usher::browser::{Network, SessionOptions};
use usher::failure::FailureClass;
use usher::run::Committed;

use super::stand::{Stand, failure};

/// What the app received by its endpoint.
pub type Received = Arc<Mutex<Vec<Value>>>;

/// Acme Desk's connector on the pages of `fixtures/pages`.
pub fn on_fixtures<F: Future<Output = ()>>(test: impl FnOnce(Stand, Received) -> F) {
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
            let options =
                SessionOptions { origins: vec![base.clone()], viewport: (1000, 700), network: Network::Real };
            stand.session = stand.browser.open_session(&options).await.unwrap();
            stand.base_url = base;
            stand.book().tenant = None;
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

pub fn steps(page: &str, steps: &str) -> String {
    format!("steps:\n  - goto: /{page}\n{steps}")
}

pub const ADA: &[(&str, &str)] = &[("account.email", "ada@x")];

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
                "no window opened within 4 s",
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
