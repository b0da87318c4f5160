//! Several recordings in one place: `NAME/recording.json` and `NAME/network.har` of each. `bodies/` and `connector/` lie beside them, once for
//! all; a recording whose connector is another has a `connector/` of its own.

use std::collections::BTreeMap;

use super::{BODIES, CONNECTOR, Files, MANIFEST};

/// The names of the recordings in a place, in their order; the empty name where the place is one itself.
pub fn names(files: &Files) -> Vec<String> {
    if files.contains_key(MANIFEST) {
        return vec![String::new()];
    }
    let name = |path: &String| path.strip_suffix(MANIFEST)?.strip_suffix('/').map(str::to_owned);
    files.keys().filter_map(name).filter(|name| !name.contains('/')).collect()
}

/// The recording of that name, by itself.
pub fn one(files: &Files, name: &str) -> Files {
    let within = format!("{name}/");
    let mut own: Files = files
        .iter()
        .filter_map(|(path, bytes)| Some((path.strip_prefix(&within)?.to_owned(), bytes.clone())))
        .collect();
    if name.is_empty() {
        return files.clone();
    }
    let has_connector = own.keys().any(|path| path.starts_with(CONNECTOR));
    let is_shared = |path: &str| path.starts_with(BODIES) || path.starts_with(CONNECTOR) && !has_connector;
    let shared = files.iter().filter(|(path, _)| is_shared(path));
    own.extend(shared.map(|(path, bytes)| (path.clone(), bytes.clone())));
    own
}

/// These recordings in one place.
pub fn together(recordings: BTreeMap<String, Files>) -> Files {
    let connector = |files: &Files| -> Files {
        let of_connector = files.iter().filter(|(path, _)| path.starts_with(CONNECTOR));
        of_connector.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    };
    let mut times: BTreeMap<Files, usize> = BTreeMap::new();
    for files in recordings.values() {
        *times.entry(connector(files)).or_default() += 1;
    }
    let most = times.into_iter().max_by_key(|(_, times)| *times);
    let mut all = most.map(|(connector, _)| connector).unwrap_or_default();
    let shared = all.clone();
    for (name, files) in recordings {
        let is_shared = connector(&files) == shared;
        for (path, bytes) in files {
            if path.starts_with(BODIES) {
                all.insert(path, bytes);
            } else if !(path.starts_with(CONNECTOR) && is_shared) {
                all.insert(format!("{name}/{path}"), bytes);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_lie_together_and_come_apart_as_they_were() {
        let recording = |connector: &str, body: &str| -> Files {
            let files = [
                (MANIFEST, "m"),
                ("network.har", "n"),
                (body, body),
                ("bodies/same", "same"),
                ("connector/connector.yaml", connector),
            ];
            files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect()
        };
        let all = BTreeMap::from([
            ("drift".to_owned(), recording("changed", "bodies/a")),
            ("invite".to_owned(), recording("whole", "bodies/b")),
            ("remove".to_owned(), recording("whole", "bodies/c")),
        ]);
        let files = together(all.clone());
        assert_eq!(files.len(), 4 + 2 + 3 * 2, "{:?}", files.keys());
        assert_eq!(names(&files), ["drift", "invite", "remove"]);
        for (name, before) in all {
            let now = one(&files, &name);
            assert!(before.iter().all(|(path, bytes)| now.get(path) == Some(bytes)), "{name}");
            assert_eq!(names(&now), [""]);
        }
    }
}
