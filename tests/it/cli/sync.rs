//! `usher sync` and `usher plan`, as a person and as a script use them.

use std::sync::Arc;

use usher::clock::{Clock as _, SystemClock};
use usher::demo::{AcmeDesk, Options, Role};
use usher::id::{Entropy as _, SystemEntropy};

use super::Shell;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_made_shown_and_applied_by_hand() {
    let now = Arc::new(|| SystemClock.now().as_ms());
    let fill = Arc::new(|bytes: &mut [u8]| SystemEntropy.fill(bytes));
    let desk = AcmeDesk::start(Options { members: 12, ..Options::new(now, fill) }).await.unwrap();
    tokio::task::spawn_blocking(move || {
        let shell = Shell::new();
        std::fs::write(shell.path("password.txt"), "acme-password\n").unwrap();
        let base_url = format!("base_url={}", desk.url());
        let create =
            ["integration", "create", "desk", "--connector", "acme-desk", "--set", &base_url, "--set"];
        let rest = ["org_id=acme", "--credential", "username=owner@acme.example", "--credential"];
        let last = ["password=@password.txt", "--mode", "plan"];
        shell.run(&[&create[..], &rest, &last].concat()).done();

        stands(&shell, "not_validated", "its login was never tested");
        let shown = shell.run(&["sync", "desk", "--format", "json"]).json();
        let plan = shown["plan"]["id"].as_str().unwrap().to_owned();
        assert_eq!(shown["plan"]["state"], "proposed");
        assert_eq!(shown["plan"]["found"]["adopt"], 11);
        stands(&shell, "needs_attention", &format!("plan {plan} waits for a decision"));
        let listed = shell.run(&["plan", "list"]).done();
        assert!(
            listed.contains(&plan) && listed.contains("proposed") && listed.contains("11 adopt"),
            "{listed}"
        );
        let applied = shell.run(&["plan", "apply", &plan, "--reason", "looked through"]).done();
        assert!(applied.contains("applied by operator") && applied.contains("looked through"), "{applied}");
        assert!(applied.contains("adopted as user"), "{applied}");
        let list = shell.run(&["integration", "list"]).done();
        assert!(list.contains("STANDS") && list.contains("Working"), "{list}");
        assignments(&shell);
        let again = shell.run(&["plan", "reject", &plan, "--reason", "no"]).failed();
        assert!(again.contains("the plan is applied"), "{again}");
        let unknown = shell.run(&["plan", "show", "plan_x"]).failed();
        assert!(unknown.contains("`usher plan list` shows them"), "{unknown}");
        let run = shell.run(&["sync", "desk"]);
        assert!(run.err.contains("read 12 of 12 on 1 page; about 0 s more"), "{run:?}");
        let words = run.done();
        assert!(words.contains("waits for a person"), "{words}");
        assert!(desk.record().is_empty(), "a sync changes nothing");
        unsettled(&shell, &desk);
        maintenance(&shell);
        leavers(&shell);
        notify(&shell);
        shell.run(&["integration", "pause", "desk", "--reason", "the app is being moved"]).done();
        let show = shell.run(&["integration", "show", "desk"]).done();
        assert!(show.starts_with("desk  acme-desk  Paused\n  paused since"), "{show}");
        let paused = shell.run(&["sync", "desk"]).failed();
        assert!(
            paused.contains("the app is being moved") && paused.contains("integration resume desk"),
            "{paused}"
        );
    })
    .await
    .unwrap();
}

/// Who holds what, as it was read.
fn assignments(shell: &Shell) {
    let table = shell.run(&["assignments", "desk", "--entitlement", "role"]).done();
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("user_name,user_id,external_id,app_id,status,wanted,entitlement,key,label,read")
    );
    assert_eq!(lines.clone().count(), 11, "{table}");
    assert!(lines.all(|line| line.contains(",role,") && line.ends_with('Z')), "{table}");
    let rows = shell.run(&["assignments", "desk", "--format", "json"]).json();
    let ada = rows.as_array().unwrap().iter().find(|row| row["user_name"] == "ada@acme.example").unwrap();
    assert_eq!(
        (&ada["status"], &ada["wanted"], &ada["entitlement"]),
        (&"active".into(), &true.into(), &"role".into())
    );
    let values = shell.run(&["entitlement", "list", "desk", "--format", "json"]).json();
    let of = |key: &str| {
        values.as_array().unwrap().iter().find(|one| one["string_value"] == key).cloned().unwrap()
    };
    assert_eq!((&of("role:owner")["label"], &of("team:Field")["label"]), (&"Owner".into(), &"Field".into()));
    assert!(of("role:agent")["holders"].as_u64().unwrap() > 0 && of("team:Field")["seen"].is_string());
    let listed = shell.run(&["entitlement", "list", "desk", "--type", "team"]).done();
    assert!(listed.contains("team:Field") && !listed.contains("role:"), "{listed}");
    let refused = shell.run(&["entitlement", "list", "desk", "--type", "rank"]).failed();
    assert!(refused.contains("does not have `rank`; it has"), "{refused}");
    let refused = shell.run(&["assignments", "desk", "--entitlement", "rank"]).failed();
    assert!(refused.contains("does not have `rank`"), "{refused}");
}

fn stands(shell: &Shell, expected: &str, reason: &str) {
    let list = shell.run(&["integration", "list", "--format", "json"]).json();
    assert_eq!((list[0]["state"].as_str(), list[0]["reasons"][0].as_str()), (Some(expected), Some(reason)));
}

fn maintenance(shell: &Shell) {
    let arguments = ["integration", "maintenance", "desk"];
    let with = |more: &[&str]| shell.run(&[&arguments[..], more].concat());
    let set = with(&["--until", "2999-01-01T00:00:00+01:00", "--reason", "an update"]).done();
    assert!(set.contains("until 2998-12-31T23:00:00.000Z"), "{set}");
    stands(shell, "paused", "maintained until 2998-12-31T23:00:00.000Z: an update");
    let wrong = with(&["--until", "tomorrow", "--reason", "x"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("2026-12-01T22:00:00Z"), "{wrong:?}");
    let past = with(&["--until", "2020-01-01T00:00:00Z", "--reason", "x"]).failed();
    assert!(past.contains("ends before it begins"), "{past}");
    assert!(with(&["--none"]).done().contains("not maintained"));
}

fn leavers(shell: &Shell) {
    assert!(shell.run(&["leavers", "list"]).done().contains("nobody has to lose access"));
    let held = shell.run(&["leavers", "hold", "desk", "--reason", "HR system is moved"]).done();
    assert!(held.contains("leavers of desk are held"), "{held}");
    let again = shell.run(&["leavers", "hold", "desk", "--reason", "twice"]).done();
    assert!(again.contains("held already: HR system is moved"), "{again}");
    let shown = shell.run(&["integration", "show", "desk"]).done();
    assert!(shown.contains("leavers are held since") && shown.contains(": HR system is moved"), "{shown}");
    let released = shell.run(&["leavers", "release", "desk", "--reason", "done", "--format", "json"]).json();
    assert_eq!(released["jobs"], 0);
    let nobody = shell.run(&["leavers", "release", "desk", "--reason", "done"]).done();
    assert!(nobody.contains("are not held"), "{nobody}");
    let policy =
        shell.run(&["integration", "policy", "desk", "--leavers-most", "none", "--format", "json"]).json();
    assert_eq!(policy["policy"]["leavers"]["most"], serde_json::Value::Null);
}

fn notify(shell: &Shell) {
    let kinds = shell.run(&["notify", "kinds"]).done();
    assert!(kinds.contains("leavers.late"), "{kinds}");
    std::fs::write(shell.path("address.txt"), "http://127.0.0.1:9/canary-of-an-address\n").unwrap();
    let added = shell.run(&[
        "notify",
        "add",
        "--webhook",
        "@address.txt",
        "--on",
        "leavers.late",
        "--format",
        "json",
    ]);
    let added = added.json();
    let id = added["id"].as_str().unwrap();
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"), "{added}");
    let tried = shell.run(&["notify", "test", id]);
    assert_eq!((tried.code, tried.out.trim_end()), (Some(1), "http://127.0.0.1:9: it cannot be reached"));
    let listed = shell.run(&["notify", "list"]).done();
    assert!(
        listed.contains(id) && listed.contains("http://127.0.0.1:9") && !listed.contains("canary"),
        "{listed}"
    );
    let mail = shell.run(&["notify", "add", "--email", "oncall@company.example"]).failed();
    assert!(mail.contains("USHER_SMTP"), "{mail}");
    let open = shell
        .run(&["notify", "add", "--webhook", "https://hooks.example", "--secret", "in-the-open"])
        .failed();
    assert!(open.contains("@FILE"), "{open}");
    shell.run(&["notify", "remove", id]).done();
    assert!(shell.run(&["notify", "remove", id]).failed().contains("`usher notify list` shows who is"));
}

/// What the last sync found and nobody has dealt with.
fn unsettled(shell: &Shell, desk: &AcmeDesk) {
    assert!(shell.run(&["drift", "list"]).done().contains("nothing is known not to be as it is wanted"));
    assert!(shell.run(&["orphan", "list", "--integration", "desk"]).done().contains("no account of anybody"));
    let agent = desk.members().into_iter().find(|member| member.role == Role::Agent).unwrap();
    assert!(desk.set_role(&agent.email, Role::Viewer));
    shell.run(&["sync", "desk"]).done();
    let listed = shell.run(&["drift", "list"]).done();
    assert!(listed.contains(&agent.email) && listed.contains("change role to agent"), "{listed}");
    assert!(listed.contains("usher drift correct INTEGRATION --account NAME"), "{listed}");
    let wrong = shell.run(&["drift", "correct", "desk", "--account", "nobody"]).failed();
    assert!(wrong.contains("`nobody` is not listed; there is") && wrong.contains(&agent.email), "{wrong}");
    let which = shell.run(&["drift", "correct", "desk"]);
    assert!(which.code == Some(2) && which.err.contains("--all"), "{which:?}");
    let account = agent.email.to_uppercase();
    let decided = shell.run(&["drift", "correct", "desk", "--account", &account, "--format", "json"]).json();
    assert_eq!(decided[0]["account"], agent.email.as_str());
    let outcome = decided[0]["outcome"].as_str().unwrap();
    let job = outcome.split([' ', ';']).find(|word| word.starts_with("job_")).expect(outcome);
    assert!(shell.run(&["drift", "list"]).done().contains("nothing is known"));
    shell.run(&["job", "cancel", job, "--reason", "it was a try"]).done();
    assert!(desk.set_role(&agent.email, Role::Agent));
    let none = shell.run(&["orphan", "remove", "desk", "--all", "--reason", "none"]).done();
    assert!(none.contains("nothing is listed"), "{none}");
}
