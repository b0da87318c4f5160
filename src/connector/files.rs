//! The files of a connector as they lie in a folder, read within limits.
//!
//! How large a file is, and that it is one, is looked at before it is opened: a device, a pipe or ten megabytes cost
//! nothing. What a link leads to outside the connector is not read: a connector is reviewed by its folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span};
use crate::playbook::MAX_BYTES;

/// No connector has so many flows.
const MAX_FLOWS: usize = 500;
/// All files of a connector together are at most so long.
pub(super) const MAX_TOTAL: usize = 2 * 1024 * 1024;

/// The file that says what the app is.
pub(super) const MANIFEST: &str = "connector.yaml";

/// A file of a connector, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The path under the connector's folder.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Text {
    /// The name of the flow that it is; `None` for `connector.yaml`.
    pub(super) fn flow(&self) -> Option<&str> {
        self.path.strip_prefix("flows/")?.strip_suffix(".yaml")
    }
}

/// `connector.yaml` and the flows, sorted by path. What cannot be read is noted.
pub(super) fn read(dir: &Path, found: &mut Diagnostics) -> Vec<Text> {
    let mut reader = Reader { dir, real: fs::canonicalize(dir), texts: Vec::new(), total: 0 };
    reader.add(MANIFEST.to_owned(), found);
    match flow_files(&dir.join("flows"), found) {
        Ok(names) => names.into_iter().for_each(|name| reader.add(format!("flows/{name}.yaml"), found)),
        Err(error) => found.push(unreadable(&dir.join("flows"), &error)),
    }
    reader.texts
}

struct Reader<'a> {
    dir: &'a Path,
    /// The folder without links.
    real: io::Result<PathBuf>,
    texts: Vec<Text>,
    total: usize,
}

impl Reader<'_> {
    fn add(&mut self, path: String, found: &mut Diagnostics) {
        let file = self.dir.join(&path);
        match self.bytes(&file) {
            Ok(bytes) => {
                self.total += bytes.len();
                self.texts.push(Text { path, bytes });
            }
            Err(Refused::Io(error)) => found.push(unreadable(&file, &error)),
            Err(Refused::Told(code, message, help)) => {
                found.push(Diagnostic::error(code, &place(&file), message).help(help));
            }
        }
    }

    fn bytes(&self, file: &Path) -> Result<Vec<u8>, Refused> {
        let meta = fs::metadata(file)?;
        if !meta.is_file() {
            let message = if meta.is_dir() { "a folder where a file should be" } else { "this is no file" };
            return Err(Refused::Told(
                "not_a_file",
                message.to_owned(),
                "a connector is made of plain files",
            ));
        }
        let real = self.real.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        if !fs::canonicalize(file)?.starts_with(real) {
            let message = "a link that leads out of the connector".to_owned();
            return Err(Refused::Told("link_out", message, "copy the file into the connector's folder"));
        }
        let length = usize::try_from(meta.len()).unwrap_or(usize::MAX);
        if length > MAX_BYTES {
            let message = format!("the file has {length} bytes; at most {MAX_BYTES} are read");
            return Err(Refused::Told("too_large", message, "split it into several flows"));
        }
        if self.total + length > MAX_TOTAL {
            let message = format!("with this file the connector has more than {MAX_TOTAL} bytes");
            return Err(Refused::Told("too_large", message, "take away what is no flow"));
        }
        let mut bytes = Vec::with_capacity(length);
        // It may have grown since; one byte too many is refused for its length by who parses it.
        File::open(file)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Why a file was not read.
enum Refused {
    Io(io::Error),
    /// Code, message and cure.
    Told(&'static str, String, &'static str),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The names of the flows in a folder, sorted. Other files than flows are mistakes, hidden ones aside.
fn flow_files(folder: &Path, found: &mut Diagnostics) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let file = file.to_string_lossy();
        if file.starts_with('.') {
            continue;
        }
        match file.strip_suffix(".yaml").filter(|name| is_flow_name(name)) {
            Some(name) => names.insert(name.to_owned()),
            None => others.insert(file.into_owned()),
        };
        if names.len() + others.len() > MAX_FLOWS {
            return Err(io::Error::other(format!("more than {MAX_FLOWS} flows")));
        }
    }
    for file in others {
        let other =
            Diagnostic::error("file_name", &place(&folder.join(&file)), format!("`{file}` is no flow"));
        found
            .push(other.help("a flow's file is named by small letters, digits and `_`, and ends in `.yaml`"));
    }
    Ok(names)
}

fn is_flow_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn place(path: &Path) -> Span {
    Span::new(Source::new(path.display().to_string(), ""), 0, 0)
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::NotFound => missing(path),
        io::ErrorKind::NotADirectory => {
            Diagnostic::error("not_a_folder", &place(path), "a file where a folder should be")
                .help("a connector is a folder with connector.yaml and flows/*.yaml in it")
        }
        _ => Diagnostic::error("unreadable", &place(path), format!("cannot be read: {error}")),
    }
}

/// That there is no file or folder `path`.
pub(super) fn missing(path: &Path) -> Diagnostic {
    Diagnostic::error("missing_file", &place(path), "there is no such file or folder")
        .help("a connector is a folder with connector.yaml and flows/*.yaml in it")
}
