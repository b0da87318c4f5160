//! `usher pick`, without a window.

use super::run::with_desk;

#[test]
fn every_control_of_a_page_has_a_locator_that_means_it_alone() {
    with_desk(|stage| {
        let url = format!("{}/login", stage.desk.url());
        let said = stage.shell.run(&["pick", &url, "--list"]).done();
        let locators: Vec<&str> = said.lines().skip(1).map(|line| line.split("  ").next().unwrap()).collect();
        let expected =
            [r#"heading "Sign in""#, r#"field "Email""#, r#"field "Password""#, r#"button "Sign in""#];
        assert_eq!(locators, expected, "{said}");
    });
}

#[test]
fn behind_a_login_a_row_is_told_by_its_cell() {
    with_desk(|stage| {
        let base_url = format!("base_url={}", stage.desk.url());
        let access = ["--connector", "acme-desk", "--set", &base_url, "--set", "org_id=acme"];
        let credentials =
            ["--credential", "username=owner@acme.example", "--credential", "password=@password.txt"];
        let pick = |more: &[&str]| {
            let arguments = [&["pick", "/orgs/acme/members"][..], &access, &credentials, more].concat();
            stage.shell.run(&arguments)
        };
        let found = pick(&["--at", r#"table "Members" > button "Edit" nth 2"#]).done();
        let row = regex::Regex::new(r#"^row \(has cell "[^"]+@[^"]+"\) > button "Edit"\n$"#).unwrap();
        assert!(row.is_match(&found), "{found}");

        let listed = pick(&["--list", "--format", "json"]).json();
        let locators: Vec<&str> =
            listed.as_array().unwrap().iter().map(|one| one["locator"].as_str().unwrap()).collect();
        assert!(locators.contains(&r#"button "Invite member""#), "{locators:?}");
        let unsure: Vec<&&str> =
            locators.iter().filter(|text| text.contains("css ") || text.contains(" nth ")).collect();
        assert!(unsure.is_empty(), "{unsure:?}");
        let mut once = locators.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), locators.len(), "each means one element");
    });
}
