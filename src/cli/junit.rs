//! JUnit's XML, which CI servers show: what came of named cases.

use std::path::Path;

use anyhow::Context as _;
use askama::Template;

/// What came of one case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) seconds: f64,
    pub(super) outcome: Outcome,
}

/// How a case ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Passed,
    Failed {
        /// The class of the failure.
        class: String,
        message: String,
    },
    Skipped {
        why: String,
    },
}

#[derive(Template)]
#[template(path = "junit.xml")]
struct Report<'a> {
    suite: String,
    cases: &'a [Case],
    failures: usize,
    skipped: usize,
    seconds: f64,
}

/// Writes the cases of a suite into a file, in the place of what is there.
pub(super) fn write(path: &Path, suite: &str, cases: &[Case]) -> anyhow::Result<()> {
    std::fs::write(path, to_xml(suite, cases)?).with_context(|| format!("cannot write {}", path.display()))
}

fn to_xml(suite: &str, cases: &[Case]) -> anyhow::Result<String> {
    let count = |is_so: fn(&Outcome) -> bool| cases.iter().filter(|case| is_so(&case.outcome)).count();
    let clean: Vec<Case> = cases.iter().map(cleaned).collect();
    let report = Report {
        suite: legal(suite),
        cases: &clean,
        failures: count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        skipped: count(|outcome| matches!(outcome, Outcome::Skipped { .. })),
        seconds: cases.iter().map(|case| case.seconds).sum(),
    };
    Ok(report.render()?)
}

fn cleaned(case: &Case) -> Case {
    let outcome = match &case.outcome {
        Outcome::Passed => Outcome::Passed,
        Outcome::Failed { class, message } => {
            Outcome::Failed { class: legal(class), message: legal(message) }
        }
        Outcome::Skipped { why } => Outcome::Skipped { why: legal(why) },
    };
    Case { name: legal(&case.name), seconds: case.seconds, outcome }
}

/// The text without the characters that XML 1.0 has no way to write (section 2.2).
fn legal(text: &str) -> String {
    let is_legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    text.chars().map(|c| if is_legal(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::events::Event;

    /// The elements of a document in their order, each with its attributes as `name=value`; every one must be closed.
    fn elements(xml: &str) -> Vec<String> {
        let mut reader = quick_xml::Reader::from_str(xml);
        reader.config_mut().check_end_names = true;
        let (mut found, mut open) = (Vec::new(), 0);
        loop {
            let (element, is_empty) = match reader.read_event().unwrap() {
                Event::Start(element) => (element, false),
                Event::Empty(element) => (element, true),
                Event::End(_) => {
                    open -= 1;
                    continue;
                }
                Event::Eof => break,
                _ => continue,
            };
            open += i32::from(!is_empty);
            let mut words = vec![String::from_utf8(element.name().as_ref().to_vec()).unwrap()];
            for attribute in element.attributes() {
                let attribute = attribute.unwrap();
                let name = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                words.push(format!(
                    "{name}={}",
                    attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap()
                ));
            }
            found.push(words.join(" "));
        }
        assert_eq!(open, 0, "{xml}");
        found
    }

    #[test]
    fn every_case_is_told_in_xml_that_can_be_read_whatever_is_in_its_words() {
        let case = |name: &str, outcome| Case { name: name.to_owned(), seconds: 1.25, outcome };
        let failed = Outcome::Failed {
            class: "ui_drift".to_owned(),
            message: "no button \"Save\" <now> & ]]> 'then'\u{0}\u{1b}".to_owned(),
        };
        let cases = [
            case("login", Outcome::Passed),
            case("in\"vite", failed),
            case("remove", Outcome::Skipped { why: "no flow <remove>".to_owned() }),
        ];
        let expected = [
            "testsuites",
            "testsuite name=acme-desk & co tests=3 failures=1 errors=0 skipped=1 time=3.750",
            "testcase classname=acme-desk & co name=login time=1.250",
            "testcase classname=acme-desk & co name=in\"vite time=1.250",
            "failure type=ui_drift message=no button \"Save\" <now> & ]]> 'then'\u{fffd}\u{fffd}",
            "testcase classname=acme-desk & co name=remove time=1.250",
            "skipped message=no flow <remove>",
        ];
        assert_eq!(elements(&to_xml("acme-desk & co", &cases).unwrap()), expected);
    }
}
