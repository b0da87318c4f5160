//! All connectors of an installation: the folders in one folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{Connector, load};
use crate::diagnostic::Diagnostic;

/// The connectors of one folder, each with its mistakes. A broken one does not keep the others from being used.
#[derive(Debug, Default)]
pub struct Library {
    connectors: BTreeMap<String, Entry>,
}

/// A connector as its folder was found.
#[derive(Debug)]
pub struct Entry {
    /// The connector, where no error is in it.
    pub connector: Option<Arc<Connector>>,
    /// Every mistake in its files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Library {
    /// Loads every folder in `folder` that has a `connector.yaml`. A folder is known by its own name.
    ///
    /// # Errors
    /// `folder` cannot be read.
    pub fn load(folder: &Path) -> std::io::Result<Self> {
        let mut connectors = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if path.join("connector.yaml").is_file() {
                let loaded = load(&path);
                let connector = loaded.connector.map(Arc::new);
                connectors.insert(name.to_owned(), Entry { connector, diagnostics: loaded.diagnostics });
            }
        }
        Ok(Self { connectors })
    }

    /// The connector of that name, broken or not.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.connectors.get(name)
    }

    /// The names of all, broken or not.
    pub fn names(&self) -> Vec<&str> {
        self.connectors.keys().map(String::as_str).collect()
    }

    /// All of them by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.connectors.iter().map(|(name, entry)| (name.as_str(), entry))
    }
}
