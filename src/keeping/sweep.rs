//! Removes bytes that nothing needs.

use std::time::Duration;

use crate::artifact::Artifacts;
use crate::clock::Timestamp;
use crate::store::{Store, StoreError};

/// How many names are looked at together.
const PART: u32 = 100;
/// What is younger may be about to be noted.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// Removes bytes that no evidence names any more, `limit` at most; returns how many went, and how many could not be removed. Those are
/// tried again another time. Several may do it at once.
///
/// # Errors
/// The store cannot be used.
pub async fn remove_unneeded(
    store: &Store,
    artifacts: &Artifacts,
    limit: usize,
) -> Result<(usize, usize), StoreError> {
    let (mut removed, mut failed, mut after) = (0, 0, String::new());
    while removed + failed < limit {
        let names = store.unneeded_artifacts(&after, PART).await?;
        let Some(last) = names.last() else { break };
        after.clone_from(last);
        let mut gone = Vec::new();
        for name in names {
            // A name that is none has no bytes.
            let Ok(parsed) = name.parse() else {
                gone.push(name);
                continue;
            };
            if !store.is_unneeded(&name).await? {
                continue;
            }
            match artifacts.remove(&parsed).await {
                Ok(()) => gone.push(name),
                Err(error) => {
                    tracing::warn!(%error, "what is not needed any more could not be removed");
                    failed += 1;
                }
            }
        }
        removed += gone.len();
        for name in store.forget_artifacts(gone).await? {
            tracing::warn!(name, "removed while an attempt left the same again");
        }
    }
    Ok((removed, failed))
}

/// Looks at all that is stored for what nothing knows of: a crash left it before it was noted. Gives its names, or removes them too.
///
/// # Errors
/// The store or the place cannot be read, or something cannot be removed.
pub async fn orphans(
    store: &Store,
    artifacts: &Artifacts,
    now: Timestamp,
    is_to_go: bool,
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut found = Vec::new();
    for part in 0..=u8::MAX {
        let old = artifacts.stored(part, now.minus(YOUNG)).await?;
        let names: Vec<String> = old.iter().map(|name| name.as_str().to_owned()).collect();
        for chunk in names.chunks(1000) {
            let known = store.known_artifacts(chunk).await?;
            found.extend(chunk.iter().filter(|name| !known.contains(*name)).cloned());
        }
        if is_to_go {
            artifacts.remove_unfinished(part, now.minus(YOUNG)).await?;
        }
    }
    if is_to_go {
        for name in &found {
            artifacts.remove(&name.parse()?).await?;
        }
    }
    Ok(found)
}
