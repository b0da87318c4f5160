//! `usher run`, on Acme Desk.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use usher::clock::{Clock, SystemClock};
use usher::demo::{AcmeDesk, Member, Options, Role, Status};

use super::*;
use crate::browser::lab::with_chromium;

/// Runs a test with Acme Desk and a shell whose connectors are those of the tree.
pub fn with_desk(test: impl FnOnce(&Stage)) {
    with_chromium(|_| async move {
        let mut options =
            Options::new(Arc::new(|| SystemClock.now().as_ms()), Arc::new(|bytes: &mut [u8]| bytes.fill(7)));
        let drawn = std::sync::atomic::AtomicU64::new(1);
        options.fill = Arc::new(move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(8) {
                let next = drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
                chunk.copy_from_slice(&next[..chunk.len()]);
            }
        });
        let stage = Stage { desk: AcmeDesk::start(options).await.unwrap(), shell: Shell::new() };
        std::fs::write(stage.shell.path("password.txt"), "acme-password\n").unwrap();
        tokio::task::block_in_place(|| test(&stage));
        stage.desk.stop().await;
    });
}

pub struct Stage {
    pub desk: AcmeDesk,
    pub(super) shell: Shell,
}

impl Stage {
    /// The arguments of a run, without what the flow is about.
    fn arguments<'a>(&'a self, flow: &'a str, more: &[&'a str]) -> Vec<String> {
        let base_url = format!("base_url={}", self.desk.url());
        let fixed = ["run", "acme-desk", flow, "--set", &base_url, "--set", "org_id=acme"];
        let credentials =
            ["--credential", "username=owner@acme.example", "--credential", "password=@password.txt"];
        fixed.iter().chain(&credentials).chain(more).map(|text| (*text).to_owned()).collect()
    }

    /// A call whose temporary files go with the shell.
    fn command(&self, flow: &str, more: &[&str]) -> Command {
        let arguments = self.arguments(flow, more);
        let mut command = self.shell.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("TMPDIR", self.shell.root.path());
        command
    }

    pub(super) fn run(&self, flow: &str, more: &[&str]) -> Ran {
        self.command(flow, more).output().unwrap().into()
    }

    /// The same, with what is answered on standard input.
    fn answered(&self, flow: &str, more: &[&str], answers: &str) -> Ran {
        std::fs::write(self.shell.path("answers.txt"), answers).unwrap();
        let mut command = self.command(flow, more);
        let answers = std::fs::File::open(self.shell.path("answers.txt")).unwrap();
        command.stdin(answers).output().unwrap().into()
    }

    fn spawn(&self, flow: &str, more: &[&str]) -> Talk {
        let mut command = self.command(flow, more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Talk { child, lines }
    }

    pub(super) fn agent_is(&self, email: &str) -> Role {
        self.desk.members().into_iter().find(|member| member.email == email).unwrap().role
    }

    pub(super) fn agent(&self) -> Member {
        let is_agent = |member: &Member| member.status == Status::Active && member.role == Role::Agent;
        self.desk.members().into_iter().find(is_agent).unwrap()
    }

    fn role_of(&self, email: &str) -> Role {
        self.desk.members().into_iter().find(|member| member.email == email).unwrap().role
    }
}

/// A call that goes on; it ends with this value.
struct Talk {
    child: Child,
    lines: Receiver<String>,
}

impl Talk {
    /// What is said up to the next line that contains `text`. A call that falls silent does not hold the tests up.
    fn until(&self, text: &str) -> String {
        let mut before = String::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            let line = line.unwrap_or_else(|error| panic!("no `{text}` ({error}) in:\n{before}"));
            before.push_str(&line);
            before.push('\n');
            if line.contains(text) {
                return before;
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_flow_runs_logged_in_and_shows_its_steps_and_what_it_read() {
    with_desk(|stage| {
        let agent = stage.agent();
        let email = format!("account.email={}", agent.email);
        let said = stage.run("read_account", &["--set", &email, "--pictures", "pictures"]).done();
        for expected in [
            "login:\n",
            "clicked button “Sign in”",
            "read_account:\n",
            "(flows/find_member.yaml:3)",
            "\ndone\n",
            "NAME",
        ] {
            assert!(said.contains(expected), "{expected} is not in\n{said}");
        }
        assert!(said.contains(&format!("name    {}", agent.name)), "{said}");
        assert!(!said.contains("acme-password"), "{said}");
        let pictures: Vec<_> = std::fs::read_dir(stage.shell.path("pictures")).unwrap().collect();
        assert!(pictures.len() >= 3, "{pictures:?}");
        let place = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words} is not in\n{said}"));
        assert!(
            place("run flow `find_member`") < place("opened “/orgs"),
            "what is around comes first:\n{said}"
        );

        let listed = stage.run("list_accounts", &["--format", "json"]).json();
        assert_eq!(listed["rows"].as_array().unwrap().len(), stage.desk.members().len());
        assert_eq!((&listed["complete"], &listed["committed"]), (&true.into(), &false.into()));
        assert!(listed["steps"][0]["words"].is_string(), "{listed}");
    });
}

#[test]
fn a_dry_run_stops_before_the_commit_step_and_shows_it() {
    with_desk(|stage| {
        let agent = stage.agent();
        let about = format!("account.email={}", agent.email);
        let values = ["--set", &about, "--set", "role=viewer"];
        let said = stage.run("change_role", &[&values[..], &["--dry-run"]].concat()).done();
        assert!(said.contains("stopped before the commit step; nothing was changed\npicture: "), "{said}");
        let picture = said.trim().rsplit("picture: ").next().unwrap();
        assert!(std::fs::read(picture).unwrap().starts_with(&[0xff, 0xd8]), "{picture} is a JPEG");
        assert_eq!(stage.role_of(&agent.email), Role::Agent);

        let wrong = ["--set", "account.email=nobody@acme.example", "--set", "role=viewer", "--dry-run"];
        assert_eq!(stage.run("change_role", &wrong).code, Some(1), "an account that is not there");

        let said = stage.run("change_role", &values).done();
        assert!(said.contains("the app was changed"), "{said}");
        assert_eq!(stage.role_of(&agent.email), Role::Viewer);
    });
}

#[test]
fn a_wrong_call_says_everything_that_is_wrong_and_opens_nothing() {
    let shell = Shell::new();
    let ran = shell.run(&["run", "acme-desk", "change_role", "--set", "org_id=acme", "--set", "rol=agent"]);
    let expected = "error: the credential `username` is missing; the login `password` needs it\n\
                    error: the credential `password` is missing; the login `password` needs it\n\
                    error: `rol` is nothing that can be set; did you mean `role`?\n\
                    error: the setting `base_url` (Desk URL) is missing; say `--set base_url=…`\n\
                    error: say which role: `--set role=…`, one of `owner`, `agent` or `viewer`\n\
                    error: `change_role` is about one account; say which: `--set account.email=…`\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(2), "", expected));
    let ran = shell.run(&["run", "acme-desk", "fly"]);
    assert!(ran.code == Some(2) && ran.err.contains("has no flow `fly`; it has `add_member`"), "{ran:?}");
    let error = shell.run(&["run", "acme-dusk", "login"]).failed();
    assert!(error.contains("there is no connector `acme-dusk`"), "{error}");
    shell.edit("connectors/acme-desk/flows/login.yaml", "goto:", "gooto:");
    let ran = shell.run(&["run", "connectors/acme-desk", "login"]);
    assert!(ran.code == Some(1) && ran.err.contains("did you mean `goto`?"), "{ran:?}");
}

#[test]
fn without_a_display_there_is_no_window_and_a_word_about_it() {
    let shell = Shell::new();
    std::fs::write(shell.path("password.txt"), "x").unwrap();
    let settings = ["--set", "base_url=http://127.0.0.1:9", "--set", "org_id=acme", "--headed"];
    let credentials = ["--credential", "username=a", "--credential", "password=@password.txt"];
    let arguments = [&["run", "acme-desk", "list_accounts"][..], &settings, &credentials].concat();
    let mut command = shell.command(&arguments);
    let ran: Ran = command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap().into();
    assert!(ran.failed().contains("--headed needs a display"));
}

#[test]
fn step_by_step_shows_what_a_step_would_meet_and_waits_for_an_answer() {
    with_desk(|stage| {
        let agent = stage.agent();
        let about = format!("account.email={}", agent.email);
        let values = ["--set", &about, "--step"];
        let ran = stage.answered("deactivate", &values, "\nn\nq\n");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        for expected in [
            "next: open “/login”",
            "next: set field “Email” to",
            r#"field "Email" matches 1: field "Email""#,
            r#"button "Sign in" matches 1: button "Sign in""#,
            "the run was stopped: you asked for it",
        ] {
            assert!(ran.out.contains(expected), "{expected} is not in\n{}", ran.out);
        }
        assert!(!ran.out.contains("deactivate:"), "{}", ran.out);

        let ran = stage.answered("deactivate", &values, "c\n");
        assert!(ran.out.contains("\ndone\n"), "{ran:?}");
        let suspended = stage.desk.members().into_iter().find(|member| member.email == agent.email).unwrap();
        assert_eq!(suspended.status, Status::Suspended);
    });
}

#[test]
fn a_saved_file_is_run_again_in_the_session_that_is_kept() {
    with_desk(|stage| {
        let talk = stage.spawn("one_page", &["--watch"]);
        talk.until("login:");
        talk.until("one_page:");
        talk.until("waiting until a file is saved");
        let file = stage.shell.path("connectors/acme-desk/flows/one_page.yaml");
        std::fs::write(&file, "steps:\n  - clik: button \"x\"\n").unwrap();
        talk.until("waiting until a file is saved");
        std::fs::write(&file, "steps:\n  - set: { all: saved-again }\n  - expect: button \"Account menu\"\n")
            .unwrap();
        let again = talk.until("one_page:");
        assert!(!again.contains("login:"), "logged in already: {again}");
        talk.until("saved-again");
        talk.until("done");
    });
}

#[test]
fn a_recorded_run_keeps_the_network_the_steps_and_the_connector_and_no_secret() {
    with_desk(|stage| {
        let more = ["--set", "account.email=new@acme.example", "--set", "account.name=New Person", "--set"];
        let more = [&more[..], &["role=agent", "--record", "kept/run"]].concat();
        let said = stage.run("invite", &more).done();
        assert!(said.contains("recording: kept/run ("), "{said}");
        assert!(stage.desk.members().iter().any(|member| member.email == "new@acme.example"));
        let folder = stage.shell.path("kept/run");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let har: serde_json::Value = serde_json::from_str(&read("network.har")).unwrap();
        assert_eq!(har["log"]["version"], "1.2");
        let entries = har["log"]["entries"].as_array().unwrap();
        let sent = |method: &str, end: &str| {
            let is_it = |entry: &&serde_json::Value| {
                entry["request"]["method"] == method
                    && entry["request"]["url"].as_str().unwrap().ends_with(end)
            };
            entries.iter().find(is_it).unwrap_or_else(|| panic!("no {method} …{end} in {har:#}"))
        };
        let signed_in = sent("POST", "/login");
        let form = signed_in["request"]["postData"]["text"].as_str().unwrap();
        assert!(form.contains("owner%40acme.example") && form.contains("password=••••••"), "{form}");
        assert_eq!(signed_in["response"]["status"], 303, "redirects are exchanges of their own");
        let cookie = signed_in["response"]["headers"].as_array().unwrap().iter();
        let cookie =
            cookie.filter(|header| header["name"].as_str().unwrap().eq_ignore_ascii_case("set-cookie"));
        let cookies: Vec<&str> = cookie.map(|header| header["value"].as_str().unwrap()).collect();
        assert!(
            !cookies.is_empty() && cookies.iter().all(|cookie| cookie.contains("=••••••;")),
            "{cookies:?}"
        );
        let invited = sent("POST", "/members/invite");
        assert!(invited["request"]["postData"]["text"].as_str().unwrap().contains("new%40acme.example"));
        for entry in entries {
            let content = &entry["response"]["content"];
            let has_body = content["_file"].as_str().map(|file| !read_bytes(&folder.join(file)).is_empty());
            let is_empty = entry["response"]["status"] == 303 || content["size"] == 0;
            assert!(has_body.unwrap_or(is_empty) && content["comment"].is_null(), "{entry:#}");
        }
        let about: serde_json::Value = serde_json::from_str(&read("recording.json")).unwrap();
        let [login, invite] = about["runs"].as_array().unwrap().as_slice() else { panic!("{about:#}") };
        assert_eq!(
            (&about["version"], &login["flow"], &invite["flow"]),
            (&2.into(), &"login".into(), &"invite".into())
        );
        assert_eq!(invite["given"]["account"]["email"], "new@acme.example");
        assert!(login["given"]["credentials"].is_null(), "{login:#}");
        assert!(invite["steps"].as_array().unwrap().len() > 3);
        assert_eq!(
            read("connector/connector.yaml"),
            std::fs::read_to_string(stage.shell.path("connectors/acme-desk/connector.yaml")).unwrap()
        );
        // What Acme Desk draws here counts up: cookies and the tokens of its forms look like nothing else.
        let drawn = regex::Regex::new("0{14}[0-9a-f]{2}0{14}[0-9a-f]{2}").unwrap();
        for file in every_file(&folder) {
            let bytes = read_bytes(&file);
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("acme-password"), "{}", file.display());
            assert!(!drawn.is_match(&text), "{} in {}", drawn.find(&text).unwrap().as_str(), file.display());
        }
        let again = stage.run("invite", &more).failed();
        assert!(again.contains("kept/run is not empty"), "{again}");
    });
}

fn read_bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn every_file(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { every_file(&path) } else { vec![path] }).collect()
}
