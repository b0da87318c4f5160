//! The form of a conversation: see `fixtures/scim/README.md`.

use serde_json::{Value, json};
use usher::integration::Policy;

/// Requests in their order, each with the answer that it must get.
#[derive(Debug, PartialEq)]
pub(super) struct Conversation {
    /// What stands before the first request: comments and directives.
    head: Vec<String>,
    pub(super) turns: Vec<Turn>,
}

/// A request and its answer.
#[derive(Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) title: String,
    /// Comments and directives.
    notes: Vec<String>,
    /// The request line, the headers, an empty line and the body.
    pub(super) request: String,
    /// The same of the answer.
    pub(super) answer: String,
}

impl Conversation {
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = text.split("\n### ");
        let head = parts.next().unwrap().lines().map(str::to_owned).collect();
        Self { head, turns: parts.map(Turn::parse).collect() }
    }

    pub(super) fn to_text(&self) -> String {
        let turns: String = self.turns.iter().map(Turn::to_text).collect();
        format!("{}\n{turns}", self.head.join("\n").trim_end())
    }

    /// The policy of the integration: the usual one for tests, and what `@policy` lays over it.
    pub(super) fn policy(&self) -> Policy {
        let mut policy = json!(Policy { patience_ms: 0, ..Policy::default() });
        for over in directives(&self.head, "policy") {
            let over: Value = serde_json::from_str(over).expect("@policy has a JSON object behind it");
            for (name, value) in over.as_object().expect("@policy has a JSON object behind it") {
                policy[name] = value.clone();
            }
        }
        serde_json::from_value(policy).expect("a policy")
    }
}

impl Turn {
    fn parse(text: &str) -> Self {
        let (title, rest) = text.split_once('\n').expect("a request under each title");
        let notes: Vec<String> =
            rest.lines().take_while(|line| line.starts_with('#')).map(str::to_owned).collect();
        let rest: Vec<&str> = rest.lines().skip(notes.len()).collect();
        let end = rest.iter().position(|line| line.starts_with("HTTP/1.1 ")).unwrap_or(rest.len());
        let join = |lines: &[&str]| lines.join("\n").trim_end().to_owned();
        Self { title: title.to_owned(), notes, request: join(&rest[..end]), answer: join(&rest[end..]) }
    }

    fn to_text(&self) -> String {
        let notes: String = self.notes.iter().map(|note| format!("{note}\n")).collect();
        format!("\n### {}\n{notes}{}\n\n{}\n", self.title, self.request, self.answer)
    }

    /// What stands behind `# @name`, once for each.
    pub(super) fn directives(&self, name: &str) -> impl Iterator<Item = &str> {
        directives(&self.notes, name)
    }
}

fn directives<'a>(notes: &'a [String], name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("# @{name} ");
    notes.iter().filter_map(move |note| note.strip_prefix(&start))
}

#[test]
fn a_conversation_is_written_as_it_is_read() {
    let text = "# What it is.\n# @policy {\"patience_ms\":7}\n\n### Create\n# Why.\n# @work done\nPOST /Users HTTP/1.1\nA: b\n\n{\n \"a\": 1\n}\n\n\
                HTTP/1.1 201 Created\nETag: x\n\n{}\n\n### Delete\nDELETE /Users/{{id}} HTTP/1.1\n\nHTTP/1.1 204 No Content\n";
    let conversation = Conversation::parse(text);
    assert_eq!(conversation.to_text(), text);
    assert_eq!(conversation.policy().patience_ms, 7);
    let turn = &conversation.turns[0];
    assert_eq!(turn.directives("work").collect::<Vec<_>>(), ["done"]);
    assert_eq!(turn.request, "POST /Users HTTP/1.1\nA: b\n\n{\n \"a\": 1\n}");
    assert_eq!(turn.answer, "HTTP/1.1 201 Created\nETag: x\n\n{}");
}
