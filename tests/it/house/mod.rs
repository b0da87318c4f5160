//! Holds the code to the tables of `src/ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The rows of the table whose first heading is `heading`, cell by cell, without back-ticks.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("src/ARCHITECTURE.md")).unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    text.lines()
        .skip_while(|line| !line.starts_with(&format!("| {heading} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

fn layers() -> BTreeMap<String, u32> {
    table("layer").into_iter().map(|row| (row[1].clone(), row[0].parse().unwrap())).collect()
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn relative(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap().display().to_string()
}

/// The module of a file of `src`: its folder or its name.
fn module_of(path: &Path) -> String {
    let path = path.strip_prefix(Path::new(ROOT).join("src")).unwrap();
    path.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The lines of a file with their numbers, without comments.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

#[test]
fn every_module_is_in_the_table_and_every_row_is_a_module() {
    let listed: BTreeSet<String> = layers().into_keys().collect();
    let found: BTreeSet<String> = rust_files("src")
        .iter()
        .map(|path| module_of(path))
        .filter(|module| module != "lib" && module != "main")
        .collect();
    assert_eq!(found, listed);
}

#[test]
fn a_module_imports_only_from_lower_layers() {
    let layers = layers();
    let import = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"\bcrate::\{").unwrap();
    let mut wrong = Vec::new();
    for path in rust_files("src") {
        let module = module_of(&path);
        let Some(&own) = layers.get(&module) else { continue };
        for (number, line) in code_lines(&path) {
            if group.is_match(&line) {
                wrong.push(format!(
                    "{}:{number}: name each module of the crate on its own line",
                    relative(&path)
                ));
            }
            for found in import.captures_iter(&line) {
                let other = &found[1];
                if other != module && layers.get(other).is_none_or(|&layer| layer >= own) {
                    wrong.push(format!(
                        "{}:{number}: `{module}` (layer {own}) imports `{other}`",
                        relative(&path)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn foreign_crates_stay_within_their_borders() {
    let mut wrong = Vec::new();
    for row in table("crate") {
        let (name, allowed): (&str, Vec<&str>) = (&row[0], row[1].split(',').map(str::trim).collect());
        let used = Regex::new(&format!(r"\b{name}::|\buse {name}\b|derive\({name}|#\[{name}")).unwrap();
        for path in rust_files("src") {
            let module = module_of(&path);
            if allowed.contains(&module.as_str()) || module == "main" && name == "anyhow" {
                continue;
            }
            for (number, line) in code_lines(&path).into_iter().filter(|(_, line)| used.is_match(line)) {
                wrong.push(format!("{}:{number}: `{name}` belongs in {allowed:?}: {line}", relative(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_small() {
    let sizes: Vec<(usize, PathBuf)> = ["src", "tests"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|path| (std::fs::read_to_string(&path).unwrap().lines().count(), path))
        .collect();
    let over = |limit: usize| sizes.iter().filter(move |(lines, _)| *lines > limit);
    let too_long: Vec<String> =
        over(500).map(|(lines, path)| format!("{} has {lines}", relative(path))).collect();
    assert!(too_long.is_empty(), "over 500 lines: {too_long:?}");
    let long: Vec<String> =
        over(300).map(|(lines, path)| format!("{} has {lines}", relative(path))).collect();
    assert!(long.len() * 10 <= sizes.len(), "more than one in ten has over 300 lines: {long:#?}");
}

/// Folders in which each file is one thing of a kind and must be registered in `mod.rs`.
const REGISTRIES: &[&str] = &["src/step/kind", "src/cli"];

#[test]
fn every_file_of_a_registry_is_registered_in_order() {
    for folder in REGISTRIES {
        let registry = std::fs::read_to_string(Path::new(ROOT).join(folder).join("mod.rs")).unwrap();
        let declared: Vec<&str> = registry
            .lines()
            .filter_map(|line| {
                line.trim().strip_prefix("mod ").or_else(|| line.trim().strip_prefix("pub mod "))
            })
            .map(|rest| rest.trim_end_matches(';'))
            .filter(|name| !name.contains(' '))
            .collect();
        let mut sorted = declared.clone();
        sorted.sort_unstable_by_key(|name| name.trim_start_matches("r#"));
        assert_eq!(declared, sorted, "{folder}/mod.rs lists its files in order");
        for path in rust_files(folder) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let own_folder = path.parent().unwrap() == Path::new(ROOT).join(folder);
            if own_folder && name != "mod" {
                let listed = declared.iter().any(|declared| {
                    declared.trim_start_matches("r#").trim_end_matches('_') == name.trim_end_matches('_')
                });
                assert!(listed, "{} is not declared in its mod.rs", relative(&path));
            }
        }
    }
}

#[test]
fn nothing_names_this_machine_or_waits_a_fixed_time() {
    let forbidden = [
        ("tests", Regex::new(r"thread::sleep|time::sleep\(").unwrap(), "waits a fixed time"),
        ("src", Regex::new("/(root|home|work|tmp)/[a-z]").unwrap(), "names a path of a machine"),
        ("tests", Regex::new("\"/(root|home|work)/[a-z]").unwrap(), "names a path of a machine"),
        ("src", Regex::new(r"#\[allow\(dead_code|\btodo!\(|unimplemented!\(").unwrap(), "is unfinished"),
    ];
    let mut wrong = Vec::new();
    for (folder, pattern, what) in &forbidden {
        for path in rust_files(folder).iter().filter(|path| !path.ends_with("house/mod.rs")) {
            for (number, line) in code_lines(path).into_iter().filter(|(_, line)| pattern.is_match(line)) {
                wrong.push(format!("{}:{number}: {what}: {line}", relative(path)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
