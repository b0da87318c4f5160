//! What README tells people to type is a call that the program takes.

use regex::Regex;

use super::*;

/// The commands in README's code blocks: continued lines joined, comments taken off.
pub(super) fn commands(readme: &str) -> Vec<String> {
    let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let joined: String = blocks.collect::<String>().replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned());
    lines.filter(|line| line.starts_with("usher ")).collect()
}

#[test]
fn every_command_of_the_readme_is_one() {
    let shell = Shell::new();
    // A data directory that cannot be one: what gets so far was a call that could be read.
    std::fs::write(shell.path("file"), "x").unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let commands = commands(&readme);
    assert!(commands.len() >= 8, "{commands:?}");
    let word = Regex::new(r#""[^"]*"|\S+"#).unwrap();
    for command in commands {
        std::fs::write(shell.path("password.txt"), "acme-password").unwrap();
        let words = word.find_iter(&command).map(|word| word.as_str().trim_matches('"'));
        let mut arguments: Vec<&str> = words.skip(1).collect();
        let is_check = arguments[0] == "check";
        arguments.extend(["--data", "file"]);
        let mut call = shell.command(&arguments);
        // What needs an address has one from the environment there.
        let nowhere = "postgres://usher@127.0.0.1:1/usher";
        match arguments[..2] {
            ["worker", _] => drop(call.env("USHER_DATABASE", nowhere)),
            ["db", "copy"] => drop(call.env("USHER_TO", nowhere)),
            _ => {}
        }
        let ran = Ran::from(call.output().unwrap());
        assert_eq!(ran.code, Some(if is_check { 0 } else { 1 }), "{command}: {ran:?}");
        let is_offline = arguments[..2] == ["evidence", "verify"];
        let so_far = if is_offline { "cannot use ada.tar.gz" } else { "data directory file" };
        assert!(is_check || ran.err.contains(so_far), "{command}: {ran:?}");
    }
    let inline = Regex::new("`(?:target/debug/)?usher ([a-z][^`]*)`").unwrap();
    for found in inline.captures_iter(&readme) {
        let mut arguments: Vec<&str> = found[1].split_whitespace().collect();
        arguments.push("--help");
        let ran = shell.run(&arguments);
        assert_eq!(ran.code, Some(0), "`usher {}`: {ran:?}", &found[1]);
    }
    for file in Regex::new(r"\]\(([a-zA-Z][^):]*)\)").unwrap().captures_iter(&readme) {
        assert!(root().join(&file[1]).exists(), "README links to {}", &file[1]);
    }
}
