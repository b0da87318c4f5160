//! A story as people read it: the same as its JSON, from which it is made.

use serde_json::Value;

/// The file of the words beside the file of a story.
pub(super) fn in_words_of(file: &str) -> String {
    format!("{}.txt", file.trim_end_matches(".json"))
}

/// The story in words.
pub(super) fn in_words(story: &Value) -> String {
    let mut out = Lines::default();
    let (person, group) = (&story["person"], &story["group"]);
    match (person.is_object(), group.is_object()) {
        (true, _) => {
            out.line(0, format!("{} ({})", text(&person["user_name"]), text(&person["id"])));
            out.fact(1, "external id", &person["external_id"]);
            out.fact(1, "to be without access since", &person["to_be_without_access_since"]);
            out.fact(1, "removal asked", &person["removal_asked"]);
            out.fact(1, "seen gone", &person["seen_gone"]);
            out.fact(1, "account last seen", &person["last_seen"]["at"]);
            out.account(1, "it was", &person["last_seen"]["account"]);
        }
        (_, true) => out.line(0, format!("group {} ({})", text(&group["display_name"]), text(&group["id"]))),
        _ => out.line(0, format!("the integration {}", text(&story["integration"]))),
    }
    out.line(0, "");
    out.line(0, "What happened");
    for event in items(&story["events"]) {
        let job = event["job"].as_str().map(|job| format!(", {job}")).unwrap_or_default();
        let seq = if event["event"].is_null() { &event["erased_event"] } else { &event["event"] };
        let (at, kind) = (text(&event["at"]), text(&event["kind"]));
        out.line(1, format!("{at}  {kind} by {}  (event {seq}{job})", by(&event["by"])));
        out.account(3, "wanted", &event["told"]["wanted"]);
        out.fact(3, "reason", &event["told"]["reason"]);
    }
    for job in items(&story["jobs"]) {
        out.job(job);
    }
    out.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, depth: usize, line: impl AsRef<str>) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(line.as_ref().trim_end());
        self.0.push('\n');
    }

    /// What is known; a line is not there where nothing is.
    fn fact(&mut self, depth: usize, name: &str, value: &Value) {
        if !value.is_null() {
            self.line(depth, format!("{name}: {}", text(value)));
        }
    }

    /// An account, as it was wanted or seen.
    fn account(&mut self, depth: usize, name: &str, account: &Value) {
        let Some(account) = account.as_object() else { return };
        let parts: Vec<String> = account
            .iter()
            .filter(|(_, value)| !is_empty(value))
            .map(|(part, value)| format!("{part} {}", text(value)))
            .collect();
        self.line(depth, format!("{name}: {}", parts.join("; ")));
    }

    fn job(&mut self, job: &Value) {
        let (id, kind, state) = (text(&job["id"]), text(&job["kind"]), text(&job["state"]));
        self.0.push('\n');
        self.line(0, format!("Job {id}, {kind}: {state}"));
        let asked = &job["asked"];
        let (event, received) = (text(&asked["event"]), text(&asked["received"]));
        self.line(1, format!("asked by {} ({event}), received {received}", by(&asked["by"])));
        if let Some(took) = job["done_since_received_ms"].as_u64() {
            self.line(1, format!("ended {}, {took} ms after that", text(&job["ended"])));
        }
        self.fact(1, "class", &job["class"]);
        self.fact(1, "message", &job["message"]);
        self.fact(1, "its place was taken by", &job["superseded_by"]);
        for attempt in items(&job["attempts"]) {
            self.attempt(attempt);
        }
    }

    fn attempt(&mut self, attempt: &Value) {
        let (number, worker, outcome) =
            (&attempt["number"], text(&attempt["worker"]), text(&attempt["outcome"]));
        self.line(1, format!("attempt {number} by {worker}, {}: {outcome}", text(&attempt["began"])));
        let connector = &attempt["connector"];
        let (name, version) = (text(&connector["name"]), text(&connector["version"]));
        self.line(2, format!("connector {name} {version} ({})", text(&connector["hash"])));
        self.fact(2, "message", &attempt["message"]);
        for (name, account) in [("wanted", "wanted"), ("before", "before")] {
            self.account(2, name, &attempt[account]);
        }
        self.fact(2, "done", &attempt["done"]);
        self.account(2, "after", &attempt["after"]);
        self.fact(2, "verified by a reading, written", &attempt["verified_by_reading"]);
        for step in items(&attempt["steps"]) {
            let nested = usize::try_from(step["depth"].as_u64().unwrap_or(0)).unwrap_or(0).min(32);
            let (number, words) = (step["number"].to_string(), text(&step["words"]));
            let (outcome, place) = (text(&step["outcome"]), text(&step["place"]));
            self.line(2 + nested, format!("{number:>3} {outcome}  {words}  ({place})"));
            for detail in step["detail"].as_str().unwrap_or_default().lines() {
                self.line(5 + nested, plain(detail));
            }
            for picture in items(&step["pictures"]) {
                self.line(5 + nested, text(picture));
            }
        }
    }
}

fn by(by: &Value) -> String {
    match by["kind"].as_str() {
        Some("scim_token") => format!("the identity provider, with SCIM token {}", text(&by["id"])),
        Some("command_line") => "an operator, on the command line".to_owned(),
        Some("operator_key") => format!("the operator's key {}", text(&by["name"])),
        Some("usher") => "Usher".to_owned(),
        _ => text(&by["name"]),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

/// A text that cannot begin a line of its own, nor move a terminal: what people and apps wrote may be anything.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A value on a line.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(values) => {
            let parts = values.iter().filter(|(_, value)| !is_empty(value));
            parts.map(|(name, value)| format!("{name} {}", text(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_story_reads_from_the_wish_to_the_reading() {
        let token = json!({ "kind": "scim_token", "id": "token_1" });
        let story = json!({
            "version": 1,
            "person": { "id": "u1", "user_name": "ada", "external_id": null, "last_seen": null },
            "events": [{
                "event": 4, "at": "T1", "kind": "user.created", "by": token, "job": "job_1",
                "told": { "leaves": false, "wanted": { "active": true, "attributes": { "email": "ada" }, "entitlements": {} } },
            }],
            "jobs": [{
                "id": "job_1", "kind": "provision", "state": "done", "message": "invite\nJob",
                "asked": { "event": "user.created", "by": token, "received": "T1" },
                "ended": "T3", "done_since_received_ms": 7,
                "attempts": [{
                    "number": 1, "worker": "w", "began": "T2", "outcome": "done",
                    "connector": { "name": "desk", "version": "1.2.0", "hash": "abc" },
                    "before": { "status": "absent" }, "done": ["invite"],
                    "after": { "status": "invited", "entitlements": { "role": ["agent"], "team": [] } },
                    "verified_by_reading": "T3",
                    "steps": [
                        { "number": 1, "depth": 0, "words": "click button \"Invite\"", "outcome": "ok", "place": "flows/invite.yaml:3",
                          "detail": "one\ntwo\u{1b}verified", "pictures": ["pictures/x.jpeg"] },
                    ],
                }],
            }],
        });
        let expected = "\
ada (u1)

What happened
  T1  user.created by the identity provider, with SCIM token token_1  (event 4, job_1)
      wanted: active true; attributes email ada

Job job_1, provision: done
  asked by the identity provider, with SCIM token token_1 (user.created), received T1
  ended T3, 7 ms after that
  message: invite Job
  attempt 1 by w, T2: done
    connector desk 1.2.0 (abc)
    before: status absent
    done: invite
    after: status invited; entitlements role agent
    verified by a reading, written: T3
      1 ok  click button \"Invite\"  (flows/invite.yaml:3)
          one
          two verified
          pictures/x.jpeg
";
        assert_eq!(in_words(&story), expected);
        assert_eq!(in_words_of("people/u1.json"), "people/u1.txt");
    }
}
