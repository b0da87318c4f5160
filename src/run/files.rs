//! Files of a connector: those inside its folder and no others, links included.

use std::path::{Path, PathBuf};

use crate::failure::FailureClass;
use crate::step::Failure;

/// The file of that path in `folder`.
///
/// # Errors
/// There is none, or it is not inside.
pub(super) fn inside(folder: &Path, path: &str) -> Result<PathBuf, Failure> {
    let missing = || Failure::new(FailureClass::Internal, format!("the connector has no file `{path}`"));
    let folder = folder.canonicalize().map_err(|_| missing())?;
    let file = folder.join(path).canonicalize().map_err(|_| missing())?;
    if !file.starts_with(&folder) {
        let message = format!("`{path}` is not in the connector's folder");
        return Err(Failure::new(FailureClass::Internal, message));
    }
    if file.is_file() { Ok(file) } else { Err(missing()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_inside_the_folder_are_given_out() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("connector");
        std::fs::create_dir_all(folder.join("files")).unwrap();
        std::fs::write(folder.join("files/a.txt"), "a").unwrap();
        std::fs::write(root.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), folder.join("link")).unwrap();
        for (path, expected) in [
            ("files/a.txt", Ok("a.txt")),
            ("files", Err("the connector has no file `files`")),
            ("files/b.txt", Err("the connector has no file `files/b.txt`")),
            ("../secret", Err("`../secret` is not in the connector's folder")),
            ("link", Err("`link` is not in the connector's folder")),
        ] {
            let found = inside(&folder, path);
            let name = found.as_ref().map(|path| path.file_name().unwrap().to_str().unwrap());
            assert_eq!(name.map_err(|failure| failure.message.as_str()), expected, "{path}");
        }
    }
}
