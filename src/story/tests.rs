//! The page of stories whose every text is somebody's attempt to be more than text.

use std::collections::BTreeMap;

use super::view::page_within;
use super::*;
use crate::clock::Timestamp;
use crate::trace::{Request, StepOutcome};

const HOSTILE: &str =
    "</script></noscript></iframe><script>hit()</script>\"'&<img src=x onerror=hit()> {{ 7*7 }}";

fn step(seq: u32, outcome: StepOutcome) -> Step {
    let request =
        Request { method: HOSTILE.into(), url: HOSTILE.into(), status: None, failed: Some(HOSTILE.into()) };
    let record = StepRecord {
        seq,
        flow: HOSTILE.into(),
        file: "flows/invite.yaml".into(),
        line: 2,
        keyword: HOSTILE.into(),
        name: Some(HOSTILE.into()),
        words: HOSTILE.into(),
        outcome,
        started_at: Timestamp::from_ms(1000),
        total_ms: 5,
        url: HOSTILE.into(),
        values: BTreeMap::from([(HOSTILE.into(), HOSTILE.into())]),
        console: vec![HOSTILE.into()],
        dialogs: vec![HOSTILE.into()],
        requests: vec![request],
        missing: Some(HOSTILE.into()),
        ..StepRecord::default()
    };
    let shot = Shot { moment: Moment::Failed, jpeg: Some(HOSTILE.into()), html: Some(HOSTILE.into()) };
    Step { record, shots: vec![shot], remarks: vec![HOSTILE.into()] }
}

fn hostile() -> Story {
    let failed =
        StepOutcome::Failed { class: FailureClass::UiDrift, message: format!("{HOSTILE}\n  {HOSTILE}") };
    let steps = vec![step(1, StepOutcome::Skipped { why: HOSTILE.into() }), step(2, failed)];
    let exchange = Exchange {
        at: Timestamp::from_ms(1001),
        took_ms: 1,
        method: HOSTILE.into(),
        url: HOSTILE.into(),
        kind: HOSTILE.into(),
        status: Some(500),
        length: None,
        failed: Some(HOSTILE.into()),
    };
    Story {
        title: HOSTILE.into(),
        word: HOSTILE.into(),
        standing: Standing::Bad,
        class: Some(FailureClass::UiDrift),
        message: Some(format!("ui_drift at flows/invite.yaml:2  {HOSTILE}\n  {HOSTILE}\n    {HOSTILE}")),
        facts: vec![("Job", HOSTILE.into())],
        others: vec![Other { number: 1, words: HOSTILE.into(), command: HOSTILE.into() }],
        replay: Some(HOSTILE.into()),
        runs: vec![Run { flow: HOSTILE.into(), given: Some(HOSTILE.into()), steps }],
        texts: BTreeMap::from([("flows/invite.yaml".into(), format!("steps:\n  - {HOSTILE}\n"))]),
        network: vec![exchange],
        remarks: vec![HOSTILE.into()],
        missing: vec![HOSTILE.into()],
    }
}

/// Where `text` is in the page.
fn count(page: &str, text: &str) -> usize {
    page.matches(text).count()
}

#[test]
fn nothing_that_is_told_is_more_than_text() {
    let page = page(&hostile());
    let (style, script) = (include_str!("page.css"), include_str!("page.js"));
    let told = page.replace(style, "").replace(script, "");
    assert_eq!((count(&told, "<script"), count(&told, "</script")), (1, 1));
    // A page of the app is in the value of an attribute, which it does not end, in the one `noscript` of its figure.
    assert_eq!((count(&told, "<iframe sandbox=\"\" "), count(&told, "<iframe")), (1, 1));
    assert_eq!((count(&told, "<noscript"), count(&told, "</noscript")), (2, 2));
    assert_eq!((count(&told, "<img"), count(&told, "onerror=hit()>")), (2, 0));
    let document = told.split("srcdoc=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(document.ends_with("{{ 7*7 }}") && !document.contains(['<', '>']), "{document}");
    // Every text is there: the least that a person would miss.
    assert!(count(&told, "hit()&#60;/script&#62;") > 30, "{told}");
    assert_eq!(count(&told, "49"), 0);
}

#[test]
fn the_policy_names_the_script_that_is_there_and_lets_nothing_be_loaded() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = page(&Story::default());
    let script = page.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script));
    let policy =
        page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let policy = policy.replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains(&format!("script-src 'sha256-{hash}';")), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
    let script = page.find("<script>").unwrap();
    assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style>").unwrap().min(script));
    assert!(page.contains("No step of it is on record."));
}

#[test]
fn the_step_that_failed_is_open_and_the_headline_says_where_and_what_was_there() {
    let mut story = hostile();
    story.runs[0].steps.iter_mut().for_each(|step| step.remarks.clear());
    let page = page(&story);
    assert!(page.contains("<main data-first=\"step-2\">"));
    let head = page.split("<h1>").nth(1).unwrap().split("</header>").next().unwrap();
    assert!(head.contains("ui_drift</span> at <a href=\"#step-2\">flows/invite.yaml:2</a>"), "{head}");
    assert!(head.contains("<ul class=\"elements\"><li><code>"), "{head}");
    assert!(head.contains("The page is not as the connector describes it."), "{head}");
}

#[test]
fn a_long_attempt_stays_a_page_that_opens() {
    let mut steps: Vec<Step> = (1..=400).map(|seq| step(seq, StepOutcome::Ok)).collect();
    for (n, step) in (0u32..).zip(&mut steps) {
        let picture = n.to_be_bytes().repeat(5000);
        let html = Some(format!("<p>{n}</p>").repeat(500));
        step.shots = vec![Shot { moment: Moment::After, jpeg: Some(picture), html }];
        step.remarks.clear();
    }
    steps[7].record.console = vec!["x".repeat(100_000); 300];
    let story = Story { runs: vec![Run { steps, ..Run::default() }], ..Story::default() };
    let most = 2 << 20;
    let page = page_within(&story, most);
    assert_eq!(count(&page, "<section class=\"step"), 400);
    assert!(page.len() < most + 5_000_000, "{}", page.len());
    assert!(page.contains("98000 characters more") && page.contains("And 100 more"));
    assert!(page.contains(" pictures and pages are left out"), "what is left out is said");
    assert!(count(&page, "data:image/jpeg") > 50);
    // What is looked at first has its own.
    let last = page.split("id=\"step-400\"").nth(1).unwrap();
    assert!(last.contains("data:image/jpeg") && last.contains("srcdoc="), "{last}");
}
