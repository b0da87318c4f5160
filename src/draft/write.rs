//! Writes a draft as YAML.

use percent_encoding::percent_decode_str;
use url::Url;

use super::element::{Element, control, label, target};
use super::recording::RecordedStep;
use super::words::{Words, is_email, line, literal, scalar};
use super::{Act, Draft, Wish};

/// What the draft is about.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub wish: &'a Wish,
    pub words: Words<'a>,
    /// Where the app is.
    pub base: Option<&'a Url>,
    pub title: &'a str,
    /// How many steps of logging in were left out.
    pub left_out: usize,
}

/// Words by which buttons say that they change something.
const CHANGING: &[&str] = &[
    "save",
    "send",
    "invite",
    "create",
    "add",
    "update",
    "apply",
    "delete",
    "remove",
    "confirm",
    "suspend",
    "deactivate",
    "disable",
    "reactivate",
    "activate",
    "enable",
    "submit",
    "revoke",
    "grant",
    "resend",
    "cancel invitation",
    "yes",
    "ok",
    "done",
    "change",
];

struct Out<'a, 'b> {
    about: &'b About<'a>,
    lines: Vec<String>,
    decisions: usize,
}

/// The draft of `acts`; `start` is where the flow begins if it does not open a page itself.
pub(super) fn write(acts: &[Act<'_>], start: Option<&str>, about: &About<'_>) -> Draft {
    let mut out = Out { about, lines: Vec::new(), decisions: 0 };
    out.head();
    out.line("steps:", None);
    let begins = acts.first().is_some_and(|act| matches!(act, Act::Open(_)));
    if let (Some(start), false) = (start, begins) {
        out.open(start);
    }
    let commit = out.commit_of(acts);
    for (index, act) in acts.iter().enumerate() {
        out.act(act, Some(index) == commit);
    }
    if commit.is_some() {
        out.line("  # - expect: status \"…\"", Some("wait for what shows that it was done"));
    }
    Draft { yaml: out.lines.join("\n") + "\n", decisions: out.decisions }
}

impl Out<'_, '_> {
    fn line(&mut self, text: &str, decision: Option<&str>) {
        let mark = if text.ends_with('#') { " TODO" } else { "  # TODO" };
        let comment = decision.map(|decision| format!("{mark}: {decision}")).unwrap_or_default();
        self.decisions += usize::from(decision.is_some());
        self.lines.push(format!("{text}{comment}"));
    }

    fn head(&mut self) {
        let (flow, title) =
            (&self.about.wish.flow, self.about.title.split_whitespace().collect::<Vec<_>>().join(" "));
        self.line(&format!("# A draft of `{flow}`, from the recording “{title}”."), None);
        if self.about.left_out > 0 {
            self.line("# It began with logging in, which flows/login.yaml does.", None);
        }
        if flow == "login" {
            self.line("at: /", Some("a page that needs a login"));
            self.line(
                "logged_in: button \"Account menu\"",
                Some("something that only who is logged in sees"),
            );
        }
    }

    /// Which act probably changes the app: the last that says so, or the last click of all.
    fn commit_of(&self, acts: &[Act<'_>]) -> Option<usize> {
        let flow = self.about.wish.flow.as_str();
        if flow == "login" || flow.starts_with("list_") || flow.starts_with("read_") {
            return None;
        }
        let clicks = |act: &Act<'_>| matches!(act, Act::Point("click", _));
        let says_so = |act: &Act<'_>| match act {
            Act::Point("click", step) => {
                let name = label(step).unwrap_or_default().to_lowercase();
                CHANGING.iter().any(|word| name.starts_with(word))
            }
            _ => false,
        };
        acts.iter()
            .rposition(says_so)
            .or_else(|| acts.iter().rposition(clicks))
            .or_else(|| acts.iter().rposition(|act| matches!(act, Act::Press(key) if *key == "Enter")))
    }

    fn act(&mut self, act: &Act<'_>, commit: bool) {
        match act {
            Act::Open(url) => self.open(url),
            Act::Point(keyword, step) => {
                self.elsewhere(step);
                let element = target(step, &self.about.words);
                self.element(keyword, &element, commit);
            }
            Act::Expect(step) => {
                let element = target(step, &self.about.words);
                self.element("expect", &element, false);
            }
            Act::Press(key) => {
                self.line(&format!("  - press: {key}"), None);
                self.commit("    ", commit);
            }
            Act::Fill(changes) => self.fill(changes),
            Act::Other(kind) => {
                self.line(
                    "  #",
                    Some(&format!(
                        "the recording has a step `{kind}` here; say it in other words, or leave it out"
                    )),
                );
            }
        }
    }

    fn commit(&mut self, indent: &str, commit: bool) {
        if commit {
            self.line(&format!("{indent}commit: true"), Some("is this the one step that changes the app?"));
        }
    }

    fn elsewhere(&mut self, step: &RecordedStep) {
        if step.target.as_deref().is_some_and(|target| target != "main") {
            self.line("  #", Some("this happened in another window; put it into `popup: { do: … }`"));
        }
        if !step.frame.is_empty() {
            self.line("  #", Some("this happened in a frame; put `frame \"…\" > ` before the locator"));
        }
    }

    fn element(&mut self, keyword: &str, element: &Element, commit: bool) {
        let indent = if element.in_a_row {
            self.line(
                "  - within: row (has cell \"{{ account.email }}\")",
                Some("the recording tells the row by its place; whose is it?"),
            );
            self.line("    do:", None);
            "      "
        } else {
            "  "
        };
        let text = format!("{indent}- {keyword}: {}", line(&element.locator.to_string()));
        self.line(&text, element.doubt);
        self.commit(&format!("{indent}  "), commit);
    }

    fn fill(&mut self, changes: &[&RecordedStep]) {
        let mut is_open = false;
        for step in changes {
            self.elsewhere(step);
            let (value, decision) = self.value(step);
            let Some(label) = label(step) else {
                let element = control(step, &self.about.words);
                self.line("  - fill:", None);
                self.line(&format!("      into: {}", line(&element.locator.to_string())), element.doubt);
                self.line(&format!("      with: {value}"), decision.as_deref());
                is_open = false;
                continue;
            };
            if !is_open {
                self.line("  - form:", None);
                is_open = true;
            }
            let key = scalar(&self.about.words.fill(&label));
            self.line(&format!("      {key}: {value}"), decision.as_deref());
        }
    }

    /// What a control gets, and what a person has to decide about it. A secret is never repeated.
    fn value(&self, step: &RecordedStep) -> (String, Option<String>) {
        let wish = self.about.wish;
        let given = step.value.as_deref().unwrap_or_default();
        let template = |name: &str| (format!("\"{{{{ {name} }}}}\""), None);
        if step.is_secret() {
            return template("credentials.password");
        }
        let name = label(step).unwrap_or_default().to_lowercase().replace(' ', "_");
        if wish.flow == "login" {
            let is_code = name.contains("code") || name.contains("one-time");
            return template(if is_code { "credentials.totp" } else { "credentials.username" });
        }
        if is_email(given) && self.about.words.email == Some(given) {
            return template("account.email");
        }
        if wish.attributes.contains(&name) {
            return template(&format!("{}.{name}", if wish.flow == "update" { "wanted" } else { "account" }));
        }
        let is_about = wish.flow == "invite" || wish.flow == format!("change_{name}");
        if is_about && wish.entitlements.contains(&name) {
            return template(&format!("{name}.label"));
        }
        let decision = "as recorded; where does it come from? Of a list write what it shows";
        (scalar(&literal(given)), Some(decision.to_owned()))
    }

    fn open(&mut self, url: &str) {
        let (path, decision) = self.path(url);
        self.line(&format!("  - goto: {path}"), decision);
    }

    /// The address under the app's own, the account's address in it filled in.
    fn path(&self, url: &str) -> (String, Option<&'static str>) {
        let (Ok(url), Some(base)) = (Url::parse(url), self.about.base) else {
            return (scalar(&literal(url)), Some("where is this?"));
        };
        if url.origin() != base.origin() {
            return (scalar(&literal(url.as_str())), Some("another host; add it to `origins`"));
        }
        let mut path = literal(url.path());
        let mut query = Vec::new();
        for pair in url.query().into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = percent_decode_str(value).decode_utf8_lossy();
            query.push(match self.about.words.email {
                Some(email) if plain == email => {
                    format!("{}={{{{ account.email | urlencode }}}}", literal(name))
                }
                _ => literal(pair),
            });
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let is_id =
            |part: &str| part.len() >= 32 || !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        let decision =
            url.path().split('/').any(is_id).then_some("is this number an id of the recorded account?");
        (path, decision)
    }
}
