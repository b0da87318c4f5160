//! A recording without what no replay needs.

use serde_json::{Value, json};

use super::{BODIES, Files, MANIFEST, NETWORK, RecordingError};

/// What a page asks for and shows, and no flow looks at.
const FOR_THE_EYE: [&str; 3] = ["image", "font", "media"];

/// Takes out the bodies of pictures, fonts and films, which are answered empty then, everything of the exchanges that only people read
/// (headers that were sent, times), and files that belong to no recording.
///
/// # Errors
/// `network.har` is missing or cannot be understood.
pub fn slim(files: &Files) -> Result<Files, RecordingError> {
    let text = files.get(NETWORK).ok_or(RecordingError::Missing(NETWORK))?;
    let unreadable = |source| RecordingError::Unreadable { file: NETWORK, source };
    let mut har: Value = serde_json::from_slice(text).map_err(unreadable)?;
    let mut bodies = std::collections::BTreeSet::new();
    for entry in har["log"]["entries"].as_array_mut().into_iter().flatten() {
        if FOR_THE_EYE.iter().any(|kind| entry["_resourceType"] == *kind) {
            entry["response"]["content"] =
                json!({ "size": 0, "mimeType": entry["response"]["content"]["mimeType"] });
        }
        for unread in ["headers", "queryString", "cookies"] {
            entry["request"][unread] = json!([]);
        }
        entry["timings"] = json!({ "send": 0, "wait": 0, "receive": 0 });
        entry["time"] = json!(0);
        bodies.extend(entry["response"]["content"]["_file"].as_str().map(str::to_owned));
    }
    let is_needed = |path: &str| match path {
        MANIFEST => true,
        path if path.starts_with(BODIES) => bodies.contains(path),
        path => path.starts_with(super::CONNECTOR),
    };
    let mut slim: Files = files
        .iter()
        .filter(|(path, _)| is_needed(path))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect();
    slim.insert(NETWORK.to_owned(), har.to_string().into_bytes());
    Ok(slim)
}
