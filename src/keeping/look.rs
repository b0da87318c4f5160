//! Looks whether what an attempt left shows somebody.

use std::collections::BTreeSet;

use super::who::Who;
use crate::artifact::{ArtifactError, ArtifactName, Artifacts};
use crate::store::{EvidenceRow, LeftBehind, PAGES, PICTURES, RECORDING};
use crate::trace::StepRecord;

/// What no text stands in.
const BLIND: [&str; 8] = ["gif", "ico", "jpeg", "jpg", "png", "webp", "woff", "woff2"];
/// What stands before the reason in the place of words that are erased.
pub(super) const ERASED: &str = "erased for: ";
/// Steps that read people from lists.
const LISTING: [&str; 2] = ["collect", "each"];

/// Looks into these.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Where the bytes are.
    pub artifacts: &'a Artifacts,
}

/// What of an attempt shows somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The paths of evidence.
    pub paths: Vec<String>,
    /// The numbers of steps.
    pub steps: Vec<u32>,
    /// Whether the words of its end do.
    pub message: bool,
}

impl Shown {
    /// Whether nothing does.
    pub fn is_nothing(&self) -> bool {
        self.paths.is_empty() && self.steps.is_empty() && !self.message
    }
}

impl Look<'_> {
    /// What of an attempt shows them: all of it, where it is their own. A picture shows what its page shows; where it has none, all that the
    /// attempt came upon. A recording is one thing.
    ///
    /// # Errors
    /// Bytes cannot be read; those that are not there are no error.
    pub async fn at(self, left: &LeftBehind, who: &Who) -> Result<Shown, ArtifactError> {
        let is_own = left.user_id.as_ref().is_some_and(|id| who.ids.contains(id));
        let kept = || left.evidence.iter().filter(|row| row.gone.is_none());
        if is_own {
            return Ok(Shown {
                paths: kept().map(|row| row.path.clone()).collect(),
                steps: left.steps.iter().map(|step| step.seq).collect(),
                message: left.message.as_ref().is_some_and(|said| !said.starts_with(ERASED)),
            });
        }
        let steps: Vec<u32> =
            left.steps.iter().filter(|step| shows(step, who)).map(|step| step.seq).collect();
        let message = left.message.as_ref().is_some_and(|message| who.is_in(message.as_bytes()));
        let (mut paths, mut clear, mut is_recorded) = (BTreeSet::new(), BTreeSet::new(), false);
        for row in kept().filter(|row| !row.path.starts_with(PICTURES)) {
            let is_shown = self.is_shown(row, who).await?;
            if row.path.starts_with(RECORDING) {
                is_recorded |= is_shown == Some(true);
            } else if is_shown == Some(true) {
                paths.insert(row.path.clone());
            } else if is_shown == Some(false) {
                clear.insert(row.path.clone());
            }
        }
        let lists = || left.steps.iter().any(|step| LISTING.contains(&step.keyword.as_str()));
        let may_show = is_recorded || message || !steps.is_empty() || !paths.is_empty() || lists();
        for row in kept() {
            let goes = match row.path.strip_prefix(PICTURES) {
                Some(picture) => {
                    let page = format!("{PAGES}{}", picture.replace(".jpeg", ".html"));
                    paths.contains(&page) || (may_show && !clear.contains(&page))
                }
                None => is_recorded && row.path.starts_with(RECORDING),
            };
            if goes {
                paths.insert(row.path.clone());
            }
        }
        Ok(Shown { paths: paths.into_iter().collect(), steps, message })
    }

    /// Whether a file shows them; none where it is not there, or cannot tell.
    async fn is_shown(self, row: &EvidenceRow, who: &Who) -> Result<Option<bool>, ArtifactError> {
        let Ok(name) = row.artifact.parse::<ArtifactName>() else { return Ok(None) };
        if BLIND.contains(&name.extension()) {
            return Ok(None);
        }
        Ok(match self.artifacts.get(&name).await {
            Ok(bytes) => bytes.map(|bytes| who.is_in(&bytes)),
            Err(ArtifactError::Spoilt { .. }) => None,
            Err(error) => return Err(error),
        })
    }
}

fn shows(step: &StepRecord, who: &Who) -> bool {
    serde_json::to_vec(step).is_ok_and(|text| who.is_in(&text))
}
