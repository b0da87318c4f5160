//! Saves the pictures of a job where a person can open them, wherever they are kept.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;

use crate::artifact::ArtifactName;
use crate::server::Installation;
use crate::store::AttemptDetail;

use super::Exit;

/// Saves each as `ATTEMPT-STEP.jpeg`, for the owner's eyes alone, and says on standard error what became of them. One that is not to be
/// had does not keep the others from being saved.
pub(super) async fn save(
    installation: &Installation,
    attempts: &[AttemptDetail],
    folder: &Path,
) -> anyhow::Result<Exit> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let (mut saved, mut missing) = (0, 0);
    for detail in attempts {
        for step in &detail.steps {
            let Some(kept) = detail.picture(step) else { continue };
            if let Some(why) = kept.missing() {
                missing += 1;
                eprintln!("the picture of step {} is missing: {why}", step.seq);
                continue;
            }
            let name: ArtifactName = kept.artifact.parse()?;
            let why = match installation.artifacts.get(&name).await {
                Ok(Some(bytes)) => {
                    let file = format!("{}-{:03}.{}", detail.attempt.number, step.seq, name.extension());
                    let path = folder.join(file);
                    write(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
                    saved += 1;
                    continue;
                }
                Ok(None) => format!("{} is not there", installation.artifacts.address(&name)),
                Err(error) => format!("{:#}", anyhow::Error::from(error)),
            };
            missing += 1;
            eprintln!("the picture of step {} is missing: {why}", step.seq);
        }
    }
    eprintln!("saved in {}: {saved}; missing: {missing}", folder.display());
    Ok(if missing == 0 { Exit::Done } else { Exit::Failed })
}

/// Writes a picture that only the owner may look at.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(bytes)
}
