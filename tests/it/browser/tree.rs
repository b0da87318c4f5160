//! Roles and names are those of Chromium's own accessibility tree. The deliberate differences, all of them, are [`ALSO`], [`LEFT_OUT`],
//! [`EDITED`], what is behind a modal dialog, and of names [`fold`] and [`Told::recased`].

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::devtools::{DevTools, MARK, Told};
use super::lab::*;
use tokio::time::Instant;
use usher::browser::{Action, Browser, LaunchOptions, Network, Page, Read, SessionOptions, Wait};
use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Options, PASSWORD, SERVICE_ACCOUNT};
use usher::locator::{Kind, Locator, Name};
use usher::playbook::ROLES;

/// A role that an author names, and roles of Chromium that it means too: the deliberate differences in roles.
const ALSO: &[(&str, &[&str])] = &[
    // The summary of details is pressed like a button.
    ("button", &["DisclosureTriangle"]),
    // An author sees a cell, whatever sort of table it is in and whether or not it heads its row.
    ("cell", &["gridcell", "rowheader"]),
    // A dialog that interrupts is a dialog.
    ("dialog", &["alertdialog"]),
    // Two spellings of one role.
    ("img", &["image"]),
    ("image", &["img"]),
    // A table that can be edited looks like a table.
    ("table", &["grid", "treegrid"]),
];

/// Roles that are not compared.
const LEFT_OUT: &[&str] = &[
    // For Chromium the document is no element.
    "document", // Says nothing of an element; Chromium tells only of some that have it.
    "generic",  // Chromium leaves some of them out of its tree.
    "rowgroup",
];

/// What Chromium calls `generic` is a text control where it can be edited.
const EDITED: (&str, &str) = ("textbox", "generic");

fn told_as(word: &str, role: &str) -> bool {
    word == role || ALSO.iter().any(|(one, also)| *one == word && also.contains(&role))
}

/// White space folded, without the glyphs of icon fonts (private use): what no author can type is no part of a name.
fn fold(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c)).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a locator matches now: the mark of each, or its text where Chromium tells nobody of it.
async fn marks(page: &Page, locator: Locator) -> BTreeSet<String> {
    let this = || exact(Kind::XPath, ".");
    let cells =
        [(this(), Read { attribute: Some(MARK.to_owned()), ..Read::default() }), (this(), Read::default())];
    // What is there now, whatever the page still asks for.
    let now = Wait { until: Instant::now() + Duration::from_millis(20), watch: Vec::new() };
    let rows = page.rows(&locator.into_target(), &cells, &now).await.unwrap().rows;
    let word = |row: Vec<Option<String>>| row[0].clone().unwrap_or_else(|| format!("unmarked {:?}", row[1]));
    rows.into_iter().map(word).collect()
}

/// Where our locators and Chromium's tree do not agree.
async fn differences(page: &Page, told: &[Told]) -> Vec<String> {
    let mut out = Vec::new();
    // What is behind a modal dialog is still to be seen, and tells which organisation it is; to assistive technology it is not there.
    let modal = page.is_there(&css("dialog:modal").into_target()).await.unwrap();
    let mut compare = |word: &str, what: String, ours: BTreeSet<String>, theirs: Vec<&Told>| {
        for one in &theirs {
            if !ours.contains(&one.mark) {
                out.push(format!("{what}: misses {} {:?}", one.role, one.name));
            }
        }
        let known = |mark: &String| theirs.iter().any(|one| one.mark == *mark);
        for mark in ours.iter().filter(|mark| !known(mark)) {
            let is = told.iter().find(|one| one.mark == *mark);
            if modal && is.is_none() {
                continue;
            }
            if is.is_some_and(|is| (word, is.role.as_str()) == EDITED) {
                continue;
            }
            out.push(format!(
                "{what}: takes {}",
                is.map_or(mark.clone(), |is| format!("{} {:?}", is.role, is.name))
            ));
        }
    };
    for word in ROLES.iter().filter(|word| !LEFT_OUT.contains(word)) {
        let theirs: Vec<&Told> = told.iter().filter(|one| told_as(word, &one.role)).collect();
        compare(word, (*word).to_owned(), marks(page, any(word)).await, theirs.clone());
        // A row's name is its text as it is read, with space between cells; Chromium's has none.
        if *word == "row" {
            continue;
        }
        let names: BTreeSet<(String, bool)> =
            theirs.iter().map(|one| (fold(&one.name), one.recased)).collect();
        for (name, recased) in names.into_iter().filter(|(name, _)| !name.is_empty()) {
            let theirs = theirs.iter().copied().filter(|one| fold(&one.name) == name).collect();
            // Names are those of the document, whatever a style makes of their letters.
            let text = if recased { Name::Same(name.clone()) } else { Name::Exact(name.clone()) };
            let named = Locator::one(Kind::Role((*word).to_owned()), text);
            compare(word, format!("{word} {name:?}"), marks(page, named).await, theirs);
        }
    }
    out
}

/// Files of `fixtures/pages` that are compared, some in several states.
fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pages");
    let names =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    // One that reaches out and never is complete, and one whose many rows repeat one another.
    let mut pages: Vec<String> = names
        .filter(|name| name.ends_with(".html") && name != "outside.html" && name != "many.html")
        .collect();
    pages.extend(["lists.html?virtual", "lists.html?more", "lists.html?sorted"].map(str::to_owned));
    pages.sort();
    pages
}

#[test]
fn roles_and_names_are_those_of_chromium_s_own_tree() {
    with_chromium(|options| async move {
        let folder = tempfile::tempdir().unwrap();
        let options = LaunchOptions { profiles: folder.path().to_owned(), ..options };
        let browser = Browser::launch(&options).await.unwrap();
        let lab = Lab::open(&browser).await;
        let mut wrong = Vec::new();
        for name in fixtures() {
            lab.goto(&name).await;
            let told = DevTools::attach(folder.path(), &lab.page.url()).tree();
            wrong.extend(
                differences(&lab.page, &told).await.into_iter().map(|line| format!("{name}: {line}")),
            );
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        browser.close().await;
    });
}

#[test]
fn roles_and_names_of_an_app_are_those_of_chromium_s_own_tree() {
    with_chromium(|options| async move {
        let folder = tempfile::tempdir().unwrap();
        let options = LaunchOptions { profiles: folder.path().to_owned(), ..options };
        let browser = Browser::launch(&options).await.unwrap();
        let clock = Arc::new(|| SystemClock.now().as_ms());
        let desk = AcmeDesk::start(Options::new(clock, Arc::new(|bytes| bytes.fill(7)))).await.unwrap();
        let options =
            SessionOptions { origins: vec![desk.url()], viewport: (1280, 900), network: Network::Real };
        let session = browser.open_session(&options).await.unwrap();
        let page = session.page();
        let mut wrong = Vec::new();
        let id = &desk.members()[1].id;
        let paths = [
            "/login".to_owned(),
            "/orgs/acme/members".into(),
            "/orgs/acme/members/invite".into(),
            "/orgs/acme/teams".into(),
            format!("/orgs/acme/members/{id}"),
            format!("/orgs/acme/members/{id}/edit"),
        ];
        for path in paths {
            page.goto(&format!("{}{path}", desk.url()), &soon()).await.unwrap();
            let told = DevTools::attach(folder.path(), &page.url()).tree();
            wrong.extend(differences(page, &told).await.into_iter().map(|line| format!("{path}: {line}")));
            if path == "/login" {
                for (label, value) in [("Email", SERVICE_ACCOUNT), ("Password", PASSWORD)] {
                    let set = Action::Set(plain(value));
                    page.act(&field(label).into_target(), &set, &[], &soon()).await.unwrap();
                }
                let button = role("button", "Sign in").into_target();
                page.act(&button, &Action::Click, &[], &soon()).await.unwrap();
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        browser.close().await;
    });
}
