//! What is said of a wait that was in vain.

use super::lab::*;
use usher::browser::PageError;

#[test]
fn a_wait_in_vain_tells_what_went_wrong_behind_the_page() {
    in_lab(|lab| async move {
        let base = &lab.base;
        for (button, expected) in [
            ("Failing", format!("idle; GET {base}/status/503 was answered with 503")),
            ("Outside", "idle; http://other.example/api is not among its `origins`".to_owned()),
            ("Slow", format!("waiting for GET {base}/never")),
        ] {
            lab.goto("waits.html").await;
            lab.click(role("button", button)).await.unwrap();
            let error = lab.find(role("button", "Nowhere")).await.unwrap_err();
            let PageError::NotFound { seen, .. } = &error else { panic!("{error:?}") };
            assert_eq!(seen.doing, expected);
            let mut candidates = seen.candidates.clone();
            candidates.sort();
            assert_eq!(candidates, ["button \"Failing\"", "button \"Outside\"", "button \"Slow\""]);
        }
        lab.goto("waits.html").await;
        let error = lab.find(role("button", "Nowhere")).await.unwrap_err();
        assert!(error.to_string().ends_with("(idle)"), "what was before is forgotten: {error}");
    });
}
