//! Every kind of step and every form of a locator, each run on a page of `fixtures/pages` in real Chromium.
//!
//! The flows of `fixtures/connectors/pages` are all run, and must end as they say, each of their steps done. What they show is taken from
//! the log of the run and from the files, and compared with the vocabulary: a kind of step or a form that nothing ran is found, and the
//! list cannot say more than was run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use axum::extract::Query;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use usher::browser::{Network, SessionOptions};
use usher::connector::load;
use usher::diagnostic::{Colour, Source, Span, render};
use usher::locator::{Kind, Locator, Name, Nth, Part, State};
use usher::playbook::{Node, parse_locator, read};
use usher::step::{KINDS, reference};
use usher::trace::StepOutcome;

use super::stand::{Log, Stand, failure};
use crate::browser::lab::pages;

/// What shows a kind or form: the page, and the flow that was run on it.
type Shown = BTreeMap<String, BTreeSet<(String, String)>>;

/// Lists, and how many people they must have found.
const LISTS: &[(&str, usize)] = &[
    ("list_accounts", 60),
    ("list_asked", 3),
    ("list_endless", 60),
    ("list_exported", 2),
    ("list_more", 60),
    ("list_virtual", 60),
];

/// Flows that are to end with a failure.
const REFUSED: &[(&str, &str)] = &[("refuse", "rate_limited: Too often")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/connectors/pages")
}

fn app() -> Router {
    let csv =
        [(header::CONTENT_TYPE, "text/csv"), (header::CONTENT_DISPOSITION, "attachment; filename=a.csv")];
    pages()
        .route("/routes.html/{view}", get(|| async { "a view is no document" }))
        .route("/login", get(|| async { Html("<input type=password>") }))
        .route("/export.csv", get(move || async move { (csv, "E-mail;Name\nada@x;Ada\nbob@x;Bob\n") }))
        .route("/api/users", get(users))
}

/// Three users, two a page.
async fn users(Query(query): Query<BTreeMap<String, usize>>) -> Json<Value> {
    let from = query.get("page").map_or(0, |page| (page - 1) * 2);
    let users: Vec<Value> = ["ada@x", "bob@x", "eve@x"]
        .iter()
        .skip(from)
        .take(2)
        .map(|mail| json!({ "profile": { "mail": mail } }))
        .collect();
    Json(json!({ "data": users, "meta": { "total": 3 } }))
}

#[test]
fn every_step_and_every_form_of_a_locator_has_its_page() {
    Stand::with(
        |_| {},
        |mut stand| async move {
            let loaded = load(&folder());
            stand.connector =
                loaded.connector.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics, Colour::Plain)));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            stand.base_url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, app()).await.unwrap() });
            let options = SessionOptions {
                origins: vec![stand.base_url.clone()],
                viewport: (1000, 700),
                network: Network::Real,
            };
            stand.session = stand.browser.open_session(&options).await.unwrap();
            let mut shown = Shown::new();
            let mut wrong = Vec::new();
            let flows: Vec<String> = stand.connector.book.flows.keys().cloned().collect();
            // A flow that others run is run by them.
            for flow in flows.iter().filter(|flow| *flow != "choose_shift") {
                stand.log = Log::default();
                wrong.extend(end_of(&mut stand, flow).await.err().map(|wrong| format!("{flow}: {wrong}")));
                note(&stand.log, flow, &mut shown, &mut wrong);
            }
            for (what, by) in &shown {
                let by: Vec<String> = by.iter().map(|(page, flow)| format!("{page} ({flow})")).collect();
                println!("{what:<18} {}", by.join(", "));
            }
            let missing: Vec<String> =
                vocabulary().into_iter().filter(|what| !shown.contains_key(what)).collect();
            assert!(
                wrong.is_empty() && missing.is_empty(),
                "nothing shows {missing:?}\n{}",
                wrong.join("\n")
            );
        },
    );
}

/// Runs a flow; what is wrong with its end.
async fn end_of(stand: &mut Stand, flow: &str) -> Result<(), String> {
    let report =
        stand.run(flow, &[("account.email", if flow == "remove" { "ada@x" } else { "nobody@x" })]).await;
    if let Some((_, expected)) = REFUSED.iter().find(|(name, _)| *name == flow) {
        let (class, message) = failure(&report);
        let found = format!("{class}: {message}");
        return if found == *expected { Ok(()) } else { Err(found) };
    }
    let output = report.outcome.map_err(|failure| format!("{failure}"))?;
    if let Some((_, expected)) = LISTS.iter().find(|(name, _)| *name == flow) {
        let distinct: BTreeSet<_> = output.rows.iter().map(|row| &row["email"]).collect();
        if (distinct.len(), output.rows.len(), output.complete) != (*expected, *expected, true) {
            return Err(format!("{} rows, complete: {}", output.rows.len(), output.complete));
        }
    }
    if output.absent != (flow == "read_account") { Err("absent".into()) } else { Ok(()) }
}

/// Notes what the steps of a flow, and of those that it ran, have shown; those that were not done are wrong.
fn note(log: &Log, flow: &str, shown: &mut Shown, wrong: &mut Vec<String>) {
    // The step `fail` does what it says by failing.
    let done = |outcome: &StepOutcome, keyword: &str| *outcome == StepOutcome::Ok || keyword == "fail";
    let done: BTreeSet<(&str, u32)> = log
        .records
        .iter()
        .filter(|record| done(&record.outcome, &record.keyword))
        .map(|record| (record.flow.as_str(), record.line))
        .collect();
    let names: BTreeSet<&str> = log.records.iter().map(|record| record.flow.as_str()).collect();
    for name in names {
        let text = std::fs::read_to_string(folder().join(format!("flows/{name}.yaml"))).unwrap();
        let node = read(Source::new(format!("{name}.yaml"), text)).unwrap();
        let mut page = String::new();
        each_step(node.get("steps").unwrap(), &mut |keyword, line, step| {
            if !done.contains(&(name, line)) {
                return wrong.push(format!("{name}.yaml:{line}: {keyword} was not done"));
            }
            if keyword == "goto" {
                page = step.as_text().unwrap().trim_start_matches('/').to_owned();
            }
            let forms = locators(keyword, step).iter().flat_map(forms).collect::<BTreeSet<_>>();
            for what in forms.into_iter().chain([format!("step {keyword}")]) {
                shown.entry(what).or_default().insert((page.clone(), flow.to_owned()));
            }
        });
    }
}

/// Calls `visit` with the keyword, the line and the value of each step, those inside others too.
fn each_step(node: &Node, visit: &mut dyn FnMut(&str, u32, &Node)) {
    for item in node.as_list().into_iter().flatten() {
        for entry in item.as_map().into_iter().flatten() {
            if KINDS.iter().any(|kind| kind.keyword == entry.key.text) {
                visit(&entry.key.text, u32::try_from(entry.key.span.line()).unwrap(), &entry.value);
            }
            each_step(&entry.value, visit);
            entry.value.as_map().into_iter().flatten().for_each(|inner| each_step(&inner.value, visit));
        }
    }
}

/// The locators that a step is written with; those of steps inside it are theirs.
fn locators(keyword: &str, value: &Node) -> Vec<Locator<usher::playbook::Template>> {
    const KEYS: &[&str] =
        &["click", "field", "gone", "in", "into", "next", "on", "read", "rows", "total", "until", "when"];
    let mut out = Vec::new();
    let mut take = |node: &Node| {
        out.extend(node.as_text().and_then(|text| parse_locator(text, &node.span).ok()));
    };
    let takes_locator = ["check", "click", "expect", "hover", "uncheck", "within"].contains(&keyword);
    if takes_locator {
        take(value);
    }
    let branches = value.as_list().into_iter().flatten().filter(|_| keyword == "one_of");
    for entry in value.as_map().into_iter().flatten().chain(branches.filter_map(Node::as_map).flatten()) {
        let extracts = keyword == "read" || entry.key.text == "as" && keyword == "collect";
        if KEYS.contains(&entry.key.text.as_str()) || extracts {
            take(&entry.value);
        }
        for inner in
            entry.value.as_map().into_iter().flatten().filter(|_| extracts || entry.key.text == "total")
        {
            if extracts || inner.key.text == "read" {
                take(&inner.value);
            }
            ["read", "names"].iter().filter_map(|key| inner.value.get(key)).for_each(&mut take);
        }
    }
    out
}

/// Everything that must be shown: the kinds of step, and the forms that the reference has for locators.
fn vocabulary() -> BTreeSet<String> {
    let reference = reference();
    let section = reference.split("## Locators").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let mut out: BTreeSet<String> = KINDS.iter().map(|kind| format!("step {}", kind.keyword)).collect();
    for row in section.lines().filter_map(|line| line.strip_prefix("| `")) {
        let code = row.split("` |").next().unwrap().replace("\\|", "|");
        let span = Span::new(Source::new("reference", code.as_str()), 0, code.len());
        out.extend(forms(&parse_locator(&code, &span).unwrap()));
    }
    // What the table tells of in words.
    let also = "place first, place last, name /…/i, is disabled, is expanded, is selected, is level, is not";
    out.extend(also.split(", ").map(str::to_owned));
    out
}

/// The forms that a locator is made of.
fn forms<T>(locator: &Locator<T>) -> Vec<String> {
    let mut out: Vec<String> = locator.parts.iter().flat_map(part_forms).collect();
    if locator.parts.len() > 1 {
        out.push("part > part".into());
    }
    out
}

fn part_forms<T>(part: &Part<T>) -> Vec<String> {
    let kind = match &part.kind {
        Kind::Role(_) => "role",
        word => word.word(),
    };
    let name = match &part.name {
        None => "name left out",
        Some(Name::Exact(_)) => "name \"…\"",
        Some(Name::Same(_)) => "name \"…\"i",
        Some(Name::Contains(_)) => "name ~\"…\"",
        Some(Name::Pattern { ignore_case: false, .. }) => "name /…/",
        Some(Name::Pattern { ignore_case: true, .. }) => "name /…/i",
    };
    let place = part.nth.map(|nth| match nth {
        Nth::First => "place first",
        Nth::Last => "place last",
        Nth::Index(_) => "place nth",
    });
    let has = (!part.has.is_empty()).then_some("has");
    let own = [format!("kind {kind}"), name.to_owned()].into_iter();
    let states = part.is.iter().flat_map(|is| {
        let state = match is.state {
            State::Checked => "is checked",
            State::Disabled => "is disabled",
            State::Expanded => "is expanded",
            State::Selected => "is selected",
            State::Level(_) => "is level",
        };
        [Some(state), (!is.holds).then_some("is not")].into_iter().flatten()
    });
    let inner = part.has.iter().flat_map(forms);
    own.chain(place.into_iter().chain(has).chain(states).map(str::to_owned)).chain(inner).collect()
}
