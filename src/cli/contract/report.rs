//! What is told of the cases: a line for each as it ends, then a table, JSON, or JUnit's XML.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::junit;
use crate::cli::output::table;
use crate::clock::{Clock as _, SystemClock};
use crate::connector::Connector;

use super::case::{End, Verdict};

/// How many characters of what came of a case stand in its line.
const LINE: usize = 140;

/// What came of the cases so far.
#[derive(Debug)]
pub(super) struct Report {
    cases: Vec<Played>,
    /// Who and what of the suite could not be taken out of the app again, and why.
    pub(super) left_behind: Vec<String>,
    /// Whether somebody ended it before its end.
    pub(super) is_broken_off: bool,
    is_terminal: bool,
}

#[derive(Debug)]
struct Played {
    name: String,
    took: Duration,
    verdict: Verdict,
}

impl Played {
    fn result(&self) -> &'static str {
        match &self.verdict {
            Ok(_) => "passed",
            Err(End::Failed(_)) => "failed",
            Err(End::Skipped(_)) => "skipped",
        }
    }

    fn words(&self) -> String {
        match &self.verdict {
            Ok(seen) => seen.clone(),
            Err(end) => end.words(),
        }
    }
}

impl Report {
    pub(super) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { cases: Vec::new(), left_behind: Vec::new(), is_broken_off: false, is_terminal }
    }

    /// Says that a case begins; gives when that was.
    pub(super) fn begin(&self, name: &str) -> Duration {
        if self.is_terminal {
            eprint!("  {name} …");
            drop(std::io::stderr().flush());
        }
        SystemClock.elapsed()
    }

    /// Says and keeps how a case ended that began then.
    pub(super) fn end(&mut self, name: &str, began: Duration, verdict: Verdict) {
        let took = SystemClock.elapsed().saturating_sub(began);
        let played = Played { name: name.to_owned(), took, verdict };
        let again = if self.is_terminal { "\r" } else { "" };
        let words = in_a_line(&played.words());
        eprintln!("{again}  {name:<18} {:<8}{:>6.1} s  {words}", played.result(), took.as_secs_f64());
        self.cases.push(played);
    }

    /// Why a case that others stand on did not pass; none where it did or was not played.
    pub(super) fn why_not(&self, name: &str) -> Option<String> {
        let played = self.cases.iter().find(|played| played.name == name)?;
        match &played.verdict {
            Ok(_) => None,
            Err(End::Failed(_)) => Some(format!("`{name}` failed")),
            Err(End::Skipped(_)) => Some(format!("`{name}` was skipped")),
        }
    }

    /// The same of one that failed.
    pub(super) fn why_failed(&self, name: &str) -> Option<String> {
        let has_failed =
            |played: &Played| played.name == name && matches!(played.verdict, Err(End::Failed(_)));
        self.why_not(name).filter(|_| self.cases.iter().any(has_failed))
    }

    /// Whether every case was played that could be, and none failed.
    pub(super) fn is_good(&self) -> bool {
        self.count("failed") == 0 && !self.is_broken_off
    }

    fn count(&self, result: &str) -> usize {
        self.cases.iter().filter(|played| played.result() == result).count()
    }

    pub(super) fn as_json(&self, connector: &Connector) -> Value {
        let case = |played: &Played| {
            let mut told = json!({
                "name": played.name, "result": played.result(), "seconds": played.took.as_secs_f64(),
                "words": played.words(), "class": null, "step": null, "picture": null,
            });
            if let Err(End::Failed(fault)) = &played.verdict {
                told["class"] = json!(fault.class);
                told["step"] = json!(fault.step);
                told["picture"] = json!(fault.picture);
            }
            told
        };
        json!({
            "connector": { "name": connector.name, "version": connector.version, "hash": connector.hash },
            "passed": self.count("passed"), "failed": self.count("failed"), "skipped": self.count("skipped"),
            "cases": self.cases.iter().map(case).collect::<Vec<_>>(),
            "left_behind": self.left_behind, "broken_off": self.is_broken_off,
        })
    }

    pub(super) fn in_words(&self, connector: &Connector) -> String {
        let row = |played: &Played| {
            let seconds = format!("{:.1}", played.took.as_secs_f64());
            vec![played.name.clone(), played.result().to_owned(), seconds, in_a_line(&played.words())]
        };
        let rows: Vec<Vec<String>> = self.cases.iter().map(row).collect();
        let mut lines = vec![String::new(), table(&["CASE", "RESULT", "SECONDS", "WHAT"], &rows)];
        for played in &self.cases {
            let Err(End::Failed(fault)) = &played.verdict else { continue };
            lines.push(format!("\n{} failed with {}: {}", played.name, fault.class, fault.message));
            lines.extend(fault.step.iter().map(|step| format!("  at: {step}")));
            lines.extend(fault.picture.iter().map(|picture| format!("  picture: {}", picture.display())));
        }
        if !self.left_behind.is_empty() {
            lines.push(format!("\nleft behind in the app:\n  {}", self.left_behind.join("\n  ")));
        }
        if self.is_broken_off {
            lines.push("\nit was broken off".to_owned());
        }
        let total: Duration = self.cases.iter().map(|played| played.took).sum();
        lines.push(format!(
            "\n{} {}: {} passed, {} failed, {} skipped in {:.0} s",
            connector.name,
            connector.version,
            self.count("passed"),
            self.count("failed"),
            self.count("skipped"),
            total.as_secs_f64()
        ));
        lines.join("\n")
    }

    /// The cases as JUnit knows them.
    pub(super) fn for_junit(&self) -> Vec<junit::Case> {
        let outcome = |played: &Played| match &played.verdict {
            Ok(_) => junit::Outcome::Passed,
            Err(End::Skipped(why)) => junit::Outcome::Skipped { why: why.clone() },
            Err(End::Failed(fault)) => {
                let mut message = fault.message.clone();
                message.extend(fault.step.iter().map(|step| format!("\nat: {step}")));
                message.extend(fault.picture.iter().map(|path| format!("\npicture: {}", path.display())));
                junit::Outcome::Failed { class: fault.class.to_string(), message }
            }
        };
        let case = |played: &Played| junit::Case {
            name: played.name.clone(),
            seconds: played.took.as_secs_f64(),
            outcome: outcome(played),
        };
        self.cases.iter().map(case).collect()
    }
}

/// What fits into a line; all of it is told below.
fn in_a_line(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
