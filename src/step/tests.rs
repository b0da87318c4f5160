use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Source};
use crate::playbook::{Scope, ScopeValue, read};

fn vocabulary(flows: &[&str]) -> Vocabulary {
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    Vocabulary {
        settings: set(&["base_url", "org_id"]),
        attributes: set(&["id", "email", "name"]),
        match_by: vec!["email".into()],
        one_valued: set(&["role"]),
        many_valued: set(&["team"]),
        values: [("role".to_owned(), vec![("owner".to_owned(), "Owner".to_owned())])].into(),
        credentials: set(&["username", "password"]),
        flows: set(flows),
    }
}

fn compile(files: &[(&str, &str)]) -> (BTreeMap<String, Flow>, Vec<Diagnostic>) {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).chain(["open_member"]).collect();
    let vocabulary = vocabulary(&names);
    let mut found = Diagnostics::default();
    let mut flows = BTreeMap::new();
    for (name, text) in files {
        let node = read(Source::new(format!("{name}.yaml"), *text)).unwrap();
        let flow = compile_flow(name, &node, &vocabulary, &mut found);
        flows.extend(flow.map(|flow| ((*name).to_owned(), flow)));
    }
    check_flows(&flows, &vocabulary, &mut found);
    (flows, found.into_sorted())
}

/// `code line "text under the caret" label`, one each.
fn mistakes(files: &[(&str, &str)]) -> Vec<String> {
    let told = compile(files).1.into_iter().filter(|found| found.severity == Severity::Error).map(|found| {
        let text = found.span.text().lines().next().unwrap_or_default().trim_end().to_owned();
        let label = found.label.map(|label| format!(" ({label})")).unwrap_or_default();
        format!("{} {} `{text}`{label}", found.code, found.span.line())
    });
    told.collect()
}

fn flow_of(steps: &str) -> String {
    let indented: Vec<String> = steps.lines().map(|line| format!("  {line}")).collect();
    format!("steps:\n{}\n", indented.join("\n"))
}

#[test]
fn every_kind_compiles_its_example_and_says_what_it_is() {
    for kind in KINDS {
        let sub_flow = flow_of("- click: button \"{{ tab }}\"");
        // `absent` is for `read_account`, what is read in it must be an attribute.
        let name = if kind.keyword == "collect" { "list_accounts" } else { "read_account" };
        // Only what was waited for can be absent.
        let before = if kind.keyword == "absent" { "- expect: text \"No users\"\n" } else { "" };
        let text = flow_of(&format!("{before}{}", kind.example));
        let found = mistakes(&[(name, &text), ("open_member", &sub_flow)]);
        assert_eq!(found, Vec::<String>::new(), "{}", kind.keyword);
        let schema: serde_json::Value = serde_json::from_str(kind.schema).unwrap();
        assert!(schema.is_object() && !kind.summary.is_empty(), "{}", kind.keyword);
    }
    let keywords: Vec<&str> = KINDS.iter().map(|kind| kind.keyword).collect();
    let mut sorted = keywords.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(keywords, sorted, "KINDS is sorted by keyword and has each once");
}

/// Registering a kind is two lines; forgetting one of them is found here.
#[test]
fn every_file_of_a_kind_is_registered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/step/kind");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "mod")
        .collect();
    files.sort();
    let keywords: Vec<&str> = KINDS.iter().map(|kind| kind.keyword).collect();
    assert_eq!(files, keywords);
}

#[test]
fn mistakes_in_a_step_are_told_with_place_and_cure() {
    let in_list = |steps: &str, expected: &[&str]| {
        assert_eq!(mistakes(&[("list_accounts", &flow_of(steps))]), expected, "{steps}");
    };
    in_list("- clik: button \"Save\"", &["unknown_step 2 `clik` (did you mean `click`?)"]);
    in_list(
        "- clik: a\n- gotto: b",
        &["unknown_step 2 `clik` (did you mean `click`?)", "unknown_step 3 `gotto` (did you mean `goto`?)"],
    );
    in_list("- click", &["wrong_type 2 `click`"]);
    in_list("- click: button \"a\"\n  goto: /", &["two_keywords 3 `goto` (begin a new step: `- …`)"]);
    in_list("- name: Nothing", &["no_keyword 2 `name: Nothing`"]);
    in_list(
        "- click: button \"a\"\n  timout: 3s",
        &["unknown_modifier 3 `timout` (did you mean `timeout`?)"],
    );
    in_list(
        "- click: button \"a\"\n  do: []",
        &[
            "unknown_modifier 3 `do` (expected `name`, `when`, `timeout`, `commit`, `optional` or `screenshot`)",
        ],
    );
    in_list("- click: button \"a\"\n  timeout: 20", &["wrong_type 3 `20`"]);
    in_list("- click: button \"a\"\n  timeout: 11m", &["wrong_type 3 `11m`"]);
    in_list("- click: button \"a\"\n  screenshot: never", &["wrong_type 3 `never`"]);
    in_list("- goto: /\n  commit: true", &["commit_in_reading 2 `goto`", "cannot_commit 3 `true`"]);
    in_list("- click: button \"a\"\n  commit: true", &["commit_in_reading 2 `click`"]);
    in_list("- within: dialog \"a\"", &["missing_key 2 `within`"]);
    in_list("- fill: { into: field \"a\" }", &["missing_key 2 `{ into: field \"a\" }`"]);
    in_list(
        "- fill: { in: field \"a\", with: b }",
        &["missing_key 2 `{ in: field \"a\", with: b }`", "unknown_key 2 `in` (expected `into` or `with`)"],
    );
    in_list("- expect: { url: '/a(/' }", &["regex 2 `'/a(/'` (unclosed group)"]);
    in_list("- expect: { field: field \"a\" }", &["expect 2 `{ field: field \"a\" }`"]);
    in_list("- press: Entr", &["unknown_key_name 2 `Entr` (did you mean `Enter`?)"]);
    in_list(
        "- fail: { class: ui_drfit, message: x }",
        &["unknown_class 2 `ui_drfit` (did you mean `ui_drift`?)"],
    );
    in_list("- run: open_membr", &["unknown_flow 2 `open_membr` (did you mean `open_member`?)"]);
    in_list("- repeat: { until: text \"a\", do: [press: Enter] }", &["unbounded_loop 2 `repeat`"]);
    in_list("- collect: { rows: row, as: { email: column \"Email\" } }", &["no_proof 2 `collect`"]);
    in_list("- collect: { rows: row, as: { email: column \"Email\" }, next: none }", &[]);
    in_list(
        "- collect: { rows: row, as: { email: { names: link, default: a } }, next: none }",
        &["contradiction 2 `a`"],
    );
    in_list(
        "- collect: { rows: row, as: { emial: column \"Email\" }, next: link \"Next\" }",
        &["unknown_attribute 2 `emial` (did you mean `email`?)"],
    );
    in_list("- click: css \"tr:nth-child(3)\"", &["by_position 2 `css \"tr:nth-child(3)\"`"]);
    in_list("- click: xpath \"//tr[3]/td\"", &["by_position 2 `xpath \"//tr[3]/td\"`"]);
    in_list("- click: xpath \"//tr[@id='a']\"", &[]);
    in_list("- one_of:\n    - when: text \"a\"", &["one_branch 3 `- when: text \"a\"`"]);
    in_list("- form: { Name: }", &["no_value 2 `Name`"]);
    in_list("- set: { Name: a }", &["bad_name 2 `Name`"]);
    in_list("- set: { account: a }", &["reserved_name 2 `account`"]);
    in_list(
        "- read: { x: { read: text \"a\", map: { A: \"{{ account.id }}\" } } }",
        &["template_here 2 `\"{{ account.id }}\"`"],
    );
    in_list("- absent: true", &["absent_elsewhere 2 `absent`"]);
    in_list("- click: button \"a\"\n  when: true", &["constant 3 `true`"]);
}

#[test]
fn names_that_nothing_gives_a_value_to_are_mistakes() {
    let check = |flow: &str, steps: &str, expected: &[&str]| {
        assert_eq!(mistakes(&[(flow, &flow_of(steps))]), expected, "{flow}: {steps}");
    };
    check(
        "list_accounts",
        "- goto: /{{ settings.org }}",
        &["undeclared 2 `org` (expected `base_url` or `org_id`)"],
    );
    check("read_account", "- goto: /{{ account.emial }}", &["undeclared 2 `emial` (did you mean `email`?)"]);
    check(
        "read_account",
        "- goto: /{{ acount.email }}",
        &["undeclared 2 `acount` (did you mean `account`?)"],
    );
    check(
        "read_account",
        "- goto: /{{ role.label }}",
        &["undeclared 2 `role` (expected `account` or `settings`)"],
    );
    check(
        "read_account",
        "- goto: /{{ wanted.name }}",
        &["undeclared 2 `wanted` (expected `account` or `settings`)"],
    );
    check(
        "login",
        "- form: { P: \"{{ credentials.pasword }}\" }",
        &["undeclared 2 `pasword` (did you mean `password`?)"],
    );
    check(
        "read_account",
        "- form: { P: \"{{ credentials.password }}\" }",
        &["secret_outside_login 2 `credentials.password`"],
    );
    check(
        "read_account",
        "- goto: /\n  when: status == 'active'",
        &["undeclared 3 `status` (expected `account` or `settings`)"],
    );
    check("read_account", "- read: { status: text \"a\" }\n- goto: /{{ status }}", &[]);
    check(
        "read_account",
        "- goto: /{{ status }}\n- read: { status: text \"a\" }",
        &["undeclared 2 `status` (a step further down sets it)"],
    );
    check(
        "read_account",
        "- each: { in: [a], as: item, do: [click: 'text \"{{ item }}\"'] }\n- goto: /{{ item }}",
        &["undeclared 3 `item` (expected `account` or `settings`)"],
    );
}

#[test]
fn sub_flows_take_what_they_are_given_and_give_what_they_read() {
    let found =
        |main: &str, sub: &str| mistakes(&[("read_account", &flow_of(main)), ("open_member", &flow_of(sub))]);
    let opens = "- goto: /{{ tab }}\n- read: { member: text \"a\" }";
    assert_eq!(
        found("- run: open_member\n  with: { tab: a }\n- goto: /{{ member }}", opens),
        Vec::<String>::new()
    );
    assert_eq!(found("- run: open_member", opens), ["missing_value 2 `open_member`"]);
    assert_eq!(
        found("- run: open_member\n  with: { tba: a, tab: b }", opens),
        ["unused_value 3 `tba` (did you mean `tab`?)"]
    );
    assert_eq!(
        found("- run: open_member", "- run: read_account"),
        ["ring 2 `read_account`", "ring 2 `open_member`"]
    );
    let password = "- fill: { into: field \"Password\", with: \"{{ random_password }}\" }";
    assert_eq!(
        found("- run: open_member", password),
        ["missing_value 2 `open_member`"],
        "nothing is changed"
    );
    let role = "- click: text \"{{ role.label }}\"";
    assert_eq!(found("- run: open_member", role), ["missing_value 2 `open_member`"]);
    let change =
        "- expect: text \"{{ account.email }}\"\n- run: open_member\n- click: button \"a\"\n  commit: true";
    assert_eq!(
        mistakes(&[("change_role", &flow_of(change)), ("open_member", &flow_of(role))]),
        Vec::<String>::new()
    );
}

#[test]
fn every_path_of_a_change_has_one_commit_step_and_shows_the_account_before() {
    let commit = "- click: button \"Save\"\n  commit: true";
    let seen = "- expect: text \"{{ account.email }}\"";
    let check = |flow: &str, steps: &str, expected: &[&str]| {
        let found: Vec<String> =
            compile(&[(flow, &flow_of(steps))]).1.into_iter().map(|found| found.code.to_owned()).collect();
        assert_eq!(found, expected, "{flow}:\n{steps}");
    };
    check("remove", &format!("{seen}\n{commit}"), &[]);
    check("remove", commit, &["no_identity_check"]);
    check("remove", seen, &["no_commit"]);
    check("remove", &format!("{seen}\n{commit}\n{commit}"), &["two_commits"]);
    check("remove", &format!("{seen}\n{commit}\n  when: account.status == 'active'"), &["no_commit"]);
    check(
        "remove",
        "- within: row (has cell \"{{ account.email }}\")\n  do:\n    - click: button \"Go\"\n      commit: true",
        &[],
    );
    check("remove", "- click: row (has cell \"{{ account.id }}\") > button \"Go\"\n  commit: true", &[]);
    check(
        "remove",
        &format!("- expect:\n    gone: text \"{{{{ account.email }}}}\"\n{commit}"),
        &["no_identity_check"],
    );
    // What is typed shows the account only where it is being made.
    let typed = "- form: { Email: \"{{ account.email }}\" }";
    check("invite", &format!("{typed}\n{commit}"), &[]);
    check("remove", &format!("{typed}\n{commit}"), &["no_identity_check"]);
    // A branch without one; a branch that ends in a failure needs none.
    let branch = |end: &str| {
        format!(
            "{seen}\n- one_of:\n    - when: button \"a\"\n      do:\n        - click: button \"a\"\n          commit: true\n    - when: text \"b\"\n{end}"
        )
    };
    check("remove", &branch(""), &["no_commit"]);
    check("remove", &branch("      fail: { class: unsupported, message: no }"), &[]);
    let looped = format!(
        "{seen}\n- repeat:\n    until: text \"a\"\n    at_most: 3\n    do:\n      - click: button \"a\"\n        commit: true"
    );
    check("remove", &looped, &["no_commit", "two_commits"]);
    check(
        "remove",
        &format!("{seen}\n- click: button \"a\"\n  commit: true\n  optional: true"),
        &["no_commit", "optional_commit"],
    );
    let whole = format!("{seen}\n- run: open_member");
    let found = compile(&[("remove", &flow_of(&whole)), ("open_member", &flow_of(commit))]).1;
    assert!(found.is_empty(), "{found:?}");
    check("change_rol", seen, &["unused_flow"]);
}

#[test]
fn steps_say_what_they_do() {
    let mut scope = Scope::with("settings", ScopeValue::Map([("org_id".to_owned(), "acme".into())].into()));
    let account = [("email".to_owned(), "ada@acme.example".into()), ("name".to_owned(), "Ada".into())];
    scope.set("account", ScopeValue::Map(account.into()));
    let secret = crate::secret::SecretString::from("hunter2-hunter2");
    scope.set("credentials", ScopeValue::Map([("password".to_owned(), secret.into())].into()));
    let within = [crate::locator::Locator::one(
        crate::locator::Kind::Role("dialog".into()),
        crate::locator::Name::Exact("Edit".to_owned()),
    )];
    let teller = Teller { scope: &scope, within: &within };
    for (step, doing, done) in [
        (
            "- click: button \"Save\"",
            "click button “Save” in dialog “Edit”",
            "clicked button “Save” in dialog “Edit”",
        ),
        ("- goto: /orgs/{{ settings.org_id }}", "open “/orgs/acme”", "opened “/orgs/acme”"),
        (
            "- form: { Name: \"{{ account.name }}\", Active: true }",
            "set field “Name” to “Ada”, field “Active” to “true” in dialog “Edit”",
            "set field “Name” to “Ada”, field “Active” to “true” in dialog “Edit”",
        ),
        (
            "- fill: { into: field \"Password\", with: \"x{{ credentials.password }}\" }",
            "type •••••• into field “Password” in dialog “Edit”",
            "typed •••••• into field “Password” in dialog “Edit”",
        ),
        (
            "- check: text \"{{ credentials.password }}\"",
            "check text “••••••” in dialog “Edit”",
            "checked text “••••••” in dialog “Edit”",
        ),
        (
            "- select: { in: field \"Role\", option: Agent }",
            "select “Agent” in field “Role” in dialog “Edit”",
            "selected “Agent” in field “Role” in dialog “Edit”",
        ),
        (
            "- press: { key: Enter, on: searchbox }",
            "press Enter on searchbox in dialog “Edit”",
            "pressed Enter on searchbox in dialog “Edit”",
        ),
        (
            "- expect: { gone: text \"a\" }",
            "expect no text “a” in dialog “Edit”",
            "saw no text “a” in dialog “Edit”",
        ),
        (
            "- expect: { url: '/members/' }",
            "expect an address like /members/",
            "saw an address like /members/",
        ),
        ("- set: { x: \"{{ account.name }}\" }", "set x to “Ada”", "set x to “Ada”"),
        ("- absent: true", "say that there is no such account", "there is no such account"),
    ] {
        let (flows, _) = compile(&[("login", &flow_of(step))]);
        let phrase = flows["login"].steps[0].effect.phrase(&teller);
        assert_eq!((phrase.doing.as_str(), phrase.done.as_str()), (doing, done), "{step}");
    }
}
