//! Conversations of identity providers (`fixtures/scim/*.http`), sent over a plain socket in their exact form; what comes back is compared
//! byte for byte. `UPDATE=1` writes down what came back instead.

mod conversation;
mod wire;

use std::path::PathBuf;

use regex::{Captures, Regex};
use usher::store::{Finish, Outcome};

use super::*;
use conversation::Conversation;

/// What varies from run to run, and the names under which it stands in a conversation.
struct Names {
    varying: Regex,
    /// What was seen so far, in that order, and its name.
    seen: Vec<(String, String)>,
}

impl Names {
    fn new(token: &str) -> Self {
        // Ids of Usher's; those of identity providers are of other versions.
        let id = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
        let varying = Regex::new(&format!("(?P<job>job_[0-9a-f]{{32}})|(?P<id>{id})")).unwrap();
        Self { varying, seen: vec![(token.to_owned(), "{{token}}".to_owned())] }
    }

    /// A request with the values of what it names.
    fn fill(&self, text: &str) -> String {
        self.seen.iter().fold(text.to_owned(), |text, (value, name)| text.replace(name, value))
    }

    /// An answer with names for what varies: `{{id}}` for the first id, `{{id2}}` for the next.
    fn name(&mut self, text: &str) -> String {
        let Self { varying, seen } = self;
        let named = varying.replace_all(text, |found: &Captures<'_>| {
            let value = &found[0];
            if let Some((_, name)) = seen.iter().find(|(known, _)| known == value) {
                return name.clone();
            }
            let kind = if found.name("job").is_some() { "job" } else { "id" };
            let count = seen.iter().filter(|(_, name)| name.starts_with(&format!("{{{{{kind}"))).count();
            let number = if count == 0 { String::new() } else { (count + 1).to_string() };
            seen.push((value.to_owned(), format!("{{{{{kind}{number}}}}}")));
            seen[seen.len() - 1].1.clone()
        });
        named.into_owned()
    }
}

/// Has a conversation with a gateway of its own, and gives back each answer as it would be written down.
async fn have(conversation: &Conversation) -> Vec<String> {
    let gate = Gate::with(conversation.policy()).await;
    let mut names = Names::new(&gate.token);
    let mut answers = Vec::new();
    for turn in &conversation.turns {
        for work in turn.directives("work") {
            assert_eq!(work, "done", "{}: nothing else can become of a job yet", turn.title);
            let store = &gate.installation.store;
            let claimed =
                store.claim("w", std::time::Duration::from_secs(60)).await.unwrap().expect("a job is due");
            store.finish(&claimed.lease, Finish::with(Outcome::Done { message: None })).await.unwrap();
        }
        let request = names.fill(&turn.request);
        assert!(!request.contains("{{"), "{}: nothing has this name yet: {request}", turn.title);
        answers.push(names.name(&wire::ask(gate.server.address(), &request).await));
    }
    gate.end().await;
    answers
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scim");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "http")).collect();
    files.sort();
    files
}

#[tokio::test]
async fn conversations_go_as_they_are_written() {
    let update = std::env::var_os("UPDATE").is_some();
    let (mut requests, mut wrong) = (0, Vec::new());
    let files = files();
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy();
        let mut conversation = Conversation::parse(&std::fs::read_to_string(path).unwrap());
        let answers = have(&conversation).await;
        requests += answers.len();
        for (turn, answer) in conversation.turns.iter_mut().zip(answers) {
            if turn.answer != answer {
                wrong.push(format!(
                    "{name}, {}:\n{}\n\nis answered with\n{answer}\n\ninstead of\n{}\n",
                    turn.title, turn.request, turn.answer
                ));
                turn.answer = answer;
            }
        }
        if update {
            std::fs::write(path, conversation.to_text()).unwrap();
        }
    }
    println!("{} conversations, {requests} requests", files.len());
    assert!(files.len() >= 9 && requests >= 60, "conversations are missing: {files:?}");
    assert!(
        wrong.is_empty() || update,
        "{} answers differ (UPDATE=1 takes them over)\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
